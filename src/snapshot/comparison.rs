//! What lies between two commits of a code repository.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::CommitSha;

/// Commits that a comparison lists at most.
pub const LISTED_COMMITS: usize = 20;

/// How a new commit relates to the current one, and what lies between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct Comparison {
    /// The relation.
    pub relation: Relation,
    /// The commits that the new one brings or, where it goes back, those that it takes back; absent where only the
    /// relation is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commits: Option<CommitList>,
}

/// How a new commit relates to the current one, by the history of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// It is a descendant of the current one.
    Ahead,
    /// It is an ancestor of the current one.
    Behind,
    /// Neither.
    Diverged,
}

/// Commits of a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct CommitList {
    /// How many there are.
    pub total: usize,
    /// May there be more than `total`?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
    /// At most [`LISTED_COMMITS`] of them, the newest first, those of a merge after it.
    pub newest: Vec<CodeCommit>,
}

/// A commit for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct CodeCommit {
    /// The commit.
    pub sha: CommitSha,
    /// First line of its message.
    pub subject: String,
    /// Name of its author, without an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// The merge request that its message names as its origin, e.g. `!12`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_request: Option<String>,
    /// Did the last listed commit without this mark merge it?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_merged: bool,
}
