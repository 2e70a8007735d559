//! Which targets are decided on otherwise than by the old promoter, on purpose? For the announcement.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Facts, Finding, counted};
use crate::inventory::Target;
use crate::preflight::Context;
use crate::report::Difference;

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let found = differences(facts.context);
    let targets: usize = found.iter().map(|difference| difference.targets.len()).sum();
    if targets == 0 {
        return Finding::pass("no target is decided on otherwise");
    }
    let summary = format!(
        "{} decided on otherwise, on purpose: see the announcement in the Markdown",
        counted(targets, "target")
    );
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for difference in &found {
        *counts.entry(difference.code).or_default() += difference.targets.len();
    }
    Finding::pass(summary).evidence(json!({ "targets_by_code": counts }))
}

/// Targets by difference and app.
pub(in crate::preflight) fn differences(context: &Context<'_>) -> Vec<Difference> {
    let mut found: BTreeMap<(&'static str, String), BTreeSet<String>> = BTreeMap::new();
    let twins = twins(context);
    for (index, target) in context.repo.inventory.subscribers() {
        let codes = [
            (twins.contains(&index), "twin_rewritten"),
            (has_gated_hashes(target), "hash_skips_gates"),
            (is_spelled_otherwise(target), "blocked_spelling"),
        ];
        for (_, code) in codes.into_iter().filter(|(is, _)| *is) {
            found.entry((code, target.app.name.clone())).or_default().insert(target.label());
        }
    }
    let difference = |((code, app), targets): ((&'static str, String), BTreeSet<String>)| {
        Difference { code, app, targets: targets.into_iter().collect() }
    };
    found.into_iter().map(difference).collect()
}

/// Targets that share file, namespace and channels with another one: the old promoter moves them together.
fn twins(context: &Context<'_>) -> BTreeSet<crate::inventory::TargetIx> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (index, target) in context.repo.inventory.subscribers() {
        let channels: BTreeSet<&String> = target.promotion.subscribe.iter().collect();
        groups.entry((&target.file, &target.namespace.path, channels)).or_default().push(index);
    }
    groups.into_values().filter(|group| group.len() > 1).flatten().collect()
}

fn has_gated_hashes(target: &Target) -> bool {
    let promotion = &target.promotion;
    promotion.redeploy_on_publisher_config_change
        && (promotion.soak_days > 0 || !promotion.schedule.is_empty() || !target.slos.is_empty())
}

/// Does its app block versions of the repository under another spelling of its address?
fn is_spelled_otherwise(target: &Target) -> bool {
    target.app.code_components.iter().any(|component| {
        !component.blocked_versions.is_empty()
            && component.url.id() == target.repo_url.id()
            && component.url.as_str() != target.repo_url.as_str()
    })
}
