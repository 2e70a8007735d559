//! The data of the page: the report, with repeated values written once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::super::model::{
    MergeRequestReport, PlanReport, PublisherReport, RepoReport, SubscriberReport,
};
use super::super::picture::members;
use super::lead_time::{LeadTime, lead_time};
use super::shared::{Followed, GateData, Gates, Repos};
use crate::apply::Verdict;
use crate::decide::{DeploymentState, Gate, Outcome};
use crate::domain::{CommitSha, MrIid, Problem, RepoUrl, TargetUid};
use crate::graph::{Graph, Kind, Picker, Scope, followed, svg_without_style};
use crate::plan::{Action, Reason, forge_pages};

/// The page's data. Times are seconds since 1970.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    observed_at: i64,
    /// `<project>/-/blob/<commit>`: the start of links to files.
    blob_url: Option<String>,
    targets: Vec<Target<'a>>,
    /// Publishers that some target follows.
    publishers: Vec<Publisher<'a>>,
    /// Code repositories: URL, and the start of its pages on the forge.
    repos: Vec<(Option<&'a str>, Option<String>)>,
    /// Gate results; many targets share one.
    gates: Vec<GateData>,
    requests: Vec<Request<'a>>,
    problems: &'a [Problem],
    /// The graph of each app.
    graphs: BTreeMap<&'a str, Picture>,
}

#[derive(Serialize)]
struct Target<'a> {
    uid: &'a str,
    label: String,
    app: &'a str,
    environment: &'a str,
    file: &'a str,
    line: u32,
    /// Index into `repos`.
    repo: usize,
    from: &'a str,
    /// The commit of its publishers, if it differs.
    to: Option<&'a str>,
    decision: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_by: Option<Gate>,
    reason: String,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    errors: &'a [String],
    /// Indexes into `gates`.
    gates: Vec<usize>,
    /// Channel, and index into `publishers`.
    follows: Vec<(&'a str, usize)>,
    /// Index into `requests`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<usize>,
    lead: LeadTime,
}

#[derive(Serialize)]
struct Publisher<'a> {
    uid: &'a str,
    label: String,
    file: &'a str,
    line: u32,
    /// Index into `repos`; may differ from that of its subscribers.
    repo: usize,
    #[serde(rename = "ref")]
    git_ref: Option<&'a str>,
    commit: Option<&'a CommitSha>,
    #[serde(skip_serializing_if = "Option::is_none")]
    committed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// By channel: state, time, and why it is not usable.
    deployments: BTreeMap<&'a str, (DeploymentState, Option<i64>, Option<&'a str>)>,
}

#[derive(Serialize)]
struct Request<'a> {
    action: Action,
    reason_code: Reason,
    iid: Option<MrIid>,
    title: &'a str,
    reason: &'a str,
    branch: &'a str,
    url: Option<&'a str>,
    targets: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'a str>,
    /// What a batch promotes: indexes into `targets`, and the new ref.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    promotions: Vec<(Vec<usize>, &'a str)>,
    /// Path and unified diff.
    diffs: Vec<(&'a str, &'a str)>,
}

pub(super) fn data(report: &PlanReport) -> Data<'_> {
    // If a merge request is closed and another replaces it, the replacement counts.
    let (closed, others): (Vec<_>, Vec<_>) = report
        .merge_requests
        .iter()
        .enumerate()
        .partition(|(_, request)| request.action == Action::Close);
    let mr_of: BTreeMap<&str, usize> = closed
        .into_iter()
        .chain(others)
        .flat_map(|(at, request)| request.targets.iter().map(move |uid| (uid.as_str(), at)))
        .collect();
    // Of two publishers with one identity the first counts.
    let own: BTreeMap<_, _> = report
        .publishers
        .iter()
        .rev()
        .map(|publisher| (&publisher.target.uid, publisher))
        .collect();
    let mut followed = Followed::new(report);
    let mut gates = Gates::default();
    let mut repos = Repos::default();
    let targets = report
        .subscribers
        .iter()
        .map(|subscriber| {
            let follows = followed.index_publishers(subscriber);
            let request = mr_of.get(subscriber.target.uid.as_str()).copied();
            let publishers =
                follows.iter().map(|&(channel, at)| (channel, followed.publisher_at(at)));
            let known = request.map(|at| &report.merge_requests[at]);
            let own = own.get(&subscriber.target.uid).copied();
            let lead = lead_time(subscriber, own, publishers, known, report.observed_at);
            let repo = repos.index(&subscriber.repo_url);
            build_target(subscriber, repo, gates.index_gates(subscriber), follows, request, lead)
        })
        .collect();
    let publishers = followed
        .listed
        .iter()
        .map(|at| &report.publishers[*at])
        .map(|known| build_publisher(known, repos.index(&known.repo_url)))
        .collect();
    let uids = report.subscribers.iter().map(|subscriber| &subscriber.target.uid);
    let index_of: BTreeMap<&TargetUid, usize> = uids.zip(0..).collect();
    Data {
        observed_at: report.observed_at.timestamp(),
        blob_url: report
            .config_repo
            .as_ref()
            .and_then(|repo| web(&repo.web_url).map(|url| format!("{url}/-/blob/{}", repo.commit))),
        targets,
        publishers,
        repos: find_pages(report, &repos.listed),
        gates: gates.listed,
        requests: report
            .merge_requests
            .iter()
            .map(|request| build_merge_request(request, &index_of))
            .collect(),
        problems: &report.problems,
        graphs: draw_graphs(report),
    }
}

