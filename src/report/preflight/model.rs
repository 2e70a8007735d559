//! The public form of a preflight: version 1 of its format.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::app_interface::CurrentHash;
use crate::domain::{CommitSha, MrIid, Problem, TargetUid, to_json};
use crate::old_promoter::OldKind;

/// The format's version.
const VERSION: u32 = 1;

/// When in the cut-over the question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The old promoter runs: what must be ready is checked.
    Prepare,
    /// Right before the schedule is switched on.
    Go,
    /// The new one runs.
    After,
}

impl Phase {
    /// As the option spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Go => "go",
            Self::After => "after",
        }
    }
}

/// Is it safe?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No check fails, and all are known.
    Go,
    /// A check fails.
    NoGo,
    /// No check fails, and the outcome of one is not known.
    NotKnown,
}

/// What came out of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// It is as it should be.
    Pass,
    /// It is worth a look, and stops nothing.
    Warn,
    /// It must be put right first.
    Fail,
    /// A fact could not be had.
    NotKnown,
    /// It does not apply.
    Skipped,
    /// It fails or is not known, and a person takes that on.
    Accepted,
}

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckGroup {
    /// The old promoter.
    Old,
    /// What the token may do.
    Rights,
    /// Whoever merges.
    Queue,
    /// The state bucket.
    State,
    /// What the first run does.
    Plan,
    /// The new one, once it runs.
    New,
    /// The way back.
    Back,
}

/// One check.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Check {
    /// Its name.
    pub id: &'static str,
    /// What it is about.
    pub group: CheckGroup,
    /// What came out.
    pub outcome: CheckOutcome,
    /// The finding in one sentence.
    pub summary: String,
    /// What to do about it.
    pub advice: Option<String>,
    /// What it rests on; its fields depend on the check.
    pub evidence: Value,
    /// Why a person takes it on, if one does.
    pub accepted_reason: Option<String>,
}

/// How a merge request of the old promoter relates to the plan, the most harmless first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// The plan wants these values.
    Same,
    /// The same, with config hashes that the plan does not write.
    HashOnly,
    /// The plan wants a newer commit.
    Older,
    /// A gate holds the target.
    Held,
    /// Nothing is due, or nobody promotes this target.
    NotWanted,
    /// Its diff could not be read.
    Unreadable,
    /// A target, or a line beside the targets that it moves, goes back to an older value.
    Reverts,
}

impl Relation {
    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::HashOnly => "same, with more config hashes",
            Self::Older => "older",
            Self::Held => "held",
            Self::NotWanted => "not wanted",
            Self::Unreadable => "unreadable",
            Self::Reverts => "reverts",
        }
    }
}

/// What to do with a merge request of the old promoter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Advice {
    /// Merge it, or let the queue do so.
    Merge,
    /// Wait for its pipeline.
    Wait,
    /// Close it.
    Close,
    /// Look at it.
    Look,
}

impl Advice {
    /// As the imperative that begins a list of numbers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Wait => "wait for",
            Self::Close => "close",
            Self::Look => "look at",
        }
    }
}

/// The newest pipeline of a merge request.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OldPipeline {
    /// GitLab's word: `success`, `failed`, `running`, …
    pub status: String,
    /// Its page.
    pub url: Option<String>,
    /// When its state changed last.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A target that a merge request of the old promoter moves.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MovedTarget {
    /// Its uid; null where it is no target that is known.
    pub uid: Option<TargetUid>,
    /// `saas-file/resource-template[/name]/cluster/namespace`, or where it stands.
    pub label: String,
    /// Its ref before.
    pub from: String,
    /// Its ref after.
    pub to: String,
    /// Config hashes that it gets.
    pub hashes: Vec<CurrentHash>,
    /// How that relates to the plan.
    pub relation: Relation,
}

