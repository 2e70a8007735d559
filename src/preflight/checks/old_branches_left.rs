//! Are branches of the old promoter left that have no open merge request?

use serde_json::json;

use super::{Facts, Finding, counted, some};
use crate::domain::span;

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    if facts.context.options.shapes.is_empty() {
        return Finding::skipped("no old promoter is looked for (--old none)");
    }
    let branches = match &facts.seen.branches {
        Ok(branches) => branches,
        Err(failure) => return Finding::not_known("branches of the old promoter", failure),
    };
    let is_open =
        |name: &String| facts.seen.old_merge_requests.iter().any(|old| old.source_branch == *name);
    let left: Vec<_> = branches.iter().filter(|(name, _)| !is_open(name)).collect();
    if left.is_empty() {
        return Finding::pass("no branch of the old promoter is left");
    }
    let named = left.iter().map(|(name, tip)| {
        let age = tip.committed_at.map(|at| format!(" ({})", span(facts.seen.at - at)));
        format!("{name}{}", age.unwrap_or_default())
    });
    let summary = format!(
        "{} without an open merge request: {}",
        counted(left.len(), "branch").replace("branchs", "branches"),
        some(named)
    );
    Finding::warn(summary).advice("delete them").evidence(json!({
        "branches": left.iter().map(|(name, tip)| json!({
            "name": name, "tip": tip.sha, "committed_at": tip.committed_at,
        })).collect::<Vec<_>>(),
    }))
}
