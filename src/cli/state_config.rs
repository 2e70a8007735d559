//! Where the deployment records are.

use super::config::{Environment, given};
use super::exit::{Exit, Fatal};
use crate::clients::state::S3Settings;

/// The location of the deployment records, and settings that override the AWS SDK's.
///
/// # Errors
/// With exit code 2, when it is not known.
pub fn parse_state(
    argument: Option<&String>,
    environment: &Environment<'_>,
) -> Result<(String, S3Settings), Fatal> {
    let mut settings = S3Settings::default();
    if let Some(state) = given(argument) {
        return Ok((state, settings));
    }
    let Some(bucket) = environment.get("APP_INTERFACE_STATE_BUCKET") else {
        return Err(Fatal::new(Exit::Usage, "the location of the deployment records is not known")
            .hint("set --state (SAPM_STATE) to s3://BUCKET[/PREFIX] or file:///DIR"));
    };
    settings.region = environment.get("APP_INTERFACE_STATE_BUCKET_REGION");
    settings.endpoint = environment.get("AWS_ENDPOINT_URL_S3");
    settings.access_key = environment
        .get("APP_INTERFACE_STATE_BUCKET_ACCESS_KEY_ID")
        .zip(environment.secret("APP_INTERFACE_STATE_BUCKET_SECRET_ACCESS_KEY"));
    Ok((format!("s3://{bucket}"), settings))
}
