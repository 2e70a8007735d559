//! What became of a plan.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::Problem;

/// What became of a planned request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing had to be written.
    Unchanged,
    /// All writes went through.
    Done,
    /// Somebody else was first; the next run looks again.
    SomebodyWasFirst,
    /// A write was refused or got no answer.
    Failed,
    /// No write was attempted, as an earlier one was refused for a reason that meets this one as well.
    NotAttempted,
    /// The run was told to end before all was written; the next run goes on.
    Interrupted,
}

/// What became of one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestOutcome {
    /// How it went.
    pub outcome: Verdict,
    /// What happened, where there is something to say.
    pub message: Option<String>,
    /// Its number, once it is known.
    pub iid: Option<u64>,
    /// Its page, once it is known.
    pub web_url: Option<String>,
}

/// What became of all of them, by branch.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// By source branch.
    pub requests: BTreeMap<String, RequestOutcome>,
    /// Branches without a request that were deleted.
    pub deleted_branches: u64,
    /// Writes that were refused.
    pub problems: Vec<Problem>,
}