/// An open merge request of the old promoter.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OldMergeRequest {
    /// Its number.
    pub iid: MrIid,
    /// Its page.
    pub url: String,
    /// Whose it is.
    pub kind: OldKind,
    /// Its title.
    pub title: String,
    /// User name of its author.
    pub author: String,
    /// Its source branch.
    pub source_branch: String,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When anything about it changed last.
    pub updated_at: DateTime<Utc>,
    /// Is it a draft?
    pub draft: bool,
    /// Its labels.
    pub labels: BTreeSet<String>,
    /// Its newest pipeline.
    pub pipeline: Option<OldPipeline>,
    /// GitLab's detailed merge status.
    pub merge_status: Option<String>,
    /// Paths that it changes.
    pub files: Vec<String>,
    /// Targets that it moves.
    pub targets: Vec<MovedTarget>,
    /// The worst of its relations.
    pub relation: Relation,
    /// Why its diff could not be read, or what it changes beside targets.
    pub remark: Option<String>,
    /// What to do with it.
    pub advice: Advice,
}

/// Whom the answer is about.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct OldPromoter {
    /// The promoters that were found.
    pub kinds: BTreeSet<OldKind>,
    /// Their users.
    pub users: BTreeSet<String>,
}

/// What the first run opens, and what that means for the queue.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct FirstRun {
    /// Merge requests that are due and not open, over all runs.
    pub create: usize,
    /// Those among them whose targets an open merge request of the old promoter moves to the same values.
    pub covered_by_old: usize,
    /// Runs that it takes by `--max-new-merge-requests`.
    pub runs: usize,
    /// How long the queue needs for them, in seconds; null where its pace is not known.
    pub drain_seconds: Option<u64>,
    /// How fast the queue was; null where too few were merged to say.
    pub merges_per_hour: Option<f64>,
    /// How many by app.
    pub by_app: BTreeMap<String, usize>,
    /// How many by environment.
    pub by_environment: BTreeMap<String, usize>,
}

/// Targets that are decided on otherwise than by the old promoter, on purpose.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Difference {
    /// Which difference.
    pub code: &'static str,
    /// Name of the app.
    pub app: String,
    /// Labels of its targets.
    pub targets: Vec<String>,
}

/// Is it safe to cut over from the old promoter?
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PreflightReport {
    /// Version of the format: 1.
    pub version: u32,
    /// When it was observed.
    pub observed_at: DateTime<Utc>,
    /// When in the cut-over.
    pub phase: Phase,
    /// The answer.
    pub verdict: Verdict,
    /// Path of the config repo's project; null when the run did not get so far.
    pub project: Option<String>,
    /// The commit whose files were read.
    pub commit: Option<CommitSha>,
    /// What the answer is narrowed to, e.g. `app=orders`; null where it is about everything.
    pub narrowed_to: Option<String>,
    /// The old promoter.
    pub old: OldPromoter,
    /// All checks, in a fixed order.
    pub checks: Vec<Check>,
    /// Open merge requests of the old promoter, the worst first.
    pub old_requests: Vec<OldMergeRequest>,
    /// What the first run does; null when there is no plan.
    pub first_run: Option<FirstRun>,
    /// Targets that are decided on otherwise, on purpose.
    pub differences: Vec<Difference>,
    /// Problems of the run that planned.
    pub problems: Vec<Problem>,
}

impl PreflightReport {
    /// A report that did not get further than its problems.
    pub fn of_problems(observed_at: DateTime<Utc>, phase: Phase, problems: Vec<Problem>) -> Self {
        Self {
            version: VERSION,
            observed_at,
            phase,
            verdict: Verdict::NotKnown,
            project: None,
            commit: None,
            narrowed_to: None,
            old: OldPromoter::default(),
            checks: Vec::new(),
            old_requests: Vec::new(),
            first_run: None,
            differences: Vec::new(),
            problems,
        }
    }

    /// The JSON form: pretty, a newline at the end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// How many checks have this outcome.
    pub fn count(&self, outcome: CheckOutcome) -> usize {
        self.checks.iter().filter(|check| check.outcome == outcome).count()
    }
}
