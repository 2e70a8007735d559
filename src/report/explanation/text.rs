//! An explanation on a terminal or in a job's log.

use std::fmt::Write as _;

use super::{ExplainedMergeRequest, Explanation, FollowedReport, timeline, words};
use crate::decide::DeploymentState;
use crate::domain::printable;
use crate::report::style::{BOLD, FAINT, GREEN, Paint, RED, YELLOW};

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
    for cause in &answer.causes {
        out.pair("because", cause);
    }
    out.pair("as of", &words::as_of(explanation));
    if let Some(since) = &answer.since {
        out.pair("since", &words::since(since, explanation));
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
    if let Some(url) = &subscriber.compare_url {
        out.pair("what changes", url);
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
    let at = followed.git_ref.as_deref().unwrap_or("no ref");
    let commit = match &followed.commit_sha {
        None => format!("{at}: commit not known"),
        Some(commit) if at == commit.as_str() => commit.short().to_owned(),
        Some(commit) => format!("{} ({at})", commit.short()),
    };
    let subject = followed.subject.as_ref().map(|s| format!(" \"{s}\"")).unwrap_or_default();
    out.line(&format!("    commit      {commit}{subject}"));
    if let Some(time) = followed.committed_at {
        out.line(&format!("    committed   {}", words::at(time, explanation)));
    }
    if let Some(url) = &followed.commit_url {
        out.line(&format!("                {url}"));
    }
    let style = match followed.state {
        Some(DeploymentState::Success) => GREEN,
        Some(DeploymentState::Missing) => YELLOW,
        _ => RED,
    };
    let state = out.paint.paint(style, words::state(followed.state));
    let when = followed.check_in.map(|time| format!(" {}", words::at(time, explanation)));
    let reason =
        words::news(followed, explanation).map(|reason| format!(": {reason}")).unwrap_or_default();
    let rest = printable(&format!("{}{reason}", when.unwrap_or_default()));
    let _ = writeln!(out.text, "      deployment  {state}{rest}");
    if let Some(key) = followed.record_key.as_ref().filter(|_| lacks_record(followed)) {
        out.line(&format!("    its record  {key} in the state bucket"));
    }
    if let Some(promotion) = words::promotion(followed) {
        out.line(&format!("    promotion   {promotion}"));
    }
}

/// Is the record what somebody who runs the deployments has to look at?
fn lacks_record(followed: &FollowedReport) -> bool {
    !matches!(followed.state, Some(DeploymentState::Success | DeploymentState::Failed))
}

fn gates(out: &mut Sheet, explanation: &Explanation) {
    out.head(&format!("Gates ({})", words::VERDICTS));
    for gate in explanation.subscriber.gates.iter() {
        let word = format!("{:<4}", words::verdict(gate.outcome));
        let word = out.paint.paint(Paint::of_gate(gate.outcome), &word);
        let name = gate.gate.as_str();
        let _ = writeln!(out.text, "  {word} {name:<16} {}", printable(&gate.reason));
        out.faint(&format!("{:<21} passes when {}", "", gate.gate.passes_when()));
        for slo in gate.evidence.slos() {
            out.line(&format!("{:<21} {}", "", words::slo(slo)));
        }
    }
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
    if let Some(earlier) = words::earlier(explanation) {
        out.pair("before", &earlier);
    }
}

fn request(out: &mut Sheet, request: &ExplainedMergeRequest, explanation: &Explanation) {
    let planned = &request.planned;
    let Some(draft) = request.draft else {
        out.line(&format!("none is open: {}", words::none_open(planned, explanation)));
        return;
    };
    let number = planned.iid.map(|iid| format!("{iid}")).unwrap_or_default();
    out.line(planned.web_url.as_deref().unwrap_or(&number));
    out.pair("state", &words::request_state(draft, request.auto_merge));
    if let Some(at) = planned.opened_at {
        out.pair("opened", &words::at(at, explanation));
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
        out.pair("GitLab says", &words::merge_status(status));
    }
    let labels: Vec<&str> = planned.labels.iter().map(String::as_str).collect();
    out.pair("labels", &labels.join(", "));
    out.pair(words::which_run(explanation), &words::next_run(planned, explanation));
}

fn problems(out: &mut Sheet, explanation: &Explanation) {
    let problems = words::problems(explanation);
    if problems.is_empty() {
        return;
    }
    out.head("Problems");
    for (problem, message) in problems {
        let (style, word) = if problem.is_error() { (RED, "error") } else { (YELLOW, "warning") };
        let word = out.paint.paint(style, word);
        let place = words::place(problem).map(|place| format!(" {place}")).unwrap_or_default();
        let message = printable(&format!("{place}: {message} [{}]", problem.code));
        let _ = writeln!(out.text, "  {word}{message}");
    }
}
