//! The summary on a terminal or in a job's log.

use std::fmt::Write as _;

use super::model::{PlanReport, RequestReport, SubscriberReport};
use super::text::{action_word, actions, decisions, outcome_word, printable, share, short};
use crate::decide::Outcome;

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// ANSI colours: a terminal, or GitLab's job log.
    Colours,
    /// Plain text.
    Plain,
}

impl Paint {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Colours => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Plain => text.to_owned(),
        }
    }

    fn outcome(self, outcome: Outcome) -> String {
        let code = match outcome {
            Outcome::Promote => "32",
            Outcome::Hold => "33",
            Outcome::Error => "31",
            Outcome::UpToDate => "2",
        };
        self.paint(code, &format!("{:<8}", outcome_word(outcome)))
    }
}

/// A line for each target that is promoted, held or in error, the merge
/// requests, and the problems; the counts come last, where people look first.
pub fn terminal(report: &PlanReport, paint: Paint) -> String {
    let mut text = String::new();
    targets(&mut text, report, paint);
    requests(&mut text, report, paint);
    problems(&mut text, report, paint);
    counts(&mut text, report, paint);
    text
}

fn targets(text: &mut String, report: &PlanReport, paint: Paint) {
    let shown: Vec<&SubscriberReport> =
        report.subscribers.iter().filter(|s| s.decision != Outcome::UpToDate).collect();
    if shown.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", paint.paint("1", "Targets"));
    for subscriber in shown {
        let moves = if subscriber.decision == Outcome::Promote
            && subscriber.current_ref != subscriber.desired_ref
        {
            format!(" {} -> {}", short(&subscriber.current_ref), short(&subscriber.desired_ref))
        } else {
            String::new()
        };
        let by = subscriber.held_by.map(|gate| format!(" [{}]", gate.as_str())).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {} {}{}{}: {}",
            paint.outcome(subscriber.decision),
            printable(&subscriber.target.label()),
            printable(&moves),
            by,
            printable(&subscriber.reason())
        );
    }
    text.push('\n');
}

fn requests(text: &mut String, report: &PlanReport, paint: Paint) {
    if report.merge_requests.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", paint.paint("1", "Merge requests"));
    for request in &report.merge_requests {
        let _ = writeln!(
            text,
            "  {} {}: {}{}",
            paint.paint("36", &format!("{:<8}", action_word(request.action))),
            printable(&name(request)),
            printable(&request.reason),
            outcome(request)
        );
    }
    text.push('\n');
}

fn name(request: &RequestReport) -> String {
    match (&request.web_url, request.iid) {
        (Some(url), _) => format!("{} {url}", request.title),
        (None, Some(iid)) => format!("{} !{iid}", request.title),
        (None, None) => request.title.clone(),
    }
}

fn outcome(request: &RequestReport) -> String {
    match request.outcome.as_ref().and_then(|outcome| outcome.message.as_ref()) {
        Some(message) => format!(" -- {}", printable(message)),
        None => String::new(),
    }
}

fn problems(text: &mut String, report: &PlanReport, paint: Paint) {
    if report.problems.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", paint.paint("1", "Problems"));
    for problem in &report.problems {
        let (code, word) = if problem.is_error() { ("31", "error") } else { ("33", "warning") };
        let mut place = problem.file.as_ref().map(|file| format!("data{file}")).unwrap_or_default();
        if let Some(line) = problem.line {
            let _ = write!(place, ":{line}");
        }
        if !place.is_empty() {
            place.push_str(": ");
        }
        let _ = writeln!(
            text,
            "  {} {}{} [{}]",
            paint.paint(code, &format!("{word:<8}")),
            printable(&place),
            printable(&problem.message),
            problem.code
        );
    }
    text.push('\n');
}

fn counts(text: &mut String, report: &PlanReport, paint: Paint) {
    let subscribers: Vec<String> = decisions(report)
        .into_iter()
        .map(|(outcome, count)| format!("{count} {}", outcome_word(outcome)))
        .collect();
    let _ = writeln!(
        text,
        "{} {} targets{}: {}",
        paint.paint("1", "Summary"),
        report.subscribers.len(),
        share(report),
        subscribers.join(", ")
    );
    let requests: Vec<String> = actions(report)
        .into_iter()
        .map(|(action, count)| format!("{count} {}", action_word(action)))
        .collect();
    let requests =
        if requests.is_empty() { "nothing to do".to_owned() } else { requests.join(", ") };
    let errors = report.problems.iter().filter(|problem| problem.is_error()).count();
    let warnings = report.problems.len() - errors;
    let _ = writeln!(
        text,
        "        merge requests: {requests}; problems: {errors} errors, {warnings} warnings"
    );
}
