//! Fetches open merge requests and branches, and the facts that planning needs in addition.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt};

use super::facts::Limits;
use crate::domain::{RepoPath, UidDigest, UserId};
use crate::plan::{BranchPrefixes, MENTION, MissingFacts, branch, mentioned_places, verify};
use crate::ports::{Branch, BranchReader, ForgeReader};
use crate::snapshot::{
    CommitDetail, ConfigRepoFacts, Failure, Lookup, MergeRequestFact, MrState, PastBatches,
    Snapshot, TextChange,
};

/// Maximum number of other target branches that a run looks up.
const MAX_OTHER_TARGET_BRANCHES: usize = 10;

/// GitLab did not return the open merge requests, so nothing can be planned.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the open merge requests and branches could not be read: {0}")]
pub struct ForgeFactsError(pub String);

/// Open merge requests, and branches with the bot's prefix.
#[derive(Debug)]
pub struct OpenMergeRequests {
    merge_requests: Vec<MergeRequestFact>,
    gone_target_branches: BTreeSet<String>,
    branches: Vec<Branch>,
}

impl OpenMergeRequests {
    /// Puts them into a snapshot.
    pub fn store(self, repo: ConfigRepoFacts, snapshot: &mut Snapshot) {
        let merge_requests = self.merge_requests.into_iter();
        snapshot.merge_requests = merge_requests.map(|mr| (mr.iid, mr)).collect();
        snapshot.gone_target_branches = self.gone_target_branches;
        for Branch { name, tip, content } in self.branches {
            snapshot.branch_contents.insert(tip.sha.to_string(), content);
            snapshot.branches.insert(name, tip);
        }
        snapshot.config_repo = Some(repo);
    }
}

/// Fetches open merge requests and branches with the bot's prefix in a few calls.
///
/// # Errors
/// When one of the lists is missing. Without it, a run could open a second merge request for a target.
pub async fn observe_open(
    forge: &dyn ForgeReader,
    branches: &dyn BranchReader,
    (prefixes, target_branch): (&BranchPrefixes, &str),
) -> Result<OpenMergeRequests, ForgeFactsError> {
    let failed = |failure: Failure| ForgeFactsError(failure.error);
    let (mut merge_requests, mut found) = tokio::try_join!(
        forge.open_merge_requests(),
        branches.branches(prefixes.all(), target_branch),
    )
    .map_err(failed)?;
    merge_requests.retain(|mr| branch::has_digest(&mr.source_branch));
    // The prefix was another one when these were opened.
    let others = merge_requests.iter().map(|mr| &mr.source_branch);
    let others: Vec<String> = others.filter(|name| !prefixes.are_of(name)).cloned().collect();
    if !others.is_empty() {
        let all = [prefixes.all(), &others].concat();
        found = branches.branches(&all, target_branch).await.map_err(failed)?;
    }
    let branches = found;
    let names: BTreeSet<&str> = branches.iter().map(|branch| branch.name.as_str()).collect();
    let (beside, gone_target_branches) = tokio::join!(
        forge.merge_requests_beside(&merge_requests, &names, target_branch),
        find_gone_target_branches(forge, &merge_requests, target_branch),
    );
    merge_requests.extend(beside.map_err(failed)?);
    merge_requests.retain(|mr| {
        names.contains(mr.source_branch.as_str()) || branch::has_digest(&mr.source_branch)
    });
    Ok(OpenMergeRequests { merge_requests, gone_target_branches, branches })
}

/// Target branches, other than `target_branch`, of the bot's merge requests that GitLab reports as missing. A branch
/// that exists may belong to another job, and so may one that could not be looked up.
async fn find_gone_target_branches(
    forge: &dyn ForgeReader,
    open: &[MergeRequestFact],
    target_branch: &str,
) -> BTreeSet<String> {
    let others = open.iter().map(|mr| mr.target_branch.as_str());
    let others: BTreeSet<&str> = others.filter(|other| *other != target_branch).collect();
    let others = others.into_iter().take(MAX_OTHER_TARGET_BRANCHES);
    let asked = others.map(|other| async move {
        let is_gone = matches!(forge.branch_tip(other).await, Ok(None));
        is_gone.then(|| other.to_owned())
    });
    join_all(asked).await.into_iter().flatten().collect()
}

async fn observe_label_events(
    forge: &dyn ForgeReader,
    missing: &MissingFacts,
    limits: &Limits,
    snapshot: &mut Snapshot,
) {
    let asked = missing.label_events.iter().map(|iid| async move {
        let answer = limits.bound(|| "GitLab".to_owned(), forge.label_events(*iid)).await;
        (*iid, Lookup::from(answer.flatten()))
    });
    snapshot.label_events.extend(join_all(asked).await);
}

