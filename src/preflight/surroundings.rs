//! What stays as it is while the answer is waited for: rights, settings, the queue's pace, the past.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::context::Context;
use super::history::{PastMoves, past_moves};
use super::old_merge_requests::is_ours;
use super::records::{RecordsHint, records_hint};
use crate::domain::MrIid;
use crate::plan::branch;
use crate::ports::{
    CutOverReader, MergeRequestDetail, MergeRequestList, MergeRequestQuery, PipelineSchedule,
    ProjectSettings, PushRule, StateStore,
};
use crate::report::Phase;
use crate::snapshot::{Failure, LabelEvent, MergeRequestFact, MrState};

/// Over how long the queue's pace is measured.
const MERGED_SINCE: TimeDelta = TimeDelta::days(7);
/// Pages of merged merge requests that are read.
const MERGED_PAGES: usize = 10;
/// Our own merge requests that are looked into.
const MAX_OWN: usize = 20;
/// The resource group of the scheduled job, as the template names it.
const RESOURCE_GROUP: &str = "sapm-1";

/// One of our own merge requests, looked into.
#[derive(Debug)]
pub struct OwnMergeRequest {
    /// As lists have it.
    pub fact: MergeRequestFact,
    /// Its pipeline; only once the new promoter runs.
    pub detail: Option<Result<MergeRequestDetail, Failure>>,
    /// Changes of its labels.
    pub labels: Result<Vec<LabelEvent>, Failure>,
}

/// What stays as it is.
pub struct Surroundings {
    /// Merge requests that were merged in the last seven days.
    pub merged: Result<MergeRequestList, Failure>,
    /// The project's settings.
    pub settings: Result<ProjectSettings, Failure>,
    /// Branches that the bot could not push to, with the rules that say so.
    pub refused_branches: Result<BTreeMap<String, Vec<String>>, Failure>,
    /// The push rule.
    pub push_rule: Result<Option<PushRule>, Failure>,
    /// Pipeline schedules.
    pub schedules: Result<Vec<PipelineSchedule>, Failure>,
    /// The process mode of the job's resource group.
    pub process_mode: Result<Option<String>, Failure>,
    /// Configured labels that the project does not have.
    pub missing_labels: Result<BTreeSet<String>, Failure>,
    /// Where records may lie instead, if none is usable.
    pub records: Option<RecordsHint>,
    /// What the old promoter moved lately, by file.
    pub past: BTreeMap<String, Result<PastMoves, Failure>>,
    /// Our own open merge requests.
    pub own: BTreeMap<MrIid, OwnMergeRequest>,
}

/// Asks once.
pub async fn surroundings(
    context: &Context<'_>,
    reader: &dyn CutOverReader,
    state: &dyn StateStore,
    at: DateTime<Utc>,
) -> Surroundings {
    let merged = MergeRequestQuery {
        state: MrState::Merged,
        updated_after: Some(at - MERGED_SINCE),
        pages: MERGED_PAGES,
    };
    let branches = all_branches(context);
    let (merged, settings, refused_branches, push_rule, schedules, process_mode, missing_labels) = tokio::join!(
        reader.merge_requests(&merged),
        reader.settings(),
        reader.refused_branches(&branches),
        reader.push_rule(),
        reader.schedules(),
        reader.process_mode(RESOURCE_GROUP),
        reader.missing_labels(&context.settings.labels),
    );
    let (records, past, own) = tokio::join!(
        records_hint(context, state),
        past_moves(context, reader, merged.as_ref().ok(), at),
        own_merge_requests(context, reader),
    );
    Surroundings {
        merged,
        settings,
        refused_branches,
        push_rule,
        schedules,
        process_mode,
        missing_labels,
        records,
        past,
        own,
    }
}

/// The names of all branches that a run may ever make, not of a sample.
pub(super) fn all_branches(context: &Context<'_>) -> BTreeSet<String> {
    let inventory = &context.repo.inventory;
    let filter = &context.settings.filter;
    let target_branch = context.target_branch();
    let subscribers = inventory.subscribers().filter(|(_, target)| filter.includes(target));
    let prefix = context.settings.branches.of_new();
    let name = |index| branch::name(prefix, target_branch, inventory.place_key(index));
    subscribers.map(|(index, _)| name(index)).collect()
}

async fn own_merge_requests(
    context: &Context<'_>,
    reader: &dyn CutOverReader,
) -> BTreeMap<MrIid, OwnMergeRequest> {
    let open = context.snapshot.merge_requests.values();
    let mut own: Vec<_> = open
        .filter(|fact| fact.state == MrState::Opened && is_ours(context, fact))
        .cloned()
        .collect();
    own.sort_by_key(|fact| std::cmp::Reverse(fact.iid));
    let mut found = BTreeMap::new();
    for fact in own.into_iter().take(MAX_OWN) {
        let detail = match context.options.phase {
            Phase::After => Some(reader.merge_request(fact.iid).await),
            Phase::Prepare | Phase::Go => None,
        };
        let labels = reader.label_changes(fact.iid).await;
        found.insert(fact.iid, OwnMergeRequest { fact, detail, labels });
    }
    found
}
