//! The commit of one ref on any git host, without a clone: protocol v2's
//! `ls-refs` in one POST, or the whole list of refs from a host that does not
//! know it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response};
use url::Url;

use super::address::Address;
use super::http::{self, HttpFailure, MOST_REDIRECTS};
use super::refs::{self, Advertisement};
use super::transport::USER_AGENT;
use super::{Credentials, GitError, TimeOuts, remote, without_userinfo};
use crate::clients::http::{Service, Stats};
use crate::domain::CommitSha;
use crate::snapshot::Failure;

const ADVERTISEMENT: &str = "application/x-git-upload-pack-advertisement";
const REQUEST: &str = "application/x-git-upload-pack-request";
const RESULT: &str = "application/x-git-upload-pack-result";
/// Largest list of refs that is read, in bytes: some 700,000 refs.
const MOST_BYTES: usize = 64 << 20;
/// Longest pause that a host may ask for before the second try.
const MOST_PAUSE: Duration = Duration::from_secs(10);

/// A host that left so many look-ups in a row without an answer is not asked again.
const MOST_SILENCES: u32 = 3;

/// Looks up refs. Keeps its connections; cheap to share, the caller bounds
/// how many look-ups are under way.
#[derive(Clone)]
pub struct LsRemote {
    client: Client,
    times: TimeOuts,
    stats: Arc<Stats>,
    /// Look-ups without an answer since the last one that had one, by host.
    silences: Arc<Mutex<BTreeMap<String, u32>>>,
}

/// One repository on a host.
pub(super) struct Target<'a> {
    pub(super) url: Url,
    pub(super) credentials: Option<&'a Credentials>,
}

impl LsRemote {
    /// A client of its own: it must not follow redirects by itself. Its requests are counted in `stats`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(times: TimeOuts, stats: Arc<Stats>) -> Result<Self, Failure> {
        let client = Client::builder()
            .connect_timeout(times.connect)
            .timeout(times.idle)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(USER_AGENT)
            .build()
            .map_err(|error| {
                Failure::shared(format!("cannot set up https: {}", http::chain(&error)))
            })?;
        Ok(Self { client, times, stats, silences: Arc::default() })
    }

    /// The commit of `git_ref` in the repository at `url` (`http(s)://`,
    /// `file://` or a path). What `git_ref` may be: a branch, a tag (peeled),
    /// `HEAD`, `heads/x`, `tags/x`, `refs/…`; a branch comes before a tag of the
    /// same name. Short hashes are not known to git hosts.
    /// Credentials in the url win over `credentials`, which must be for its host.
    ///
    /// # Errors
    /// In words, without a token; with a shared cause when the host as a whole
    /// does not answer or refuses the token.
    pub async fn resolve(
        &self,
        url: &str,
        git_ref: &str,
        credentials: Option<&Credentials>,
    ) -> Result<CommitSha, Failure> {
        if !refs::is_plausible(git_ref) {
            return Err(Failure::new(format!("{git_ref:?} is no name of a ref")));
        }
        match Address::parse(url).map_err(|error| Failure::new(error.to_string()))? {
            Address::Http { url, credentials: own } => {
                let target = Target { url, credentials: own.as_ref().or(credentials) };
                self.over_http(target, git_ref).await
            }
            Address::File(path) => {
                let git_ref = git_ref.to_owned();
                let found = tokio::task::spawn_blocking(move || in_folder(&path, &git_ref)).await;
                found.unwrap_or_else(|error| Err(Failure::new(format!("look-up stopped: {error}"))))
            }
        }
    }

    async fn over_http(&self, mut target: Target<'_>, git_ref: &str) -> Result<CommitSha, Failure> {
        let place = target.url.to_string();
        let host = target.url.origin().ascii_serialization();
        let silences = self.silences(|all| all.get(&host).copied().unwrap_or(0));
        if silences >= MOST_SILENCES {
            return Err(Failure::shared(format!(
                "{host} is not asked: {silences} look-ups had no answer"
            )));
        }
        let answer = self.refs(&mut target, git_ref).await;
        let silent = matches!(answer, Err(HttpFailure::TimedOut(_) | HttpFailure::Connection(_)));
        self.silences(|all| {
            let count = all.entry(host).or_default();
            *count = if silent { *count + 1 } else { 0 };
        });
        let refs = answer.map_err(|failure| failure_of(failure, &target, &place))?;
        refs::choose(&refs, git_ref).map_err(|reason| Failure::new(format!("{place} has {reason}")))
    }

    fn silences<T>(&self, look: impl FnOnce(&mut BTreeMap<String, u32>) -> T) -> T {
        look(&mut self.silences.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn refs(
        &self,
        target: &mut Target<'_>,
        git_ref: &str,
    ) -> Result<refs::Refs, HttpFailure> {
        match self.ls_refs(target, git_ref).await {
            Ok(refs) => return Ok(refs),
            // A redirect, another protocol, an address without `.git`: ask the long way.
            Err(HttpFailure::Status(status))
                if status.as_u16() != 401 && !status.is_server_error() => {}
            Err(HttpFailure::NotGit(_)) => {}
            Err(failure) => return Err(failure),
        }
        match self.advertisement(target).await? {
            Advertisement::Refs(refs) => Ok(refs),
            Advertisement::Version2 => self.ls_refs(target, git_ref).await,
        }
    }

    async fn ls_refs(&self, target: &Target<'_>, git_ref: &str) -> Result<refs::Refs, HttpFailure> {
        let answer = self.upload_pack(target, refs::ls_refs_request(git_ref)).await?;
        refs::read_ls_refs(&answer).map_err(HttpFailure::NotGit)
    }

    /// The answer to a command of protocol v2.
    pub(super) async fn upload_pack(
        &self,
        target: &Target<'_>,
        body: String,
    ) -> Result<Vec<u8>, HttpFailure> {
        let url = http::below(&target.url, "git-upload-pack");
        let request = || {
            let request =
                self.client.post(url.clone()).header(CONTENT_TYPE, REQUEST).header(ACCEPT, RESULT);
            target.signed(request).body(body.clone())
        };
        let answer = self.send(body.len(), request).await?;
        http::check_answer(answer.status(), answer.headers().get(CONTENT_TYPE), RESULT)?;
        self.body(answer).await
    }

    async fn advertisement(&self, target: &mut Target<'_>) -> Result<Advertisement, HttpFailure> {
        let mut url = http::below(&target.url, "info/refs");
        url.set_query(Some("service=git-upload-pack"));
        for _ in 0..=MOST_REDIRECTS {
            let request =
                || target.signed(self.client.get(url.clone()).header(ACCEPT, ADVERTISEMENT));
            let answer = self.send(0, request).await?;
            if answer.status().is_redirection() {
                let next = redirect_target(&url, answer.headers())?;
                http::may_follow(&url, &next, target.credentials.is_some())
                    .map_err(HttpFailure::NotGit)?;
                url = next;
                continue;
            }
            http::check_answer(answer.status(), answer.headers().get(CONTENT_TYPE), ADVERTISEMENT)?;
            if let Some(base) = http::base_of_refs(&url) {
                target.url = base;
            }
            return refs::read_advertisement(&self.body(answer).await?)
                .map_err(HttpFailure::NotGit);
        }
        Err(HttpFailure::NotGit("too many redirects".to_owned()))
    }

    /// Sends, a second time if that may help.
    async fn send(
        &self,
        bytes: usize,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, HttpFailure> {
        let send = || async {
            self.stats.request(Service::Git, bytes);
            let answer = request()
                .send()
                .await
                .map_err(|error| HttpFailure::from_reqwest(error, self.times))?;
            Ok::<_, HttpFailure>(answer)
        };
        let pause = match send().await {
            Ok(answer) if HttpFailure::Status(answer.status()).is_transient() => {
                pause(answer.headers())
            }
            Err(failure) if failure.is_transient() => pause(&HeaderMap::new()),
            other => return other,
        };
        tokio::time::sleep(pause).await;
        self.stats.retry(Service::Git);
        send().await
    }

    async fn body(&self, mut answer: Response) -> Result<Vec<u8>, HttpFailure> {
        let mut body = Vec::new();
        while let Some(part) =
            answer.chunk().await.map_err(|error| HttpFailure::from_reqwest(error, self.times))?
        {
            if body.len() + part.len() > MOST_BYTES {
                return Err(HttpFailure::NotGit(format!(
                    "its answer is longer than {MOST_BYTES} bytes"
                )));
            }
            self.stats.received(Service::Git, part.len());
            body.extend_from_slice(&part);
        }
        Ok(body)
    }
}

impl Target<'_> {
    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.header("git-protocol", "version=2");
        match self.credentials {
            Some(credentials) => request.basic_auth(&credentials.user, Some(credentials.secret())),
            None => request,
        }
    }
}

