//! Gate 2: all publishers are at the same commit.

use std::collections::BTreeMap;

use super::{Context, Evidence, Gate, GateResult};
use crate::domain::short_ref;

pub(in crate::decide) fn evaluate(context: &Context<'_>) -> GateResult {
    let mut by_commit: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut unknown = Vec::new();
    for followed in &context.followed {
        match followed.commit() {
            Some(commit) => {
                by_commit.entry(commit.to_string()).or_default().push(followed.publisher.label());
            }
            None => unknown.push(followed.publisher.label()),
        }
    }
    for labels in by_commit.values_mut() {
        labels.sort();
        labels.dedup();
    }
    let evidence = Evidence::Commits { commits: by_commit.clone(), unknown: unknown.clone() };
    if context.followed.is_empty() {
        return GateResult::not_applicable(Gate::SameRef, "there is no publisher", evidence);
    }
    if !unknown.is_empty() {
        let reason = format!("the commit of {} is not known", unknown.join(", "));
        return GateResult::blocked(Gate::SameRef, reason, evidence);
    }
    if let [(commit, _)] = by_commit.iter().collect::<Vec<_>>().as_slice() {
        let reason = format!("all publishers are at {}", short_ref(commit));
        return GateResult::pass(Gate::SameRef, reason, evidence);
    }
    let commits: Vec<String> = by_commit
        .iter()
        .map(|(commit, labels)| format!("{} at {}", labels.join(", "), short_ref(commit)))
        .collect();
    let reason = format!("the publishers are at different commits: {}", commits.join("; "));
    GateResult::blocked(Gate::SameRef, reason, evidence)
}
