//! Finds targets whose text cannot be edited, by trying the edit of a promotion.

use super::super::Repo;
use crate::decide::suppose_promoted;
use crate::domain::{CommitSha, Problem};

/// A commit that no ref points to, and a hash that no record has.
const COMMIT: &str = "5a9b5a9b5a9b5a9b5a9b5a9b5a9b5a9b5a9b5a9b";
const HASH: &str = "5a9b5a9b5a9b5a9b";

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    let Some(commit) = CommitSha::parse(COMMIT) else { return };
    let mut decisions = suppose_promoted(repo.inventory, repo.bundle, &commit, HASH);
    problems.append(&mut decisions.problems);
}
