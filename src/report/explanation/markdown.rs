//! An explanation for an issue, a chat or a merge request: all that the text says.

use std::fmt::Write as _;

use super::{Explanation, FollowedReport, timeline, words};
use crate::domain::{printable, short_ref};
use crate::report::markdown::cell;
use crate::report::text::utc;

/// The answer first, then tables. Nothing from a datafile counts as markup.
pub fn markdown(explanation: &Explanation) -> String {
    let mut text = String::new();
    let answer = &explanation.answer;
    let _ = writeln!(text, "# {}\n", cell(&explanation.subscriber.target.label()));
    let _ = writeln!(text, "{}\n", cell(&answer.summary));
    for cause in &answer.causes {
        let _ = writeln!(text, "* Because: {}", cell(cause));
    }
    let _ = writeln!(text, "* As of {}", words::as_of(explanation));
    if let Some(since) = &answer.since {
        let _ = writeln!(text, "* Since {}", cell(&words::since(since, explanation)));
    }
    let _ = writeln!(text, "* Next possible: {}", cell(&answer.next));
    if let Some(what_if) = &answer.what_if {
        let _ = writeln!(text, "* What if: {}", cell(what_if));
    }
    if !answer.advice.is_empty() {
        text.push_str("\n## What to do\n\n");
    }
    for line in &answer.advice {
        let _ = writeln!(text, "* {}", cell(line));
    }
    target(&mut text, explanation);
    publishers(&mut text, explanation);
    gates(&mut text, explanation);
    requests(&mut text, explanation);
    forecast(&mut text, explanation);
    problems(&mut text, explanation);
    text
}

/// A link, if there is an address; one that cannot end its brackets.
fn link(text: &str, url: Option<&String>) -> String {
    match url {
        Some(url) => {
            let url = printable(url).replace(['<', '>', ' ', '|'], "");
            format!("[{}](<{url}>)", cell(text))
        }
        None => cell(text),
    }
}

fn target(text: &mut String, explanation: &Explanation) {
    let subscriber = &explanation.subscriber;
    text.push_str("\n## Target\n\n| what | value |\n| --- | --- |\n");
    let mut row = |key: &str, value: String| {
        let _ = writeln!(text, "| {key} | {value} |");
    };
    row("uid", cell(subscriber.target.uid.as_str()));
    row("app", cell(&subscriber.target.app));
    row("environment", cell(&subscriber.environment));
    row("declared at", link(&explanation.declared_at, explanation.declared_url.as_ref()));
    row("repository", cell(&subscriber.repo_url));
    row("ref", cell(&subscriber.current_ref));
    let candidate = subscriber.candidate.as_ref().map(|candidate| candidate.as_str());
    if let Some(candidate) = candidate.filter(|other| *other != subscriber.current_ref) {
        row("would become", cell(candidate));
    }
    if let Some(url) = &subscriber.compare_url {
        row("what changes", link("compare", Some(url)));
    }
}

fn publishers(text: &mut String, explanation: &Explanation) {
    if explanation.subscriber.channels.is_empty() {
        return;
    }
    text.push_str(
        "\n## Follows\n\n| channel | publisher | ref | commit | subject | committed | deployment |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for channel in &explanation.subscriber.channels {
        let mut any = false;
        for followed in explanation.publishers.iter().filter(|f| f.channel == *channel) {
            any = true;
            publisher(text, followed, explanation);
        }
        if !any {
            let _ = writeln!(text, "| {} | nobody publishes to it | | | | | |", cell(channel));
        }
    }
}

fn publisher(text: &mut String, followed: &FollowedReport, explanation: &Explanation) {
    let committed = followed.committed_at.map(|time| words::at(time, explanation));
    let commit = followed.commit_sha.as_ref().map_or("not known", |commit| commit.as_str());
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} | {} | {} | {} |",
        cell(&followed.channel),
        cell(&followed.label),
        cell(short_ref(followed.git_ref.as_deref().unwrap_or_default())),
        link(commit, followed.commit_url.as_ref()),
        cell(followed.subject.as_deref().unwrap_or_default()),
        committed.unwrap_or_default(),
        cell(&deployment(followed, explanation)),
    );
}

fn deployment(followed: &FollowedReport, explanation: &Explanation) -> String {
    let when = followed.check_in.map(|time| format!(" {}", words::at(time, explanation)));
    let reason = words::news(followed, explanation).map(|reason| format!(": {reason}"));
    let promotion = words::promotion(followed).map(|promotion| format!("; promotion {promotion}"));
    let rest = [when, reason, promotion].into_iter().flatten();
    format!("{}{}", words::state(followed.state), rest.collect::<String>())
}

