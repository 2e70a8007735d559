//! Explains why a target is or is not promoted: version 1 of the explanation format.
//!
//! `answer` is one sentence, `advice` says what to do, and `content` has
//! everything as blocks, which [`text`] and [`markdown`] render.

mod advice;
mod answer;
mod content;
mod followed;
mod forecast;
mod merge_requests;
mod overview;
mod timeline;
mod words;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

pub use followed::FollowedReport;
pub use forecast::{ForecastReport, WhatIf};
pub use merge_requests::{EarlierMergeRequest, ExplainedMergeRequest};
pub use overview::{Overview, briefs};

use super::blocks;
use super::model::{PlanReport, RepoReport, SubscriberReport};
use super::style::Paint;
use crate::app_interface::{Bundle, TargetField};
use crate::decide::{Decisions, Gate};
use crate::domain::{Problem, RepoPath, to_json};
use crate::inventory::{Inventory, Target, TargetIx};
use crate::plan::Settings;
use crate::snapshot::Snapshot;

/// An explanation for a terminal or a job log.
pub fn text(explanation: &Explanation, paint: Paint) -> String {
    blocks::text(&content::blocks(explanation), paint)
}

/// An explanation for an issue, a chat or a merge request, with the same content as the text.
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
    /// The time of the decisions.
    pub observed_at: DateTime<Utc>,
    /// Is that time the present?
    pub as_of: AsOf,
    /// The short answer.
    pub answer: Answer,
    /// The subscriber with every gate, as in the plan.
    pub subscriber: SubscriberReport,
    /// Where it is declared: `data/…:LINE`.
    pub declared_at: String,
    /// The page of that location on GitLab, if the project is known.
    pub declared_url: Option<String>,
    /// The publishers that it follows, in the order of its channels.
    pub publishers: Vec<FollowedReport>,
    /// Merge requests about it, with their actions.
    pub merge_requests: Vec<ExplainedMergeRequest>,
    /// Its closed and merged merge requests, newest first; null if they were not fetched.
    pub earlier_merge_requests: Option<Vec<EarlierMergeRequest>>,
    /// Were the open merge requests fetched from GitLab?
    pub merge_requests_known: bool,
    /// Maximum merge requests that a run opens. Merge requests of other files count too, and an
    /// explanation does not include them.
    pub max_new_merge_requests: usize,
    /// The forecast for the target and those it waits for; with assumptions, for all affected
    /// targets.
    pub forecast: ForecastReport,
    /// Problems of its files and facts.
    pub problems: Vec<Problem>,
}

/// The short answer.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Answer {
    /// Why it is or is not promoted, in one sentence.
    pub summary: String,
    /// If facts are missing: what the services responded.
    pub causes: Vec<String>,
    /// Since when this has been so, and what happened then.
    pub since: Option<Since>,
    /// When it can be promoted at the earliest, if that depends only on time.
    pub next_possible_at: Option<DateTime<Utc>>,
    /// The same in words, with the reasons against it.
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

/// The kind of time that the decisions are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AsOf {
    /// The present.
    Now,
    /// A time that the user gave; the facts are from another time.
    Given,
    /// The time of recorded facts.
    Recorded,
}

/// The input of an explanation.
pub struct Found<'a> {
    /// The targets that were evaluated.
    pub inventory: &'a Inventory,
    /// The config repo.
    pub bundle: &'a Bundle,
    /// The facts.
    pub snapshot: &'a Snapshot,
    /// The decisions on these targets.
    pub decisions: &'a Decisions,
    /// The plan for them.
    pub report: &'a PlanReport,
    /// The settings of runs.
    pub settings: &'a Settings,
    /// Index of the target in the inventory.
    pub target: TargetIx,
    /// The kind of time that the decisions are made for.
    pub as_of: AsOf,
}

impl Found<'_> {
    fn target(&self) -> &Target {
        &self.inventory.targets[self.target]
    }

    /// A channel that the target both subscribes to and publishes to.
    fn own_channel(&self) -> Option<&str> {
        let promotion = &self.target().promotion;
        let own = promotion.subscribe.iter().find(|channel| promotion.publish.contains(channel));
        own.map(String::as_str)
    }

    /// `data/…:LINE` of a field of a target, or of the target if the field is absent.
    fn field(&self, target: &Target, field: TargetField) -> String {
        format!("{}:{}", RepoPath::of_datafile(&target.declared_at.file), target.lines.line(field))
    }

    /// The page of a target on GitLab.
    fn page(&self, target: &Target) -> Option<String> {
        let repo = self.snapshot.config_repo.as_ref()?;
        let (file, line) = (&target.declared_at.file, target.declared_at.line);
        Some(format!("{}/-/blob/{}/data{file}#L{line}", repo.web_url, repo.base_commit))
    }

    /// `host[:port]` of GitLab, for links.
    fn gitlab_host(&self) -> Option<&str> {
        self.report.config_repo.as_ref().and_then(RepoReport::host)
    }
}

impl Explanation {
    /// Builds the explanation of a subscriber; `None` if the plan does not have it.
    pub fn new(found: &Found<'_>, what_if: &WhatIf<'_>) -> Option<Self> {
        let target = found.target();
        let subscriber =
            found.report.subscribers.iter().find(|other| other.target.uid == target.uid)?.clone();
        let merge_requests = merge_requests::find_planned(found, &subscriber);
        let mut explanation = Self {
            earlier_merge_requests: merge_requests::earlier(found),
            forecast: ForecastReport::new(found, what_if),
            problems: found.report.problems.clone(),
            ..Self::unanswered(found, subscriber, merge_requests)
        };
        explanation.answer = answer::answer(&explanation, found, what_if);
        Some(explanation)
    }

    /// What advice follows from: the facts without a forecast, earlier merge requests and problems.
    fn unanswered(
        found: &Found<'_>,
        subscriber: SubscriberReport,
        merge_requests: Vec<ExplainedMergeRequest>,
    ) -> Self {
        let target = found.target();
        Self {
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
            declared_at: found.field(target, TargetField::Target),
            declared_url: found.page(target),
            publishers: followed::followed(found, target),
            merge_requests,
            earlier_merge_requests: None,
            merge_requests_known: found.snapshot.config_repo.is_some(),
            max_new_merge_requests: found.settings.max_new_merge_requests,
            forecast: ForecastReport::empty(found.snapshot.observed_at),
            problems: Vec::new(),
        }
    }

    /// The JSON form: pretty, a newline at the end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// Are the decisions about the present?
    fn is_now(&self) -> bool {
        self.as_of == AsOf::Now
    }

    /// Does its soak time begin only with a deployment that has not happened?
    fn soaks_later(&self) -> bool {
        let timeless = |name: Gate| {
            let mut gates = self.subscriber.gates.iter().filter(|gate| gate.blocks());
            gates.any(|gate| gate.gate == name && gate.next_possible_at.is_none())
        };
        timeless(Gate::Deployment) && timeless(Gate::Soak)
    }

    /// The merge request that is open, or would be opened.
    fn mr(&self) -> Option<&ExplainedMergeRequest> {
        let open = self.merge_requests.iter().find(|mr| mr.draft.is_some());
        open.or(self.merge_requests.first())
    }
}
