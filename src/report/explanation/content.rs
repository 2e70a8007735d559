//! The content of an explanation as blocks: the answer first, then the facts behind it.

use super::{ExplainedMergeRequest, Explanation, FollowedReport, timeline, words};
use crate::decide::DeploymentState;
use crate::domain::short_ref;
use crate::report::blocks::{Block, Line, Row, Table, Value};
use crate::report::style::{FAINT, GREEN, Paint, RED, YELLOW};

/// All blocks, the most important first.
pub(super) fn blocks(explanation: &Explanation) -> Vec<Block> {
    let mut out = build_answer(explanation);
    out.extend(build_target(explanation));
    out.extend(build_publishers(explanation));
    out.extend(build_gates(explanation));
    out.extend(build_merge_requests(explanation));
    out.extend(timeline::forecast(explanation));
    out.extend(build_problems(explanation));
    out
}

fn section(title: impl Into<String>) -> Block {
    Block::Section(title.into())
}

fn build_answer(explanation: &Explanation) -> Vec<Block> {
    let answer = &explanation.answer;
    let mut out = vec![Block::Title {
        subject: explanation.subscriber.target.label(),
        sentence: answer.summary.clone(),
        style: Paint::of_outcome(explanation.subscriber.decision).bold(),
    }];
    out.extend(answer.causes.iter().map(|cause| Block::Fact("because", Value::new(cause))));
    out.push(Block::Fact("as of", Value::own(words::as_of(explanation))));
    let since = answer.since.as_ref().map(|since| words::since(since, explanation));
    out.extend(since.map(|since| Block::Fact("since", Value::new(since))));
    out.push(Block::Fact("next possible", Value::new(&answer.next)));
    out.extend(answer.what_if.iter().map(|what_if| Block::Fact("what if", Value::new(what_if))));
    if !answer.advice.is_empty() {
        out.extend([section("What to do"), Block::Bullets(answer.advice.clone())]);
    }
    out
}

fn build_target(explanation: &Explanation) -> Vec<Block> {
    let subscriber = &explanation.subscriber;
    let declared = Value::link(&explanation.declared_at, explanation.declared_url.as_ref());
    let mut out = vec![
        section("Target"),
        Block::Fact("uid", Value::new(subscriber.target.uid.as_str())),
        Block::Fact("app", Value::new(&subscriber.target.app)),
        Block::Fact("environment", Value::new(&subscriber.environment)),
        Block::Fact("declared at", declared),
        Block::Fact("repository", Value::new(&subscriber.repo_url)),
        Block::Fact("ref", Value::new(&subscriber.current_ref)),
    ];
    let candidate = subscriber.candidate.as_ref().map(|candidate| candidate.as_str());
    if let Some(candidate) = candidate.filter(|other| *other != subscriber.current_ref) {
        out.push(Block::Fact("would become", Value::new(candidate)));
    }
    if let Some(url) = &subscriber.compare_url {
        out.push(Block::Fact("what changes", Value::link_only("compare", Some(url))));
    }
    out
}

fn build_publishers(explanation: &Explanation) -> Vec<Block> {
    let channels = &explanation.subscriber.channels;
    if channels.is_empty() {
        return Vec::new();
    }
    let mut rows = Vec::new();
    for channel in channels {
        let first = Line::new(format!("channel {channel}"));
        let followed = explanation.publishers.iter().filter(|f| f.channel == *channel);
        let mut of_channel: Vec<Row> =
            followed.map(|followed| build_publisher(followed, explanation)).collect();
        if of_channel.is_empty() {
            let cells = [Value::new(channel), Value::own("it has no publisher")];
            let empty = std::iter::repeat_with(Value::default).take(PUBLISHERS.len() - 2);
            let lines = vec![Line::new("  it has no publisher")];
            of_channel.push(Row { cells: cells.into_iter().chain(empty).collect(), lines });
        }
        of_channel[0].lines.insert(0, first);
        rows.extend(of_channel);
    }
    vec![section("Follows"), Block::Table(Table { head: PUBLISHERS, rows })]
}

