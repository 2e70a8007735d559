//! A ref that looks like a commit, but is not all of it in lower case: it is looked up at each run,
//! may come to mean another commit, and is likely no name of a branch.

use super::super::{Repo, at};
use crate::domain::{Problem, ProblemCode, is_commit_sha};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    for target in &repo.inventory.targets {
        let Ok(git_ref) = &target.git_ref else { continue };
        if is_part_of_a_commit(git_ref.as_str()) {
            let message = format!(
                "{}: ref `{git_ref}` looks like a commit, but is not its 40 lower-case digits",
                target.label()
            );
            problems.push(at(Problem::new(ProblemCode::AbbreviatedCommit, message), target, "ref"));
        }
    }
}

pub(super) fn is_part_of_a_commit(text: &str) -> bool {
    let length = text.len();
    (7..=40).contains(&length)
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !is_commit_sha(text)
}
