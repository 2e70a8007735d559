//! The `gitlab` crate's endpoints over our own HTTP layer.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use gitlab::api::{ApiError, AsyncClient, AsyncQuery, Endpoint, RestClient};
use http::Response;
use http::header::CONTENT_TYPE;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::refusals::is_read_only;
use super::{JOB_TOKEN_VARIABLE, TOKEN_VARIABLE};
use crate::clients::http::{
    HttpError, HttpErrorKind, Request, ServiceClient, SharedFailures, safe_url, service_address,
};
use crate::domain::quoted;
use crate::ports::{Deadline, Waits};
use crate::snapshot::Failure;

/// A token, and how it is sent.
#[derive(Clone)]
pub enum Token {
    /// A project, group or personal access token (header `PRIVATE-TOKEN`).
    Private(SecretString),
    /// The token of a CI job (header `JOB-TOKEN`), which has few read permissions.
    Job(SecretString),
}

/// Where the docs say how many requests a run makes.
pub const BUDGET: &str = "docs/limits.md#request-budget-of-gitlab";

/// A URL that cannot be a GitLab.
#[derive(Debug, Clone, thiserror::Error)]
#[error("not an http(s) URL of a GitLab: {}", quoted(.0))]
pub struct InvalidAddress(String);

/// A GitLab with a token. Cheap to clone.
#[derive(Clone)]
pub struct GitLabApi {
    service: ServiceClient,
    base: Url,
    token: Option<Token>,
    /// Where the token is configured, for messages.
    place: Arc<str>,
    waits: bool,
    /// Maximum size of responses in bytes, of lookups that a run can do without.
    optional: Option<usize>,
    shared: Arc<SharedFailures>,
}

impl std::fmt::Debug for GitLabApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GitLabApi({})", safe_url(&self.base))
    }
}

impl GitLabApi {
    /// Uses the GitLab at `base`, e.g. `https://gitlab.example.com`. A path in it is kept, except that of
    /// its API.
    ///
    /// # Errors
    /// When `base` is not an http(s) URL.
    pub fn new(
        service: ServiceClient,
        base: &str,
        token: Option<Token>,
    ) -> Result<Self, InvalidAddress> {
        let mut url = service_address(base).map_err(InvalidAddress)?;
        if let Some(path) = url.path().strip_suffix("/api/v4").map(str::to_owned) {
            url.set_path(&path);
        }
        let shared = Arc::default();
        let place = TOKEN_VARIABLE.into();
        Ok(Self { service, base: url, token, place, waits: true, optional: None, shared })
    }

    /// Uses another token, which is configured at `place`.
    #[must_use]
    pub fn with_token(&self, token: SecretString, place: &str) -> Self {
        let token = Some(Token::Private(token));
        Self { token, place: place.into(), shared: Arc::default(), ..self.clone() }
    }

    /// Where the token is configured, for messages.
    pub(super) fn token_place(&self) -> &str {
        &self.place
    }

    /// GitLab's URL, for messages.
    pub fn address(&self) -> String {
        safe_url(&self.base).trim_end_matches('/').to_owned()
    }

