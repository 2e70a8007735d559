//! Errors of HTTP calls, without secrets.

use std::error::Error;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use http::{Method, StatusCode};
use url::Url;

use super::Redactor;
use super::origin::Pause;
use super::url_text::safe_url;
use crate::domain::{printable, span};

/// Maximum length of an excerpt of a response in a message, in characters.
const EXCERPT: usize = 200;

/// Format of a time of day.
pub(super) const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

/// Maximum bytes of a response's text that are kept.
const KEPT: usize = 64 * 1024;

/// The kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpErrorKind {
    /// 401: the token is wrong, expired or missing.
    Unauthorized,
    /// 403, unless it is a rate limit.
    Forbidden,
    /// 404 and 410.
    NotFound,
    /// 409.
    Conflict,
    /// 400, 422 and other statuses that blame the request.
    Invalid,
    /// 429, and GitHub's limits that come as 403.
    RateLimited,
    /// 5xx.
    Server,
    /// No response in time (also 408).
    Timeout,
    /// No connection, so nothing was sent.
    Connect,
    /// The connection broke before or during the response.
    Truncated,
    /// The response is larger than allowed.
    TooLarge,
    /// A URL in a datafile, or a redirect from it, that is not allowed.
    NotAllowed,
    /// Everything else: an unusable URL, a redirect that is not followed, a response of the wrong form.
    Other,
}

/// A failed call. Its text contains method and URL, never a token.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.describe())]
pub struct HttpError(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: HttpErrorKind,
    method: Method,
    url: String,
    host: String,
    status: Option<u16>,
    detail: String,
    body: String,
    attempts: u32,
    pause: Option<AskedPause>,
}

/// The pause that a host requested.
#[derive(Debug, Clone)]
struct AskedPause {
    ends_at: DateTime<Utc>,
    wait: Duration,
    limit: Option<String>,
}

impl HttpError {
    /// A failure without a status. `detail` explains it, without secrets.
    pub fn new(kind: HttpErrorKind, method: &Method, url: &Url, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            method: method.clone(),
            url: safe_url(url),
            host: url.host_str().unwrap_or_default().to_owned(),
            status: None,
            detail: detail.into(),
            body: String::new(),
            attempts: 1,
            pause: None,
        }))
    }

    /// A failure from a response.
    pub(super) fn from_status(
        method: &Method,
        url: &Url,
        status: StatusCode,
        body: &[u8],
        rate_limit: bool,
    ) -> Self {
        let kind = if rate_limit { HttpErrorKind::RateLimited } else { kind_of(status) };
        let mut error = Self::new(kind, method, url, String::new());
        error.0.status = Some(status.as_u16());
        error.0.body = String::from_utf8_lossy(&body[..body.len().min(KEPT)]).into_owned();
        error
    }

    /// Redacts all secrets and shortens the response's text.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        let inner = &mut *self.0;
        inner.url = redactor.redact(&inner.url);
        inner.body = redactor.redact(&inner.body);
        if let Some(pause) = &mut inner.pause {
            pause.limit = pause.limit.take().map(|limit| redactor.redact(&limit));
        }
        inner.detail = match inner.status {
            Some(_) if inner.detail.is_empty() => make_excerpt(&inner.body),
            _ => redactor.redact(&inner.detail),
        };
        self
    }

    pub(super) fn after(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts.max(1);
        self
    }

    /// Adds the pause that the host requested, and the limit that it named.
    pub(super) fn resetting(mut self, pause: &Pause, limit: Option<String>) -> Self {
        self.0.pause = Some(AskedPause { ends_at: pause.resets_at, wait: pause.wait, limit });
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> HttpErrorKind {
        self.0.kind
    }

    /// The response's status, if there was a response.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The request's method.
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// The URL, safe to show.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The URL's host.
    pub fn host(&self) -> &str {
        &self.0.host
    }

    /// The response's message or first characters, or what happened to the connection.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The response's text without secrets; empty without a response.
    pub fn body(&self) -> &str {
        &self.0.body
    }

    /// Is the response an HTML page, for example of a login, a proxy or a firewall?
    pub fn is_page(&self) -> bool {
        is_page(&self.0.body)
    }

    /// Number of attempts.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// When the rate limit resets, if the server said so.
    pub fn resets_at(&self) -> Option<DateTime<Utc>> {
        self.0.pause.as_ref().map(|pause| pause.ends_at)
    }

    /// Will every other call to this service fail the same way? True for a refused token, no
    /// connection and a rate limit. Not for a 5xx or a timeout, which may concern a single URL.
    pub fn is_whole_service(&self) -> bool {
        matches!(
            self.0.kind,
            HttpErrorKind::Unauthorized | HttpErrorKind::Connect | HttpErrorKind::RateLimited
        )
    }

    /// May the request have taken effect? So it is without a response, with a broken one, or with one from a proxy.
    pub fn is_ambiguous(&self) -> bool {
        matches!(
            self.0.kind,
            HttpErrorKind::Timeout
                | HttpErrorKind::Truncated
                | HttpErrorKind::Server
                | HttpErrorKind::TooLarge
        )
    }

    /// The text without method and URL.
    pub fn reason(&self) -> String {
        let inner = &self.0;
        let mut text = String::new();
        match inner.status {
            Some(code) => {
                text.push_str(&describe_status(code));
                if !inner.detail.is_empty() {
                    text.push_str(": ");
                    text.push_str(&inner.detail);
                }
            }
            None => text.push_str(&inner.detail),
        }
        if let Some(pause) = &inner.pause {
            let ends_at = pause.ends_at.format(TIME);
            text.push_str(&format!(
                " (resets at {ends_at}, after a pause of {}",
                in_words(pause.wait)
            ));
            if let Some(limit) = &pause.limit {
                text.push_str(&format!("; limit {limit}"));
            }
            text.push(')');
        }
        if inner.attempts > 1 {
            text.push_str(&format!(" ({} attempts)", inner.attempts));
        }
        text
    }

    fn describe(&self) -> String {
        format!("{} {}: {}", self.0.method, self.0.url, self.reason())
    }
}

