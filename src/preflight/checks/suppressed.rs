//! Is a due promotion kept from being opened, because somebody closed, reverted or took over its merge request?

use std::collections::BTreeSet;

use serde_json::json;

use super::{Facts, Finding, counted, requests_closed_by_others, some};
use crate::plan::{Action, Reason};
use crate::report::{CheckOutcome, MergeRequestReport};

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let is_suppressed = |one: &&MergeRequestReport| {
        let deferred = [
            Reason::ClosedByPerson,
            Reason::ClosedByTwin,
            Reason::RolledBack,
            Reason::NotOurs,
            Reason::TakenOver,
        ];
        (one.action == Action::Defer && deferred.contains(&one.reason_code))
            || one.reason_code == Reason::TakenOver
    };
    let requests = facts.context.report.merge_requests.iter();
    let suppressed: Vec<_> = requests.filter(is_suppressed).collect();
    if suppressed.is_empty() {
        return Finding::pass("no due promotion is suppressed");
    }
    let by_old = by_old(facts);
    let is_by_old = |one: &&&MergeRequestReport| {
        one.reason_code == Reason::ClosedByTwin || by_old.contains(one.branch.as_str())
    };
    let count = suppressed.iter().filter(is_by_old).count();
    let named = suppressed.iter().map(|one| format!("{}: {}", one.title, one.reason));
    let summary =
        format!("{} suppressed: {}", counted(suppressed.len(), "due promotion"), some(named));
    let evidence = json!({
        "merge_requests": suppressed.iter().map(|one| json!({
            "branch": one.branch, "targets": one.targets, "reason_code": one.reason_code, "reason": one.reason,
            "eligible_since": one.promotable_since,
        })).collect::<Vec<_>>(),
        "by_the_old_promoter": count,
    });
    let advice =
        "put the label sapm/again on the merge requests that are named, to ask for them again";
    if count > 0 {
        return Finding::fail(summary).advice(advice).evidence(evidence);
    }
    Finding::warn(format!("{summary} (a person's word, so it stays)"))
        .advice(advice)
        .evidence(evidence)
}

/// Branches whose merge request the old promoter closed or reverted.
fn by_old<'a>(facts: &Facts<'a>) -> BTreeSet<&'a str> {
    let finding = requests_closed_by_others::check(facts);
    if finding.outcome != CheckOutcome::Fail {
        return BTreeSet::new();
    }
    let iids = |key: &str| {
        let list = finding.evidence.get(key).and_then(|list| list.as_array()).cloned();
        list.unwrap_or_default()
    };
    let closed: Vec<u64> = iids("closed")
        .iter()
        .filter_map(|one| one.get("iid")?.as_u64())
        .chain(iids("reverted").iter().filter_map(|iid| iid.as_u64()))
        .collect();
    let lists = [facts.seen.closed.as_ref(), facts.around.merged.as_ref()];
    let listed = lists.into_iter().flatten().flat_map(|list| &list.entries);
    listed
        .filter(|listed| closed.contains(&listed.fact.iid.number()))
        .map(|listed| listed.fact.source_branch.as_str())
        .collect()
}
