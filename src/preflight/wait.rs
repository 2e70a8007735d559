//! Observing until nothing of the old promoter stands in the way, or the time is up.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::assess::assess;
use super::checks::facts_differ;
use super::context::Context;
use super::observation::{Observation, observe};
use super::surroundings::surroundings;
use crate::ports::{CutOverReader, Progress, StateStore, waiting_for};
use crate::report::{CheckGroup, CheckOutcome, PreflightReport};

/// From one observation to the next.
const POLL: Duration = Duration::from_secs(60);

/// The time, as something that can be waited for.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> DateTime<Utc>;
    /// Waits.
    async fn sleep(&self, time: Duration);
}

/// What a preflight reads, and by which clock.
pub struct PreflightServices<'a> {
    /// The config repo's project.
    pub reader: &'a dyn CutOverReader,
    /// Deployment records and the export.
    pub state: &'a dyn StateStore,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Shows how far it is.
    pub progress: &'a dyn Progress,
}

/// Observes and judges, and does both again each minute while a check of the group `old` fails (or facts differ that have been
/// compared once) and there is time left. What a run looks up is looked up once.
pub async fn run(context: &Context<'_>, services: &PreflightServices<'_>) -> PreflightReport {
    let PreflightServices { reader, state, clock, progress } = services;
    let begin = clock.now();
    let around = surroundings(context, *reader, *state, begin);
    let around = waiting_for(*progress, "asking GitLab about rights and the queue", around).await;
    let mut before: Option<Observation> = None;
    loop {
        let seen = observe(context, *reader, *state, clock.now());
        let mut seen = waiting_for(*progress, "asking GitLab about the old promoter", seen).await;
        follow(context, &mut seen, before.as_ref());
        let report = assess(context, &around, &seen);
        let waited = (clock.now() - begin).to_std().unwrap_or_default();
        let is_time_left = waited + POLL <= context.options.wait;
        if !is_time_left || !is_worth_waiting(&report) {
            return report;
        }
        before = Some(seen);
        clock.sleep(POLL).await;
    }
}

/// Adds what earlier observations have.
fn follow(context: &Context<'_>, seen: &mut Observation, before: Option<&Observation>) {
    let differs = facts_differ(context, seen);
    if let Some(before) = before {
        seen.number = before.number + 1;
        seen.differed = before.differed;
        seen.export_times.extend(&before.export_times);
    }
    seen.differed = if differs { seen.differed + 1 } else { 0 };
}

fn is_worth_waiting(report: &PreflightReport) -> bool {
    let is_old = |check: &&crate::report::Check| check.group == CheckGroup::Old;
    let fails = report
        .checks
        .iter()
        .filter(is_old)
        .any(|check| matches!(check.outcome, CheckOutcome::Fail | CheckOutcome::NotKnown));
    let differs = |check: &crate::report::Check| {
        check.id == "facts_agree" && check.outcome == CheckOutcome::NotKnown
    };
    fails || report.checks.iter().any(differs)
}
