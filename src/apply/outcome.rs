//! What became of a plan.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{CommitSha, MrIid, Problem, ProblemCode, count, mr_numbers, quoted};
use crate::plan::PlannedMergeRequest;

/// What became of a planned merge request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
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

/// What became of one merge request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MergeRequestOutcome {
    /// How it went.
    pub outcome: Verdict,
    /// What happened, where there is something to say.
    pub message: Option<String>,
    /// Its number, once it is known.
    pub iid: Option<MrIid>,
    /// Its page, once it is known.
    pub web_url: Option<String>,
    /// The commit that the run made on its branch, and that is its head as far as the run knows; null if it made none.
    pub sha: Option<CommitSha>,
    /// Labels that GitLab did not set when it opened it.
    #[serde(skip)]
    pub labels_not_set: BTreeSet<String>,
}

impl MergeRequestOutcome {
    /// What became of a planned merge request.
    pub(super) fn of(mr: &PlannedMergeRequest, outcome: Verdict, message: Option<String>) -> Self {
        let (iid, web_url) = (mr.iid, mr.web_url.clone());
        Self { outcome, message, iid, web_url, sha: None, labels_not_set: BTreeSet::new() }
    }
}

/// What became of all of them, by branch.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// By source branch.
    pub merge_requests: BTreeMap<String, MergeRequestOutcome>,
    /// Branches without a merge request that were deleted.
    pub deleted_branches: u64,
    /// Writes that were refused, or did not take effect as a whole.
    pub problems: Vec<Problem>,
}

impl Outcomes {
    /// One warning for all labels that GitLab did not set. It says nothing when it leaves a label out.
    pub(super) fn labels_not_set(&self) -> Option<Problem> {
        let without = self.merge_requests.values().filter(|mr| !mr.labels_not_set.is_empty());
        let mut iids: Vec<MrIid> = without.clone().filter_map(|mr| mr.iid).collect();
        iids.sort_unstable();
        let labels: BTreeSet<&String> = without.flat_map(|mr| &mr.labels_not_set).collect();
        let labels: Vec<String> = labels.into_iter().map(|label| quoted(label)).collect();
        if labels.is_empty() {
            return None;
        }
        let message = format!(
            "GitLab did not set {} on {} that it opened ({})",
            labels.join(", "),
            count(iids.len(), "merge request"),
            mr_numbers(&iids)
        );
        Some(Problem::new(ProblemCode::LabelsNotSet, message).help(
            "create the labels in the project (Manage > Labels), or let the token's user create and set labels; then \
             put them on these merge requests: the bot does so only when it opens one",
        ))
    }
}
