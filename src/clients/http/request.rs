//! HTTP requests and responses.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use super::Redactor;
use super::error::{HttpError, HttpErrorKind, is_page};

/// A request. Cheap to clone.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) repeatable: bool,
    pub(super) reads: bool,
    pub(super) tried_once: bool,
    pub(super) redirects: Redirects,
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) conditional: bool,
    pub(super) waits: bool,
    pub(super) max_body: Option<usize>,
    pub(super) secrets: Vec<SecretString>,
    pub(super) unusable: Option<String>,
}

/// What to do with a redirect. A redirect from https to http is never followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redirects {
    /// Follow; a token is only sent to its origin.
    Follow,
    /// Follow within the origin only.
    WithinOrigin,
    /// Fail with the other URL in the message.
    Refuse,
    /// Return the redirect to the caller.
    Return,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, super::safe_url(&self.url))
    }
}

impl Request {
    /// Creates a request. User and password in the URL become an `Authorization` header.
    pub fn new(method: Method, mut url: Url) -> Self {
        let user = decoded(url.username());
        let password = url.password().map(decoded);
        // Both fail only for URLs that cannot contain them.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        let repeatable = method.is_idempotent();
        let reads = method == Method::GET || method == Method::HEAD;
        let request = Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            repeatable,
            reads,
            tried_once: false,
            redirects: if reads { Redirects::Follow } else { Redirects::Refuse },
            attempt_timeout: None,
            conditional: false,
            waits: true,
            max_body: None,
            secrets: Vec::new(),
            unusable: None,
        };
        match password {
            Some(password) => request.basic(&user, &SecretString::from(password)),
            None if !user.is_empty() => request.basic(&user, &SecretString::from("")),
            None => request,
        }
    }

    /// Creates a GET.
    pub fn get(url: Url) -> Self {
        Self::new(Method::GET, url)
    }

    /// Creates a POST, which is not repeated after an unclear failure.
    pub fn post(url: Url) -> Self {
        Self::new(Method::POST, url)
    }

    /// Creates a POST that only reads, and for which there is a fallback: it is sent once with a short
    /// timeout, and a missing response does not count against the host.
    pub fn query(url: Url) -> Self {
        Self { reads: true, tried_once: true, ..Self::post(url) }
    }

    /// Creates a POST that only reads, and is repeated like a GET.
    pub fn reading_post(url: Url) -> Self {
        Self { reads: true, repeatable: true, ..Self::post(url) }
    }

    /// Fails on a redirect to another origin: without the token, nothing would be found there.
    #[must_use]
    pub fn within_origin(mut self) -> Self {
        if self.redirects == Redirects::Follow {
            self.redirects = Redirects::WithinOrigin;
        }
        self
    }

    /// Returns a redirect as a response.
    #[must_use]
    pub fn returning_redirects(self) -> Self {
        Self { redirects: Redirects::Return, ..self }
    }

    /// Sends the request once, even if it fails.
    #[must_use]
    pub fn sent_once(self) -> Self {
        Self { tried_once: true, ..self }
    }

    /// Sets the timeout of one attempt instead of the client's.
    #[must_use]
    pub fn attempt_timeout(mut self, time: Duration) -> Self {
        self.attempt_timeout = Some(time);
        self
    }

    /// Requests a 304 if nothing has changed since a response with this ETag.
    #[must_use]
    pub fn unless(self, etag: &str) -> Self {
        Self { conditional: true, ..self.header("if-none-match", etag) }
    }

    /// Adds a header whose value is not secret.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => {
                self.headers.insert(HeaderName::from_static(name), value);
            }
            Err(_) => self.unusable = Some(format!("unusable value for the header {name}")),
        }
        self
    }

    /// Adds a header unchanged.
    #[must_use]
    pub fn raw_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Never waits: neither for a pause that the server requests (the request then fails as rate limited, without
    /// being sent) nor to be repeated. So the caller can recheck before it tries again.
    #[must_use]
    pub fn without_waiting(mut self) -> Self {
        self.waits = false;
        self
    }

    /// Is there never a second attempt?
    pub(super) fn is_sent_once(&self) -> bool {
        self.tried_once || !self.waits
    }

    /// Sets the `Accept` header.
    #[must_use]
    pub fn accept(self, mime: &str) -> Self {
        self.header("accept", mime)
    }

    /// Adds a header whose value is a secret. It is sent only to this URL's origin.
    #[must_use]
    pub fn secret_header(self, name: &'static str, secret: &SecretString) -> Self {
        self.with_secret(HeaderName::from_static(name), secret.expose_secret(), secret)
    }

    /// `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(self, secret: &SecretString) -> Self {
        let value = format!("Bearer {}", secret.expose_secret());
        self.with_secret(AUTHORIZATION, &value, secret)
    }

    /// `Authorization: Basic …`.
    #[must_use]
    pub fn basic(mut self, user: &str, password: &SecretString) -> Self {
        let encoded = base64(format!("{user}:{}", password.expose_secret()).as_bytes());
        let value = format!("Basic {encoded}");
        self.secrets.push(SecretString::from(encoded));
        self.with_secret(AUTHORIZATION, &value, password)
    }

    fn with_secret(mut self, name: HeaderName, value: &str, secret: &SecretString) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.headers.insert(name, value);
            }
            Err(_) => {
                let text = "the token contains a character that a header cannot contain (a line \
                            end?)";
                self.unusable = Some(text.to_owned());
            }
        }
        self.secrets.push(secret.clone());
        self
    }

    /// Records a secret in the request, which must never be shown.
    #[must_use]
    pub fn carrying(mut self, secret: SecretString) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Sets the body; its type is among the headers.
    #[must_use]
    pub fn raw_body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Sets the body and its type.
    #[must_use]
    pub fn body(mut self, mime: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", mime)
    }

    /// Sets the maximum size of the response in bytes instead of the client's.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = Some(bytes);
        self
    }

    /// The URL, without user and password.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A successful response: 2xx, or 304 to a request with [`Request::unless`].
