//! Reads from a response when to send the next request.
//!
//! `Retry-After` in seconds or as a date; GitLab's `RateLimit-*`; GitHub's
//! `X-RateLimit-*`. Times are relative to the server's own `Date` if it
//! sends one, so a wrong local clock does not matter.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};

use super::error::one_line;

/// Numbers below this are seconds from now, not seconds since 1970.
const FIRST_PLAUSIBLE_TIME: i64 = 1_000_000_000;

/// The pause that the server requests, as of `now`.
pub(super) fn told_wait(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let now = text(headers, "date").and_then(parse_http_date).unwrap_or(now);
    parse_retry_after(headers, now).or_else(|| find_exhausted_until(headers, now))
}

/// Is this a rate limit? 429 always; 403 if it is from a GitHub limit; 503 if it is S3's.
pub(super) fn is_rate_limit(status: StatusCode, headers: &HeaderMap, body: &str) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::FORBIDDEN => {
            headers.contains_key("retry-after")
                || text(headers, "x-ratelimit-remaining") == Some("0")
                || body.to_ascii_lowercase().contains("rate limit")
        }
        StatusCode::SERVICE_UNAVAILABLE => body.contains("<Code>SlowDown</Code>"),
        _ => false,
    }
}

/// The limit that a server names: GitLab's `RateLimit-Name` and `RateLimit-Limit`.
pub(super) fn named_limit(headers: &HeaderMap) -> Option<String> {
    let name = one_line(text(headers, "ratelimit-name")?);
    Some(match text(headers, "ratelimit-limit").and_then(|limit| limit.parse::<u64>().ok()) {
        Some(limit) => format!("{name} of {limit} requests"),
        None => name,
    })
}

fn parse_retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let value = text(headers, "retry-after")?;
    match value.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some((parse_http_date(value)? - now).to_std().unwrap_or_default()),
    }
}

fn find_exhausted_until(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let remaining = |prefix: &str| text(headers, &format!("{prefix}-remaining"));
    if text(headers, "x-ratelimit-resource") == Some("graphql") {
        // GitHub's GraphQL has its own points: no other request has to wait for them.
        return (remaining("x-ratelimit") == Some("0")).then_some(Duration::ZERO);
    }
    ["ratelimit", "x-ratelimit"].iter().find_map(|prefix| {
        if remaining(prefix) != Some("0") {
            return None;
        }
        let reset: i64 = text(headers, &format!("{prefix}-reset"))?.parse().ok()?;
        let seconds = if reset < FIRST_PLAUSIBLE_TIME { reset } else { reset - now.timestamp() };
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn parse_http_date(value: &str) -> Option<DateTime<Utc>> {
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    Some(date.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn wait(pairs: &[(&'static str, &'static str)]) -> Option<u64> {
        let now = DateTime::from_timestamp(1_787_220_000, 0).expect("a time");
        told_wait(&headers(pairs), now).map(|wait| wait.as_secs())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(wait(&[("retry-after", "17")]), Some(17));
        assert_eq!(
            wait(&[
                ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
                ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")
            ]),
            Some(30)
        );
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]), Some(0));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
    }

    #[test]
    fn an_exhausted_limit_says_when_it_resets() {
        assert_eq!(
            wait(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "1787220042")]),
            Some(42)
        );
        assert_eq!(
            wait(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1787220005")]),
            Some(5)
        );
        assert_eq!(wait(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "5")]), Some(5));
        assert_eq!(wait(&[("ratelimit-remaining", "3"), ("ratelimit-reset", "1787220042")]), None);
    }

    #[test]
    fn exhausted_graphql_points_cause_no_pause() {
        let of_graphql = |more: &'static str| {
            let resource = ("x-ratelimit-resource", "graphql");
            [resource, ("x-ratelimit-reset", "1787220042"), ("x-ratelimit-remaining", more)]
        };
        assert_eq!(wait(&of_graphql("0")), Some(0));
        assert_eq!(wait(&of_graphql("7")), None);
        assert_eq!(wait(&[&of_graphql("0")[..], &[("retry-after", "9")]].concat()), Some(9));
    }

    #[test]
    fn github_limits_with_403() {
        let limited = |pairs: &[(&'static str, &'static str)], body: &str| {
            is_rate_limit(StatusCode::FORBIDDEN, &headers(pairs), body)
        };
        assert!(limited(&[("x-ratelimit-remaining", "0")], ""));
        assert!(limited(&[], "You have exceeded a secondary rate limit"));
        assert!(!limited(&[("x-ratelimit-remaining", "12")], "insufficient_scope"));
    }

    #[test]
    fn s3_limits_with_503() {
        let limited = |body| is_rate_limit(StatusCode::SERVICE_UNAVAILABLE, &headers(&[]), body);
        assert!(limited("<Error><Code>SlowDown</Code></Error>"));
        assert!(!limited("<Error><Code>ServiceUnavailable</Code></Error>"));
    }
}