    /// The URL of its GraphQL API.
    pub(super) fn graphql_address(&self) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/api/graphql", self.base.path().trim_end_matches('/')));
        url
    }

    /// Is a token configured?
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Is it a CI job's token?
    pub fn has_job_token(&self) -> bool {
        matches!(self.token, Some(Token::Job(_)))
    }

    /// The path below the host at which GitLab runs, without slashes at its ends.
    pub(super) fn base_path(&self) -> &str {
        self.base.path().trim_matches('/')
    }

    pub(super) fn service(&self) -> &ServiceClient {
        &self.service
    }

    /// For requests that never wait, as every write must be: see [`Request::without_waiting`].
    pub(super) fn without_waiting(&self) -> Self {
        Self { waits: false, ..self.clone() }
    }

    /// For lookups that a run can do without: sent once, never after a pause, with a short timeout and a smaller limit
    /// in bytes. A missing response does not count against the host.
    pub(super) fn optional(&self, max_body: usize) -> Self {
        Self { waits: false, optional: Some(max_body), ..self.clone() }
    }

    /// Records waiting times here.
    #[must_use]
    pub(super) fn noting(&self, waits: &Waits) -> Self {
        Self { service: self.service.noting(waits.clone()), ..self.clone() }
    }

    /// For lookups of a run: see [`ServiceClient::until`].
    #[must_use]
    pub fn until(self, deadline: Deadline) -> Self {
        Self { service: self.service.until(deadline), ..self }
    }

    /// Sends a request with a JSON response.
    pub(super) async fn json<T>(&self, endpoint: &(impl Endpoint + Sync)) -> Result<T, HttpError>
    where
        T: DeserializeOwned + 'static,
    {
        let value: Result<Value, _> = endpoint.query_async(self).await;
        let value = value.map_err(|error| self.plain(endpoint, error))?;
        serde_json::from_value(value).map_err(|error| {
            let detail = format!("the response does not have the documented form: {error}");
            self.error(endpoint, HttpErrorKind::Other, detail)
        })
    }

    /// Sends a request with a response of any form.
    pub(super) async fn bytes(
        &self,
        endpoint: &(impl Endpoint + Sync),
    ) -> Result<Vec<u8>, HttpError> {
        let answer = gitlab::api::raw(endpoint).query_async(self).await;
        answer.map_err(|error| self.plain(endpoint, error))
    }

    /// Sends a request whose response does not matter.
    pub(super) async fn done(&self, endpoint: &(impl Endpoint + Sync)) -> Result<(), HttpError> {
        let answer = gitlab::api::ignore(endpoint).query_async(self).await;
        answer.map_err(|error| self.plain(endpoint, error))
    }

    pub(super) fn authenticated(&self, request: Request) -> Request {
        match &self.token {
            Some(Token::Private(token)) => request.secret_header("private-token", token),
            Some(Token::Job(token)) => request.secret_header("job-token", token),
            None => request,
        }
    }

    pub(super) fn error(
        &self,
        endpoint: &impl Endpoint,
        kind: HttpErrorKind,
        detail: String,
    ) -> HttpError {
        let url = endpoint.url_base().endpoint_for(self, &endpoint.endpoint());
        let url = url.unwrap_or_else(|_| self.base.clone());
        HttpError::new(kind, &endpoint.method(), &url, detail).redacted(self.service.redactor())
    }

    pub(super) fn plain(&self, endpoint: &impl Endpoint, error: ApiError<HttpError>) -> HttpError {
        match error {
            ApiError::Client { source } => source,
            // A success that is not JSON: cut off, or not from GitLab.
            ApiError::GitlabService { data, .. } => {
                let page = data.trim_ascii_start().starts_with(b"<");
                let what = if page { "an HTML page: a login or a proxy?" } else { "not JSON" };
                let detail = format!("the response is {what}");
                self.error(endpoint, HttpErrorKind::Truncated, detail)
            }
            other => self.error(endpoint, HttpErrorKind::Other, other.to_string()),
        }
    }

    /// The failure of a lookup. A cause that affects every lookup is shared.
    pub(super) fn failure(&self, error: &HttpError) -> Failure {
        match error.kind() {
            HttpErrorKind::Unauthorized => self.shared.note("401", || self.refused()),
            HttpErrorKind::Forbidden if error.body().contains("insufficient_scope") => {
                self.shared.note("scope", || {
                    format!(
                        "GitLab at {}: the token in {} lacks a scope: {}",
                        self.address(),
                        self.place,
                        error.detail()
                    )
                })
            }
            HttpErrorKind::Forbidden if is_read_only(error) => self.shared.note("read-only", || {
                format!(
                    "GitLab at {} accepts no writes now: it is under maintenance, or a read-only \
                     copy ({})",
                    self.address(),
                    error.detail()
                )
            }),
            HttpErrorKind::RateLimited => self.shared.note("429", || {
                format!(
                    "GitLab at {} limits the rate of requests: {error} (see {BUDGET})",
                    self.address()
                )
            }),
            HttpErrorKind::Connect => self.shared.note("connect", || {
                format!("GitLab at {} cannot be reached: {}", self.address(), error.detail())
            }),
            _ => Failure::new(error.to_string()),
        }
    }

    /// The failure of a token that was refused before. It is not tried again.
    pub(super) fn refused_before(&self) -> Option<Failure> {
        self.shared.known("401")
    }

    /// Explains a refused token.
    pub(super) fn refused(&self) -> String {
        match self.token {
            None => format!("GitLab at {} requires a token: set {TOKEN_VARIABLE}", self.address()),
            Some(Token::Job(_)) => format!(
                "GitLab at {} does not accept the job token ({JOB_TOKEN_VARIABLE}) for this: set \
                 {TOKEN_VARIABLE}",
                self.address()
            ),
            Some(Token::Private(_)) => format!(
                "GitLab at {} refuses the token in {} (401): it is wrong, expired or revoked",
                self.address(),
                self.place
            ),
        }
    }
}

impl RestClient for GitLabApi {
    type Error = HttpError;

    fn rest_endpoint(&self, endpoint: &str) -> Result<Url, ApiError<Self::Error>> {
        let base = self.base.as_str().trim_end_matches('/');
        Ok(Url::parse(&format!("{base}/api/v4/{endpoint}"))?)
    }
}

#[async_trait]
impl AsyncClient for GitLabApi {
    async fn rest_async(
        &self,
        request: http::request::Builder,
        body: Vec<u8>,
    ) -> Result<Response<Bytes>, ApiError<Self::Error>> {
        let unusable = |detail: String| {
            let kind = HttpErrorKind::Other;
            ApiError::client(HttpError::new(kind, &http::Method::GET, &self.base, detail))
        };
        let (parts, body) = request.body(body).map_err(|e| unusable(e.to_string()))?.into_parts();
        let mut url = Url::parse(&parts.uri.to_string())?;
        if url.query() == Some("") {
            // The crate ends every URL without parameters in a `?`.
            url.set_query(None);
        }
        // Without the token, GitLab would only report that the project does not exist.
        let mut ours = self.authenticated(Request::new(parts.method, url).within_origin());
        if let Some(mime) = parts.headers.get(CONTENT_TYPE).and_then(|mime| mime.to_str().ok()) {
            ours = ours.body(mime, body);
        }
        if !self.waits {
            ours = ours.without_waiting();
        }
        if let Some(max_body) = self.optional {
            ours = ours.sent_once().max_body(max_body);
        }
        let answer = self.service.send(&ours).await.map_err(ApiError::client)?;
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}
