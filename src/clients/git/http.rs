//! HTTP for git: timeouts, the redirect rule and errors.

use std::error::Error;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use url::Url;

use super::GitError;
use crate::clients::http::{asked_pause, one_line, pause_in_words, unknown_authority};
use crate::domain::error_chain;

/// Timeouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOuts {
    /// For the next bytes of a response.
    pub idle: Duration,
    /// For a whole clone.
    pub total: Duration,
}

impl Default for TimeOuts {
    /// 20 s and 5 minutes: a server that accepts the connection and never answers is
    /// given up after 20 s.
    fn default() -> Self {
        Self { idle: Duration::from_secs(20), total: Duration::from_mins(5) }
    }
}

/// A failed HTTP exchange; contains no token.
#[derive(Debug, Clone)]
pub(super) enum HttpFailure {
    /// Another status than 200, and the pause that the host requests.
    Status(StatusCode, Option<Duration>),
    /// No bytes within the timeout.
    TimedOut(Duration),
    /// No connection, or it broke. The text describes it.
    Connection(String),
    /// The response is not from a git host, or a redirect was not followed. The text describes it.
    NotGit(String),
}

impl HttpFailure {
    pub(super) fn from_reqwest(error: reqwest::Error, times: TimeOuts) -> Self {
        if error.is_timeout() && error.is_connect() {
            Self::Connection("no connection in time".to_owned())
        } else if error.is_timeout() {
            Self::TimedOut(times.idle)
        } else if error.is_redirect() {
            Self::NotGit(error.source().map_or_else(|| error.to_string(), error_chain))
        } else {
            let reason = error_chain(&error.without_url());
            Self::Connection(unknown_authority(&reason).unwrap_or(reason))
        }
    }

    pub(super) fn from_io(error: std::io::Error, times: TimeOuts) -> Self {
        match error.downcast::<reqwest::Error>() {
            Ok(error) => Self::from_reqwest(error, times),
            Err(error) => Self::Connection(error_chain(&error)),
        }
    }

    /// The pause before one more attempt; `None` if that is pointless. That is so after a timeout, which was long
    /// enough, and if the host requests a pause longer than `longest`.
    pub(super) fn pause(&self, usual: Duration, longest: Duration) -> Option<Duration> {
        match self {
            Self::Status(status, Some(told)) if is_later(*status) => {
                (*told <= longest).then_some(*told)
            }
            Self::Status(status, _) if is_later(*status) => Some(usual),
            Self::Connection(_) => Some(usual),
            _ => None,
        }
    }

    pub(super) fn into_error(self, url: &str, with_credentials: bool) -> GitError {
        let url = url.to_owned();
        match self {
            Self::Status(StatusCode::UNAUTHORIZED, _) => {
                GitError::Unauthorized { url, with_credentials }
            }
            Self::Status(StatusCode::FORBIDDEN, _) => GitError::Forbidden { url },
            Self::Status(StatusCode::NOT_FOUND | StatusCode::GONE, _) => GitError::NotFound { url },
            Self::Status(status, Some(told)) if is_later(status) => {
                let told = pause_in_words(told);
                let reason = format!("it returned {status} and requested a pause of {told}");
                GitError::Unreachable { url, reason }
            }
            Self::Status(status, _) => {
                GitError::Unreachable { url, reason: format!("it returned {status}") }
            }
            Self::TimedOut(waited) => GitError::TimedOut { url, waited },
            Self::Connection(reason) | Self::NotGit(reason) => {
                GitError::Unreachable { url, reason }
            }
        }
    }
}

/// For libgit2, which only passes it on. [`HttpFailure::into_error`] makes the message for people.
impl std::fmt::Display for HttpFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status, _) => write!(f, "the host answers {status}"),
            Self::TimedOut(waited) => write!(f, "no answer for {} s", waited.as_secs_f32()),
            Self::Connection(reason) | Self::NotGit(reason) => {
                f.write_str(&reason.replace('\0', ""))
            }
        }
    }
}

/// May another attempt later succeed?
fn is_later(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Checks whether a redirect may be followed: always within the origin (scheme, host and port),
/// to another origin only without credentials, and never
/// from https to http.
pub(super) fn may_follow(from: &Url, to: &Url, with_credentials: bool) -> Result<(), String> {
    if from.origin() == to.origin() {
        return Ok(());
    }
    let target = to.origin().ascii_serialization();
    if with_credentials {
        Err(format!("it redirects to {target}, where the token is not sent: use that URL"))
    } else if from.scheme() == "https" || !matches!(to.scheme(), "http" | "https") {
        if to.scheme() == "https" {
            Ok(())
        } else {
            Err(format!("it redirects to {target}, which is not encrypted"))
        }
    } else {
        Ok(())
    }
}

/// Maximum redirects in a row.
pub(super) const MAX_REDIRECTS: usize = 5;

/// `base` + `/` + `tail`.
pub(super) fn below(base: &Url, tail: &str) -> Url {
    let mut url = base.clone();
    let path = format!("{}/{tail}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

/// The repository's URL, given that its `info/refs` was found at `url`.
pub(super) fn base_of_refs(url: &Url) -> Option<Url> {
    let mut base = url.clone();
    base.set_query(None);
    let path = base.path().strip_suffix("/info/refs")?.to_owned();
    base.set_path(&path);
    Some(base)
}

/// Checks status and content type of a smart host's response.
pub(super) fn check_answer(
    status: StatusCode,
    headers: &HeaderMap,
    wanted: &str,
) -> Result<(), HttpFailure> {
    if status != StatusCode::OK {
        return Err(HttpFailure::Status(status, asked_pause(headers)));
    }
    let found = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("none");
    if found.eq_ignore_ascii_case(wanted) {
        Ok(())
    } else {
        let found = one_line(found);
        Err(HttpFailure::NotGit(format!(
            "its response (content type {found}) is not from a smart git host"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a url")
    }

    #[test]
    fn a_token_stays_with_its_origin() {
        let from = url("https://host/a");
        for (to, with, without) in [
            ("https://host/b", true, true),
            ("https://host:8443/b", false, true),
            ("https://other/b", false, true),
            ("http://host/b", false, false),
        ] {
            assert_eq!(may_follow(&from, &url(to), true).is_ok(), with, "{to}");
            assert_eq!(may_follow(&from, &url(to), false).is_ok(), without, "{to}");
        }
        assert!(may_follow(&url("http://host/a"), &url("https://host/a"), false).is_ok());
        assert!(may_follow(&url("http://host/a"), &url("https://host/a"), true).is_err());
    }

    #[test]
    fn addresses_below_a_repository() {
        let base = url("https://host/a/b.git");
        let mut refs = below(&base, "info/refs");
        assert_eq!(refs.as_str(), "https://host/a/b.git/info/refs");
        refs.set_query(Some("service=git-upload-pack"));
        assert_eq!(base_of_refs(&refs), Some(base));
    }
}
