//! GitLab's merge methods.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A project's merge method, named as in GitLab's API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeMethod {
    /// Creates a merge commit, also for a branch that is behind the target branch.
    #[default]
    Merge,
    /// Creates a merge commit, only for a branch that is not behind.
    RebaseMerge,
    /// Creates no merge commit: the target branch moves to the branch's tip.
    Ff,
}

impl MergeMethod {
    /// Parses GitLab's name. An unknown method counts as the default, which restricts nothing.
    pub fn from_name(word: &str) -> Self {
        match word {
            "ff" => Self::Ff,
            "rebase_merge" => Self::RebaseMerge,
            _ => Self::Merge,
        }
    }

    /// Must a branch that is behind the target branch be rebased before it can be merged?
    pub fn needs_rebase(self) -> bool {
        match self {
            Self::Merge => false,
            Self::RebaseMerge | Self::Ff => true,
        }
    }

    /// Is it the default of new projects?
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}
