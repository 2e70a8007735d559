//! Deployment records: checks that they are usable, and reads them.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::check_in::parse_check_in;
use crate::domain::{CommitSha, MAX_NAME_BYTES, TargetUid, check_length, excerpt, quoted};

/// Key of a record in the snapshot, beginning with `promotions_v2/`.
pub fn record_key(channel: &str, publisher: &TargetUid, commit: &CommitSha) -> String {
    format!("promotions_v2/{channel}/{publisher}/{commit}")
}

/// Key of a record in the state bucket.
pub fn state_key(record_key: &str) -> String {
    format!("state/openshift-saas-deploy/{record_key}")
}

/// A usable record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record {
    pub(super) success: bool,
    pub(super) saas_file: String,
    pub(super) target_config_hash: String,
    /// When it was deployed.
    pub(super) check_in: Option<DateTime<Utc>>,
    /// Why `check_in` is unreadable, if it is.
    pub(super) check_in_error: Option<String>,
    /// Page of the job or pipeline that deployed it, as it is written there.
    pub(super) url: Option<String>,
}

/// Maximum length of the URL in a record.
const MAX_URL_BYTES: usize = 500;

/// Did the deployment of a stored record succeed?
///
/// # Errors
/// Why the record is not usable.
pub fn record_outcome(stored: &Value) -> Result<bool, String> {
    read(stored).map(|record| record.success)
}

/// Reads a stored record.
///
/// # Errors
/// Why it is not usable: it needs a JSON boolean `success` and
/// non-empty strings `saas_file` and `target_config_hash` (domain rules, section 2).
pub(super) fn read(stored: &Value) -> Result<Record, String> {
    let Value::Object(map) = stored else {
        return Err("it is not a JSON object".to_owned());
    };
    let text = |key: &str| match map.get(key) {
        Some(Value::String(text)) if !text.is_empty() => {
            check_length(text, MAX_NAME_BYTES).map_err(|message| format!("`{key}` {message}"))?;
            Ok(text.clone())
        }
        Some(Value::String(_)) => Err(format!("`{key}` is empty")),
        Some(Value::Null) | None => Err(format!("`{key}` is missing")),
        Some(_) => Err(format!("`{key}` is not a string")),
    };
    let success = match map.get("success") {
        Some(Value::Bool(success)) => *success,
        Some(Value::Null) | None => return Err("`success` is missing".to_owned()),
        Some(_) => return Err("`success` is not a JSON boolean".to_owned()),
    };
    let (check_in, check_in_error) = match map.get("check_in") {
        None | Some(Value::Null) => (None, None),
        Some(Value::String(text)) => match parse_check_in(text) {
            Ok(time) => (Some(time), None),
            Err(error) => {
                let text = excerpt(text);
                (None, Some(format!("check_in {} is not readable: {error}", quoted(&text))))
            }
        },
        Some(other) => {
            let other = other.to_string();
            (None, Some(format!("check_in {} is not a string", excerpt(&other))))
        }
    };
    Ok(Record {
        success,
        saas_file: text("saas_file")?,
        target_config_hash: text("target_config_hash")?,
        check_in,
        check_in_error,
        url: read_url(map.get("url")),
    })
}

/// Whatever is no http(s) URL is ignored: nothing is decided on it, and older records have none.
fn read_url(url: Option<&Value>) -> Option<String> {
    let url = url?.as_str()?;
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    (is_web && url.len() <= MAX_URL_BYTES).then(|| url.to_owned())
}
