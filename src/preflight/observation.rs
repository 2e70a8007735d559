//! The old promoter as it is at one moment: its merge requests, branches and export, and what became of ours.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::context::Context;
use super::old_merge_requests::{is_ours, kind_of, read_old_merge_requests};
use crate::domain::MrIid;
use crate::old_promoter::OldKind;
use crate::ports::{
    Comment, CutOverReader, ListedMergeRequest, MergeRequestList, MergeRequestQuery, StateStore,
};
use crate::report::{EXPORT_KEY, OldMergeRequest};
use crate::snapshot::{CommitDetail, Failure, MrState};

/// Pages of open merge requests that are read.
const OPEN_PAGES: usize = 10;
/// Pages of merge requests that were closed in the last 30 days.
const CLOSED_PAGES: usize = 5;
/// How far back closings matter.
const CLOSED_SINCE: TimeDelta = TimeDelta::days(30);
/// Closed merge requests whose comments are read, the newest first.
const MAX_COMMENTED: usize = 6;

/// The old promoter's export.
#[derive(Debug, Clone, Default)]
pub struct ExportFacts {
    /// When it was written; `None` if there is none.
    pub modified_at: Option<DateTime<Utc>>,
    /// Its bytes.
    pub bytes: Option<Vec<u8>>,
}

/// What was observed at one moment.
pub struct Observation {
    /// When.
    pub at: DateTime<Utc>,
    /// All open merge requests of the project.
    pub open: Result<MergeRequestList, Failure>,
    /// Those that were closed in the last 30 days.
    pub closed: Result<MergeRequestList, Failure>,
    /// Open ones of the old promoter, the worst first.
    pub old_merge_requests: Vec<OldMergeRequest>,
    /// Comments on some of those that were closed, newest first.
    pub comments: BTreeMap<MrIid, Result<Vec<Comment>, Failure>>,
    /// Branches of the old promoter's.
    pub branches: Result<Vec<(String, CommitDetail)>, Failure>,
    /// Its export.
    pub export: Result<ExportFacts, Failure>,
    /// How often it was observed, this time included.
    pub number: usize,
    /// How often in a row facts and export differed, this time included.
    pub differed: usize,
    /// Times at which the export was written, as all observations have them.
    pub export_times: BTreeSet<DateTime<Utc>>,
}

/// Looks all of it up once.
pub async fn observe(
    context: &Context<'_>,
    reader: &dyn CutOverReader,
    state: &dyn StateStore,
    at: DateTime<Utc>,
) -> Observation {
    let list = |state, pages, updated_after| {
        let query = MergeRequestQuery { state, updated_after, pages };
        async move { reader.merge_requests(&query).await }
    };
    let (open, closed, branches, export) = tokio::join!(
        list(MrState::Opened, OPEN_PAGES, None),
        list(MrState::Closed, CLOSED_PAGES, Some(at - CLOSED_SINCE)),
        branches(context, reader),
        export(state),
    );
    let found = open.as_ref().map(|list| list.entries.as_slice()).unwrap_or_default();
    let old_merge_requests = read_old_merge_requests(context, reader, found).await;
    let ended = closed.as_ref().map(|list| list.entries.as_slice()).unwrap_or_default();
    let comments = comments(context, reader, ended).await;
    let export_times = export.iter().filter_map(|export| export.modified_at).collect();
    let (number, differed) = (1, 0);
    Observation {
        at,
        open,
        closed,
        old_merge_requests,
        comments,
        branches,
        export,
        number,
        differed,
        export_times,
    }
}

async fn branches(
    context: &Context<'_>,
    reader: &dyn CutOverReader,
) -> Result<Vec<(String, CommitDetail)>, Failure> {
    let shapes = &context.options.shapes;
    let mut found = Vec::new();
    for prefix in shapes.branch_prefixes() {
        found.extend(reader.branches_named(prefix).await?);
    }
    found.retain(|(name, _)| shapes.kind_of_branch(name).is_some());
    Ok(found)
}

async fn export(state: &dyn StateStore) -> Result<ExportFacts, Failure> {
    let failed = |error: crate::ports::StateError| Failure::new(error.to_string());
    let modified_at = state.modified_at(EXPORT_KEY).await.map_err(failed)?;
    if modified_at.is_none() {
        return Ok(ExportFacts::default());
    }
    let bytes = state.get(EXPORT_KEY).await.map_err(failed)?;
    Ok(ExportFacts { modified_at, bytes })
}

/// Comments that say who closed what: on the newest of ours and of the old promoter's.
async fn comments(
    context: &Context<'_>,
    reader: &dyn CutOverReader,
    closed: &[ListedMergeRequest],
) -> BTreeMap<MrIid, Result<Vec<Comment>, Failure>> {
    let matters = |listed: &&ListedMergeRequest| {
        is_ours(context, &listed.fact) || kind_of(context, &listed.fact).is_some()
    };
    let mut found = BTreeMap::new();
    // Ours first: what the old promoter did to them decides more than what it did to its own.
    let mut ordered: Vec<_> = closed.iter().filter(matters).collect();
    ordered.sort_by_key(|listed| !is_ours(context, &listed.fact));
    for listed in ordered.into_iter().take(MAX_COMMENTED) {
        found.insert(listed.fact.iid, reader.comments(listed.fact.iid).await);
    }
    found
}

impl Observation {
    /// Merge requests of the old promoter among those that were closed.
    pub(super) fn closed_old<'l>(
        &'l self,
        context: &'l Context<'_>,
    ) -> impl Iterator<Item = (&'l ListedMergeRequest, OldKind)> {
        let closed = self.closed.iter().flat_map(|list| &list.entries);
        closed.filter_map(|listed| Some((listed, kind_of(context, &listed.fact)?)))
    }
}
