//! A comparison as Markdown.

use std::fmt::Write as _;

use super::model::ShadowReport;
use super::text::{day_line, detail_lines};
use crate::domain::{printable, short_ref};
use crate::report::markdown::cell;
use crate::report::text::utc;

/// Unexplained moves that are listed.
const MAX_LISTED: usize = 100;

/// The days, then what nothing explains.
pub fn shadow_markdown(report: &ShadowReport) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# Shadow of {}\n", cell(&report.project));
    match report.since {
        Some(since) => {
            let _ = writeln!(out, "Since {}.\n", utc(since));
        }
        None => out.push_str("The present alone, without a ledger.\n\n"),
    }
    if !report.days.is_empty() {
        out.push_str("| day | verdict | moves |\n| --- | --- | --- |\n");
    }
    for day in &report.days {
        let _ =
            writeln!(out, "| {} | {} | {} |", day.date, day.verdict.word(), cell(&day_line(day)));
    }
    if !report.facts.is_empty() {
        out.push_str(
            "\n## Facts that differ\n\n| publisher | theirs | ours |\n| --- | --- | --- |\n",
        );
    }
    for fact in &report.facts {
        let (theirs, ours) = (cell(&fact.theirs), cell(&fact.ours));
        let _ = writeln!(out, "| {} | {theirs} | {ours} |", cell(&fact.publisher));
    }
    write_unexplained(&mut out, report);
    for warning in &report.warnings {
        let _ = writeln!(out, "\n* {}", cell(warning));
    }
    out
}

fn write_unexplained(out: &mut String, report: &ShadowReport) {
    let unexplained: Vec<_> = report.unexplained().take(MAX_LISTED).collect();
    if !unexplained.is_empty() {
        out.push_str("\n## Unexplained\n\n| target | ref | class | merge request | evidence |\n");
        out.push_str("| --- | --- | --- | --- | --- |\n");
    }
    for one in unexplained {
        let theirs = one.theirs.as_ref().map(|theirs| {
            let url = printable(&theirs.url).replace(['<', '>', ' ', '|'], "");
            theirs.iids.first().map(|iid| format!("[`{iid}`](<{url}>)")).unwrap_or_default()
        });
        let evidence: Vec<String> = detail_lines(one).iter().map(|line| cell(line)).collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            cell(&one.label),
            cell(short_ref(&one.git_ref)),
            one.class.words(),
            theirs.unwrap_or_default(),
            evidence.join("<br>")
        );
    }
}
