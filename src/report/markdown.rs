//! The report as Markdown for job artifacts, chats and issues.

use std::fmt::Write as _;

use super::model::PlanReport;
use super::text::{action_counts, action_word, decisions, outcome_word, share};
use crate::decide::Outcome;
use crate::domain::{RepoPath, count, printable, printable_except, short_ref};
use crate::plan::prose;

/// The same content as on the terminal, as tables, cut so that it fits a note on GitLab.
pub fn markdown(report: &PlanReport) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "# Promotions as of {}\n",
        report.observed_at.format("%Y-%m-%d %H:%M:%S UTC")
    );
    let counts: Vec<String> = decisions(report)
        .into_iter()
        .map(|(outcome, count)| format!("{count} {}", outcome_word(outcome)))
        .collect();
    let targets_of = format!("{}{}", count(report.subscribers.len(), "target"), share(report));
    let _ = writeln!(text, "{targets_of}: {}.", counts.join(", "));
    let counts = action_counts(report);
    let counts = if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
    let _ = writeln!(text, "Merge requests: {counts}.\n");
    write_targets(&mut text, report);
    write_merge_requests(&mut text, report);
    write_problems(&mut text, report);
    text
}

/// Maximum bytes of each of the three lists, and of all diffs together. GitLab's limit for a note is 1,000,000
/// characters, and long before that nobody reads on.
const MAX_LIST: usize = 60_000;
const MAX_DIFFS: usize = 60_000;

/// Writes lines until they fill the list, and then how many more there are.
fn write_list<T>(text: &mut String, items: &[T], mut line: impl FnMut(&T) -> String) {
    let mut left = MAX_LIST;
    for (at, item) in items.iter().enumerate() {
        let line = line(item);
        if line.len() > left {
            let more = items.len() - at;
            let _ = writeln!(text, "\nand {more} more: `report.html` and `plan.json` have all.");
            break;
        }
        left -= line.len();
        text.push_str(&line);
    }
    text.push('\n');
}

fn write_targets(text: &mut String, report: &PlanReport) {
    let mut shown: Vec<_> =
        report.subscribers.iter().filter(|s| s.decision != Outcome::UpToDate).collect();
    if shown.is_empty() {
        return;
    }
    // Those for which somebody has to do something first.
    let order = [Outcome::Error, Outcome::Promote, Outcome::Hold];
    shown.sort_by_key(|one| order.iter().position(|outcome| *outcome == one.decision));
    text.push_str(
        "## Targets\n\n| decision | target | from | to | why |\n| --- | --- | --- | --- | --- |\n",
    );
    write_list(text, &shown, |subscriber| {
        let held =
            subscriber.held_by.map(|gate| format!(" ({})", gate.as_str())).unwrap_or_default();
        let to = match (&subscriber.candidate, subscriber.decision) {
            (_, Outcome::Promote) => short_ref(&subscriber.desired_ref),
            (Some(candidate), _) => candidate.short(),
            (None, _) => "",
        };
        format!(
            "| {}{held} | {} | {} | {} | {} |\n",
            outcome_word(subscriber.decision),
            cell(&subscriber.target.label()),
            cell(short_ref(&subscriber.current_ref)),
            cell(to),
            cell(&subscriber.reason())
        )
    });
}

fn write_merge_requests(text: &mut String, report: &PlanReport) {
    if report.merge_requests.is_empty() {
        return;
    }
    text.push_str("## Merge requests\n\n");
    let mut shown: Vec<_> = report.merge_requests.iter().collect();
    shown.sort_by_key(|mr| mr.writes == 0);
    let mut left = MAX_DIFFS;
    write_list(text, &shown, |mr| {
        let number = mr.iid.map(|iid| format!("{iid} ")).unwrap_or_default();
        let line = format!(
            "* **{}** {number}{}: {}{}\n",
            action_word(mr.action),
            cell(&mr.title),
            cell(&mr.reason),
            cell(&mr.describe_reviewers())
        );
        let diffs: String = mr.files.iter().map(|file| fenced(&file.diff)).collect();
        if diffs.len() > left {
            return line;
        }
        left -= diffs.len();
        line + &diffs
    });
}

fn fenced(diff: &str) -> String {
    let diff = printable_except(diff, "\n\t");
    let fence = choose_fence(&diff);
    format!("\n{fence}diff\n{diff}{fence}\n\n")
}

/// A fence longer than any run of backticks in the text.
fn choose_fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

fn write_problems(text: &mut String, report: &PlanReport) {
    if report.problems.is_empty() {
        return;
    }
    text.push_str(
        "## Problems\n\n| severity | file | what | what to do |\n| --- | --- | --- | --- |\n",
    );
    write_list(text, &report.problems, |problem| {
        let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
        let file = problem
            .file
            .as_ref()
            .map(|file| format!("{}{line}", RepoPath::of_datafile(file)))
            .unwrap_or_default();
        let severity = if problem.is_error() { "error" } else { "warning" };
        let help = cell(problem.help.as_deref().unwrap_or_default());
        let (file, what) = (cell(&file), cell(&problem.message));
        format!("| {severity} | {file} | {what} | {help} |\n")
    });
}

/// Text from outside in a table cell, so that nothing in it is markup: a name as a code span, a sentence with one around
/// each word that could be more than a word.
pub(super) fn cell(text: &str) -> String {
    let text = printable(text).replace('|', "\\|");
    if text.trim().contains(' ') {
        // Blanks that people can copy: a report closes no issue.
        return prose(&text).replace('\u{a0}', " ");
    }
    let text = text.replace('`', "'");
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}
