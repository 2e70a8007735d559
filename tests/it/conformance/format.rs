//! The format of `expected.json`, and the checked parts of a plan.

use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};

/// The new values of a file by path, such as `resourceTemplates[0].targets[1].ref`.
pub type Leaves = BTreeMap<String, String>;

/// The expected result of a case. Missing fields are not checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    pub exit_codes: Option<Vec<i32>>,
    #[serde(default)]
    pub subscribers: BTreeMap<String, WantedSubscriber>,
    #[serde(default)]
    pub open_subscribers: bool,
    pub subscriber_order: Option<Vec<String>>,
    pub publishers: Option<BTreeMap<String, WantedPublisher>>,
    pub publisher_data: Option<BTreeMap<String, Export>>,
    pub files: Option<BTreeMap<String, Leaves>>,
    #[serde(default)]
    pub changed_lines_max: BTreeMap<String, usize>,
    pub requests: Option<Vec<Vec<String>>>,
    #[serde(default)]
    pub problems: Vec<WantedProblem>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedSubscriber {
    pub any_of: Option<Vec<WantedSubscriber>>,
    pub decision: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub held_by: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub desired_ref: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub namespace_file: Option<Option<String>>,
    /// Channel, parent saas, hash.
    pub desired_hashes: Option<BTreeSet<(String, String, String)>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedPublisher {
    pub commit_sha: Option<String>,
    /// State by channel.
    pub deployments: Option<BTreeMap<String, String>>,
}

/// A value of the state export.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    pub commit_sha: Option<String>,
    pub deployment_state: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedProblem {
    pub code_like: String,
    pub file: Option<String>,
}

/// Tells null from a missing field.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A plan of version 1.
#[derive(Debug, Deserialize)]
pub struct Plan {
    pub version: u64,
    pub subscribers: Vec<Subscriber>,
    pub publishers: Vec<Publisher>,
    pub merge_requests: Vec<MergeRequest>,
    pub problems: Vec<Problem>,
}

#[derive(Debug, Deserialize)]
pub struct Subscriber {
    pub uid: String,
    pub saas_file: String,
    pub resource_template: String,
    pub target: Option<String>,
    pub namespace: String,
    pub namespace_file: Option<String>,
    pub decision: String,
    pub held_by: Option<String>,
    pub desired_ref: Option<String>,
    pub desired_hashes: Option<Vec<Hash>>,
}

#[derive(Debug, Deserialize)]
pub struct Hash {
    pub channel: String,
    pub parent_saas: String,
    pub target_config_hash: String,
}

#[derive(Debug, Deserialize)]
pub struct Publisher {
    pub uid: String,
    pub app: String,
    pub saas_file: String,
    pub resource_template: String,
    pub target: Option<String>,
    pub cluster: String,
    pub namespace: String,
    pub commit_sha: Option<String>,
    pub deployments: BTreeMap<String, Deployment>,
}

#[derive(Debug, Deserialize)]
pub struct Deployment {
    pub state: String,
}

#[derive(Debug, Deserialize)]
pub struct MergeRequest {
    pub action: String,
    pub targets: Option<Vec<String>>,
    pub files: Option<Vec<File>>,
}

impl MergeRequest {
    /// Does it have content that is currently desired?
    pub fn is_wanted(&self) -> bool {
        matches!(self.action.as_str(), "create" | "update" | "keep" | "defer")
    }
}

#[derive(Debug, Deserialize)]
pub struct File {
    pub path: String,
    pub content: String,
}

#[derive(Debug, Deserialize)]
pub struct Problem {
    pub severity: String,
    pub code: Option<String>,
    pub file: Option<String>,
    pub path: Option<String>,
    pub message: Option<String>,
}
