//! The data of the page: the report, with repeated values written once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use flate2::{Compression, write::ZlibEncoder};
use serde::Serialize;

use super::super::model::{
    MergeRequestReport, PlanReport, PublisherReport, RepoReport, SubscriberReport, TargetReport,
};
use super::super::picture::members;
use super::lead_time::{LeadTime, lead_time};
use super::shared::{DeploymentData, Followed, GateData, Gates, Once, Texts};
use crate::apply::Verdict;
use crate::decide::{Gate, Outcome};
use crate::domain::{CommitSha, MrIid, Problem, RepoUrl};
use crate::graph::{Graph, Kind, Picker, Scope, followed, svg_without_style};
use crate::plan::{Action, Reason, forge_pages};

/// The page's data. Times are seconds since 1970.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    observed_at: i64,
    /// `<project>/-/blob/<commit>`: the start of links to files.
    blob_url: Option<String>,
    /// Texts that columns contain the indexes of.
    texts: Vec<Option<Cow<'a, str>>>,
    targets: Targets<'a>,
    /// Publishers that some target follows.
    publishers: Publishers<'a>,
    /// Code repositories: URL, and the start of its pages on the forge.
    repos: Vec<(Option<&'a str>, Option<String>)>,
    /// Gate results; many targets share one.
    gates: Vec<GateData<'a>>,
    /// Indexes into `gates`.
    gate_lists: Vec<Vec<usize>>,
    /// Channel (index into `texts`), and index into `publishers`.
    follow_lists: Vec<Vec<(usize, usize)>>,
    error_lists: Vec<&'a [String]>,
    /// Indexes into `texts`.
    advice_lists: Vec<Vec<usize>>,
    leads: Vec<LeadTime>,
    requests: Vec<Request<'a>>,
    problems: &'a [Problem],
    /// Apps with a graph, and its size if it is too large.
    graphs: BTreeMap<&'a str, Option<TooLarge>>,
    /// The apps in the order of `pictures`. (A script sees the keys of an object in another order, if one is a number.)
    drawn: Vec<&'a str>,
    /// The other graphs as SVG: each followed by a null character, packed with zlib in base64. With thousands of targets,
    /// they are seven eighths of a page that is not packed.
    pictures: String,
}

/// Who and where, by column, in a quarter of the space of objects. Without a remark: indexes into `texts`.
#[derive(Default, Serialize)]
struct Names<'a> {
    /// The uids themselves.
    uid: Vec<&'a str>,
    saas_file: Vec<usize>,
    resource_template: Vec<usize>,
    name: Vec<usize>,
    cluster: Vec<usize>,
    namespace: Vec<usize>,
    file: Vec<usize>,
    /// The lines themselves.
    line: Vec<u32>,
    /// Indexes into `repos`; that of a publisher may differ from that of its subscribers.
    repo: Vec<usize>,
}

impl<'a> Names<'a> {
    fn push(
        &mut self,
        texts: &mut Texts<'a>,
        target: &'a TargetReport,
        (file, line): (&'a str, u32),
        repo: usize,
    ) {
        self.uid.push(target.uid.as_str());
        self.saas_file.push(texts.text(&target.saas_file));
        self.resource_template.push(texts.text(&target.resource_template));
        self.name.push(texts.option(target.target.as_deref()));
        self.cluster.push(texts.text(&target.cluster));
        self.namespace.push(texts.text(&target.namespace));
        self.file.push(texts.text(file));
        self.line.push(line);
        self.repo.push(repo);
    }
}

#[derive(Default, Serialize)]
struct Targets<'a> {
    #[serde(flatten)]
    names: Names<'a>,
    app: Vec<usize>,
    environment: Vec<usize>,
    from: Vec<usize>,
    /// The commit of its publishers, if it differs.
    to: Vec<usize>,
    decision: Vec<usize>,
    held_by: Vec<usize>,
    reason: Vec<usize>,
    /// Indexes into `error_lists`.
    errors: Vec<usize>,
    /// Indexes into `advice_lists`.
    advice: Vec<usize>,
    /// Indexes into `gate_lists`.
    gates: Vec<usize>,
    /// Indexes into `follow_lists`.
    follows: Vec<usize>,
    /// Indexes into `requests`.
    request: Vec<Option<usize>>,
    /// Indexes into `leads`.
    lead: Vec<usize>,
}

#[derive(Default, Serialize)]
struct Publishers<'a> {
    #[serde(flatten)]
    names: Names<'a>,
    #[serde(rename = "ref")]
    git_ref: Vec<usize>,
    commit: Vec<usize>,
    /// The times themselves.
    committed: Vec<Option<i64>>,
    subject: Vec<usize>,
    error: Vec<usize>,
    /// By channel.
    deployments: Vec<BTreeMap<&'a str, DeploymentData<'a>>>,
}