const PUBLISHERS: &[&str] =
    &["channel", "publisher", "ref", "commit", "subject", "committed", "deployment"];

fn build_publisher(followed: &FollowedReport, explanation: &Explanation) -> Row {
    let when =
        followed.check_in.map(|time| format!(" {}", words::describe_time(time, explanation)));
    let reason = words::news(followed, explanation).map(|reason| format!(": {reason}"));
    let deployed: String = [when, reason].into_iter().flatten().collect();
    let promotion = words::promotion(followed);
    let state = words::state(followed.state);
    let also = promotion.as_ref().map(|promotion| format!("; promotion {promotion}"));
    let commit = followed.commit_sha.as_ref().map_or("not known", |commit| commit.as_str());
    let committed = followed.committed_at.map(|time| words::describe_time(time, explanation));
    let cells = vec![
        Value::new(&followed.channel),
        Value::new(&followed.label),
        Value::new(short_ref(followed.git_ref.as_deref().unwrap_or_default())),
        Value::link(commit, followed.commit_url.as_ref()),
        Value::new(followed.subject.as_deref().unwrap_or_default()),
        Value::own(committed.clone().unwrap_or_default()),
        Value::new(format!("{state}{deployed}{}", also.unwrap_or_default())),
    ];
    let fact = |key: &str, value: &str| Line::new(format!("    {key:<11} {value}"));
    let mut lines = vec![Line::new(format!("  {}", followed.label)), build_commit_line(followed)];
    lines.extend(committed.map(|committed| fact("committed", &committed)));
    lines.extend(followed.commit_url.as_ref().map(|url| fact("", url)));
    let style = match followed.state {
        Some(DeploymentState::Success) => GREEN,
        Some(DeploymentState::Missing) => YELLOW,
        _ => RED,
    };
    let deployment = fact("deployment", "").then(Line::styled(style, state));
    lines.push(deployment.then(Line::new(deployed)));
    if let Some(key) = followed.record_key.as_ref().filter(|_| lacks_record(followed)) {
        lines.push(fact("its record", &format!("{key} in the state bucket")));
    }
    lines.extend(promotion.map(|promotion| fact("promotion", &promotion)));
    Row { cells, lines }
}

fn build_commit_line(followed: &FollowedReport) -> Line {
    let at = followed.git_ref.as_deref().unwrap_or("no ref");
    let commit = match &followed.commit_sha {
        None => format!("{at}: commit not known"),
        Some(commit) if at == commit.as_str() => commit.short().to_owned(),
        Some(commit) => format!("{} ({at})", commit.short()),
    };
    let subject = followed.subject.as_ref().map(|s| format!(" \"{s}\"")).unwrap_or_default();
    Line::new(format!("    commit      {commit}{subject}"))
}

/// Does the person who runs the deployments need the key of the record?
fn lacks_record(followed: &FollowedReport) -> bool {
    !matches!(followed.state, Some(DeploymentState::Success | DeploymentState::Failed))
}

fn build_gates(explanation: &Explanation) -> Vec<Block> {
    let mut slos = Vec::new();
    let rows = explanation.subscriber.gates.iter().map(|gate| {
        let (word, name) = (words::verdict(gate.outcome), gate.gate.as_str());
        let passes_when = gate.gate.passes_when();
        let indent = format!("{:<21} ", "");
        let mut lines = vec![
            Line::styled(Paint::of_gate(gate.outcome), format!("{word:<4}"))
                .then(Line::new(format!(" {name:<16} {}", gate.reason))),
            Line::styled(FAINT, format!("{indent}passes when {passes_when}")),
        ];
        let own: Vec<String> = gate.evidence.slos().iter().map(words::slo).collect();
        lines.extend(own.iter().map(|slo| Line::new(format!("{indent}{slo}"))));
        slos.extend(own);
        let own = [Value::own(name), Value::own(word)];
        let why = [Value::new(&gate.reason), Value::own(passes_when)];
        Row { cells: own.into_iter().chain(why).collect(), lines }
    });
    let table = Table { head: &["gate", "result", "why", "passes when"], rows: rows.collect() };
    let of_slos = slos.into_iter().map(|slo| Row { cells: vec![Value::new(slo)], lines: vec![] });
    let of_slos = Table { head: &["SLO"], rows: of_slos.collect() };
    vec![
        section(format!("Gates ({})", words::VERDICTS)),
        Block::Table(table),
        Block::Table(of_slos),
    ]
}

