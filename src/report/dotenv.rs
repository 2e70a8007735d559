//! Counts as variables for later jobs: GitLab's dotenv report.

use super::model::{MergeRequestReport, PlanReport};
use crate::apply::Verdict;
use crate::decide::Outcome;
use crate::domain::Shard;
use crate::plan::Action;

/// `NAME=number` lines: what was done (or would be done, by a run that only plans), and the exit code.
///
/// A write that failed or met a conflict counts only as a problem. With a shard, every name ends in the number of
/// the node: a later job gets the variables of all nodes, and of equal names only one. By default GitLab accepts at
/// most 5 KiB without comments, quotes or blank lines, and 20 variables (its docs, ci/yaml/artifacts_reports), so there
/// are no totals.
pub fn dotenv(report: &PlanReport, share: Option<Shard>, exit_code: u8) -> String {
    let merge_requests = |action: Action| {
        report.merge_requests.iter().filter(|r| r.action == action && has_succeeded(r)).count()
    };
    let subscribers = |outcome: Outcome| {
        report.subscribers.iter().filter(|subscriber| subscriber.decision == outcome).count()
    };
    let done = || report.merge_requests.iter().filter(|mr| has_succeeded(mr));
    let opened = done().filter(|mr| mr.action == Action::Create);
    let promotions = opened.map(MergeRequestReport::promotions).sum();
    let split = done().filter(|mr| mr.is_split()).count();
    let errors = report.problems.iter().filter(|problem| problem.is_error()).count();
    let counts = [
        ("SAPM_OPENED", merge_requests(Action::Create)),
        ("SAPM_PROMOTIONS", promotions),
        ("SAPM_SPLIT", split),
        ("SAPM_UPDATED", merge_requests(Action::Update)),
        ("SAPM_DRAFTED", merge_requests(Action::Hold)),
        ("SAPM_CLOSED", merge_requests(Action::Close)),
        ("SAPM_KEPT", merge_requests(Action::Keep)),
        ("SAPM_DEFERRED", merge_requests(Action::Defer)),
        ("SAPM_TARGETS_PROMOTED", subscribers(Outcome::Promote)),
        ("SAPM_TARGETS_HELD", subscribers(Outcome::Hold)),
        ("SAPM_TARGETS_IN_ERROR", subscribers(Outcome::Error)),
        ("SAPM_PROBLEMS", errors),
        ("SAPM_WARNINGS", report.problems.len() - errors),
        ("SAPM_EXIT_CODE", usize::from(exit_code)),
    ];
    let node = share.map(|share| format!("_{}", share.index())).unwrap_or_default();
    counts.iter().map(|(name, count)| format!("{name}{node}={count}\n")).collect()
}

fn has_succeeded(mr: &MergeRequestReport) -> bool {
    let verdict = mr.outcome.as_ref().map(|outcome| outcome.outcome);
    matches!(verdict, None | Some(Verdict::Done | Verdict::Unchanged))
}