fn gates(text: &mut String, explanation: &Explanation) {
    let _ = writeln!(
        text,
        "\n## Gates\n\n({})\n\n| gate | verdict | why | passes when |\n| --- | --- | --- | --- |",
        words::VERDICTS
    );
    let mut slos = Vec::new();
    for gate in explanation.subscriber.gates.iter() {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            gate.gate.as_str(),
            words::verdict(gate.outcome),
            cell(&gate.reason),
            gate.gate.passes_when()
        );
        slos.extend(gate.evidence.slos().iter().map(words::slo));
    }
    if !slos.is_empty() {
        text.push('\n');
    }
    for slo in slos {
        let _ = writeln!(text, "* {}", cell(&slo));
    }
}

fn requests(text: &mut String, explanation: &Explanation) {
    text.push_str("\n## Merge request\n\n");
    if !explanation.merge_requests_known {
        text.push_str("Not known: GitLab was not asked.\n");
        return;
    }
    if explanation.merge_requests.is_empty() {
        text.push_str("* None is open\n");
    }
    for request in &explanation.merge_requests {
        let planned = &request.planned;
        let Some(draft) = request.draft else {
            let why = cell(&words::none_open(planned, explanation));
            let _ = writeln!(text, "* None is open: {why}");
            continue;
        };
        let number = planned.iid.map(|iid| format!("{iid}")).unwrap_or_default();
        let state = words::request_state(draft, request.auto_merge);
        let opened = planned.opened_at.map(|time| format!(" {}", words::at(time, explanation)));
        let _ = writeln!(
            text,
            "* {}: {state}; opened{}",
            link(&number, planned.web_url.as_ref()),
            opened.unwrap_or_default()
        );
        if let Some(pipeline) = &request.pipeline {
            let _ =
                writeln!(text, "* Pipeline: {}", link(&pipeline.status, pipeline.web_url.as_ref()));
        }
        if let Some(status) = &request.merge_status {
            let _ = writeln!(text, "* GitLab says: {}", cell(&words::merge_status(status)));
        }
        let labels: Vec<String> = planned.labels.iter().map(|label| cell(label)).collect();
        let _ = writeln!(text, "* Labels: {}", labels.join(", "));
        let run = if explanation.is_now() { "The next run" } else { "A run then" };
        let _ = writeln!(text, "* {run}: {}", cell(&words::next_run(planned, explanation)));
    }
    if let Some(earlier) = words::earlier(explanation) {
        let _ = writeln!(text, "* Before: {}", cell(&earlier));
    }
}

fn forecast(text: &mut String, explanation: &Explanation) {
    let Some(title) = timeline::title(explanation) else { return };
    let forecast = &explanation.forecast;
    let _ = writeln!(text, "\n## {title}\n");
    for assumption in &forecast.assumptions {
        let _ = writeln!(text, "* {}", cell(&timeline::assumed(assumption)));
        for other in &assumption.along {
            let _ = writeln!(text, "  * {}", cell(&timeline::along(other, assumption)));
        }
    }
    if forecast.moves.is_empty() {
        text.push_str("* nothing moves\n");
    } else {
        text.push_str(
            "\n| when | target | from | to | waited |\n| --- | --- | --- | --- | --- |\n",
        );
    }
    for step in &forecast.moves {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            utc(step.at),
            cell(&step.label),
            cell(short_ref(&step.from)),
            cell(short_ref(&step.to)),
            timeline::waited(step)
        );
    }
    text.push('\n');
    for line in timeline::differences(forecast) {
        let _ = writeln!(text, "* {}", cell(&line));
    }
    let _ = writeln!(text, "\n{}", timeline::rests_on(forecast));
}

fn problems(text: &mut String, explanation: &Explanation) {
    let problems = words::problems(explanation);
    if problems.is_empty() {
        return;
    }
    text.push_str(
        "\n## Problems\n\n| severity | place | what | code |\n| --- | --- | --- | --- |\n",
    );
    for (problem, message) in problems {
        let severity = if problem.is_error() { "error" } else { "warning" };
        let place = words::place(problem).unwrap_or_default();
        let (message, code) = (cell(&message), &problem.code);
        let _ = writeln!(text, "| {severity} | {} | {message} | {code} |", cell(&place));
    }
}
