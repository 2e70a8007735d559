//! Gate 2: all publishers are at the same commit.

use std::collections::BTreeMap;

use super::{Context, Evidence, Gate, GateResult};
use crate::domain::{CommitSha, TargetUid};

pub(in crate::decide) fn evaluate(context: &Context<'_>) -> GateResult {
    // By label, as a publisher of two channels counts once.
    let mut by_commit: BTreeMap<&CommitSha, BTreeMap<String, &TargetUid>> = BTreeMap::new();
    let mut unknown: BTreeMap<String, &TargetUid> = BTreeMap::new();
    for followed in &context.followed {
        let publishers = match followed.commit() {
            Some(commit) => by_commit.entry(commit).or_default(),
            None => &mut unknown,
        };
        publishers.insert(followed.publisher.label(), &followed.publisher.uid);
    }
    let uids = |publishers: &BTreeMap<String, &TargetUid>| {
        publishers.values().map(|uid| (*uid).clone()).collect::<Vec<_>>()
    };
    let labels = |publishers: &BTreeMap<String, &TargetUid>| {
        publishers.keys().cloned().collect::<Vec<_>>().join(", ")
    };
    let commits = by_commit.iter().map(|(commit, those)| ((*commit).clone(), uids(those)));
    let evidence = Evidence::Commits { commits: commits.collect(), unknown: uids(&unknown) };
    if context.followed.is_empty() {
        return GateResult::not_applicable(Gate::SameRef, "there is no publisher", evidence);
    }
    if !unknown.is_empty() {
        let reason = format!("the commit of {} is not known", labels(&unknown));
        return GateResult::blocked(Gate::SameRef, reason, evidence);
    }
    if let [(commit, _)] = by_commit.iter().collect::<Vec<_>>().as_slice() {
        let reason = format!("all publishers are at {}", commit.short());
        return GateResult::pass(Gate::SameRef, reason, Evidence::Nothing {});
    }
    let commits: Vec<String> = by_commit
        .iter()
        .map(|(commit, those)| format!("{} at {}", labels(those), commit.short()))
        .collect();
    let reason = format!("the publishers are at different commits: {}", commits.join("; "));
    GateResult::blocked(Gate::SameRef, reason, evidence)
}