#[derive(Debug, Clone)]
pub struct Answer {
    /// Method of the request.
    pub method: Method,
    /// URL of the response, after redirects.
    pub url: Url,
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Whole body, unpacked.
    pub body: Bytes,
    /// Number of the attempt, from 1.
    pub attempts: u32,
    /// For error messages about it.
    pub(super) redactor: Redactor,
}

impl Answer {
    /// Parses the body as JSON.
    ///
    /// # Errors
    /// Kind [`HttpErrorKind::Other`] if it is not JSON, or of another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let page = is_page(&String::from_utf8_lossy(&self.body));
            let detail = if page {
                "the response is an HTML page: a login or a proxy?".to_owned()
            } else {
                format!("the response cannot be parsed: {error}")
            };
            HttpError::new(HttpErrorKind::Other, &self.method, &self.url, detail)
                .redacted(&self.redactor)
        })
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Standard base64 with padding.
pub(in crate::clients) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads() {
        let texts =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        for (plain, encoded) in texts {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn a_password_in_the_address_becomes_a_header() {
        let url = Url::parse("https://me:p%40w@h.example/x").expect("an address");
        let request = Request::get(url);
        assert_eq!(request.url.as_str(), "https://h.example/x");
        assert_eq!(
            request.headers[AUTHORIZATION].as_bytes(),
            format!("Basic {}", base64(b"me:p@w")).as_bytes()
        );
        assert_eq!(format!("{request:?}"), "GET https://h.example/x");
    }

    #[test]
    fn a_token_with_a_line_end_is_unusable() {
        let url = Url::parse("https://h.example/x").expect("an address");
        let request = Request::get(url).bearer(&SecretString::from("abc\ndef"));
        assert!(request.unusable.is_some_and(|text| !text.contains("abc")));
    }
}
