//! The counts at the end of a summary, where people look first.

use std::collections::BTreeMap;

use super::model::{PlanReport, SubscriberReport};
use super::style::{BOLD, FAINT};
use super::terminal::Screen;
use super::text::{action_counts, decisions, outcome_word, share};
use crate::decide::Outcome;
use crate::domain::{count, printable};

const TITLE: &str = "Summary";
/// Width by which lines below the title are indented.
const INDENT: usize = TITLE.len() + 1;

/// The lines of the footer, wrapped to the screen; if it is `crowded`, with a line that says where to find the rest.
pub(super) fn foot(report: &PlanReport, screen: &Screen, crowded: bool) -> Vec<String> {
    let width = screen.size.map(|(width, _)| width);
    let mut texts = vec![count_targets(report)];
    if crowded {
        texts.extend(count_apps(report));
    }
    texts.push(count_merge_requests_and_problems(report));
    let mut lines: Vec<String> = texts.iter().flat_map(|text| wrap(text, width, INDENT)).collect();
    if let Some(first) = lines.first_mut() {
        *first = first.replacen(TITLE, &screen.paint.paint(BOLD, TITLE).to_string(), 1);
    }
    if crowded && !screen.rest.is_empty() {
        let rest = format!("{:INDENT$}{}", "", printable(&screen.rest));
        let faint = |line: &String| screen.paint.paint(FAINT, line).to_string();
        lines.extend(wrap(&rest, width, INDENT).iter().map(faint));
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Wraps a text at blanks to the width of the screen, and indents all lines but the first by `indent`
/// blanks. Cuts words that are too long.
pub(super) fn wrap(text: &str, width: Option<usize>, indent: usize) -> Vec<String> {
    let Some(width) = width.filter(|width| *width > 0) else { return vec![text.to_owned()] };
    let own = text.len() - text.trim_start_matches(' ').len();
    let mut lines: Vec<String> = Vec::new();
    let mut line = " ".repeat(own);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let begun = !line.trim_start().is_empty();
        if begun && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut line, " ".repeat(indent)));
        } else if begun {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.iter().map(|line| cut_line(line, width)).collect()
}

fn cut_line(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width - 1).chain(['…']).collect()
}

fn count_targets(report: &PlanReport) -> String {
    let counts: Vec<String> = decisions(report)
        .into_iter()
        .map(|(outcome, count)| format!("{count} {}", outcome_word(outcome)))
        .collect();
    let targets = count(report.subscribers.len(), "target");
    format!("{TITLE} {targets}{}: {}", share(report), counts.join(", "))
}

fn count_merge_requests_and_problems(report: &PlanReport) -> String {
    let counts = action_counts(report);
    let counts = if counts.is_empty() { "nothing to do".to_owned() } else { counts.join(", ") };
    let errors = report.problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = report.problems.len() - errors;
    format!(
        "{:INDENT$}merge requests: {counts}; problems: {}, {}",
        "",
        count(errors, "error"),
        count(warnings, "warning")
    )
}

/// The apps with the most targets that are held or in error.
fn count_apps(report: &PlanReport) -> Option<String> {
    const SHOWN: usize = 3;
    let mut by_app: BTreeMap<&str, usize> = BTreeMap::new();
    let stuck = |s: &&SubscriberReport| matches!(s.decision, Outcome::Hold | Outcome::Error);
    for subscriber in report.subscribers.iter().filter(stuck) {
        *by_app.entry(subscriber.target.app.as_str()).or_default() += 1;
    }
    let mut apps: Vec<_> = by_app.into_iter().collect();
    apps.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    if apps.is_empty() {
        return None;
    }
    let first: Vec<String> = apps
        .iter()
        .take(SHOWN)
        .map(|(name, count)| {
            let name: String = printable(name).chars().take(24).collect();
            format!("{name} {count}")
        })
        .collect();
    let rest = match apps.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {}", count(more, "more app")),
    };
    Some(format!("        held or in error by app: {}{rest}", first.join(", ")))
}