/// A URL that is safe in a link.
pub(super) fn web(url: &str) -> Option<&str> {
    let known = url.starts_with("https://") || url.starts_with("http://");
    // The text before an `@` may be a password.
    (known && !url.contains('@') && !url.chars().any(char::is_whitespace)).then_some(url)
}

pub(super) fn seconds(time: Option<DateTime<Utc>>) -> Option<i64> {
    time.map(|time| time.timestamp())
}

fn find_pages<'a>(
    report: &PlanReport,
    repos: &[&'a str],
) -> Vec<(Option<&'a str>, Option<String>)> {
    let host = report.config_repo.as_ref().and_then(RepoReport::host);
    repos.iter().map(|url| (web(url), forge_pages(&RepoUrl::new(*url), host))).collect()
}

fn build_target<'a>(
    subscriber: &'a SubscriberReport,
    repo: usize,
    gates: Vec<usize>,
    follows: Vec<(&'a str, usize)>,
    request: Option<usize>,
    lead: LeadTime,
) -> Target<'a> {
    let candidate = subscriber.candidate.as_ref().map(CommitSha::as_str);
    let wanted = match subscriber.decision {
        Outcome::Promote => Some(subscriber.desired_ref.as_str()),
        _ => candidate,
    };
    Target {
        uid: subscriber.target.uid.as_str(),
        label: subscriber.target.label(),
        app: &subscriber.target.app,
        environment: &subscriber.environment,
        file: &subscriber.edit_file,
        line: subscriber.edit_line,
        repo,
        from: &subscriber.current_ref,
        to: wanted.filter(|wanted| *wanted != subscriber.current_ref),
        decision: subscriber.decision,
        held_by: subscriber.held_by,
        reason: subscriber.reason(),
        errors: &subscriber.errors,
        gates,
        follows,
        request,
        lead,
    }
}

fn build_publisher(publisher: &PublisherReport, repo: usize) -> Publisher<'_> {
    let deployments = publisher.deployments.iter().map(|(channel, deployment)| {
        let known = (deployment.state, seconds(deployment.check_in), deployment.reason.as_deref());
        (channel.as_str(), known)
    });
    Publisher {
        uid: publisher.target.uid.as_str(),
        label: publisher.target.label(),
        file: &publisher.target.file,
        line: publisher.target.line,
        repo,
        git_ref: publisher.git_ref.as_deref(),
        commit: publisher.commit_sha.as_ref(),
        committed: seconds(publisher.committed_at),
        subject: publisher.subject.as_deref(),
        error: publisher.error.as_deref(),
        deployments: deployments.collect(),
    }
}

fn build_merge_request<'a>(
    request: &'a MergeRequestReport,
    index_of: &BTreeMap<&TargetUid, usize>,
) -> Request<'a> {
    let places = request.batch.iter().flat_map(|batch| &batch.places);
    let promotions = places.map(|place| {
        // A run that is narrowed shows some of the targets only.
        let shown = place.targets.iter().filter_map(|uid| index_of.get(uid).copied());
        (shown.collect(), place.git_ref.as_str())
    });
    Request {
        action: request.action,
        reason_code: request.reason_code,
        iid: request.iid,
        title: &request.title,
        reason: &request.reason,
        branch: &request.branch,
        url: request.web_url.as_deref().and_then(web),
        targets: request.targets.len(),
        verdict: request.outcome.as_ref().map(|outcome| outcome.outcome),
        outcome: request.outcome.as_ref().and_then(|outcome| outcome.message.as_deref()),
        promotions: promotions.collect(),
        diffs: request.files.iter().map(|file| (file.path.as_str(), file.diff.as_str())).collect(),
    }
}

/// A larger graph is unreadable, and thousands of nodes also slow down a browser.
const MOST_NODES: usize = 500;

/// The graph of an app.
#[derive(Serialize)]
#[serde(untagged)]
enum Picture {
    Drawn(String),
    TooLarge { targets: usize, channels: usize },
}

fn draw_graphs(report: &PlanReport) -> BTreeMap<&str, Picture> {
    let members = members(report, true);
    let followed = followed(&members);
    let mut subscribers: BTreeSet<&str> =
        report.subscribers.iter().map(|subscriber| subscriber.target.uid.as_str()).collect();
    let mut apps: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (at, publisher) in report.publishers.iter().enumerate() {
        let target = &publisher.target;
        if subscribers.remove(target.uid.as_str()) || followed.contains(&at) {
            apps.entry(target.app.as_str()).or_default().insert(at);
        }
    }
    let picker = Picker::new(&members);
    apps.into_iter()
        .map(|(app, targets)| (app, draw_graph(app, &picker.select(&Scope::Targets(&targets)))))
        .collect()
}

fn draw_graph(app: &str, graph: &Graph) -> Picture {
    if graph.nodes.len() <= MOST_NODES {
        return Picture::Drawn(svg_without_style(graph, &format!("Promotions of {app}")));
    }
    let targets = graph.nodes.iter().filter(|node| node.kind == Kind::Target).count();
    Picture::TooLarge { targets, channels: graph.nodes.len() - targets }
}
