//! An explanation on a terminal or in a job's log.

use std::fmt::Write as _;

use super::{ExplainedRequest, Explanation, FollowedReport, timeline};
use crate::decide::{DeploymentState, GateOutcome, Outcome};
use crate::plan::Action;
use crate::report::paint::{BOLD, FAINT, GREEN, Paint, RED, YELLOW};
use crate::report::text::{ago, printable, utc};

/// The answer first, then everything that it rests on.
pub fn text(explanation: &Explanation, paint: Paint) -> String {
    let mut out = Sheet { text: String::new(), paint };
    answer(&mut out, explanation);
    target(&mut out, explanation);
    publishers(&mut out, explanation);
    gates(&mut out, explanation);
    requests(&mut out, explanation);
    timeline::forecast(&mut out, explanation);
    problems(&mut out, explanation);
    out.text
}

/// What is written so far.
pub(super) struct Sheet {
    text: String,
    paint: Paint,
}

impl Sheet {
    pub(super) fn head(&mut self, title: &str) {
        let title = self.paint.paint(BOLD, title);
        let _ = writeln!(self.text, "\n{title}");
    }

    pub(super) fn line(&mut self, text: &str) {
        let _ = writeln!(self.text, "  {}", printable(text));
    }

    pub(super) fn faint(&mut self, text: &str) {
        let text = self.paint.paint(FAINT, &printable(text));
        let _ = writeln!(self.text, "  {text}");
    }

    fn pair(&mut self, key: &str, value: &str) {
        let key = self.paint.paint(FAINT, &format!("{key:<13}"));
        let _ = writeln!(self.text, "  {key} {}", printable(value));
    }
}

fn answer(out: &mut Sheet, explanation: &Explanation) {
    let answer = &explanation.answer;
    let style = Paint::of_outcome(explanation.subscriber.decision).bold();
    let label = explanation.subscriber.target.label();
    let rest = answer.summary.strip_prefix(&label).unwrap_or(&answer.summary);
    let label = out.paint.paint(style, &printable(&label));
    let _ = writeln!(out.text, "{label}{}", printable(rest));
    if let Some(since) = &answer.since {
        let when = format!(
            "{} ({}): {}",
            utc(since.at),
            ago(since.at, explanation.observed_at),
            since.what
        );
        out.pair("since", &when);
    }
    out.pair("next possible", &answer.next);
    if let Some(what_if) = &answer.what_if {
        out.pair("what if", what_if);
    }
    if !answer.advice.is_empty() {
        out.head("What to do");
    }
    for line in &answer.advice {
        out.line(&format!("* {line}"));
    }
}

fn target(out: &mut Sheet, explanation: &Explanation) {
    let subscriber = &explanation.subscriber;
    out.head("Target");
    out.pair("uid", subscriber.target.uid.as_str());
    out.pair("app", &subscriber.target.app);
    out.pair("environment", &subscriber.environment);
    out.pair("declared at", &explanation.declared_at);
    if let Some(url) = &explanation.declared_url {
        out.pair("", url);
    }
    out.pair("repository", &subscriber.repo_url);
    out.pair("ref", &subscriber.current_ref);
    match &subscriber.candidate {
        Some(candidate) if candidate.as_str() != subscriber.current_ref => {
            out.pair("would become", candidate.as_str());
        }
        _ => {}
    }
}

fn publishers(out: &mut Sheet, explanation: &Explanation) {
    if explanation.subscriber.channels.is_empty() {
        return;
    }
    out.head("Follows");
    for channel in &explanation.subscriber.channels {
        out.line(&format!("channel {channel}"));
        let mut any = false;
        for followed in explanation.publishers.iter().filter(|f| f.channel == *channel) {
            any = true;
            publisher(out, followed, explanation);
        }
        if !any {
            out.line("  nobody publishes to it");
        }
    }
}

fn publisher(out: &mut Sheet, followed: &FollowedReport, explanation: &Explanation) {
    out.line(&format!("  {}", followed.label));
    let now = explanation.observed_at;
    let at = followed.git_ref.as_deref().unwrap_or("no ref");
    let commit = match &followed.commit_sha {
        None => format!("{at}: commit not known"),
        Some(commit) if at == commit.as_str() => commit.short().to_owned(),
        Some(commit) => format!("{} ({at})", commit.short()),
    };
    let subject = followed.subject.as_ref().map(|s| format!(" \"{s}\"")).unwrap_or_default();
    let when = followed.committed_at.map(|t| format!(", committed {}", ago(t, now)));
    out.line(&format!("    commit      {commit}{subject}{}", when.unwrap_or_default()));
    let style = match followed.state {
        Some(DeploymentState::Success) => GREEN,
        Some(DeploymentState::Missing) => YELLOW,
        _ => RED,
    };
    let state = out.paint.paint(style, state(followed.state));
    let when = match followed.check_in {
        Some(at) => format!(" {} ({})", ago(at, now), utc(at)),
        None => String::new(),
    };
    // What the answer begins with is not said again.
    let news =
        followed.reason.as_ref().filter(|r| !explanation.answer.summary.contains(r.as_str()));
    let reason = news.map(|reason| format!(": {reason}")).unwrap_or_default();
    let _ =
        writeln!(out.text, "      deployment  {state}{}", printable(&format!("{when}{reason}")));
    let held = followed.held_by.map(|gate| format!(" by {}", gate.as_str())).unwrap_or_default();
    match followed.decision {
        Some(Outcome::UpToDate) | None => {}
        Some(Outcome::Promote) => out.line("    promotion   due itself"),
        Some(Outcome::Hold) => out.line(&format!("    promotion   held itself{held}")),
        Some(Outcome::Error) => out.line("    promotion   in error itself"),
    }
}

