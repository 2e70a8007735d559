//! Why one target is or is not promoted: version 1 of the explanation format.
//!
//! `answer` says it in a sentence, `advice` what to do about it; `text` and
//! `markdown` render the whole.

mod advice;
mod answer;
mod forecast;
mod markdown;
mod text;
mod timeline;

use chrono::{DateTime, Utc};
use serde::Serialize;

pub use forecast::{ForecastReport, WhatIf};
pub use markdown::markdown;
pub use text::text;

use super::model::{PlanReport, RequestReport, SubscriberReport};
use crate::app_interface::Bundle;
use crate::decide::{Decisions, DeploymentState, GateName, Outcome};
use crate::domain::{CommitSha, Problem, TargetUid};
use crate::inventory::{Inventory, Target};
use crate::snapshot::{MergeRequestFact, PipelineFact, Snapshot};

/// The format's version.
const VERSION: u32 = 1;

/// Everything about one subscriber.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// Version of the format: 1.
    pub version: u32,
    /// The time as of which everything was decided.
    pub observed_at: DateTime<Utc>,
    /// What people want to know first.
    pub answer: Answer,
    /// The subscriber with every gate, as in the plan.
    pub subscriber: SubscriberReport,
    /// Where it is declared: `data/…:LINE`.
    pub declared_at: String,
    /// The same on GitLab, if its project is known.
    pub declared_url: Option<String>,
    /// Whom it follows, in the order of its channels.
    pub publishers: Vec<FollowedReport>,
    /// Requests about it, with their actions.
    pub merge_requests: Vec<ExplainedRequest>,
    /// Was GitLab asked which requests are open?
    pub merge_requests_known: bool,
    /// What follows in time: of the target and of those it waits for; with assumptions of all
    /// that they concern.
    pub forecast: ForecastReport,
    /// What is wrong with its files and facts.
    pub problems: Vec<Problem>,
}

/// What people want to know first.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Why it is or is not promoted, in one sentence.
    pub summary: String,
    /// Since when it has been so, and what happened then.
    pub since: Option<Since>,
    /// When it can be promoted at the earliest, if that depends on time alone.
    pub next_possible_at: Option<DateTime<Utc>>,
    /// The same in words, and what stands against it.
    pub next: String,
    /// When it gets an assumed commit, in words; null without assumptions.
    pub what_if: Option<String>,
    /// What to do about it.
    pub advice: Vec<String>,
}

/// A time and what happened then.
#[derive(Debug, Clone, Serialize)]
pub struct Since {
    /// When.
    pub at: DateTime<Utc>,
    /// What happened.
    pub what: String,
}

/// A (channel, publisher) pair that the target follows.
#[derive(Debug, Clone, Serialize)]
pub struct FollowedReport {
    /// The channel.
    pub channel: String,
    /// Who publishes.
    pub uid: TargetUid,
    /// The publisher's label.
    pub label: String,
    /// Its saas file, its resource template's cluster and namespace, for people.
    pub deployed_by: String,
    /// Where it is declared: `data/…:LINE`.
    pub declared_at: String,
    /// Its code repository.
    pub repo_url: String,
    /// The ref that is deployed.
    #[serde(rename = "ref")]
    pub git_ref: Option<String>,
    /// Its commit, if it is known.
    pub commit_sha: Option<CommitSha>,
    /// When that was committed, if the API said so.
    pub committed_at: Option<DateTime<Utc>>,
    /// First line of its message, if the API said so.
    pub subject: Option<String>,
    /// How its deployment went; null if the record could not be read.
    pub state: Option<DeploymentState>,
    /// When it was deployed.
    pub check_in: Option<DateTime<Utc>>,
    /// Why commit or record are not known or not usable.
    pub reason: Option<String>,
    /// Key of the deployment record in the bucket.
    pub record_key: Option<String>,
    /// Is it promoted by this program itself? Then this is decided for it.
    pub decision: Option<Outcome>,
    /// The gate that holds it, if one does.
    pub held_by: Option<GateName>,
}

/// A request with what GitLab says about it.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainedRequest {
    /// As in the plan.
    #[serde(flatten)]
    pub planned: RequestReport,
    /// Is it a draft? Null if it is not open.
    pub draft: Option<bool>,
    /// Pipeline of its newest commit, if GitLab was asked.
    pub pipeline: Option<PipelineFact>,
    /// GitLab's merge status, may be stale.
    pub merge_status: Option<String>,
}

/// What an explanation is made of.
pub struct Found<'a> {
    /// The targets that were looked at.
    pub inventory: &'a Inventory,
    /// The config repo.
    pub bundle: &'a Bundle,
    /// The facts.
    pub snapshot: &'a Snapshot,
    /// The decisions on the targets that were looked at.
    pub decisions: &'a Decisions,
    /// The plan for them.
    pub report: &'a PlanReport,
    /// Index of the target in the inventory.
    pub target: usize,
}

