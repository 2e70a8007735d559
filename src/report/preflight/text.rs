//! A preflight as plain text, for terminals and job logs.

use std::fmt::Write as _;

use super::model::{Check, CheckOutcome, PreflightReport};
use super::shown::{
    LISTED, about, advice_words, age, counts, relations, state_of, verdict_word, whom,
};
use crate::domain::printable;
use crate::report::Paint;
use crate::report::style::{BOLD, FAINT, GREEN, RED, YELLOW};

/// Widest name of a check that the others are aligned to.
const NAME: usize = 26;

/// The report for people, a line for each check that does not pass.
pub fn preflight_text(report: &PreflightReport, paint: Paint) -> String {
    let mut out = String::new();
    let style = match report.verdict {
        super::Verdict::Go => GREEN,
        super::Verdict::NoGo => RED,
        super::Verdict::NotKnown => YELLOW,
    };
    let verdict = paint.paint(style, verdict_word(report.verdict));
    let _ = writeln!(
        out,
        "Cut-over from {}: {verdict} ({})    {}",
        whom(report),
        counts(report),
        printable(&about(report))
    );
    for outcome in
        [CheckOutcome::Fail, CheckOutcome::NotKnown, CheckOutcome::Warn, CheckOutcome::Accepted]
    {
        for check in report.checks.iter().filter(|check| check.outcome == outcome) {
            write_check(&mut out, report, check, paint);
        }
    }
    for (outcome, word) in [(CheckOutcome::Pass, "pass"), (CheckOutcome::Skipped, "skipped")] {
        let names: Vec<String> = report
            .checks
            .iter()
            .filter(|check| check.outcome == outcome)
            .map(|check| format!("{}{}", check.id, share(check)))
            .collect();
        if !names.is_empty() {
            let word = paint.paint(FAINT, &format!("{word:<8}"));
            let _ = writeln!(out, "  {word} {}", names.join(", "));
        }
    }
    for problem in report.problems.iter().filter(|problem| problem.is_error()) {
        let _ = writeln!(out, "  {} {}", paint.paint(RED, "problem"), printable(&problem.message));
    }
    if let Some(back) = report.checks.iter().find(|check| check.id == "rollback") {
        let _ = writeln!(out, "  {}: {}", paint.paint(BOLD, "Way back"), printable(&back.summary));
    }
    out
}

fn write_check(out: &mut String, report: &PreflightReport, check: &Check, paint: Paint) {
    let (mark, style) = match check.outcome {
        CheckOutcome::Fail => ("!", RED),
        CheckOutcome::NotKnown => ("?", YELLOW),
        CheckOutcome::Warn => ("~", YELLOW),
        _ => ("a", FAINT),
    };
    let mark = paint.paint(style, mark);
    let _ = writeln!(out, "  {mark} {:<NAME$} {}", check.id, printable(&check.summary));
    if let Some(reason) = &check.accepted_reason {
        let _ = writeln!(out, "        accepted: {}", printable(reason));
    }
    if check.id == "old_requests_open" {
        write_old_merge_requests(out, report);
    }
    if let Some(advice) = &check.advice {
        let what = paint.paint(FAINT, "what to do:");
        let _ = writeln!(out, "        {what} {}", printable(advice));
    }
}

fn write_old_merge_requests(out: &mut String, report: &PreflightReport) {
    for old in report.old_requests.iter().take(LISTED) {
        let line = format!(
            "!{:<6} {:<6} {:<11} {:<18} {:<32} {}",
            old.iid.number(),
            old.kind.name(),
            age(old.created_at, report.observed_at),
            state_of(old),
            relations(old),
            advice_words(old)
        );
        let _ = writeln!(out, "        {}", printable(&line).trim_end());
    }
    if report.old_requests.len() > LISTED {
        let more = report.old_requests.len() - LISTED;
        let _ = writeln!(out, "        and {more} more: see preflight.json");
    }
}

/// What share of something passes: ` (412 of 415)`, where a finding begins with it.
fn share(check: &Check) -> String {
    let mut words = check.summary.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some(part), Some("of"), Some(all)) if part.parse::<usize>().is_ok() => {
            format!(" ({part} of {all})")
        }
        _ => String::new(),
    }
}