/// Between 0.25 s and what the host asks for.
fn pause(headers: &HeaderMap) -> Duration {
    let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let jitter = Duration::from_millis(250 + fastrand::u64(..500));
    asked.map_or(jitter, |seconds| Duration::from_secs(seconds).min(MOST_PAUSE) + jitter)
}

fn redirect_target(from: &Url, headers: &HeaderMap) -> Result<Url, HttpFailure> {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    location
        .and_then(|location| from.join(location).ok())
        .ok_or_else(|| HttpFailure::NotGit("it redirects to nowhere".to_owned()))
}

/// Which failures are the host's as a whole, and which this repository's.
fn failure_of(failure: HttpFailure, target: &Target<'_>, place: &str) -> Failure {
    let host = target.url.origin().ascii_serialization();
    let with_credentials = target.credentials.is_some();
    match failure {
        HttpFailure::TimedOut(_) | HttpFailure::Connection(_) => {
            Failure::shared(failure.into_error(&host, with_credentials).to_string())
        }
        HttpFailure::Status(status) if status.as_u16() == 401 && with_credentials => {
            Failure::shared(failure.into_error(&host, true).to_string())
        }
        HttpFailure::Status(status) if status.as_u16() == 401 => {
            Failure::new(format!("no git repository at {place} that can be read without a token"))
        }
        other => Failure::new(other.into_error(place, with_credentials).to_string()),
    }
}

fn in_folder(path: &Path, git_ref: &str) -> Result<CommitSha, Failure> {
    let place = without_userinfo(&path.display().to_string());
    let failed = |error: GitError| Failure::new(http::chain(&error));
    let repo = remote::open_source(path).map_err(failed)?;
    let mut found = refs::Refs::new();
    for name in refs::candidates(git_ref) {
        if let Ok(reference) = repo.find_reference(&name) {
            let commit = reference
                .peel_to_commit()
                .map_err(|error| failed(GitError::git("read", &place)(error)))?;
            found.insert(name, commit.id().to_string());
        }
    }
    refs::choose(&found, git_ref).map_err(|reason| Failure::new(format!("{place} has {reason}")))
}
