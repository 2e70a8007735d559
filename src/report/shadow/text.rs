//! A comparison as plain text.

use std::fmt::Write as _;

use super::model::{DayReport, DayVerdict, MoveClass, MoveReport, ShadowReport};
use crate::domain::{count, printable, short_ref, span};
use crate::report::Paint;
use crate::report::style::{BOLD, FAINT, GREEN, RED, YELLOW};
use crate::report::text::utc;

/// Unexplained moves that are told in full.
const MAX_TOLD: usize = 20;
/// Days of the row.
const DAYS: usize = 14;

/// The report for people: the days, then what nothing explains.
pub fn shadow_text(report: &ShadowReport, paint: Paint) -> String {
    let mut out = String::new();
    let since = match report.since {
        Some(since) => format!("since {}", utc(since)),
        None => "the present alone, without a ledger (--shadow-dir)".to_owned(),
    };
    let _ = writeln!(out, "Shadow of {}, {since}", printable(&report.project));
    let days: Vec<&DayReport> = report.days.iter().rev().take(DAYS).rev().collect();
    if days.len() > 1 {
        let marks: String = days.iter().map(|day| day.verdict.mark()).collect();
        let _ =
            writeln!(out, "  {marks}  (G green, q quiet, . incomplete, R red; the last is today)");
    }
    for day in days {
        write_day(&mut out, day, paint);
    }
    if report.since.is_none() {
        let _ = writeln!(out, "  {}", counts(report.moves.iter()));
    }
    for fact in &report.facts {
        let _ = writeln!(
            out,
            "  {} {}: theirs {}, ours {}, for {}",
            paint.paint(RED, "facts differ"),
            printable(&fact.publisher),
            printable(&fact.theirs),
            printable(&fact.ours),
            span(fact.until - fact.since)
        );
    }
    let unexplained: Vec<_> = report.unexplained().collect();
    if !unexplained.is_empty() {
        let _ = writeln!(out, "\n{}", paint.paint(BOLD, "Unexplained"));
    }
    for one in unexplained.iter().take(MAX_TOLD) {
        write_move(&mut out, one, paint);
    }
    if unexplained.len() > MAX_TOLD {
        let _ = writeln!(out, "  and {} more: see shadow.json", unexplained.len() - MAX_TOLD);
    }
    for warning in &report.warnings {
        let _ = writeln!(out, "  {} {}", paint.paint(YELLOW, "warning"), printable(warning));
    }
    out
}

/// One line for a day.
pub(super) fn day_line(day: &DayReport) -> String {
    let mut text = count(day.moves(), "move");
    let classes = day.classes.iter().filter(|(_, count)| **count > 0);
    let parts: Vec<String> = classes
        .map(|(class, count)| {
            let reasons = day.reasons.get(class).into_iter().flatten();
            let named: Vec<String> =
                reasons.map(|(code, count)| format!("{count} {}", code.name())).collect();
            let lead = day.lead_minutes_95.filter(|_| *class == MoveClass::OursEarlier);
            let lead = lead.map(|minutes| format!(" (95 % below {minutes} min)"));
            let named =
                if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) };
            format!("{count} {}{named}{}", class.words(), lead.unwrap_or_default())
        })
        .collect();
    if !parts.is_empty() {
        text += &format!(": {}", parts.join(", "));
    }
    if day.unexplained > 0 {
        text += &format!(", {} UNEXPLAINED", day.unexplained);
    }
    if day.facts_compared > 0 {
        let agree = day.facts_compared.saturating_sub(day.facts_differ);
        text += &format!("; facts agree {agree}/{}", day.facts_compared);
    }
    text += &format!("; {}, {:.0} % of the time", count(day.runs, "run"), day.coverage * 100.0);
    for remark in &day.remarks {
        text += &format!("; {remark}");
    }
    text
}

fn write_day(out: &mut String, day: &DayReport, paint: Paint) {
    let style = match day.verdict {
        DayVerdict::Green => GREEN,
        DayVerdict::Quiet => FAINT,
        DayVerdict::Incomplete => YELLOW,
        DayVerdict::Red => RED,
    };
    let verdict = paint.paint(style, day.verdict.word());
    let _ = writeln!(out, "  {} {verdict}: {}", day.date, printable(&day_line(day)));
}

/// How many moves have which class.
fn counts<'m>(moves: impl Iterator<Item = &'m MoveReport> + Clone) -> String {
    let count = |class| moves.clone().filter(|one| one.class == class).count();
    let parts: Vec<String> = MoveClass::ALL
        .into_iter()
        .filter(|class| count(*class) > 0)
        .map(|class| format!("{} {}", count(class), class.words()))
        .collect();
    if parts.is_empty() { "nothing to compare".to_owned() } else { parts.join(", ") }
}

fn write_move(out: &mut String, one: &MoveReport, paint: Paint) {
    let _ = writeln!(
        out,
        "  {}  {} -> {}{}",
        paint.paint(RED, &one.class.words()),
        printable(&one.label),
        printable(short_ref(&one.git_ref)),
        theirs_words(one)
    );
    for line in detail_lines(one) {
        let _ = writeln!(out, "      {}", printable(&line));
    }
}

fn theirs_words(one: &MoveReport) -> String {
    let Some(theirs) = &one.theirs else { return String::new() };
    let iids: Vec<String> = theirs.iids.iter().map(ToString::to_string).collect();
    let ended = match (theirs.ended_at, theirs.merged) {
        (Some(at), true) => format!(", merged {}", utc(at)),
        (Some(at), false) => format!(", closed {}", utc(at)),
        (None, _) => String::new(),
    };
    format!("  in {} (opened {}{ended})", iids.join(" "), utc(theirs.opened_at))
}

/// Both sides' evidence, and what to call next.
pub(super) fn detail_lines(one: &MoveReport) -> Vec<String> {
    let mut lines = Vec::new();
    match (&one.ours, &one.decided) {
        (Some(ours), _) => {
            lines.push(format!("ours: wanted from {} to {}", utc(ours.first), utc(ours.last)))
        }
        (None, Some(decided)) => lines.push(format!("ours: {decided}")),
        (None, None) => {}
    }
    if one.theirs.is_none() {
        lines.push("theirs: no merge request".to_owned());
    }
    for reason in &one.reasons {
        lines.push(format!("{}: {}", reason.code.name(), reason.evidence));
    }
    lines.push(format!("`sapm explain {}`", one.uid));
    lines
}
