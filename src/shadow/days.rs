//! What each day comes to.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::ledger::{LONGEST_STEP, Ledger};
use crate::domain::count;
use crate::report::{DayReport, DayVerdict, MoveClass, MoveReport, ShadowReport};

/// Share of a day that runs must cover.
const COVERED: f64 = 0.95;
/// Share of moves that may not be comparable.
const NOT_COMPARABLE: f64 = 0.05;
/// Share of publishers whose facts may differ.
const DIFFER: f64 = 0.01;
/// Moves below which a day is quiet.
const QUIET: usize = 5;

fn begin(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// Every day from the ledger's first to today. Days that were closed before stay as they are.
pub(super) fn days(ledger: &Ledger, report: &ShadowReport, closed: &[DayReport]) -> Vec<DayReport> {
    let today = report.observed_at.date_naive();
    let mut by_day: BTreeMap<NaiveDate, Vec<&MoveReport>> = BTreeMap::new();
    for one in &report.moves {
        by_day.entry(one.began_at().date_naive()).or_default().push(one);
    }
    let mut all: BTreeMap<NaiveDate, DayReport> = BTreeMap::new();
    let mut date = ledger.since.date_naive();
    while date <= today {
        let moves = by_day.remove(&date).unwrap_or_default();
        all.insert(date, day(ledger, report, date, &moves));
        date += TimeDelta::days(1);
    }
    for day in closed.iter().filter(|day| day.date < today) {
        all.insert(day.date, day.clone());
    }
    all.into_values().collect()
}

fn day(
    ledger: &Ledger,
    report: &ShadowReport,
    date: NaiveDate,
    moves: &[&MoveReport],
) -> DayReport {
    let mut day = DayReport {
        date,
        verdict: DayVerdict::Green,
        remarks: Vec::new(),
        runs: ledger.segments.iter().filter_map(|segment| segment.runs.get(&date)).sum(),
        coverage: coverage(ledger, report.observed_at, date),
        classes: BTreeMap::new(),
        reasons: BTreeMap::new(),
        unexplained: moves.iter().filter(|one| !one.explained).count(),
        facts_differ: facts_differ(report, date),
        facts_compared: ledger.facts_compared,
        lead_minutes_95: lead_95(moves),
    };
    for one in moves {
        *day.classes.entry(one.class).or_default() += 1;
        if let Some(reason) = one.reasons.first() {
            *day.reasons.entry(one.class).or_default().entry(reason.code).or_default() += 1;
        }
    }
    judge(ledger, &mut day, moves.len());
    day
}

fn judge(ledger: &Ledger, day: &mut DayReport, moves: usize) {
    let not_comparable = day.classes.get(&MoveClass::NotComparable).copied().unwrap_or_default();
    let allowed = day.facts_compared as f64 * DIFFER;
    if day.unexplained > 0 || day.facts_differ as f64 > allowed {
        day.verdict = DayVerdict::Red;
        if day.facts_differ > 0 {
            day.remarks.push(format!("facts of {} differ", day.facts_differ));
        }
        return;
    }
    if begin(day.date) + LONGEST_STEP < ledger.since {
        day.remarks.push(format!("the ledger begins at {}", ledger.since.format("%H:%M UTC")));
    }
    if day.coverage < COVERED {
        day.remarks.push("runs are missing".to_owned());
    }
    if not_comparable as f64 > moves as f64 * NOT_COMPARABLE {
        day.remarks.push(format!("{} cannot be compared", count(not_comparable, "move")));
    }
    let errors = |date: NaiveDate| ledger.errors.get(&date).copied();
    let most_before = ledger.errors.range(..day.date).map(|(_, errors)| *errors).max();
    if let Some((errors, before)) = errors(day.date).zip(most_before)
        && errors > before
    {
        day.remarks.push(format!("{} of ours, more than before", count(errors, "error")));
    }
    if !day.remarks.is_empty() {
        day.verdict = DayVerdict::Incomplete;
    } else if moves < QUIET {
        day.verdict = DayVerdict::Quiet;
    }
}

/// Share of the day, or of what has passed of it, from one run to the next.
fn coverage(ledger: &Ledger, now: DateTime<Utc>, date: NaiveDate) -> f64 {
    let from = begin(date).max(ledger.since);
    let to = begin(date + TimeDelta::days(1)).min(now);
    let passed = (to - from).num_seconds();
    if passed <= 0 {
        return 1.0;
    }
    let covered: i64 = ledger
        .segments
        .iter()
        .map(|segment| {
            // The last run of a segment speaks for the time until the next one was due.
            let end = (segment.to + LONGEST_STEP / 3).min(to);
            (end - segment.from.max(from)).num_seconds().max(0)
        })
        .sum();
    (covered as f64 / passed as f64).min(1.0)
}

fn facts_differ(report: &ShadowReport, date: NaiveDate) -> usize {
    let days = |fact: &&crate::report::FactDifference| {
        fact.since.date_naive() <= date && date <= fact.until.date_naive()
    };
    report.facts.iter().filter(days).count()
}

fn lead_95(moves: &[&MoveReport]) -> Option<i64> {
    let mut leads: Vec<i64> = moves
        .iter()
        .filter(|one| one.class == MoveClass::OursEarlier)
        .filter_map(|one| one.lead_minutes)
        .collect();
    leads.sort_unstable();
    leads.get((leads.len() * 95 / 100).min(leads.len().saturating_sub(1))).copied()
}