/// A pause in messages: in seconds if it is short.
pub(super) fn in_words(pause: Duration) -> String {
    match pause.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        _ => span(TimeDelta::from_std(pause).unwrap_or_default()),
    }
}

fn describe_status(code: u16) -> String {
    let reason = StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
    match reason {
        Some(reason) => format!("{code} {}", reason.to_lowercase()),
        None => code.to_string(),
    }
}

fn kind_of(status: StatusCode) -> HttpErrorKind {
    match status.as_u16() {
        401 => HttpErrorKind::Unauthorized,
        403 => HttpErrorKind::Forbidden,
        404 | 410 => HttpErrorKind::NotFound,
        408 => HttpErrorKind::Timeout,
        409 => HttpErrorKind::Conflict,
        429 => HttpErrorKind::RateLimited,
        400..=499 => HttpErrorKind::Invalid,
        500..=599 => HttpErrorKind::Server,
        _ => HttpErrorKind::Other,
    }
}

/// Does a text begin like an HTML page?
pub(in crate::clients) fn is_page(text: &str) -> bool {
    let text = text.trim_start();
    let begins =
        |with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    begins("<!doctype html") || begins("<html") || begins("<head") || begins("<body")
}

/// The title of an HTML page.
fn find_title(page: &str) -> String {
    let text = |tag: &str| {
        let (_, rest) = page.split_once(&format!("<{tag}>"))?;
        let (text, _) = rest.split_once(&format!("</{tag}>"))?;
        Some(one_line(text)).filter(|text| !text.is_empty())
    };
    let called = text("title").or_else(|| text("h1"));
    called.map_or("an HTML page".to_owned(), |text| format!("an HTML page, {text}"))
}

/// The message of a JSON response, a page's title, or the first characters, as one line of printable characters.
fn make_excerpt(body: &str) -> String {
    if is_page(body) {
        return find_title(body);
    }
    let message = serde_json::from_str::<serde_json::Value>(body).ok().and_then(|value| {
        let found = ["message", "error_description", "error"]
            .iter()
            .find_map(|key| value.get(key).filter(|found| !found.is_null()))?;
        Some(match found.as_str() {
            Some(text) => text.to_owned(),
            None => found.to_string(),
        })
    });
    one_line(message.as_deref().unwrap_or(body))
}

/// Text from outside as one short line of printable characters.
pub(in crate::clients) fn one_line(text: &str) -> String {
    let on_one_line = |c: char| if c.is_control() { ' ' } else { c };
    let visible: String = text.chars().take(KEPT).map(on_one_line).collect();
    let visible = printable(&visible);
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The innermost cause, which is the most specific: `connection refused`, an unknown host, a bad certificate.
pub(super) fn deepest(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    one_line(&innermost.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_the_message_on_one_line() {
        assert_eq!(make_excerpt(r#"{"message":"404 Project Not Found"}"#), "404 Project Not Found");
        assert_eq!(make_excerpt(r#"{"message":["a !7"]}"#), r#"["a !7"]"#);
        assert_eq!(make_excerpt("a\u{1b}[31m\nb"), "a [31m b");
        assert_eq!(
            make_excerpt("a\u{202e}b\u{e0041}\u{9b}c\u{200b}"),
            "a\u{fffd}b\u{fffd} c\u{fffd}"
        );
        assert_eq!(make_excerpt(&"é".repeat(300)).chars().count(), EXCERPT + 1);
    }

    #[test]
    fn a_failure_describes_request_and_response() {
        let url = Url::parse("https://me:pw@h.example/x").expect("an address");
        let error = HttpError::from_status(
            &Method::GET,
            &url,
            StatusCode::NOT_FOUND,
            br#"{"message":"404 Commit Not Found"}"#,
            false,
        )
        .redacted(&Redactor::default());
        assert_eq!(
            error.to_string(),
            "GET https://h.example/x: 404 not found: 404 Commit Not Found"
        );
        assert_eq!(error.after(3).to_string().matches("(3 attempts)").count(), 1);
    }

    #[test]
    fn failures_of_the_whole_service() {
        let url = Url::parse("https://h.example/").expect("an address");
        let whole = |status| {
            HttpError::from_status(&Method::GET, &url, status, b"", false).is_whole_service()
        };
        assert!(whole(StatusCode::UNAUTHORIZED));
        assert!(whole(StatusCode::TOO_MANY_REQUESTS));
        assert!(!whole(StatusCode::NOT_FOUND));
        assert!(!whole(StatusCode::BAD_GATEWAY));
    }
}