/// How a deployment went, in words.
pub(super) fn state(state: Option<DeploymentState>) -> &'static str {
    match state {
        Some(DeploymentState::Success) => "succeeded",
        Some(DeploymentState::Failed) => "failed",
        Some(DeploymentState::Missing) => "not deployed yet (no record)",
        Some(DeploymentState::Invalid) => "record not usable",
        None => "not known",
    }
}

fn gates(out: &mut Sheet, explanation: &Explanation) {
    out.head("Gates (all must pass)");
    for gate in explanation.subscriber.gates.iter() {
        let word = format!("{:<4}", verdict(gate.outcome));
        let word = out.paint.paint(Paint::of_gate(gate.outcome), &word);
        let name = gate.gate.as_str();
        let _ = writeln!(out.text, "  {word} {name:<16} {}", printable(&gate.reason));
        if gate.holds() {
            let _ = writeln!(out.text, "       {:<16} passes when {}", "", gate.gate.passes_when());
        }
        for slo in gate.evidence["slos"].as_array().into_iter().flatten() {
            let slo_line = format!("       {:<16} {}", "", slo_line(slo));
            let _ = writeln!(out.text, "{}", printable(&slo_line));
        }
    }
}

/// A gate's verdict in a word.
pub(super) fn verdict(outcome: GateOutcome) -> &'static str {
    match outcome {
        GateOutcome::Pass => "pass",
        GateOutcome::Hold => "HOLD",
        GateOutcome::NotApplicable => "n/a",
    }
}

fn slo_line(slo: &serde_json::Value) -> String {
    let name = slo["slo"].as_str().unwrap_or_default();
    let value = slo["value"].as_f64().map_or("not known".to_owned(), |value| value.to_string());
    format!("{name}: required at least {}, actual {value}", slo["target"])
}

fn requests(out: &mut Sheet, explanation: &Explanation) {
    out.head("Merge request");
    if !explanation.merge_requests_known {
        out.line("not known: GitLab was not asked");
        return;
    }
    if explanation.merge_requests.is_empty() {
        out.line("none is open");
    }
    for request in &explanation.merge_requests {
        self::request(out, request, explanation);
    }
}

fn request(out: &mut Sheet, request: &ExplainedRequest, explanation: &Explanation) {
    let planned = &request.planned;
    let Some(draft) = request.draft else {
        let why = match planned.action {
            Action::Create => "the next run of `sapm apply` opens one",
            _ => planned.reason.as_str(),
        };
        out.line(&format!("none is open: {why}"));
        return;
    };
    let number = planned.iid.map(|iid| format!("!{iid}")).unwrap_or_default();
    out.line(planned.web_url.as_deref().unwrap_or(&number));
    out.pair("state", if draft { "open, a draft" } else { "open, ready" });
    if let Some(at) = planned.opened_at {
        out.pair("opened", &format!("{} ({})", utc(at), ago(at, explanation.observed_at)));
    }
    let pipeline = match &request.pipeline {
        Some(pipeline) => match &pipeline.web_url {
            Some(url) => format!("{} {url}", pipeline.status),
            None => pipeline.status.clone(),
        },
        None => "none that is known".to_owned(),
    };
    out.pair("pipeline", &pipeline);
    if let Some(status) = &request.merge_status {
        out.pair("GitLab says", status);
    }
    let labels: Vec<&str> = planned.labels.iter().map(String::as_str).collect();
    out.pair("labels", &labels.join(", "));
    out.pair("next run", &planned.reason);
}

fn problems(out: &mut Sheet, explanation: &Explanation) {
    if explanation.problems.is_empty() {
        return;
    }
    out.head("Problems");
    for problem in &explanation.problems {
        let (style, word) = if problem.is_error() { (RED, "error") } else { (YELLOW, "warning") };
        let word = out.paint.paint(style, word);
        let file = problem.file.as_ref().map(|file| format!("data{file}")).unwrap_or_default();
        let line = problem.line.map(|line| format!(":{line}")).unwrap_or_default();
        let place = if file.is_empty() { file } else { format!(" {file}{line}") };
        let message = printable(&format!("{place}: {} [{}]", problem.message, problem.code));
        let _ = writeln!(out.text, "  {word}{message}");
    }
}
