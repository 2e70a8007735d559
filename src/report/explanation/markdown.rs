//! An explanation for an issue, a chat or a merge request.

use std::fmt::Write as _;

use super::text::{state, verdict};
use super::{Explanation, FollowedReport};
use crate::report::markdown::cell;
use crate::report::text::{ago, short, utc};

/// The answer first, then tables. Nothing from a datafile counts as markup.
pub fn markdown(explanation: &Explanation) -> String {
    let mut text = String::new();
    let answer = &explanation.answer;
    let _ = writeln!(text, "# {}\n", cell(&explanation.subscriber.target.label()));
    let _ = writeln!(text, "{}\n", cell(&answer.summary));
    if let Some(since) = &answer.since {
        let _ = writeln!(text, "* Since {}: {}", utc(since.at), cell(&since.what));
    }
    let _ = writeln!(text, "* Next possible: {}", cell(&answer.next));
    if let Some(what_if) = &answer.what_if {
        let _ = writeln!(text, "* What if: {}", cell(what_if));
    }
    let place = cell(&explanation.declared_at);
    match &explanation.declared_url {
        Some(url) => {
            let _ = writeln!(text, "* Declared at [{place}](<{}>)", plain_url(url));
        }
        None => {
            let _ = writeln!(text, "* Declared at {place}");
        }
    }
    if !answer.advice.is_empty() {
        text.push_str("\n## What to do\n\n");
    }
    for line in &answer.advice {
        let _ = writeln!(text, "* {}", cell(line));
    }
    gates(&mut text, explanation);
    publishers(&mut text, explanation);
    requests(&mut text, explanation);
    forecast(&mut text, explanation);
    text
}

/// An address that cannot end its brackets.
fn plain_url(url: &str) -> String {
    url.replace(['<', '>', '\n', '\r', ' '], "")
}

fn gates(text: &mut String, explanation: &Explanation) {
    text.push_str("\n## Gates\n\n| gate | verdict | why |\n| --- | --- | --- |\n");
    for gate in explanation.subscriber.gates.iter() {
        let verdict = verdict(gate.outcome);
        let _ = writeln!(text, "| {} | {verdict} | {} |", gate.gate.as_str(), cell(&gate.reason));
    }
}

fn publishers(text: &mut String, explanation: &Explanation) {
    if explanation.publishers.is_empty() {
        return;
    }
    text.push_str(
        "\n## Follows\n\n| channel | publisher | ref | commit | subject | deployment |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for followed in &explanation.publishers {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            cell(&followed.channel),
            cell(&followed.label),
            cell(short(followed.git_ref.as_deref().unwrap_or_default())),
            cell(followed.commit_sha.as_ref().map_or("not known", |commit| commit.short())),
            cell(followed.subject.as_deref().unwrap_or_default()),
            cell(&deployment(followed, explanation)),
        );
    }
}

fn deployment(followed: &FollowedReport, explanation: &Explanation) -> String {
    let when = followed.check_in.map(|at| format!(" {}", ago(at, explanation.observed_at)));
    format!("{}{}", state(followed.state), when.unwrap_or_default())
}

fn requests(text: &mut String, explanation: &Explanation) {
    text.push_str("\n## Merge request\n\n");
    if !explanation.merge_requests_known {
        text.push_str("Not known: GitLab was not asked.\n");
    } else if explanation.merge_requests.iter().all(|request| request.draft.is_none()) {
        text.push_str("None is open.\n");
    }
    for request in &explanation.merge_requests {
        let planned = &request.planned;
        let Some(draft) = request.draft else { continue };
        let number = planned.iid.map(|iid| format!("!{iid}")).unwrap_or_default();
        let link = match &planned.web_url {
            Some(url) => format!("[{number}](<{}>)", plain_url(url)),
            None => number,
        };
        let pipeline = match &request.pipeline {
            Some(pipeline) => format!(", pipeline {}", cell(&pipeline.status)),
            None => String::new(),
        };
        let word = if draft { "a draft" } else { "ready" };
        let _ = writeln!(text, "* {link}: open, {word}{pipeline}; {}", cell(&planned.reason));
    }
}

fn forecast(text: &mut String, explanation: &Explanation) {
    let forecast = &explanation.forecast;
    if forecast.moves.is_empty() && forecast.assumptions.is_empty() {
        return;
    }
    text.push_str("\n## What comes next\n\n");
    for assumption in &forecast.assumptions {
        let word = if assumption.success { "has deployed" } else { "has failed to deploy" };
        let _ = writeln!(
            text,
            "Assumed: {} {word} `{}`.\n",
            cell(&assumption.label),
            assumption.commit_sha.short()
        );
    }
    text.push_str("| when | target | from | to | waited for |\n| --- | --- | --- | --- | --- |\n");
    for step in &forecast.moves {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            utc(step.at),
            cell(&step.label),
            cell(short(&step.from)),
            cell(short(&step.to)),
            step.waited_for.map_or("", |gate| gate.as_str())
        );
    }
    let stays = forecast.stays.iter().filter(|_| !forecast.assumptions.is_empty());
    for stay in stays {
        let _ = writeln!(text, "\n* {} does not move: {}", cell(&stay.label), cell(&stay.reason));
    }
    let _ = writeln!(
        text,
        "\nLooks as far as {}, and assumes that {}.",
        utc(forecast.until),
        forecast.rests_on.join("; that ")
    );
}
