//! What the old promoter moved lately, in the files whose targets are in error now.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::checks::REFUSED_CODES;
use super::context::Context;
use crate::decide::Outcome;
use crate::domain::{MrIid, RepoPath, TargetUid};
use crate::old_promoter::read_moves;
use crate::ports::{CutOverReader, MergeRequestList};
use crate::snapshot::{CommitDetail, Failure};

/// How far back it is looked.
const SINCE: TimeDelta = TimeDelta::days(30);
/// Files that are looked into.
const MAX_FILES: usize = 5;
/// Commits of a file whose texts are compared, the newest first.
const MAX_COMMITS: usize = 3;

/// What the old promoter moved in one file.
#[derive(Debug, Default)]
pub struct PastMoves {
    /// By target: the newest move.
    pub targets: BTreeMap<TargetUid, PastMove>,
    /// Did it change the file at all?
    pub newest: Option<PastMove>,
}

/// A move of the old promoter's that is over.
#[derive(Debug, Clone)]
pub struct PastMove {
    /// When it was committed.
    pub at: Option<DateTime<Utc>>,
    /// The merge request, if it is among those that were merged lately.
    pub iid: Option<MrIid>,
}

/// Files with targets in error, or with what is refused.
fn files(context: &Context<'_>) -> BTreeSet<String> {
    let in_error = context.report.subscribers.iter().filter(|one| one.decision == Outcome::Error);
    let refused = context.report.problems.iter();
    let refused = refused
        .filter(|problem| REFUSED_CODES.contains(&problem.code))
        .filter_map(|problem| problem.file.clone());
    in_error.map(|one| one.edit_file.clone()).chain(refused).collect()
}

/// Looks through the history of these files.
pub(super) async fn past_moves(
    context: &Context<'_>,
    reader: &dyn CutOverReader,
    merged: Option<&MergeRequestList>,
    at: DateTime<Utc>,
) -> BTreeMap<String, Result<PastMoves, Failure>> {
    let mut found = BTreeMap::new();
    for file in files(context).into_iter().take(MAX_FILES) {
        let past = of_file(context, reader, (&file, merged), at).await;
        found.insert(file, past);
    }
    found
}

/// Is it a commit of an old promoter's, by its message?
fn is_old(commit: &CommitDetail) -> bool {
    let subject = commit.message.lines().next().unwrap_or_default();
    subject == "auto-promote subscriber" || subject.starts_with("auto promote ")
}

async fn of_file(
    context: &Context<'_>,
    reader: &dyn CutOverReader,
    (file, merged): (&str, Option<&MergeRequestList>),
    at: DateTime<Utc>,
) -> Result<PastMoves, Failure> {
    let path = RepoPath::of_datafile(file).to_string();
    let commits = reader.commits_of_file(&path, at - SINCE).await?;
    let mut past = PastMoves::default();
    for commit in commits.iter().filter(|commit| is_old(commit)).take(MAX_COMMITS) {
        let one = PastMove { at: commit.committed_at, iid: iid_of(merged, commit) };
        past.newest.get_or_insert_with(|| one.clone());
        let Some(parent) = commit.parents.first() else { continue };
        let (before, after) =
            futures_util::try_join!(reader.text(parent, &path), reader.text(&commit.sha, &path))?;
        let Some((before, after)) = before.zip(after) else { continue };
        let repo = (&context.repo.bundle, &context.repo.inventory);
        let moves = read_moves((&before, &after), file, repo, context.options.digest);
        for uid in moves.into_iter().flat_map(|moves| moves.moves).flat_map(|one| one.uids) {
            past.targets.entry(uid).or_insert_with(|| one.clone());
        }
    }
    Ok(past)
}

/// The merge request whose tip the commit was.
fn iid_of(merged: Option<&MergeRequestList>, commit: &CommitDetail) -> Option<MrIid> {
    let entries = merged.into_iter().flat_map(|list| &list.entries);
    let mut found = entries.filter(|listed| listed.fact.sha.as_ref() == Some(&commit.sha));
    found.next().map(|listed| listed.fact.iid)
}
