//! Does a rule of protected branches refuse a branch that a run may make?

use serde_json::json;

use super::{Facts, Finding, counted, some};
use crate::plan::branch;
use crate::preflight::surroundings::all_branches;
use crate::report::CheckOutcome;

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let refused = match &facts.around.refused_branches {
        Ok(refused) => refused,
        Err(failure) => {
            let summary = format!("rules of protected branches are not known: {}", failure.error);
            return Finding::new(CheckOutcome::NotKnown, summary).advice(
                "ask a Maintainer, or run preflight once with a Maintainer's token (read_api)",
            );
        }
    };
    let all = all_branches(facts.context);
    if refused.is_empty() {
        let summary = format!(
            "no rule of protected branches refuses one of {}",
            counted(all.len(), "branch name")
        );
        return Finding::pass(summary);
    }
    let rules: std::collections::BTreeSet<&String> = refused.values().flatten().collect();
    let inventory = &facts.context.repo.inventory;
    let target_branch = facts.context.target_branch();
    let prefix = facts.context.settings.branches.of_new();
    let targets: Vec<String> = inventory
        .subscribers()
        .filter(|(index, _)| {
            refused.contains_key(&branch::name(prefix, target_branch, inventory.place_key(*index)))
        })
        .map(|(_, target)| target.label())
        .collect();
    let summary = format!(
        "the protected branches {} refuse the branches of {}: {}",
        some(rules.iter().map(|rule| rule.as_str())),
        counted(targets.len(), "target"),
        some(targets.iter().cloned())
    );
    Finding::fail(summary)
        .advice("narrow these rules, or add one for the bot's branches that lets it push and force push (Settings > Repository)")
        .evidence(json!({ "rules": rules, "branches": refused.keys().collect::<Vec<_>>(), "targets": targets }))
}
