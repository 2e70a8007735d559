//! Looks up the commit of one ref on any git host without a clone: with protocol v2's
//! `ls-refs` in one POST, or with the whole list of refs if the host does not
//! support it.

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

/// Maximum size of a list of refs, in bytes: some 700,000 refs. The list is not kept.
const MAX_LIST: usize = 64 << 20;

/// Timeout of one response; a long list takes a while.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

/// Looks up refs. Cheap to clone.
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
    /// Creates the client.
    pub fn new(service: ServiceClient) -> Self {
        Self { service, shared: Arc::default() }
    }

    /// The commit of `git_ref` in the repository at `url`, which is http or https. `git_ref` can
    /// be a branch, a tag (peeled), `HEAD`, `heads/x`, `tags/x` or `refs/…`. A branch takes precedence over a
    /// tag of the same name. Git hosts do not resolve short hashes.
    /// Credentials in the URL take precedence over `credentials`, which must be for its host.
    ///
    /// # Errors
    /// Without a token in the text; with a shared cause if the host as a whole does not answer,
    /// refuses requests or the token, or is not allowed.
    pub async fn resolve(
        &self,
        url: &str,
        git_ref: &str,
        credentials: Option<&Credentials>,
    ) -> Result<CommitSha, Failure> {
        if !refs::is_plausible(git_ref) {
            return Err(Failure::new(format!("{} is not the name of a ref", quoted(git_ref))));
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
                "a code repository must have an http or https URL: sapm does not read folders of \
                 its own machine",
            )),
        }
    }

    async fn refs(&self, target: &Target<'_>, git_ref: &str) -> Result<Refs, HttpError> {
        match self.ls_refs(target, &target.url, git_ref).await {
            // A redirect, another protocol or a URL without `.git`: fetch the whole list instead.
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

    /// The response to a command of protocol v2.
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

    /// Redacts all secrets of the run in a text from a host.
    pub(super) fn redacted(&self, text: &str) -> String {
        self.service.redactor().redact(text)
    }

    /// The list of refs, and the URL it came from after redirects.
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

    /// Tells failures of the whole host from those of this repository.
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
            HttpErrorKind::Unauthorized => {
                Failure::new(format!("no git repository at {place} is readable without a token"))
            }
            HttpErrorKind::Forbidden => {
                Failure::new(GitError::Forbidden { url: place }.to_string())
            }
            HttpErrorKind::NotFound => Failure::new(GitError::NotFound { url: place }.to_string()),
            _ => Failure::new(format!("cannot read the refs of {place}: {}", error.reason())),
        }
    }
}

/// Could another form of the same request succeed?
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
