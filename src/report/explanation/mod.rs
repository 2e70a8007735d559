//! Why one target is or is not promoted: version 1 of the explanation format.
//!
//! `answer` says it in a sentence, `advice` what to do about it; `content` has
//! the whole as blocks, which [`text`] and [`markdown`] render.

mod advice;
mod answer;
mod content;
mod followed;
mod forecast;
mod merge_requests;
mod timeline;
mod words;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

pub use followed::FollowedReport;
pub use forecast::{ForecastReport, WhatIf};
pub use merge_requests::{EarlierMergeRequest, ExplainedMergeRequest};

use super::blocks;
use super::model::{PlanReport, RepoReport, SubscriberReport};
use super::style::Paint;
use crate::app_interface::Bundle;
use crate::decide::{Decisions, Gate};
use crate::domain::{Problem, RepoPath, to_json};
use crate::inventory::{Inventory, Target, TargetIx};
use crate::snapshot::Snapshot;

/// An explanation on a terminal or in a job's log.
pub fn text(explanation: &Explanation, paint: Paint) -> String {
    blocks::text(&content::blocks(explanation), paint)
}

/// An explanation for an issue, a chat or a merge request: all that the text says.
pub fn markdown(explanation: &Explanation) -> String {
    blocks::markdown(&content::blocks(explanation))
}

/// The format's version.
const VERSION: u32 = 1;

/// Everything about one subscriber.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Explanation {
    /// Version of the format: 1.
    pub version: u32,
    /// The time as of which everything was decided.
    pub observed_at: DateTime<Utc>,
    /// Is that time the present?
    pub as_of: AsOf,
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
    /// Merge requests about it, with their actions.
    pub merge_requests: Vec<ExplainedMergeRequest>,
    /// Its merge requests that are closed or merged, newest first; null where nobody asked.
    pub earlier_merge_requests: Option<Vec<EarlierMergeRequest>>,
    /// Was GitLab asked which merge requests are open?
    pub merge_requests_known: bool,
    /// How many merge requests a run opens at most: those of other files count as well, and an
    /// explanation does not look at them.
    pub max_new_merge_requests: usize,
    /// What follows in time: of the target and of those it waits for; with assumptions of all
    /// that they concern.
    pub forecast: ForecastReport,
    /// What is wrong with its files and facts.
    pub problems: Vec<Problem>,
}

/// What people want to know first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Answer {
    /// Why it is or is not promoted, in one sentence.
    pub summary: String,
    /// What the services answered that facts were asked of, if it is in error for want of them.
    pub causes: Vec<String>,
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
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Since {
    /// When.
    pub at: DateTime<Utc>,
    /// What happened.
    pub what: String,
}

/// What the time of the decisions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AsOf {
    /// The present.
    Now,
    /// A time that was asked about: the facts are from another one.
    Given,
    /// The time of recorded facts.
    Recorded,
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
    /// How many merge requests a run opens at most.
    pub max_new_merge_requests: usize,
    /// Index of the target in the inventory.
    pub target: TargetIx,
    /// What the time of the decisions is.
    pub as_of: AsOf,
}

impl Found<'_> {
    fn target(&self) -> &Target {
        &self.inventory.targets[self.target]
    }

    /// A channel that the target subscribes to and publishes itself.
    fn own_channel(&self) -> Option<&str> {
        let promotion = &self.target().promotion;
        let own = promotion.subscribe.iter().find(|channel| promotion.publish.contains(channel));
        own.map(String::as_str)
    }

    /// The line of a field of a target, else of the target.
    fn line(&self, target: &Target, path: &[&str]) -> u32 {
        let tree = self.bundle.sources.get(&target.declared_at.file);
        let node = tree.and_then(|tree| {
            path.iter().try_fold(tree.node(target.node), |node, key| node.get(key))
        });
        node.map_or(target.declared_at.line, |node| node.position().line)
    }

    /// `data/…:LINE` of a field of a target, else of the target.
    fn field(&self, target: &Target, path: &[&str]) -> String {
        format!("{}:{}", RepoPath::of_datafile(&target.declared_at.file), self.line(target, path))
    }

    /// `data/…:LINE` of a field as a page on GitLab.
    fn page(&self, target: &Target, path: &[&str]) -> Option<String> {
        let repo = self.snapshot.config_repo.as_ref()?;
        let (file, line) = (&target.declared_at.file, self.line(target, path));
        Some(format!("{}/-/blob/{}/data{file}#L{line}", repo.web_url, repo.base_commit))
    }

    /// `host[:port]` of GitLab, to make links in its style.
    fn gitlab_host(&self) -> Option<&str> {
        self.report.config_repo.as_ref().and_then(RepoReport::host)
    }
}

impl Explanation {
    /// Brings together what is known of a subscriber; `None` if the plan has no such subscriber.
    pub fn new(found: &Found<'_>, what_if: &WhatIf<'_>) -> Option<Self> {
        let target = found.target();
        let subscriber =
            found.report.subscribers.iter().find(|other| other.target.uid == target.uid)?.clone();
        let merge_requests = merge_requests::about(found, &subscriber);
        let mut explanation = Self {
            version: VERSION,
            observed_at: found.snapshot.observed_at,
            as_of: found.as_of,
            answer: Answer {
                summary: String::new(),
                causes: Vec::new(),
                since: None,
                next_possible_at: None,
                next: String::new(),
                what_if: None,
                advice: Vec::new(),
            },
            subscriber,
            declared_at: found.field(target, &["ref"]),
            declared_url: found.page(target, &["ref"]),
            publishers: followed::followed(found, target),
            merge_requests,
            earlier_merge_requests: merge_requests::earlier(found),
            merge_requests_known: found.snapshot.config_repo.is_some(),
            max_new_merge_requests: found.max_new_merge_requests,
            forecast: ForecastReport::new(found, what_if),
            problems: found.report.problems.clone(),
        };
        explanation.answer = answer::answer(&explanation, found, what_if);
        Some(explanation)
    }

    /// The JSON form: pretty, a newline at the end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// Are the decisions about the present?
    fn is_now(&self) -> bool {
        self.as_of == AsOf::Now
    }

    /// Does its soak time begin only when something is deployed that is not yet?
    fn soaks_later(&self) -> bool {
        let timeless = |name: Gate| {
            let mut gates = self.subscriber.gates.iter().filter(|gate| gate.blocks());
            gates.any(|gate| gate.gate == name && gate.next_possible_at.is_none())
        };
        timeless(Gate::Deployment) && timeless(Gate::Soak)
    }

    /// The merge request that is open, or would be.
    fn mr(&self) -> Option<&ExplainedMergeRequest> {
        let open = self.merge_requests.iter().find(|mr| mr.draft.is_some());
        open.or(self.merge_requests.first())
    }
}
