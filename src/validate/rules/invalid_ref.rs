//! Finds refs that can be neither a commit nor the name of a branch or tag (git's check-ref-format).

use super::super::{Repo, place_below};
use crate::domain::{Problem, ProblemCode, explain_invalid_ref};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    for target in &repo.inventory.targets {
        let Ok(git_ref) = &target.git_ref else { continue };
        if let Some(why) = explain_invalid_ref(git_ref.as_str()) {
            let message = format!("{}: ref `{git_ref}` is not a valid ref: {why}", target.label());
            problems.push(place_below(
                Problem::new(ProblemCode::InvalidRef, message),
                target,
                "ref",
            ));
        }
    }
}
