//! What all renderings of a preflight share.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::model::{Advice, CheckOutcome, OldMergeRequest, PreflightReport, Verdict};
use crate::domain::span;

/// Open merge requests of the old promoter that are listed for people.
pub(super) const LISTED: usize = 50;

/// The answer in a word.
pub(super) fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Go => "GO",
        Verdict::NoGo => "NO-GO",
        Verdict::NotKnown => "NOT KNOWN",
    }
}

/// The outcome in a word.
pub(super) fn outcome_word(outcome: CheckOutcome) -> &'static str {
    match outcome {
        CheckOutcome::Pass => "pass",
        CheckOutcome::Warn => "warning",
        CheckOutcome::Fail => "fail",
        CheckOutcome::NotKnown => "not known",
        CheckOutcome::Skipped => "skipped",
        CheckOutcome::Accepted => "accepted",
    }
}

/// `2 of 24 checks fail, 1 not known, 3 warnings`.
pub(super) fn counts(report: &PreflightReport) -> String {
    let count = |outcome| report.count(outcome);
    let fails = count(CheckOutcome::Fail);
    let verb = if fails == 1 { "fails" } else { "fail" };
    let mut text = format!("{fails} of {} checks {verb}", report.checks.len());
    for (outcome, one, many) in [
        (CheckOutcome::NotKnown, "not known", "not known"),
        (CheckOutcome::Accepted, "accepted", "accepted"),
        (CheckOutcome::Warn, "warning", "warnings"),
    ] {
        match count(outcome) {
            0 => {}
            1 => text += &format!(", 1 {one}"),
            n => text += &format!(", {n} {many}"),
        }
    }
    text
}

/// Whom it is about: `SAPM and V1`, or that nothing was found.
pub(super) fn whom(report: &PreflightReport) -> String {
    let names: Vec<&str> = report.old.kinds.iter().map(|kind| kind.name()).collect();
    match names.as_slice() {
        [] => "the old promoter".to_owned(),
        names => names.join(" and "),
    }
}

/// `platform/app-interface@85ad260c, phase go, narrowed to app=orders`.
pub(super) fn about(report: &PreflightReport) -> String {
    let project = report.project.clone().unwrap_or_else(|| "no project".to_owned());
    let commit = report.commit.as_ref().map(|commit| format!("@{}", commit.short()));
    let narrowed = report.narrowed_to.as_ref().map(|to| format!(", narrowed to {to}"));
    let (commit, narrowed) = (commit.unwrap_or_default(), narrowed.unwrap_or_default());
    format!("{project}{commit}, phase {}{narrowed}", report.phase.name())
}

/// How many targets have which relation: `4 targets: same, 1 target: older`.
pub(super) fn relations(old: &OldMergeRequest) -> String {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for target in &old.targets {
        *counts.entry(target.relation).or_default() += 1;
    }
    let part = |(relation, count): (&super::Relation, &usize)| {
        let noun = if *count == 1 { "target" } else { "targets" };
        format!("{count} {noun}: {}", relation.words())
    };
    let mut parts: Vec<String> = counts.iter().rev().map(part).collect();
    if !counts.contains_key(&old.relation) {
        parts.insert(0, old.relation.words().to_owned());
    }
    parts.join(", ")
}

/// State of pipeline and merge in a few words.
pub(super) fn state_of(old: &OldMergeRequest) -> String {
    if old.merge_status.as_deref() == Some("conflict") {
        return "conflict".to_owned();
    }
    match &old.pipeline {
        Some(pipeline) => format!("pipeline {}", pipeline.status),
        None => "no pipeline".to_owned(),
    }
}

/// What to do with one, and why.
pub(super) fn advice_words(old: &OldMergeRequest) -> String {
    let what = match old.advice {
        Advice::Merge => "merge it",
        Advice::Wait => "wait for its pipeline",
        Advice::Close => "close it",
        Advice::Look => "look at it",
    };
    match &old.remark {
        Some(remark) => format!("{what}: {remark}"),
        None => what.to_owned(),
    }
}

/// How old a merge request is.
pub(super) fn age(created_at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    span(now - created_at)
}
