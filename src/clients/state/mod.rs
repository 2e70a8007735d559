//! The state: deployment records and the state export, in an S3 bucket or in
//! a folder with the same keys.

mod dir;
mod failure;
mod s3;
mod setup;
mod size;
mod transport;

use std::sync::Arc;

pub use dir::{DirState, file_of};
pub use s3::S3State;
pub use setup::S3Settings;

use crate::clients::http::ServiceClient;
use crate::domain::{dot_segment, quoted};
use crate::ports::{StateError, StateStore};

/// Opens the state at `s3://BUCKET[/PREFIX]` or `file:///DIR` without
/// accessing it. Credentials and region are looked up as the AWS
/// SDK does (environment, web identity, profile), unless `settings` has them.
///
/// # Errors
/// [`StateError::Whole`] if the location is neither, or has no bucket.
pub async fn from_location(
    location: &str,
    settings: S3Settings,
    service: ServiceClient,
) -> Result<Arc<dyn StateStore>, StateError> {
    let refused =
        |reason: &str| StateError::Whole(format!("cannot use the state {location}: {reason}"));
    if let Some(rest) = location.strip_prefix("s3://") {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() || bucket.contains(['@', ':', ' ', '?', '#']) {
            return Err(refused("expected s3://BUCKET[/PREFIX]"));
        }
        Ok(Arc::new(S3State::new(bucket, prefix, settings, service).await))
    } else if location.starts_with("file://") {
        let path = url::Url::parse(location).ok().and_then(|url| url.to_file_path().ok());
        let path = path.ok_or_else(|| refused("expected file:///DIR with an absolute path"))?;
        Ok(Arc::new(DirState::new(path)))
    } else {
        Err(refused("expected s3://BUCKET[/PREFIX] or file:///DIR"))
    }
}

/// Checks a key for `.` and `..` ([`dot_segment`]). Keys contain names from the config repo.
fn check_key(key: &str, location: &str) -> Result<(), StateError> {
    match dot_segment(key) {
        None => Ok(()),
        Some(part) => Err(StateError::Key(format!(
            "{key} of {location} is not used: {} in a key can refer to another object; rename the \
             channel",
            quoted(part)
        ))),
    }
}
