//! The AWS SDK's HTTP transport: our own client, as for every other service.
//!
//! So the bucket, and the services that issue its credentials, use the same proxy, certificates,
//! limits, retries and redaction. The SDK itself does not retry: its retries share a token
//! bucket, and when that is empty it fails requests that would succeed a moment later.

use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_sdk_s3::error::ConnectorError;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use http::Method;
use secrecy::SecretString;
use url::Url;

use super::size::max_bytes;
use crate::clients::http::{HttpError, HttpErrorKind, Request, ServiceClient};

/// The SDK's HTTP client, using ours.
pub(super) fn http_client(service: ServiceClient) -> SharedHttpClient {
    SharedHttpClient::new(Transport { service, settings: HttpConnectorSettings::default() })
}

#[derive(Debug, Clone)]
struct Transport {
    service: ServiceClient,
    settings: HttpConnectorSettings,
}

impl HttpClient for Transport {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Self { settings: settings.clone(), ..self.clone() })
    }
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { service, settings } = self.clone();
        HttpConnectorFuture::new(async move {
            let request = convert_request(request, &settings)?;
            let answer = service.send_for_any_status(&request).await.map_err(convert_error)?;
            let mut response = http::Response::new(SdkBody::from(answer.body));
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            HttpResponse::try_from(response).map_err(|error| ConnectorError::user(error.into()))
        })
    }
}

fn convert_error(error: HttpError) -> ConnectorError {
    match error.kind() {
        HttpErrorKind::Timeout => ConnectorError::timeout(error.into()),
        _ => ConnectorError::io(error.into()),
    }
}

/// Converts the signed request without changing it.
fn convert_request(
    request: HttpRequest,
    settings: &HttpConnectorSettings,
) -> Result<Request, ConnectorError> {
    let unusable = |why: &str| ConnectorError::user(why.into());
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let url = Url::parse(&parts.uri.to_string()).map_err(|error| unusable(&error.to_string()))?;
    // The request must be sent exactly as it is signed, but URL parsers resolve `..` and the like.
    if url.path() != parts.uri.path() || url.query() != parts.uri.query() {
        return Err(unusable("the key is not a URL path"));
    }
    let body = body.bytes().ok_or_else(|| unusable("the body is not in memory"))?.to_vec();
    let mut ours = match parts.method {
        // STS and the like, which only read.
        Method::POST => Request::reading_post(url),
        method => Request::new(method, url),
    };
    ours = ours.max_body(max_bytes(parts.uri.path())).returning_redirects();
    for secret in find_secrets(&parts.headers, &body) {
        ours = ours.carrying(secret);
    }
    for (name, value) in &parts.headers {
        ours = ours.raw_header(name.clone(), value.clone());
    }
    if let Some(time) = settings.read_timeout() {
        // The metadata service of a cloud machine. Elsewhere there is none, and the SDK decides how
        // often to try.
        ours = ours.attempt_timeout(time).sent_once();
    }
    Ok(ours.raw_body(body))
}

/// Secrets that must be redacted: tokens beside the signature, and the token that is exchanged for keys.
fn find_secrets(headers: &http::HeaderMap, body: &[u8]) -> Vec<SecretString> {
    let tokens = headers.iter().filter(|(name, value)| {
        name.as_str().ends_with("token")
            || **name == http::header::AUTHORIZATION && !value.as_bytes().starts_with(b"AWS4")
    });
    let tokens = tokens.filter_map(|(_, value)| value.to_str().ok());
    let in_form = url::form_urlencoded::parse(body)
        .filter(|(name, _)| name.to_ascii_lowercase().ends_with("token"))
        .map(|(_, value)| SecretString::from(value.into_owned()));
    let form = headers.get(http::header::CONTENT_TYPE);
    let is_form =
        form.is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    tokens.map(SecretString::from).chain(in_form.filter(|_| is_form)).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn request(uri: &str) -> HttpRequest {
        let request = http::Request::builder().uri(uri).body(SdkBody::from("x"));
        HttpRequest::try_from(request.expect("a request")).expect("a request")
    }

    #[test]
    fn a_key_with_dot_segments_is_not_requested() {
        let settings = HttpConnectorSettings::default();
        for (uri, fine) in [
            ("http://s3.example/b/state/a%3A1%20b/x?x-id=GetObject", true),
            ("http://s3.example/b/state//x", true),
            ("http://s3.example/b/state/../x", false),
            ("http://s3.example/b/state/./x", false),
            ("http://s3.example/b/state/%2E%2e/x", false),
        ] {
            assert_eq!(convert_request(request(uri), &settings).is_ok(), fine, "{uri}");
        }
    }

    #[test]
    fn tokens_are_recognised_among_signatures() {
        let headers = [
            ("x-amz-security-token", "session"),
            ("authorization", "AWS4-HMAC-SHA256 Credential=x"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let headers = headers.map(|(name, value)| (name.parse(), value.parse()));
        let headers = headers.map(|(n, v)| (n.expect("a name"), v.expect("a value")));
        let headers = http::HeaderMap::from_iter(headers);
        let found = find_secrets(&headers, b"Action=Assume&WebIdentityToken=ey%2Bx&Version=1");
        let found: Vec<&str> = found.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(found, ["session", "ey+x"]);
    }
}
