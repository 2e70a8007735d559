//! Which failures of the bucket concern one key, and which all of it.

use std::error::Error;
use std::fmt::Write as _;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

/// What went wrong, before it is put in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No such key: for a read that is an answer.
    NoKey,
    /// No such bucket.
    NoBucket,
    /// The bucket is in another region.
    OtherRegion(Option<String>),
    /// No credentials were found.
    NoCredentials(String),
    /// The credentials are wrong or expired, or the clock is.
    BadCredentials(String),
    /// 403 that says the key is not there and we may not list the bucket.
    MayNotList,
    /// 403.
    Denied(String),
    /// No connection or no answer in time.
    Unreachable(String),
    /// An answer that no S3 server gives.
    NotS3(String),
    /// Anything else, e.g. 5xx after all retries.
    Other(String),
}

/// Error codes that say the credentials are at fault, or the clock.
const CREDENTIALS: [&str; 10] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "TokenRefreshRequired",
    "RequestTimeTooSkewed",
    "InvalidSecurity",
    "UnrecognizedClientException",
    "NotSignedUp",
];

/// Sorts an error of the SDK.
pub(super) fn sort<E>(error: &SdkError<E, HttpResponse>) -> Trouble
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(service) => sort_answer(
            service.raw().status().as_u16(),
            service.err().code(),
            service.err().message(),
            service.raw().headers().get("x-amz-bucket-region"),
        ),
        SdkError::TimeoutError(_) => Trouble::Unreachable("no answer in time".to_owned()),
        SdkError::DispatchFailure(failure) => {
            // Credentials are looked up on the way to the connector.
            let words = chain(error);
            if failure.is_other() && words.contains("credentials") {
                Trouble::NoCredentials(words)
            } else {
                Trouble::Unreachable(
                    failure.as_connector_error().map_or(words, |error| innermost(error)),
                )
            }
        }
        SdkError::ConstructionFailure(_) => Trouble::Unreachable(chain(error)),
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            if response.raw().status().is_server_error() {
                Trouble::Other(format!("status {status}"))
            } else {
                Trouble::NotS3(format!("status {status}: {}", chain(error)))
            }
        }
        other => Trouble::Other(chain(other)),
    }
}

fn sort_answer(
    status: u16,
    code: Option<&str>,
    message: Option<&str>,
    region: Option<&str>,
) -> Trouble {
    let words = match (code, message) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => format!("status {status}"),
    };
    match code {
        Some("NoSuchKey") => Trouble::NoKey,
        Some("NoSuchBucket") => Trouble::NoBucket,
        Some(
            "PermanentRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException",
        ) => Trouble::OtherRegion(region.map(str::to_owned)),
        Some(code) if CREDENTIALS.contains(&code) => Trouble::BadCredentials(words),
        // Since 2021 AWS names the permission that is missing; when the key
        // is there, that is s3:GetObject.
        _ if status == 403 && message.is_some_and(|message| message.contains("s3:ListBucket")) => {
            Trouble::MayNotList
        }
        _ if status == 403 => Trouble::Denied(words),
        _ if status == 401 => Trouble::BadCredentials(words),
        _ if matches!(status, 301 | 307) => Trouble::OtherRegion(region.map(str::to_owned)),
        None if status < 500 => Trouble::NotS3(words),
        _ => Trouble::Other(words),
    }
}

/// An error with all its sources, each part once.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let part = error.to_string();
        if !text.contains(&part) {
            let _ = write!(text, ": {part}");
        }
        next = error.source();
    }
    text
}

fn innermost(error: &dyn Error) -> String {
    let mut last: &dyn Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_by_code_and_status() {
        let sorted = |status, code, message| sort_answer(status, code, message, Some("eu-west-1"));
        assert_eq!(sorted(404, Some("NoSuchKey"), None), Trouble::NoKey);
        assert_eq!(sorted(404, Some("NoSuchBucket"), None), Trouble::NoBucket);
        assert_eq!(sorted(404, None, None), Trouble::NotS3("status 404".to_owned()));
        assert_eq!(sorted(301, None, None), Trouble::OtherRegion(Some("eu-west-1".to_owned())));
        assert_eq!(sorted(503, Some("SlowDown"), None), Trouble::Other("SlowDown".to_owned()));
        assert!(matches!(
            sorted(403, Some("InvalidAccessKeyId"), None),
            Trouble::BadCredentials(_)
        ));
        assert!(matches!(
            sorted(403, Some("AccessDenied"), Some("Access Denied")),
            Trouble::Denied(_)
        ));
        let listing = Some("User: x is not authorized to perform: s3:ListBucket on resource: y");
        assert_eq!(sorted(403, Some("AccessDenied"), listing), Trouble::MayNotList);
    }
}