#[derive(Serialize)]
struct Request<'a> {
    action: Action,
    reason_code: Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    iid: Option<MrIid>,
    title: &'a str,
    /// Index into `texts`.
    reason: usize,
    /// Its branch, if it is there or will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    branch: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diffs: Vec<(&'a str, &'a str)>,
}

pub(super) fn data(report: &PlanReport) -> Data<'_> {
    // The replacement of a merge request that is closed counts.
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
    let (mut gates, mut shared) = (Gates::default(), Shared::default());
    let mut targets = Targets::default();
    for subscriber in &report.subscribers {
        let follows = followed.index_publishers(subscriber);
        let request = mr_of.get(subscriber.target.uid.as_str()).copied();
        let publishers = follows.iter().map(|&(channel, at)| (channel, followed.publisher_at(at)));
        let known = request.map(|at| &report.merge_requests[at]);
        let own = own.get(&subscriber.target.uid).copied();
        let lead = lead_time(subscriber, own, publishers, known, report.observed_at);
        targets.request.push(request);
        targets.lead.push(shared.leads.index(lead));
        targets.gates.push(shared.gate_lists.index(gates.index_gates(subscriber)));
        targets.push(&mut shared, subscriber, follows);
    }
    let mut publishers = Publishers::default();
    for at in &followed.listed {
        publishers.push(&mut shared, &report.publishers[*at]);
    }
    let uids = report.subscribers.iter().map(|one| one.target.uid.as_str());
    let index_of: BTreeMap<&str, usize> = uids.zip(0..).collect();
    let texts = &mut shared.texts;
    let requests = report.merge_requests.iter();
    let requests = requests.map(|request| build_merge_request(texts, request, &index_of)).collect();
    let (graphs, drawn, pictures) = draw_graphs(report, &index_of);
    Data {
        observed_at: report.observed_at.timestamp(),
        blob_url: report
            .config_repo
            .as_ref()
            .and_then(|repo| web(&repo.web_url).map(|url| format!("{url}/-/blob/{}", repo.commit))),
        texts: shared.texts.listed,
        targets,
        publishers,
        repos: find_pages(report, &shared.repos.listed),
        gates: gates.listed,
        gate_lists: shared.gate_lists.listed,
        follow_lists: shared.follow_lists.listed,
        error_lists: shared.error_lists.listed,
        advice_lists: shared.advice_lists.listed,
        leads: shared.leads.listed,
        requests,
        problems: &report.problems,
        graphs,
        drawn,
        pictures,
    }
}

/// What the columns contain the indexes of.
#[derive(Default)]
struct Shared<'a> {
    texts: Texts<'a>,
    repos: Once<&'a str>,
    gate_lists: Once<Vec<usize>>,
    follow_lists: Once<Vec<(usize, usize)>>,
    error_lists: Once<&'a [String]>,
    advice_lists: Once<Vec<usize>>,
    leads: Once<LeadTime>,
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