fn build_merge_requests(explanation: &Explanation) -> Vec<Block> {
    let mut out = vec![section("Merge request")];
    if !explanation.merge_requests_known {
        out.push(Block::Note(Value::own("not known: GitLab was not queried")));
        return out;
    }
    if explanation.merge_requests.is_empty() {
        out.push(Block::Note(Value::own("none is open")));
    }
    for mr in &explanation.merge_requests {
        out.extend(build_merge_request(mr, explanation));
    }
    let earlier = words::earlier(explanation);
    out.extend(earlier.map(|earlier| Block::Fact("before", Value::new(earlier))));
    out
}

fn build_merge_request(mr: &ExplainedMergeRequest, explanation: &Explanation) -> Vec<Block> {
    let planned = &mr.planned;
    let Some(draft) = mr.draft else {
        let why = format!("none is open: {}", words::none_open(planned, explanation));
        return vec![Block::Note(Value::new(why))];
    };
    let number = planned.iid.map(|iid| iid.to_string()).unwrap_or_default();
    let state = words::mr_state(draft, mr.auto_merge);
    let mut out = vec![
        Block::Note(Value::link_only(number, planned.web_url.as_ref())),
        Block::Fact("state", Value::own(state)),
    ];
    let opened = planned.opened_at.map(|at| words::describe_time(at, explanation));
    out.extend(opened.map(|opened| Block::Fact("opened", Value::own(opened))));
    out.extend(
        planned.batch.as_ref().map(|batch| {
            Block::Fact("batch", Value::new(words::batch(batch, mr.pipeline.as_ref())))
        }),
    );
    let pipeline = match &mr.pipeline {
        Some(pipeline) => Value::link(&pipeline.status, pipeline.web_url.as_ref()),
        None => Value::own("not known"),
    };
    out.push(Block::Fact("pipeline", pipeline));
    let status = mr.merge_status.as_ref().map(|status| words::merge_status(status));
    out.extend(status.map(|status| Block::Fact("GitLab says", Value::new(status))));
    let labels: Vec<&str> = planned.labels.iter().map(String::as_str).collect();
    out.push(Block::Fact("labels", Value::new(labels.join(", "))));
    let next = Value::new(words::next_run(planned, explanation));
    out.push(Block::Fact(words::which_run(explanation), next));
    out
}

fn build_problems(explanation: &Explanation) -> Vec<Block> {
    let rows = words::problems(explanation).into_iter().map(|(problem, message)| {
        let (style, word) = if problem.is_error() { (RED, "error") } else { (YELLOW, "warning") };
        let place = words::place(problem);
        let at = place.as_ref().map(|place| format!(" {place}")).unwrap_or_default();
        let rest = Line::new(format!("{at}: {message} [{}]", problem.code));
        let place = Value::new(place.unwrap_or_default());
        let code = Value::own(problem.code.as_str());
        let cells = vec![Value::own(word), place, Value::new(message), code];
        Row { cells, lines: vec![Line::styled(style, word).then(rest)] }
    });
    let table = Table { head: &["severity", "place", "what", "code"], rows: rows.collect() };
    if table.rows.is_empty() {
        return Vec::new();
    }
    vec![section("Problems"), Block::Table(table)]
}