impl Found<'_> {
    fn target(&self) -> &Target {
        &self.inventory.targets[self.target]
    }

    /// The line of a field of a target, else of the target.
    fn line(&self, target: &Target, path: &[&str]) -> u32 {
        let tree = self.bundle.sources.get(&target.place.file);
        let node = tree.and_then(|tree| {
            path.iter().try_fold(tree.node(target.node), |node, key| node.get(key))
        });
        node.map_or(target.place.line, |node| node.position().line)
    }

    /// `data/…:LINE` of a field of a target, else of the target.
    fn field(&self, target: &Target, path: &[&str]) -> String {
        format!("data{}:{}", target.place.file, self.line(target, path))
    }

    /// The same as a page on GitLab.
    fn page(&self, target: &Target, path: &[&str]) -> Option<String> {
        let repo = self.snapshot.config_repo.as_ref()?;
        let (file, line) = (&target.place.file, self.line(target, path));
        Some(format!("{}/-/blob/{}/data{file}#L{line}", repo.web_url, repo.base_commit))
    }
}

impl Explanation {
    /// Brings together what is known of a subscriber; `None` if the plan has no such subscriber.
    pub fn new(found: &Found<'_>, what_if: &WhatIf<'_>) -> Option<Self> {
        let target = found.target();
        let subscriber =
            found.report.subscribers.iter().find(|other| other.target.uid == target.uid)?.clone();
        let publishers = publishers(found, target);
        let merge_requests = requests(found, &subscriber);
        let mut explanation = Self {
            version: VERSION,
            observed_at: found.snapshot.observed_at,
            answer: Answer {
                summary: String::new(),
                since: None,
                next_possible_at: None,
                next: String::new(),
                what_if: None,
                advice: Vec::new(),
            },
            subscriber,
            declared_at: found.field(target, &["ref"]),
            declared_url: found.page(target, &["ref"]),
            publishers,
            merge_requests,
            merge_requests_known: found.snapshot.config_repo.is_some(),
            forecast: ForecastReport::new(found, what_if),
            problems: found.report.problems.clone(),
        };
        explanation.answer = answer::answer(&explanation, found, what_if);
        Some(explanation)
    }

    /// The JSON form: pretty, a newline at the end.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The request that is open, or would be.
    fn request(&self) -> Option<&ExplainedRequest> {
        let open = self.merge_requests.iter().find(|request| request.draft.is_some());
        open.or(self.merge_requests.first())
    }
}

fn publishers(found: &Found<'_>, target: &Target) -> Vec<FollowedReport> {
    let channels = target.promotion.subscribe.iter();
    channels
        .flat_map(|channel| {
            found
                .inventory
                .publishers_of(channel)
                .map(move |(index, publisher)| followed(found, channel, index, publisher))
        })
        .collect()
}

fn followed(found: &Found<'_>, channel: &str, index: usize, publisher: &Target) -> FollowedReport {
    let state = found.decisions.publishers.get(index);
    let commit = state.and_then(|state| state.commit.as_ref().ok()).cloned();
    let deployment = state.and_then(|state| state.deployments.get(channel));
    let failure = state.and_then(|state| {
        state.commit.as_ref().err().or_else(|| state.unread.get(channel)).map(|f| f.error.clone())
    });
    let git_ref = publisher.git_ref.clone().ok();
    let fact = git_ref.as_ref().and_then(|git_ref| {
        let key = Snapshot::commit_key(&publisher.repo_url, git_ref);
        found.snapshot.commits.get(&key)?.as_result().ok()
    });
    let decision = found.decisions.subscribers.get(&index);
    FollowedReport {
        channel: channel.to_owned(),
        uid: publisher.uid.clone(),
        label: publisher.label(),
        deployed_by: format!(
            "saas file {}, cluster {}, namespace {}",
            publisher.saas_file, publisher.namespace.cluster.name, publisher.namespace.name
        ),
        declared_at: found.field(publisher, &["ref"]),
        repo_url: publisher.repo_url.to_string(),
        committed_at: fact.and_then(|fact| fact.committed_at),
        subject: fact.and_then(|fact| fact.subject.clone()),
        state: deployment.map(|deployment| deployment.state),
        check_in: deployment.and_then(|deployment| deployment.check_in),
        reason: failure.or_else(|| deployment.and_then(|deployment| deployment.reason.clone())),
        record_key: commit.as_ref().map(|commit| {
            crate::decide::state_key(&crate::decide::record_key(channel, &publisher.uid, commit))
        }),
        commit_sha: commit,
        git_ref,
        decision: decision.map(|decision| decision.outcome),
        held_by: decision.and_then(|decision| decision.held_by),
    }
}

fn requests(found: &Found<'_>, subscriber: &SubscriberReport) -> Vec<ExplainedRequest> {
    let about = |request: &&RequestReport| request.targets.contains(&subscriber.target.uid);
    found
        .report
        .merge_requests
        .iter()
        .filter(about)
        .map(|planned| {
            let fact: Option<&MergeRequestFact> =
                planned.iid.and_then(|iid| found.snapshot.merge_requests.get(&iid));
            ExplainedRequest {
                planned: planned.clone(),
                draft: fact.map(|fact| fact.draft),
                pipeline: fact.and_then(|fact| fact.pipeline.clone()),
                merge_status: fact.and_then(|fact| fact.detailed_merge_status.clone()),
            }
        })
        .collect()
}