/// What batches depend on: pipelines, what GitLab is merging, and what was said of them where their branch does not tell.
async fn observe_for_batches(
    forge: &dyn ForgeReader,
    missing: &MissingFacts,
    bots: &BTreeSet<UserId>,
    limits: &Limits,
    snapshot: &mut Snapshot,
) {
    let gitlab = || "GitLab".to_owned();
    let pipelines = missing.pipelines.iter().map(|iid| async move {
        let answer = limits.bound(gitlab, forge.pipeline_of(*iid)).await;
        (*iid, Lookup::from(answer.flatten()))
    });
    let mentions = missing.mentions.iter().map(|text| async move {
        let answer = limits.bound(gitlab, forge.past_with_text(text, bots)).await;
        (text.clone(), Lookup::from(answer.flatten()))
    });
    let batches = lookup_if(missing.past_batches, async {
        let newest = limits.bound(gitlab, forge.newest_with_text(MENTION, bots)).await.flatten();
        newest.map(|(newest, is_complete)| {
            let over = newest.iter().filter(|mr| mr.state != MrState::Opened);
            let places = over.flat_map(|mr| mentioned_places(&mr.description));
            PastBatches { places: places.map(str::to_owned).collect(), is_complete }
        })
    });
    let repo = snapshot.config_repo.as_ref();
    let target_branch = repo.map(|repo| repo.target_branch.as_str()).unwrap_or_default();
    let merging = lookup_if(missing.being_merged, async {
        limits.bound(gitlab, forge.merge_requests_being_merged(target_branch)).await.flatten()
    });
    let pipeline = lookup_if(missing.target_branch_pipeline, async {
        limits.bound(gitlab, forge.finished_pipeline(target_branch)).await.flatten()
    });
    let (pipelines, mentions, batches, merging, pipeline) =
        tokio::join!(join_all(pipelines), join_all(mentions), batches, merging, pipeline);
    snapshot.pipelines.extend(pipelines);
    snapshot.mentions.extend(mentions);
    snapshot.past_batches = batches.or(snapshot.past_batches.take());
    snapshot.being_merged = merging.or(snapshot.being_merged.take());
    snapshot.target_branch_pipeline = pipeline.or(snapshot.target_branch_pipeline.take());
}

async fn lookup_if<T>(
    is_missing: bool,
    fetch: impl Future<Output = Result<T, Failure>>,
) -> Option<Lookup<T>> {
    if is_missing { Some(Lookup::from(fetch.await)) } else { None }
}

async fn observe_reverts(
    forge: &dyn ForgeReader,
    missing: &MissingFacts,
    limits: &Limits,
    snapshot: &mut Snapshot,
) {
    let Some(repo) = &snapshot.config_repo else { return };
    let by = &repo.other_bot_ids();
    let asked = missing.reverts.iter().map(|gone| async move {
        let answer = limits.bound(|| "GitLab".to_owned(), forge.reverts_of(gone, by)).await;
        (gone.iid, Lookup::from(answer.flatten()))
    });
    let found = join_all(asked).await;
    snapshot.reverts.extend(found);
}

/// Fetches what planning missed: earlier merge requests, comments, and whether branches hold what they declare.
pub async fn observe_missing(
    forge: &dyn ForgeReader,
    branches: &dyn BranchReader,
    missing: &MissingFacts,
    (bots, digest): (&BTreeSet<UserId>, UidDigest),
    limits: &Limits,
    snapshot: &mut Snapshot,
) {
    let at_once = limits.concurrency.max(1);
    let gitlab = || "GitLab".to_owned();
    let histories: Vec<_> = stream::iter(&missing.histories)
        .map(|branch| async move {
            let answer = limits.bound(gitlab, forge.past_merge_requests(branch, bots)).await;
            (branch, answer.flatten())
        })
        .buffer_unordered(at_once)
        .collect()
        .await;
    for (branch, answer) in histories {
        let past = answer.map(|(past, others)| {
            snapshot.merge_requests.extend(others.into_iter().map(|other| (other.iid, other)));
            past
        });
        snapshot.past_merge_requests.insert(branch.clone(), Lookup::from(past));
    }
    let notes: Vec<_> = stream::iter(&missing.notes)
        .map(|iid| async move {
            (*iid, limits.bound(gitlab, forge.notes_of(*iid, bots)).await.flatten())
        })
        .buffer_unordered(at_once)
        .collect()
        .await;
    for (iid, answer) in notes {
        snapshot.notes.insert(iid, Lookup::from(answer));
    }
    observe_label_events(forge, missing, limits, snapshot).await;
    observe_for_batches(forge, missing, bots, limits, snapshot).await;
    observe_reverts(forge, missing, limits, snapshot).await;
    for name in &missing.changes {
        let Some(tip) = snapshot.branches.get(name) else { continue };
        let content = snapshot.branch_contents.get(tip.sha.as_str());
        let Some(Ok(content)) = content.map(Lookup::as_result) else { continue };
        let change = match verify::Declared::of(tip, content) {
            Some(declared) => {
                let change = repeat_declared_change(branches, tip, &declared, digest);
                limits.bound(gitlab, change).await.flatten()
            }
            None => Ok(None),
        };
        snapshot.declared_changes.insert(tip.sha.to_string(), Lookup::from(change));
    }
}

/// Repeats the edits that a branch declares on its parent commit, and returns them if the branch holds exactly those.
async fn repeat_declared_change(
    branches: &dyn BranchReader,
    tip: &CommitDetail,
    declared: &verify::Declared<'_>,
    digest: UidDigest,
) -> Result<Option<BTreeMap<RepoPath, TextChange>>, Failure> {
    let [base] = tip.parents.as_slice() else { return Ok(None) };
    let mut texts: BTreeMap<String, Option<String>> = BTreeMap::new();
    loop {
        let missing = declared.missing_files(&texts);
        if missing.is_empty() {
            break;
        }
        for path in missing {
            let text = branches.file(base, &RepoPath::of_datafile(&path)).await?;
            texts.insert(path, text);
        }
    }
    Ok(declared.changes(&texts, digest))
}
