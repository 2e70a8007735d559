//! Does the config repo hold what `sapm` refuses and the old promoter took?

use serde_json::json;

use super::{Facts, Finding, counted, some};
use crate::domain::{Problem, ProblemCode};

/// What is refused.
pub(in crate::preflight) const REFUSED_CODES: [ProblemCode; 7] = [
    ProblemCode::UnsafeEdit,
    ProblemCode::SharedValue,
    ProblemCode::DuplicateTarget,
    ProblemCode::StuckEditSite,
    ProblemCode::UnreadableDatafile,
    ProblemCode::InvalidSelector,
    ProblemCode::ChannelWithoutPublisher,
];

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let problems = facts.context.report.problems.iter();
    let refused: Vec<&Problem> =
        problems.filter(|problem| REFUSED_CODES.contains(&problem.code)).collect();
    if refused.is_empty() {
        return Finding::pass("nothing in the config repo is refused");
    }
    let was_promoted = |problem: &&&Problem| {
        let past = problem.file.as_ref().and_then(|file| facts.around.past.get(file));
        past.is_some_and(|past| past.as_ref().is_ok_and(|past| past.newest.is_some()))
    };
    let promoted = refused.iter().filter(was_promoted).count();
    let named = refused.iter().map(|problem| {
        format!("{} in {}", problem.code, problem.file.as_deref().unwrap_or_default())
    });
    let evidence = json!({ "problems": refused, "in_files_promoted_lately": promoted });
    let summary =
        format!("{} of the config repo: {}", counted(refused.len(), "problem"), some(named));
    let finding = if promoted > 0 {
        Finding::fail(format!(
            "{summary}; the old promoter changed these files in the last 30 days"
        ))
    } else {
        Finding::warn(summary)
    };
    finding.advice("`sapm validate` has each with its place and a fix").evidence(evidence)
}
