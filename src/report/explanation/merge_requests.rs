//! The target's merge requests: planned, open and earlier ones.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::Found;
use crate::domain::MrIid;
use crate::plan::branch_of;
use crate::report::model::{MergeRequestReport, SubscriberReport};
use crate::snapshot::{MergeRequestFact, MrState, PastMergeRequest, PipelineFact};

/// A merge request with its state on GitLab.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExplainedMergeRequest {
    /// As in the plan.
    #[serde(flatten)]
    pub planned: MergeRequestReport,
    /// Is it a draft? Null if it is not open.
    pub draft: Option<bool>,
    /// Is auto-merge set, or is it on a merge train? Null if it is not open.
    pub auto_merge: Option<bool>,
    /// Pipeline of its newest commit, if it was fetched from GitLab.
    pub pipeline: Option<PipelineFact>,
    /// GitLab's merge status; may be outdated.
    pub merge_status: Option<String>,
}

/// A closed or merged merge request of the target.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EarlierMergeRequest {
    /// Its number.
    pub iid: MrIid,
    /// Its page.
    pub web_url: String,
    /// Its title.
    pub title: String,
    /// Closed or merged.
    pub state: MrState,
    /// Did the bot close it?
    pub closed_by_bot: bool,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When it was closed or merged.
    pub ended_at: Option<DateTime<Utc>>,
}

/// The merge requests about a subscriber, with their actions.
pub(super) fn find_planned(
    found: &Found<'_>,
    subscriber: &SubscriberReport,
) -> Vec<ExplainedMergeRequest> {
    let about = |mr: &&MergeRequestReport| mr.targets.contains(&subscriber.target.uid);
    found
        .report
        .merge_requests
        .iter()
        .filter(about)
        .map(|planned| explain(found, planned.clone()))
        .collect()
}

/// A merge request with its state on GitLab.
pub(super) fn explain(found: &Found<'_>, planned: MergeRequestReport) -> ExplainedMergeRequest {
    let fact: Option<&MergeRequestFact> =
        planned.iid.and_then(|iid| found.snapshot.merge_requests.get(&iid));
    ExplainedMergeRequest {
        planned,
        draft: fact.map(|fact| fact.draft),
        auto_merge: fact.map(|fact| fact.auto_merge),
        pipeline: fact.and_then(|fact| fact.pipeline.clone()),
        merge_status: fact.and_then(|fact| fact.detailed_merge_status.clone()),
    }
}

/// The closed or merged merge requests of the target's branch; `None` if they were not fetched.
pub(super) fn earlier(found: &Found<'_>) -> Option<Vec<EarlierMergeRequest>> {
    let repo = found.snapshot.config_repo.as_ref()?;
    let names = (found.settings.branches.of_new(), repo.target_branch.as_str());
    let branch = branch_of(found.inventory, found.decisions, names, found.target)?;
    let past = found.snapshot.past_merge_requests.get(&branch)?.as_result().ok()?;
    let earlier = |past: &PastMergeRequest| EarlierMergeRequest {
        iid: past.mr.iid,
        web_url: past.mr.web_url.clone(),
        title: past.mr.title.clone(),
        state: past.mr.state,
        closed_by_bot: past.closed_by_bot,
        opened_at: past.mr.created_at,
        ended_at: past.mr.ended_at,
    };
    Some(past.iter().map(earlier).collect())
}
