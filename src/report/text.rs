//! Helpers shared by several renderers.

use std::collections::BTreeMap;

use chrono::{DateTime, Timelike, Utc};

use super::model::{MergeRequestReport, PlanReport};
use crate::decide::Outcome;
use crate::domain::span;
use crate::plan::{Action, Reason};

/// Number of subscribers by decision.
pub(super) fn decisions(report: &PlanReport) -> Vec<(Outcome, usize)> {
    [Outcome::Promote, Outcome::Hold, Outcome::Error, Outcome::UpToDate]
        .into_iter()
        .map(|outcome| {
            let count = report.subscribers.iter().filter(|s| s.decision == outcome).count();
            (outcome, count)
        })
        .collect()
}

/// Number of merge requests by action.
fn count_actions(report: &PlanReport) -> BTreeMap<Action, usize> {
    let mut counts = BTreeMap::new();
    for mr in &report.merge_requests {
        *counts.entry(mr.action).or_insert(0) += 1;
    }
    counts
}

/// Number of merge requests by action, for people. For kept ones also why GitLab does not merge them
/// yet.
pub(super) fn action_counts(report: &PlanReport) -> Vec<String> {
    let kept_for = |reason: Reason| {
        let kept = |mr: &&MergeRequestReport| mr.action == Action::Keep && mr.reason_code == reason;
        report.merge_requests.iter().filter(kept).count()
    };
    let why = [Reason::AutoMerge, Reason::BehindTargetBranch].into_iter().filter_map(|reason| {
        let count = kept_for(reason);
        (count > 0).then(|| format!("{count} {}", kept_word(reason).unwrap_or_default()))
    });
    let why: Vec<String> = why.collect();
    let counts = count_actions(report).into_iter().map(|(action, count)| {
        let why = match action {
            Action::Keep => why.clone(),
            Action::Create => created_promotions(report, count).into_iter().collect(),
            Action::Update => updates_of_batches(report),
            _ => Vec::new(),
        };
        let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
        format!("{count} {}{why}", action_word(action))
    });
    counts.collect()
}

/// How many promotions the merge requests carry that are opened, where these are more.
fn created_promotions(report: &PlanReport, opened: usize) -> Option<String> {
    let created = report.merge_requests.iter().filter(|mr| mr.action == Action::Create);
    let promotions: usize = created.map(MergeRequestReport::promotions).sum();
    (promotions > opened).then(|| format!("{promotions} promotions"))
}

/// What batches take in, and how many are split.
fn updates_of_batches(report: &PlanReport) -> Vec<String> {
    let batches = || report.merge_requests.iter().filter(|mr| mr.action == Action::Update);
    let taken_in: Vec<usize> =
        batches().filter_map(|mr| mr.batch.as_ref()).map(|batch| batch.taken_in).collect();
    let (takes, sum) =
        (taken_in.iter().filter(|n| **n > 0).count(), taken_in.iter().sum::<usize>());
    let split = batches().filter(|mr| mr.is_split()).count();
    let verb = |number: usize, one: &str, many: &str| {
        format!("{number} {}", if number == 1 { one } else { many })
    };
    let takes = (takes > 0).then(|| format!("{} {sum}", verb(takes, "takes in", "take in")));
    let split = (split > 0).then(|| format!("{} split", verb(split, "is", "are")));
    takes.into_iter().chain(split).collect()
}

/// The special state of a merge request that is kept for this reason.
pub(super) fn kept_word(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::AutoMerge => Some("with auto-merge"),
        Reason::BehindTargetBranch => Some("behind the target branch"),
        _ => None,
    }
}

/// ` (shard 2 of 3)` with sharding.
pub(super) fn share(report: &PlanReport) -> String {
    report.share.map(|share| format!(" ({share})")).unwrap_or_default()
}

pub(super) fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Promote => "promote",
        Outcome::Hold => "hold",
        Outcome::Error => "error",
        Outcome::UpToDate => "up to date",
    }
}

pub(super) fn action_word(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Hold => "hold",
        Action::Close => "close",
        Action::Keep => "keep",
        Action::Defer => "defer",
    }
}

/// A time for people: to the minute, with seconds if they are not zero.
pub(super) fn utc(at: DateTime<Utc>) -> String {
    let form = if at.second() == 0 { "%Y-%m-%d %H:%M UTC" } else { "%Y-%m-%d %H:%M:%S UTC" };
    at.format(form).to_string()
}

/// The distance between a time and now.
pub(super) fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    if at > now { format!("in {}", span(at - now)) } else { format!("{} ago", span(now - at)) }
}
