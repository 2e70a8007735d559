//! Values that targets of a file had lately: a move to one of them goes back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::{TargetUid, UidDigest};
use crate::old_promoter::{FileMoves, read_moves};
use crate::ports::CutOverReader;
use crate::report::{MovedTarget, Relation};
use crate::run::ConfigRepo;
use crate::snapshot::Failure;

/// How far back it is looked.
const SINCE: TimeDelta = TimeDelta::days(30);
/// Commits of a file that are looked into, the newest first.
const MAX_COMMITS: usize = 5;

/// Leaves those as reverts that go back to a value of the last commits of their file. What moves to a commit that nobody
/// knows is only not wanted: the old promoter may have seen a newer one.
pub async fn confirm_reverts(
    (reader, repo, digest): (&dyn CutOverReader, &ConfigRepo, UidDigest),
    files: &BTreeMap<String, FileMoves>,
    targets: &mut [MovedTarget],
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let mut earlier: BTreeMap<TargetUid, BTreeSet<String>> = BTreeMap::new();
    let suspects: BTreeSet<TargetUid> = targets
        .iter()
        .filter(|target| target.relation == Relation::Reverts)
        .filter_map(|target| target.uid.clone())
        .collect();
    if suspects.is_empty() {
        return Ok(());
    }
    for (path, moves) in files {
        if !moves.moves.iter().any(|one| one.uids.iter().any(|uid| suspects.contains(uid))) {
            continue;
        }
        for commit in reader.commits_of_file(path, now - SINCE).await?.iter().take(MAX_COMMITS) {
            let Some(parent) = commit.parents.first() else { continue };
            let (before, after) =
                futures_util::try_join!(reader.text(parent, path), reader.text(&commit.sha, path))?;
            let Some((before, after)) = before.zip(after) else { continue };
            let file = path.strip_prefix("data").unwrap_or(path);
            let known = (&repo.bundle, &repo.inventory);
            let found = read_moves((&before, &after), file, known, digest).unwrap_or_default();
            for one in found.moves {
                for uid in one.uids {
                    earlier.entry(uid).or_default().insert(one.from.clone());
                }
            }
        }
    }
    for target in targets.iter_mut().filter(|target| target.relation == Relation::Reverts) {
        let had = target.uid.as_ref().and_then(|uid| earlier.get(uid));
        if !had.is_some_and(|had| had.contains(&target.to)) {
            target.relation = Relation::NotWanted;
        }
    }
    Ok(())
}
