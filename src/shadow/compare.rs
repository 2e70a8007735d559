//! From the ledger to the report.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::classify::{ALONE, Classified, Sides};
use super::days::days;
use super::known::Known;
use super::ledger::Ledger;
use super::observation::Observed;
use super::reasons::{Case, reasons};
use super::traits::OldNarrowing;
use crate::old_promoter::OldKind;
use crate::report::{
    DayReport, MoveClass, MoveReport, OursReport, ReasonCode, ShadowReport, TheirsReport,
};

/// How both sides are compared.
#[derive(Debug, Clone, Default)]
pub struct CompareOptions {
    /// Users of the old promoter that were named.
    pub old_users: BTreeSet<String>,
    /// The promoters that are looked for.
    pub kinds: BTreeSet<OldKind>,
    /// What the old promoter is narrowed to.
    pub old_narrowing: OldNarrowing,
    /// What this run is narrowed to, e.g. `app=orders`.
    pub narrowed_to: Option<String>,
    /// Differences that a person explains.
    pub known: Known,
    /// Days that were closed before: they stay as they are.
    pub closed_days: Vec<DayReport>,
}

/// Compares both sides of a ledger as of `now`.
pub fn compare(ledger: &Ledger, now: DateTime<Utc>, options: &CompareOptions) -> ShadowReport {
    let mut report = ShadowReport::new(now, ledger.project.clone());
    let sides = Sides::new(ledger, now);
    report.since = Some(ledger.since);
    report.old_users = old_users(ledger, options);
    report.old_loop_seconds = ledger.old_loop().map(|cycle| cycle.num_seconds());
    report.moves = sides.classify().iter().map(|one| told(&sides, options, one)).collect();
    report.moves.sort_by_key(|one| (one.began_at(), one.label.clone()));
    report.known_used = options.known.explain(&mut report.moves, now);
    report.warnings = options.known.warnings(now);
    for (iid, facts) in &ledger.merge_requests {
        if let Some(error) = &facts.error {
            report.warnings.push(format!("what {iid} moves could not be read: {error}"));
        }
    }
    report.facts = ledger.facts.iter().filter(|fact| fact.runs > 1).cloned().collect();
    report.days = days(ledger, &report, &options.closed_days);
    report.verdict = report.days.last().map(|day| day.verdict);
    report
}

/// Compares one run without a ledger: what is open against what is wanted, as if it had been so for some time.
pub fn compare_present(run: &Observed, project: &str, options: &CompareOptions) -> ShadowReport {
    let began_at = run.at - ALONE * 2;
    let mut past = run.clone();
    past.at = began_at;
    for watched in past.targets.values_mut() {
        (watched.interval.from, watched.interval.to) = (began_at, began_at);
    }
    let mut present = run.clone();
    for facts in past.merge_requests.values_mut().chain(present.merge_requests.values_mut()) {
        facts.opened_at = began_at;
    }
    let mut ledger = Ledger::new(project, began_at - TimeDelta::days(1));
    // Every step of it, so that there is no gap.
    let mut at = began_at;
    while at < run.at {
        past.at = at;
        ledger.record(&past);
        at += super::ledger::LONGEST_STEP;
    }
    ledger.record(&present);
    let mut report = compare(&ledger, run.at, options);
    (report.since, report.days, report.verdict) = (None, Vec::new(), None);
    report.old_loop_seconds = None;
    report.moves.retain(|one| one.theirs.as_ref().is_none_or(|theirs| theirs.ended_at.is_none()));
    for one in &mut report.moves {
        one.lead_minutes = None;
    }
    report.facts = run
        .facts
        .iter()
        .flat_map(|(_, differing)| differing)
        .map(|(key, sides)| crate::report::FactDifference {
            publisher: key.clone(),
            theirs: sides.0.clone(),
            ours: sides.1.clone(),
            since: run.at,
            until: run.at,
            runs: 1,
        })
        .collect();
    report
}

fn old_users(ledger: &Ledger, options: &CompareOptions) -> BTreeSet<String> {
    if !options.old_users.is_empty() {
        return options.old_users.clone();
    }
    let found = ledger.merge_requests.values().filter(|facts| facts.kind != OldKind::Other);
    found.map(|facts| facts.author.clone()).collect()
}

fn told(sides: &Sides<'_>, options: &CompareOptions, one: &Classified<'_>) -> MoveReport {
    let history = sides.ledger.targets.get(&one.key.uid);
    let opened_at = one.theirs.as_ref().map(|theirs| theirs.opened_at);
    let decided = opened_at.and_then(|at| sides.decided(&one.key.uid, at));
    let reasons = reasons(&Case { sides, options, one, history, decided });
    let label = history.map(|history| history.label.clone());
    let theirs_label = one.theirs.as_ref().map(|theirs| theirs.label.to_owned());
    MoveReport {
        uid: one.key.uid.clone(),
        label: label.or(theirs_label).unwrap_or_default(),
        git_ref: one.key.git_ref.clone(),
        class: one.class,
        lead_minutes: one.lead.map(|lead| lead.num_minutes()),
        ours: one.ours.as_ref().map(|ours| OursReport {
            first: ours.first,
            last: ours.last,
            hashes: ours.hashes.clone(),
        }),
        theirs: one.theirs.as_ref().map(|theirs| TheirsReport {
            iids: theirs.merge_requests.iter().map(|(iid, ..)| *iid).collect(),
            url: theirs.first().1.url.clone(),
            opened_at: theirs.opened_at,
            ended_at: theirs.ended_at(),
            merged: theirs.merged(),
            hashes: theirs.first().2.hashes.clone(),
        }),
        decided: decided.filter(|_| one.ours.is_none()).map(|decided| decided.words()),
        explained: is_explained(one, &reasons),
        reasons,
    }
}

fn is_explained(one: &Classified<'_>, reasons: &[crate::report::ReasonReport]) -> bool {
    if reasons.iter().any(|reason| reason.code == ReasonCode::Reverts) {
        return false;
    }
    match one.class {
        MoveClass::Same | MoveClass::OursEarlier | MoveClass::NotComparable => true,
        // Within an hour it is a matter of luck who looked first.
        MoveClass::TheirsEarlier => {
            !reasons.is_empty() || one.lead.is_none_or(|lead| lead.abs() <= ALONE)
        }
        MoveClass::OnlyOurs | MoveClass::OnlyTheirs | MoveClass::ContentDiffers => {
            !reasons.is_empty()
        }
    }
}
