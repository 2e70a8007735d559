//! The commit of one ref on any git host, without a clone: protocol v2's
//! `ls-refs` in one POST, or the whole list of refs from a host that does not
//! know it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use url::Url;

use super::address::Address;
use super::http::{base_of_refs, below};
use super::refs::{self, Form, RefList, Refs};
use super::transport::USER_AGENT;
use super::{Credentials, GitError};
use crate::clients::http::{
    HttpError, HttpErrorKind, Request, ServiceClient, SharedFailures, origin_of,
};
use crate::domain::{CommitSha, quoted};
use crate::snapshot::Failure;

const REQUEST: &str = "application/x-git-upload-pack-request";

/// Largest list of refs that is read, in bytes: some 700,000 refs. It is not kept.
const MAX_LIST: usize = 64 << 20;

/// Longest time for one answer: a long list takes a while.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

/// Looks up refs. Cheap to share.
#[derive(Debug, Clone)]
pub struct LsRemote {
    service: ServiceClient,
    shared: Arc<SharedFailures>,
}

/// One repository on a host.
pub(super) struct Target<'a> {
    pub(super) url: Url,
    pub(super) credentials: Option<&'a Credentials>,
}

impl LsRemote {
    /// Lookups by this client.
    pub fn new(service: ServiceClient) -> Self {
        Self { service, shared: Arc::default() }
    }

    /// The commit of `git_ref` in the repository at `url`, which is http or https. What `git_ref` may
    /// be: a branch, a tag (peeled), `HEAD`, `heads/x`, `tags/x`, `refs/…`; a branch comes before a
    /// tag of the same name. Short hashes are not known to git hosts.
    /// Credentials in the url win over `credentials`, which must be for its host.
    ///
    /// # Errors
    /// In words, without a token; with a shared cause when the host as a whole does not answer,
    /// refuses requests or the token, or may not be asked.
    pub async fn resolve(
        &self,
        url: &str,
        git_ref: &str,
        credentials: Option<&Credentials>,
    ) -> Result<CommitSha, Failure> {
        if !refs::is_plausible(git_ref) {
            return Err(Failure::new(format!("{} is no name of a ref", quoted(git_ref))));
        }
        match Address::parse(url).map_err(|error| Failure::new(error.to_string()))? {
            Address::Http { url, credentials: own } => {
                let target = Target { url, credentials: own.as_ref().or(credentials) };
                let found = self.refs(&target, git_ref).await;
                let refs = found.map_err(|error| self.failure(&target, &error))?;
                refs::choose(&refs, git_ref)
                    .map_err(|reason| Failure::new(format!("{} has {reason}", target.url)))
            }
            Address::File(_) => Err(Failure::new(
                "a code repository is an http or https address: folders of the machine that sapm runs on are not \
                 read",
            )),
        }
    }

    async fn refs(&self, target: &Target<'_>, git_ref: &str) -> Result<Refs, HttpError> {
        match self.ls_refs(target, &target.url, git_ref).await {
            // A redirect, another protocol, an address without `.git`: ask the long way.
            Err(error) if is_about_the_form(error.kind()) => {}
            other => return other,
        }
        let mut url = below(&target.url, "info/refs");
        url.set_query(Some("service=git-upload-pack"));
        let request = target.signed(Request::get(url.clone()));
        let (moved_to, list) = self.list(&request, Form::Advertisement, git_ref).await?;
        if !list.version_2 {
            return Ok(list.refs);
        }
        let base = base_of_refs(&moved_to).unwrap_or_else(|| target.url.clone());
        self.ls_refs(target, &base, git_ref).await
    }

    async fn ls_refs(
        &self,
        target: &Target<'_>,
        base: &Url,
        git_ref: &str,
    ) -> Result<Refs, HttpError> {
        let request = Request::reading_post(below(base, "git-upload-pack"))
            .body(REQUEST, refs::ls_refs_request(git_ref));
        let (_, list) = self.list(&target.signed(request), Form::LsRefs, git_ref).await?;
        Ok(list.refs)
    }

    /// The answer to a command of protocol v2.
    pub(super) async fn upload_pack(
        &self,
        target: &Target<'_>,
        body: String,
    ) -> Result<Bytes, HttpError> {
        let request = Request::reading_post(below(&target.url, "git-upload-pack"))
            .body(REQUEST, body)
            .accept(Form::LsRefs.content_type())
            .max_body(MAX_LIST)
            .attempt_timeout(ATTEMPT_TIMEOUT);
        Ok(self.service.send(&target.signed(request)).await?.body)
    }

    /// Takes every secret of the run out of what a host says.
    pub(super) fn redacted(&self, text: &str) -> String {
        self.service.redactor().redact(text)
    }

    /// The list that a request is answered with, and where it was in the end.
    async fn list(
        &self,
        request: &Request,
        form: Form,
        git_ref: &str,
    ) -> Result<(Url, RefList), HttpError> {
        let request = request.clone().accept(form.content_type()).max_body(MAX_LIST);
        let request = request.attempt_timeout(ATTEMPT_TIMEOUT);
        let (answer, list) = self.service.read(&request, || RefList::new(form, git_ref)).await?;
        let list = list.complete().map_err(|why| {
            HttpError::new(HttpErrorKind::Other, &answer.method, &answer.url, why)
                .redacted(self.service.redactor())
        })?;
        Ok((answer.url, list))
    }

    /// Which failures are the host's as a whole, and which this repository's.
    pub(super) fn failure(&self, target: &Target<'_>, error: &HttpError) -> Failure {
        let (host, place) = (origin_of(&target.url), target.url.to_string());
        let with_credentials = target.credentials.is_some();
        let shared =
            |cause: &str, words: String| self.shared.note(&format!("{cause} {host}"), || words);
        match error.kind() {
            HttpErrorKind::Timeout | HttpErrorKind::Connect | HttpErrorKind::Truncated => {
                shared("silent", format!("cannot reach {host}: {}", error.detail()))
            }
            HttpErrorKind::RateLimited => {
                shared("429", format!("{host} limits the rate of requests: {error}"))
            }
            HttpErrorKind::NotAllowed => shared("refused", error.detail().to_owned()),
            HttpErrorKind::Unauthorized if with_credentials => shared(
                "401",
                GitError::Unauthorized { url: host.clone(), with_credentials }.to_string(),
            ),
            HttpErrorKind::Unauthorized => Failure::new(format!(
                "no git repository at {place} that can be read without a token"
            )),
            HttpErrorKind::Forbidden => {
                Failure::new(GitError::Forbidden { url: place }.to_string())
            }
            HttpErrorKind::NotFound => Failure::new(GitError::NotFound { url: place }.to_string()),
            _ => Failure::new(format!("cannot read the refs of {place}: {}", error.reason())),
        }
    }
}

/// May another form of the same question have an answer?
fn is_about_the_form(kind: HttpErrorKind) -> bool {
    use HttpErrorKind::{Conflict, Forbidden, Invalid, NotFound, Other};
    matches!(kind, Conflict | Forbidden | Invalid | NotFound | Other)
}

impl Target<'_> {
    fn signed(&self, request: Request) -> Request {
        let request = request.header("git-protocol", "version=2").header("user-agent", USER_AGENT);
        match self.credentials {
            Some(credentials) => {
                request.basic(&credentials.user, &credentials.secret).within_origin()
            }
            None => request,
        }
    }
}
