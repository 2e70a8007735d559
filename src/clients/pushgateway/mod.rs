//! A Prometheus Pushgateway: receives the metrics of a run, which Prometheus scrapes later.

use std::time::Duration;

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::clients::credentials::Credentials;
use crate::clients::http::{HttpClient, HttpConfig, HttpError, Redactor, Request, Service, base64};

/// The text format that a Pushgateway reads; it does not support OpenMetrics.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Separates the metrics of different jobs. A push replaces only metrics that were pushed with
/// the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupingKey {
    /// Path or id of the config repo's project, if known.
    pub project: Option<String>,
    /// The target filter of the job, if it has one.
    pub scope: Option<String>,
    /// The node of a parallel job, from 1.
    pub node: String,
}

/// Why metrics could not be pushed. Never contains a user or a password.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// Not the URL of a Pushgateway. It is not shown, because it may contain a password.
    #[error("it is not an http(s) URL")]
    Address,
    /// No response, or an error. The body of the response names the metric that is not accepted.
    #[error("{0}")]
    Http(#[from] HttpError),
}

/// Replaces the metrics of `key` by `text`, which is in the text format (version 0.0.4).
///
/// Credentials come from the URL (`https://user:password@host/`) or from the credentials
/// file. Tries twice and waits for about ten seconds at most, because the run does not depend on it.
///
/// # Errors
/// See [`PushError`].
pub async fn push(
    (config, redactor): (HttpConfig, Redactor),
    address: &str,
    key: &GroupingKey,
    credentials: &Credentials,
    text: String,
) -> Result<(), PushError> {
    let url = build_url(address, key).ok_or(PushError::Address)?;
    let has_own = !url.username().is_empty() || url.password().is_some();
    let credential = credentials.lookup(&url).filter(|_| !has_own);
    let mut request = Request::new(Method::PUT, url).body(TEXT_FORMAT, text);
    if let Some(credential) = credential {
        request = credential.apply(request);
    }
    let config = HttpConfig {
        write_timeout: Duration::from_secs(5),
        call_deadline: Duration::from_secs(10),
        max_attempts: 2,
        longest_pause: Duration::from_secs(2),
        ..config
    };
    let service = HttpClient::with_redactor(config, redactor).service(Service::Pushgateway, 1);
    service.send(&request).await?;
    Ok(())
}

/// `<address>/metrics/job/sapm[/project/…][/scope/…]/node/…`; a path in the address is kept.
fn build_url(address: &str, key: &GroupingKey) -> Option<Url> {
    let mut url = Url::parse(address.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return None;
    }
    let mut path = format!("{}/metrics/job/sapm", url.path().trim_end_matches('/'));
    let labels = [
        ("project", key.project.as_deref()),
        ("scope", key.scope.as_deref()),
        ("node", Some(key.node.as_str())),
    ];
    for (label, value) in labels {
        path.extend(value.map(|value| encode_label(label, value)));
    }
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

/// A label in the path. A value that the server would interpret as a path is base64-encoded.
fn encode_label(label: &str, value: &str) -> String {
    if value.is_empty() || value.contains('/') || matches!(value, "." | "..") {
        let encoded = base64(value.as_bytes()).replace('+', "-").replace('/', "_");
        // A single `=` means the empty text. Otherwise, padding is not needed.
        let encoded = encoded.trim_end_matches('=');
        return format!("/{label}@base64/{}", if encoded.is_empty() { "=" } else { encoded });
    }
    format!("/{label}/{}", utf8_percent_encode(value, NON_ALPHANUMERIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grouping_key_is_the_path() {
        let url = |address: &str, project: Option<&str>| {
            let project = project.map(str::to_owned);
            let key = GroupingKey { project, scope: None, node: "1".to_owned() };
            build_url(address, &key).map(String::from)
        };
        assert_eq!(
            url("http://push.example:9091", Some("shop/app-interface")).as_deref(),
            Some(
                "http://push.example:9091/metrics/job/sapm/project@base64/c2hvcC9hcHAtaW50ZXJmYWNl/node/1"
            )
        );
        assert_eq!(
            url("https://u:p@push.example/gateway/?x=1#y", Some("42")).as_deref(),
            Some("https://u:p@push.example/gateway/metrics/job/sapm/project/42/node/1")
        );
        assert_eq!(
            url("http://push.example/", None).as_deref(),
            Some("http://push.example/metrics/job/sapm/node/1")
        );
        assert_eq!(encode_label("node", ""), "/node@base64/=");
        assert_eq!(encode_label("node", "a b"), "/node/a%20b");
        for no_address in ["push.example:9091", "file:///x", "http://", ""] {
            assert_eq!(url(no_address, None), None, "{no_address}");
        }
    }
}
