//! Finds targets with `auto: true` whose ref is a branch or a tag: their first promotion pins them to a commit.

use super::super::{Repo, place_below};
use super::abbreviated_commit;
use crate::domain::{GitRef, Problem, ProblemCode, explain_invalid_ref};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    for (_, target) in repo.inventory.subscribers() {
        let Ok(GitRef::Moving(git_ref)) = &target.git_ref else { continue };
        let is_other_problem = abbreviated_commit::is_part_of_a_commit(git_ref)
            || explain_invalid_ref(git_ref).is_some();
        if is_other_problem {
            continue;
        }
        let message = format!(
            "{}: `auto: true` with the branch or tag `{git_ref}` as ref: it deploys what nobody \
             promoted, until the first promotion replaces the ref by a commit",
            target.label()
        );
        problems.push(place_below(
            Problem::new(ProblemCode::AutoWithMovingRef, message),
            target,
            "ref",
        ));
    }
}
