//! Which record follows from a report.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::domain::check_in::{format_check_in, parse_check_in};
use crate::domain::{CommitSha, MAX_URL_BYTES};

/// What a pipeline reports about the deployment of one commit.
#[derive(Debug, Clone)]
pub struct DeploymentReport {
    /// The commit.
    pub commit: CommitSha,
    /// Did the deployment succeed?
    pub success: bool,
    /// Page of the job that deployed.
    pub url: Option<String>,
    /// When it was deployed: not after `now`.
    pub at: DateTime<Utc>,
    /// The time of the report.
    pub now: DateTime<Utc>,
}

/// A deployment record, as it is stored (domain rules, section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DeploymentRecord {
    /// Did the deployment succeed?
    pub success: bool,
    /// Digest of the target's effective configuration.
    pub target_config_hash: String,
    /// Name of the target's saas file.
    pub saas_file: String,
    /// Since when the result is what it is, as Python prints a datetime.
    pub check_in: String,
    /// Has a deployment of this commit ever succeeded?
    pub has_succeeded_once: bool,
    /// Page of the job that deployed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl DeploymentReport {
    /// The record that replaces `old` (null: there is none).
    ///
    /// - `has_succeeded_once` stays true for good.
    /// - While the result repeats, `check_in` stays, so that a second job does not begin the soak time again. A time that
    ///   cannot be read, or is in the future, does not stay.
    /// - While the result repeats, the job of an earlier report stays if this one has none.
    pub fn record(&self, saas_file: &str, config_hash: &str, old: &Value) -> DeploymentRecord {
        let flag = |key: &str| old.get(key).and_then(Value::as_bool);
        let repeats = flag("success") == Some(self.success);
        let text = |key: &str| old.get(key).and_then(Value::as_str).filter(|_| repeats);
        let earlier =
            text("check_in").filter(|text| parse_check_in(text).is_ok_and(|time| time <= self.now));
        let earlier_url = text("url").filter(|url| url.len() <= MAX_URL_BYTES);
        // Records of older deployers do not have `has_succeeded_once`.
        let succeeded_before = flag("has_succeeded_once").or(flag("success")).unwrap_or(false);
        DeploymentRecord {
            success: self.success,
            target_config_hash: config_hash.to_owned(),
            saas_file: saas_file.to_owned(),
            check_in: earlier.map_or_else(|| format_check_in(self.at), str::to_owned),
            has_succeeded_once: self.success || succeeded_before,
            url: self.url.clone().or_else(|| earlier_url.map(str::to_owned)),
        }
    }
}

impl DeploymentRecord {
    /// The bytes to store.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Structs of texts and booleans are always JSON.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Does the stored record say the same? Its unknown keys do not count.
    pub fn is_stored(&self, old: &Value) -> bool {
        let own = serde_json::to_value(self).unwrap_or_default();
        own.as_object()
            .is_some_and(|own| own.iter().all(|(key, value)| old.get(key) == Some(value)))
    }
}
