//! Reports a cause that many lookups share as one problem, with the number of affected targets.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Problem, ProblemCode, TargetUid};

/// A cause that affects one target, to be counted by [`count_targets`].
pub(super) fn shared_cause(cause: &str, target: &TargetUid) -> Problem {
    Problem::new(ProblemCode::ServiceRefused, cause).at(target.to_string())
}

/// Replaces all problems of the same cause by one.
pub(super) fn count_targets(problems: &mut Vec<Problem>) {
    let mut targets: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
    problems.retain(|problem| {
        let shared = problem.code == ProblemCode::ServiceRefused;
        if shared {
            targets.entry(problem.message.clone()).or_default().insert(problem.path.clone());
        }
        !shared
    });
    problems.extend(targets.into_iter().map(|(cause, targets)| {
        let number = targets.len();
        let plural = if number == 1 { "" } else { "s" };
        Problem::new(
            ProblemCode::ServiceRefused,
            format!("{cause} (concerns {number} target{plural})"),
        )
    }));
}
