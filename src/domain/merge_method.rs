//! How a project on GitLab merges.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A project's merge method, in GitLab's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeMethod {
    /// A merge commit, also of a branch that is behind.
    #[default]
    Merge,
    /// A merge commit, only of a branch that is not behind.
    RebaseMerge,
    /// No merge commit: the target branch is moved on to the branch's tip.
    Ff,
}

impl MergeMethod {
    /// GitLab's word as a method; one that is not known refuses nothing.
    pub fn of(word: &str) -> Self {
        match word {
            "ff" => Self::Ff,
            "rebase_merge" => Self::RebaseMerge,
            _ => Self::Merge,
        }
    }

    /// Is a branch that is behind the target branch merged only once it was rebased?
    pub fn needs_rebase(self) -> bool {
        match self {
            Self::Merge => false,
            Self::RebaseMerge | Self::Ff => true,
        }
    }

    /// Is it the one that projects have unless somebody changed it?
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}
