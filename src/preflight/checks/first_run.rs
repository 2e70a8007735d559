//! How many merge requests do the first runs open, and how long has the queue with them?

use chrono::TimeDelta;
use serde_json::json;

use super::{Facts, Finding, counted, some};
use crate::domain::{TargetUid, span};
use crate::plan::{Action, Reason};
use crate::report::{FirstRun, MergeRequestReport, Relation};

/// Merges that it takes to tell a pace.
const ENOUGH: usize = 10;
/// Minutes from one run to the next, as docs/set-up.md has it.
const INTERVAL_MINUTES: f64 = 10.0;

/// How fast merge requests of all users were merged in the last seven days; `None` if they were too few.
pub(super) fn merges_per_hour(facts: &Facts<'_>) -> Option<f64> {
    let merged = facts.around.merged.as_ref().ok()?;
    let times: Vec<_> = merged.entries.iter().filter_map(|listed| listed.merged_at).collect();
    let oldest = times.iter().min().filter(|_| times.len() >= ENOUGH)?;
    let hours = (facts.seen.at - *oldest).num_seconds() as f64 / 3600.0;
    Some(times.len() as f64 / hours.max(1.0))
}

/// Merge requests that are due and not open, whichever run opens them.
fn due<'a>(facts: &Facts<'a>) -> impl Iterator<Item = &'a MergeRequestReport> {
    let is_due = |one: &&MergeRequestReport| {
        let waits = [Reason::RunLimit, Reason::OpeningDisabled, Reason::WaitsForRequest];
        one.action == Action::Create
            || (one.action == Action::Defer && waits.contains(&one.reason_code))
    };
    facts.context.report.merge_requests.iter().filter(is_due)
}

/// What the first runs do.
pub(in crate::preflight) fn first_run(facts: &Facts<'_>) -> FirstRun {
    let subscribers = facts.context.subscribers();
    let covered = |uid: &TargetUid| {
        let moved = facts.seen.old_merge_requests.iter().flat_map(|old| &old.targets);
        let same = |relation| matches!(relation, Relation::Same | Relation::HashOnly);
        moved.into_iter().any(|target| target.uid.as_ref() == Some(uid) && same(target.relation))
    };
    let mut run = FirstRun { merges_per_hour: merges_per_hour(facts), ..FirstRun::default() };
    for one in due(facts) {
        run.create += 1;
        run.covered_by_old +=
            usize::from(!one.targets.is_empty() && one.targets.iter().all(covered));
        if let Some(subscriber) = one.targets.first().and_then(|uid| subscribers.get(uid)) {
            *run.by_app.entry(subscriber.target.app.clone()).or_default() += 1;
            *run.by_environment.entry(subscriber.environment.clone()).or_default() += 1;
        }
    }
    run.runs = run.create.div_ceil(facts.context.settings.max_new_merge_requests.max(1));
    let seconds =
        run.merges_per_hour.map(|pace| (run.create as f64 / pace * 3600.0).round() as u64);
    run.drain_seconds = seconds;
    run
}

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let run = first_run(facts);
    let targets: usize = due(facts).map(|one| one.targets.len()).sum();
    let behind = facts.seen.open.as_ref().map_or(0, |list| list.entries.len());
    let evidence = json!({ "first_run": run, "open_merge_requests": behind, "targets": targets });
    if run.create == 0 {
        return Finding::pass("the first run opens no merge request").evidence(evidence);
    }
    let mut summary = format!(
        "{} for {}: {}",
        counted(run.create, "merge request"),
        counted(targets, "target"),
        counted(run.runs, "run")
    );
    let drain =
        run.drain_seconds.and_then(|seconds| TimeDelta::try_seconds(i64::try_from(seconds).ok()?));
    let pace = run.merges_per_hour;
    match drain.zip(pace) {
        Some((drain, pace)) => {
            summary += &format!(", {} in the queue at {pace:.1} merges an hour", span(drain));
        }
        None => summary += "; how fast the queue merges is not known",
    }
    if run.covered_by_old > 0 {
        summary += &format!(
            "; {} of them covered by open merge requests of the old promoter",
            run.covered_by_old
        );
    }
    let limit = (pace.unwrap_or_default() * INTERVAL_MINUTES / 60.0).floor().max(1.0);
    let advice = format!("spread them: --max-new-merge-requests {limit}");
    if drain.is_some_and(|drain| drain > facts.context.options.max_drain) {
        let summary = format!(
            "{summary}, more than the {} of --max-drain",
            span(facts.context.options.max_drain)
        );
        return Finding::fail(summary).advice(advice).evidence(evidence);
    }
    if run.create > facts.context.settings.max_new_merge_requests || drain.is_none() {
        let finding = Finding::warn(summary).evidence(evidence);
        let by_app = run.by_app.iter().map(|(app, count)| format!("{app} ({count})"));
        return if drain.is_none() {
            finding.advice(format!("start with one app (--app-name): {}", some(by_app)))
        } else {
            finding.advice(advice)
        };
    }
    Finding::pass(summary).evidence(evidence)
}
