//! Tells failures of one key from failures of the whole bucket.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::clients::http::{HttpError, HttpErrorKind, one_line};
use crate::domain::error_chain;

/// A failure before it becomes a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No such key. For a read, that is a normal result.
    NoKey,
    /// A conditional write found another version of the key.
    Changed,
    /// The store does not support conditional writes.
    NotConditional,
    /// No such bucket.
    NoBucket,
    /// The bucket is in another region.
    OtherRegion(Option<String>),
    /// No credentials were found.
    NoCredentials(String),
    /// The credentials are wrong or expired.
    BadCredentials(String),
    /// The clock of this machine is wrong.
    WrongClock(String),
    /// 403 that may also mean that the key does not exist, because we may not list the bucket.
    MayNotList,
    /// The AWS KMS key that encrypts it cannot be used.
    NoDecryption(String),
    /// 403.
    Denied(String),
    /// No connection, or no response in time.
    Unreachable(String),
    /// A response that is not from an S3 server.
    NotS3(String),
    /// It still refuses requests because of a rate limit, after waiting.
    Busy(String),
    /// 5xx, after retries.
    Server(String),
    /// Any other failure of this key.
    Other(String),
}

/// Error codes that mean bad credentials.
const CREDENTIALS: [&str; 9] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidToken",
    "TokenRefreshRequired",
    "InvalidSecurity",
    "UnrecognizedClientException",
    "NotSignedUp",
];

/// Classifies an error of the SDK.
pub(super) fn sort<E>(error: &SdkError<E, HttpResponse>) -> Trouble
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(service) => classify_response(
            service.raw().status().as_u16(),
            service.err().code(),
            service.err().message(),
            service.raw().headers().get("x-amz-bucket-region"),
        ),
        SdkError::DispatchFailure(failure) => {
            // Credentials are looked up before the connector is called.
            let words = one_line(&error_chain(error));
            if failure.is_other() && words.contains("credentials") {
                return Trouble::NoCredentials(find_http_error(error).unwrap_or(words));
            }
            let connector = failure.as_connector_error().and_then(|error| error.source());
            match connector.and_then(|error| error.downcast_ref::<HttpError>()) {
                Some(error) => classify_http(error),
                None => {
                    Trouble::Other(connector.map_or(words, |error| one_line(&error.to_string())))
                }
            }
        }
        SdkError::ConstructionFailure(_) => Trouble::Unreachable(one_line(&error_chain(error))),
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            if response.raw().status().is_server_error() {
                Trouble::Server(format!("status {status}"))
            } else {
                Trouble::NotS3(format!("status {status}: {}", one_line(&error_chain(error))))
            }
        }
        other => Trouble::Other(one_line(&error_chain(other))),
    }
}

/// Classifies a connection failure.
fn classify_http(error: &HttpError) -> Trouble {
    match error.kind() {
        HttpErrorKind::RateLimited => Trouble::Busy(error.reason()),
        HttpErrorKind::Timeout => Trouble::Unreachable("no response in time".to_owned()),
        HttpErrorKind::Connect | HttpErrorKind::Truncated => {
            Trouble::Unreachable(error.detail().to_owned())
        }
        HttpErrorKind::TooLarge => Trouble::Other(format!("{}: replace it", error.detail())),
        _ => Trouble::Other(error.reason()),
    }
}

fn classify_response(
    status: u16,
    code: Option<&str>,
    message: Option<&str>,
    region: Option<&str>,
) -> Trouble {
    let words = match (code, message) {
        (Some(code), Some(message)) => one_line(&format!("{code}: {message}")),
        (Some(code), None) => one_line(code),
        _ => format!("status {status}"),
    };
    match code {
        Some("NoSuchKey") => Trouble::NoKey,
        Some("PreconditionFailed" | "ConditionalRequestConflict") => Trouble::Changed,
        Some("NotImplemented") => Trouble::NotConditional,
        Some("NoSuchBucket") => Trouble::NoBucket,
        Some(
            "PermanentRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException",
        ) => Trouble::OtherRegion(region.map(one_line)),
        Some("RequestTimeTooSkewed") => Trouble::WrongClock(words),
        Some(code) if CREDENTIALS.contains(&code) => Trouble::BadCredentials(words),
        Some(code) if code.starts_with("KMS.") => Trouble::NoDecryption(words),
        _ if status == 403 && message.is_some_and(|message| message.contains("kms:")) => {
            Trouble::NoDecryption(words)
        }
        // Since 2021, AWS names the missing permission. If the key
        // exists, that is s3:GetObject.
        _ if status == 403 && message.is_some_and(|message| message.contains("s3:ListBucket")) => {
            Trouble::MayNotList
        }
        _ if status == 403 => Trouble::Denied(words),
        _ if status == 401 => Trouble::BadCredentials(words),
        _ if matches!(status, 301 | 307) => Trouble::OtherRegion(region.map(one_line)),
        _ if status >= 500 => Trouble::Server(words),
        None => Trouble::NotS3(words),
        _ => Trouble::Other(words),
    }
}

/// The failure of a request for credentials, with our own text, which is not shortened.
fn find_http_error(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<HttpError>() {
            return Some(error.to_string());
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_by_code_and_status() {
        let sorted =
            |status, code, message| classify_response(status, code, message, Some("eu-west-1"));
        assert_eq!(sorted(404, Some("NoSuchKey"), None), Trouble::NoKey);
        assert_eq!(sorted(404, Some("NoSuchBucket"), None), Trouble::NoBucket);
        assert_eq!(sorted(404, None, None), Trouble::NotS3("status 404".to_owned()));
        assert_eq!(sorted(301, None, None), Trouble::OtherRegion(Some("eu-west-1".to_owned())));
        assert_eq!(sorted(503, Some("SlowDown"), None), Trouble::Server("SlowDown".to_owned()));
        assert_eq!(sorted(502, None, None), Trouble::Server("status 502".to_owned()));
        assert!(matches!(
            sorted(403, Some("InvalidAccessKeyId"), None),
            Trouble::BadCredentials(_)
        ));
        assert!(matches!(
            sorted(403, Some("AccessDenied"), Some("Access Denied")),
            Trouble::Denied(_)
        ));
        let decrypting = Some("User: x is not authorized to perform: kms:Decrypt on resource: y");
        assert!(matches!(sorted(403, Some("AccessDenied"), decrypting), Trouble::NoDecryption(_)));
        assert!(matches!(
            sorted(400, Some("KMS.DisabledException"), None),
            Trouble::NoDecryption(_)
        ));
        let listing = Some("User: x is not authorized to perform: s3:ListBucket on resource: y");
        assert_eq!(sorted(403, Some("AccessDenied"), listing), Trouble::MayNotList);
    }
}
