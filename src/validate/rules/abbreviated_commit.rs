//! Finds refs that look like a commit but are not 40 lower-case digits: they are looked up in each run
//! and may later name another commit. They are hardly ever branch names.

use super::super::{Repo, place_below};
use crate::domain::{Problem, ProblemCode, is_commit_sha};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    for target in &repo.inventory.targets {
        let Ok(git_ref) = &target.git_ref else { continue };
        if is_part_of_a_commit(git_ref.as_str()) {
            let message = format!(
                "{}: ref `{git_ref}` looks like a commit, but is not 40 lower-case hex digits",
                target.label()
            );
            problems.push(place_below(
                Problem::new(ProblemCode::AbbreviatedCommit, message),
                target,
                "ref",
            ));
        }
    }
}

pub(super) fn is_part_of_a_commit(text: &str) -> bool {
    let length = text.len();
    (7..=40).contains(&length)
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !is_commit_sha(text)
}
