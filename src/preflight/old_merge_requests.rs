//! Open merge requests of the old promoter: what each moves, and how that relates to the plan.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::stream::iter;

use super::context::Context;
use super::earlier_values::confirm_reverts;
use super::relation::{advice_for, moved_targets, worst};
use crate::domain::CommitSha;
use crate::old_promoter::{FileMoves, OldKind, read_moves};
use crate::plan::branch;
use crate::ports::{CutOverReader, ListedMergeRequest, MergeRequestDetail};
use crate::report::{Advice, MovedTarget, OldMergeRequest, OldPipeline, Relation};
use crate::snapshot::{Failure, MergeRequestFact};

/// Merge requests that are read side by side.
const AT_ONCE: usize = 8;
/// Merge requests of the old promoter that are looked into; of more the newest.
const MAX_READ: usize = 200;
/// Files of one of them that are read.
const MAX_FILES: usize = 100;

/// Whose merge request it is, if it is the old promoter's.
pub(super) fn kind_of(context: &Context<'_>, fact: &MergeRequestFact) -> Option<OldKind> {
    context.options.shapes.kind_of(&fact.source_branch, &fact.title, &fact.labels)
}

/// Is it one of ours?
pub(super) fn is_ours(context: &Context<'_>, fact: &MergeRequestFact) -> bool {
    branch::has_digest(&fact.source_branch) && context.is_bot(fact.author_id)
}

/// Reads those among all open merge requests that are the old promoter's, the worst first.
pub(super) async fn read_old_merge_requests(
    context: &Context<'_>,
    reader: &dyn CutOverReader,
    open: &[ListedMergeRequest],
) -> Vec<OldMergeRequest> {
    let old: Vec<_> =
        open.iter().filter_map(|listed| Some((listed, kind_of(context, &listed.fact)?))).collect();
    let read = old
        .into_iter()
        .take(MAX_READ)
        .map(|(listed, kind)| read_one(context, reader, listed, kind));
    let mut found: Vec<OldMergeRequest> = iter(read).buffered(AT_ONCE).collect().await;
    found.sort_by_key(|old| (std::cmp::Reverse(old.relation), old.iid));
    found
}

/// What a diff does.
struct Diff {
    files: Vec<String>,
    moves: BTreeMap<String, FileMoves>,
}

/// What a merge request moves, and how that relates to the plan.
struct Related {
    files: Vec<String>,
    targets: Vec<MovedTarget>,
    relation: Relation,
    remark: Option<String>,
}

async fn read_one(
    context: &Context<'_>,
    reader: &dyn CutOverReader,
    listed: &ListedMergeRequest,
    kind: OldKind,
) -> OldMergeRequest {
    let fact = &listed.fact;
    let detail = reader.merge_request(fact.iid).await;
    let diff = match &detail {
        Ok(detail) => read_diff(context, reader, fact, detail).await,
        Err(failure) => Err(failure.clone()),
    };
    let related = relate(context, reader, kind, diff).await;
    let Related { files, targets, relation, remark } = related.unwrap_or_else(Related::unreadable);
    let detail = detail.ok();
    let pipeline = detail.as_ref().and_then(|detail| detail.pipeline.clone());
    let merge_status = detail.and_then(|detail| detail.merge_status);
    let mut old = OldMergeRequest {
        iid: fact.iid,
        url: fact.web_url.clone(),
        kind,
        title: fact.title.clone(),
        author: fact.author.clone(),
        source_branch: fact.source_branch.clone(),
        created_at: fact.created_at,
        updated_at: listed.updated_at,
        draft: fact.draft,
        labels: fact.labels.clone(),
        pipeline: pipeline.map(|pipeline| OldPipeline {
            status: pipeline.status,
            url: pipeline.web_url,
            updated_at: pipeline.updated_at,
        }),
        merge_status,
        files,
        targets,
        relation,
        remark,
        advice: Advice::Look,
    };
    old.advice = advice_for(&old);
    old
}

impl Related {
    fn unreadable(failure: Failure) -> Self {
        let remark = Some(failure.error);
        let (files, targets) = (Vec::new(), Vec::new());
        Self { files, targets, relation: Relation::Unreadable, remark }
    }
}

async fn relate(
    context: &Context<'_>,
    reader: &dyn CutOverReader,
    kind: OldKind,
    diff: Result<Diff, Failure>,
) -> Result<Related, Failure> {
    let diff = diff?;
    let mut targets = moved_targets(&context.subscribers(), diff.moves.values());
    let sources = (reader, context.repo, context.options.digest);
    let now = context.snapshot.observed_at;
    confirm_reverts(sources, &diff.moves, &mut targets, now).await?;
    let others: Vec<String> = diff
        .moves
        .iter()
        .flat_map(|(file, moves)| moves.others.iter().map(move |at| format!("{file} {at}")))
        .collect();
    let (relation, remark) = if !others.is_empty() {
        let remark = format!("it also changes {}", others.join(", "));
        // What a person changes beside targets under the old promoter's label is that person's.
        let relation = if kind == OldKind::Other { worst(&targets) } else { Relation::Reverts };
        (relation, Some(remark))
    } else if targets.is_empty() {
        (Relation::NotWanted, Some("it moves no target".to_owned()))
    } else {
        (worst(&targets), None)
    };
    Ok(Related { files: diff.files, targets, relation, remark })
}

/// Reads both texts of each file.
async fn read_diff(
    context: &Context<'_>,
    reader: &dyn CutOverReader,
    fact: &MergeRequestFact,
    detail: &MergeRequestDetail,
) -> Result<Diff, Failure> {
    let (before, after) =
        detail.diff.as_ref().ok_or_else(|| Failure::new("GitLab has not prepared its diff yet"))?;
    let files = reader.changed_paths(fact.iid).await?;
    if files.len() > MAX_FILES {
        let message =
            format!("it changes {} files, more than the {MAX_FILES} that are read", files.len());
        return Err(Failure::new(message));
    }
    let mut moves = BTreeMap::new();
    for path in &files {
        moves.insert(path.clone(), read_file(context, reader, path, (before, after)).await?);
    }
    Ok(Diff { files, moves })
}

async fn read_file(
    context: &Context<'_>,
    reader: &dyn CutOverReader,
    path: &str,
    (before, after): (&CommitSha, &CommitSha),
) -> Result<FileMoves, Failure> {
    let Some(file) = path.strip_prefix("data").filter(|file| file.starts_with('/')) else {
        let others = vec!["is no datafile".to_owned()];
        return Ok(FileMoves { moves: Vec::new(), others });
    };
    let (before, after) =
        futures_util::try_join!(reader.text(before, path), reader.text(after, path))?;
    let texts = before.zip(after).ok_or_else(|| Failure::new(format!("{path} is new or gone")))?;
    let repo = (&context.repo.bundle, &context.repo.inventory);
    read_moves((&texts.0, &texts.1), file, repo, context.options.digest).map_err(Failure::new)
}
