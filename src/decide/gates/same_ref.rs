//! Gate 2: all publishers are at one and the same commit.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Context, Gate, GateName};

use crate::domain::short_ref;

pub(in crate::decide) fn evaluate(context: &Context<'_>) -> Gate {
    let mut by_commit: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut unknown = Vec::new();
    for followed in &context.followed {
        match followed.commit() {
            Some(commit) => {
                by_commit.entry(commit.as_str()).or_default().push(followed.publisher.label());
            }
            None => unknown.push(followed.publisher.label()),
        }
    }
    for labels in by_commit.values_mut() {
        labels.sort();
        labels.dedup();
    }
    let evidence = json!({"commits": by_commit, "unknown": unknown});
    if context.followed.is_empty() {
        return Gate::not_applicable(GateName::SameRef, "no publisher is followed", evidence);
    }
    if !unknown.is_empty() {
        let reason = format!("the commit of {} is not known", unknown.join(", "));
        return Gate::hold(GateName::SameRef, reason, evidence);
    }
    if let [(commit, _)] = by_commit.iter().collect::<Vec<_>>().as_slice() {
        let reason = format!("all publishers are at {}", short_ref(commit));
        return Gate::pass(GateName::SameRef, reason, evidence);
    }
    let commits: Vec<String> = by_commit
        .iter()
        .map(|(commit, labels)| format!("{} at {}", labels.join(", "), short_ref(commit)))
        .collect();
    let reason = format!("the publishers are at different commits: {}", commits.join("; "));
    Gate::hold(GateName::SameRef, reason, evidence)
}