impl<'a> Targets<'a> {
    fn push(
        &mut self,
        shared: &mut Shared<'a>,
        subscriber: &'a SubscriberReport,
        follows: Vec<(&'a str, usize)>,
    ) {
        let candidate = subscriber.candidate.as_ref().map(CommitSha::as_str);
        let wanted = match subscriber.decision {
            Outcome::Promote => Some(subscriber.desired_ref.as_str()),
            _ => candidate,
        };
        let repo = shared.repos.index(&subscriber.repo_url);
        let place = (subscriber.edit_file.as_str(), subscriber.edit_line);
        let texts = &mut shared.texts;
        self.names.push(texts, &subscriber.target, place, repo);
        self.app.push(texts.text(&subscriber.target.app));
        self.environment.push(texts.text(&subscriber.environment));
        self.from.push(texts.text(&subscriber.current_ref));
        self.to.push(texts.option(wanted.filter(|wanted| *wanted != subscriber.current_ref)));
        self.decision.push(texts.text(subscriber.decision.as_str()));
        self.held_by.push(texts.option(subscriber.held_by.map(Gate::as_str)));
        self.reason.push(texts.index(Some(subscriber.reason().into())));
        let follows = follows.into_iter().map(|(channel, at)| (texts.text(channel), at)).collect();
        let advice = subscriber.advice.iter().map(|line| texts.text(line)).collect();
        self.advice.push(shared.advice_lists.index(advice));
        self.follows.push(shared.follow_lists.index(follows));
        self.errors.push(shared.error_lists.index(&subscriber.errors));
    }
}

impl<'a> Publishers<'a> {
    fn push(&mut self, shared: &mut Shared<'a>, publisher: &'a PublisherReport) {
        let repo = shared.repos.index(&publisher.repo_url);
        let texts = &mut shared.texts;
        let place = (publisher.target.file.as_str(), publisher.target.line);
        self.names.push(texts, &publisher.target, place, repo);
        self.git_ref.push(texts.option(publisher.git_ref.as_deref()));
        self.commit.push(texts.option(publisher.commit_sha.as_ref().map(CommitSha::as_str)));
        self.committed.push(seconds(publisher.committed_at));
        self.subject.push(texts.option(publisher.subject.as_deref()));
        self.error.push(texts.option(publisher.error.as_deref()));
        let deployments = publisher.deployments.iter().map(|(channel, known)| {
            let when = seconds(known.check_in);
            (channel.as_str(), (known.state, when, known.reason.as_deref()))
        });
        self.deployments.push(deployments.collect());
    }
}

fn build_merge_request<'a>(
    texts: &mut Texts<'a>,
    request: &'a MergeRequestReport,
    index_of: &BTreeMap<&str, usize>,
) -> Request<'a> {
    let places = request.batch.iter().flat_map(|batch| &batch.places);
    let promotions = places.map(|place| {
        let shown = place.targets.iter().filter_map(|uid| index_of.get(uid.as_str()).copied());
        (shown.collect(), place.git_ref.as_str())
    });
    Request {
        action: request.action,
        reason_code: request.reason_code,
        iid: request.iid,
        title: &request.title,
        reason: texts.text(&request.reason),
        branch: Some(request.branch.as_str()).filter(|_| request.action != Action::Defer),
        url: request.web_url.as_deref().and_then(web),
        targets: request.targets.len(),
        verdict: request.outcome.as_ref().map(|outcome| outcome.outcome),
        outcome: request.outcome.as_ref().and_then(|outcome| outcome.message.as_deref()),
        promotions: promotions.collect(),
        diffs: request.files.iter().map(|file| (file.path.as_str(), file.diff.as_str())).collect(),
    }
}

/// How hard zlib tries, from 0 to 9. The usual level, 6, takes 2.5 times as long, for graphs that are 12 % smaller.
const PACKING_LEVEL: u32 = 4;

/// A larger graph is unreadable, and thousands of nodes also slow down a browser.
const MOST_NODES: usize = 500;

#[derive(Serialize)]
struct TooLarge {
    targets: usize,
    channels: usize,
}

fn draw_graphs<'a>(
    report: &'a PlanReport,
    index_of: &BTreeMap<&str, usize>,
) -> (BTreeMap<&'a str, Option<TooLarge>>, Vec<&'a str>, String) {
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
    let (mut graphs, mut drawn) = (BTreeMap::new(), Vec::new());
    // Each graph is packed as soon as it is drawn, because unpacked they are most of the page. In large pieces: the
    // encoder clears its buffer for each one.
    let encoder = ZlibEncoder::new(Vec::new(), Compression::new(PACKING_LEVEL));
    let mut packed = BufWriter::with_capacity(64 << 10, encoder);
    for (app, targets) in apps {
        let graph = picker.select(&Scope::Targets(&targets));
        let too_large = measure(&graph);
        if too_large.is_none() {
            let svg = svg_without_style(&graph, &format!("Promotions of {app}"));
            // Writing to a vector cannot fail. XML has no null character.
            let _ = write!(packed, "{}\0", with_indexes(&svg, index_of));
            drawn.push(app);
        }
        graphs.insert(app, too_large);
    }
    let packed = packed.into_inner().ok().and_then(|encoder| encoder.finish().ok());
    (graphs, drawn, STANDARD.encode(packed.unwrap_or_default()))
}

fn measure(graph: &Graph) -> Option<TooLarge> {
    let targets = graph.nodes.iter().filter(|node| node.kind == Kind::Target).count();
    (graph.nodes.len() > MOST_NODES)
        .then(|| TooLarge { targets, channels: graph.nodes.len() - targets })
}

/// Replaces uids by indexes into `targets`, because random digits cannot be compressed.
fn with_indexes(svg: &str, index_of: &BTreeMap<&str, usize>) -> String {
    let mut parts = svg.split(" data-uid=\"");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (uid, rest) = part.split_once('"').unwrap_or((part, ""));
        // Not those that are only followed.
        if let Some(at) = index_of.get(uid) {
            text.push_str(&format!(" data-at=\"{at}\""));
        }
        text.push_str(rest);
    }
    text
}
