//! The public plan format, version 1.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::app_interface::CurrentHash;
use crate::apply::MergeRequestOutcome;
use crate::decide::{DeploymentState, Gate, GateResult, Outcome};
use crate::domain::{CommitSha, MrIid, Problem, RepoPath, Shard, TargetUid, write_json_by_entry};
use crate::plan::{Action, Batch, BatchBy, Member, Reason, Settings};
use crate::snapshot::PipelineFact;

/// The format's version.
pub(super) const VERSION: u32 = 1;

/// A plan, with outcomes if it was applied.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlanReport {
    /// Version of the format: 1.
    pub version: u32,
    /// The time of the decisions.
    pub observed_at: DateTime<Utc>,
    /// The shard of the run; absent without sharding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<Shard>,
    /// The config repo on GitLab; null if GitLab was not queried.
    pub config_repo: Option<RepoReport>,
    /// Page of the pipeline that made the plan.
    pub pipeline_url: Option<String>,
    /// The settings that merge requests were planned with; absent from an incomplete report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsReport>,
    /// All publishers of the run, in inventory order.
    pub publishers: Vec<PublisherReport>,
    /// All subscribers of the run, in inventory order.
    pub subscribers: Vec<SubscriberReport>,
    /// Merge requests by branch.
    pub merge_requests: Vec<MergeRequestReport>,
    /// Problems: errors first, then by file and source location.
    pub problems: Vec<Problem>,
}

/// The settings that decide which merge requests a run opens and closes.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SettingsReport {
    /// What may go into one merge request (`--batch-by`).
    pub batch_by: BatchBy,
    /// Maximum promotions in one merge request (`--batch-size`).
    pub batch_size: usize,
    /// Did the run open merge requests (`--allow-opening`)?
    pub allow_opening: bool,
    /// Did the run close merge requests (`--allow-closing`)?
    pub allow_closing: bool,
    /// Maximum merge requests opened by the run (`--max-new-merge-requests`).
    pub max_new_merge_requests: usize,
}

impl From<&Settings> for SettingsReport {
    fn from(settings: &Settings) -> Self {
        Self {
            batch_by: settings.batch_by,
            batch_size: settings.batch_size,
            allow_opening: settings.allow_opening,
            allow_closing: settings.allow_closing,
            max_new_merge_requests: settings.max_new_merge_requests,
        }
    }
}

/// The config repo on GitLab, and the version of it that was read.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RepoReport {
    /// The project's page.
    pub web_url: String,
    /// The branch that merge requests go to.
    pub target_branch: String,
    /// The commit that the files were read from.
    pub commit: CommitSha,
}

impl RepoReport {
    /// `host[:port]` of GitLab.
    pub fn host(&self) -> Option<&str> {
        self.web_url.split("://").nth(1)?.split('/').next()
    }
}

/// The source location and deployment of a target.
///
/// What targets of a file share comes first: with a compressor's short memory, thousands of targets take less space then.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TargetReport {
    /// Name of the saas file's app.
    pub app: String,
    /// Name of the saas file.
    pub saas_file: String,
    /// Path of the saas file, from `data/` with a leading slash.
    pub file: String,
    /// Name of the resource template.
    pub resource_template: String,
    /// Name of the cluster.
    pub cluster: String,
    /// Name of the namespace.
    pub namespace: String,
    /// Its own name.
    pub target: Option<String>,
    /// Line of the target in the saas file, from 1.
    pub line: u32,
    /// Digest of its identity.
    pub uid: TargetUid,
}

/// A publisher with its deployments.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PublisherReport {
    /// The target.
    #[serde(flatten)]
    pub target: TargetReport,
    /// The code repository, as written.
    pub repo_url: String,
    /// The ref that is deployed.
    #[serde(rename = "ref")]
    pub git_ref: Option<String>,
    /// Its commit; null if the lookup failed.
    pub commit_sha: Option<CommitSha>,
    /// Why the commit is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Channels that it publishes to, in file order.
    pub channels: Vec<String>,
    /// By subscribed channel.
    pub deployments: BTreeMap<String, DeploymentReport>,
    /// When the commit was made, if the API returned it.
    #[serde(skip)]
    pub committed_at: Option<DateTime<Utc>>,
    /// First line of the commit message, if the API returned it.
    #[serde(skip)]
    pub subject: Option<String>,
    /// Only for the keys of the state export.
    #[serde(skip)]
    pub redeploy: bool,
    /// Channels whose record could not be read, so that the result of the deployment is not known.
    #[serde(skip)]
    pub unread: BTreeSet<String>,
}

/// A publisher's deployment for one channel.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeploymentReport {
    /// Its result.
    pub state: DeploymentState,
    /// Digest of the effective deployment config.
    pub target_config_hash: Option<String>,
    /// When it was deployed.
    pub check_in: Option<DateTime<Utc>>,
    /// Why the record is not usable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A subscriber with its decision.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SubscriberReport {
    /// The target.
    #[serde(flatten)]
    pub target: TargetReport,
    /// Path of the namespace's datafile.
    pub namespace_file: String,
    /// Name of the environment.
    pub environment: String,
    /// Channels that it subscribes to, in file order.
    pub channels: Vec<String>,
    /// The code repository, as written.
    pub repo_url: String,
    /// File that contains its ref, from `data/` with a leading slash.
    pub edit_file: String,
    /// Line of the target in that file, from 1.
    pub edit_line: u32,
    /// Page that compares the current ref to the commit of its publishers.
    pub compare_url: Option<String>,
    /// The current ref.
    pub current_ref: String,
    /// The desired ref.
    pub desired_ref: String,
    /// The commit that all its publishers are at, promoted or not.
    pub candidate: Option<CommitSha>,
    /// The desired config hashes.
    pub desired_hashes: Vec<CurrentHash>,
    /// The decision.
    pub decision: Outcome,
    /// The first gate that blocks, if the decision is hold.
    pub held_by: Option<Gate>,
    /// Every gate with its evidence.
    #[serde(serialize_with = "as_list")]
    #[schemars(with = "Vec<GateResult>")]
    pub gates: Arc<Vec<GateResult>>,
    /// Why it is in error.
    pub errors: Vec<String>,
    /// Since when (or from when on) deployments, soak time and schedule allow the commit.
    #[serde(skip)]
    pub promotable_since: Option<DateTime<Utc>>,
    /// What to do about it, in the same words as `explain`; only for the page.
    #[serde(skip)]
    pub advice: Vec<String>,
}

fn as_list<S: Serializer>(gates: &Arc<Vec<GateResult>>, serializer: S) -> Result<S::Ok, S::Error> {
    gates.as_ref().serialize(serializer)
}

impl SubscriberReport {
    /// The reason in one line.
    pub fn reason(&self) -> String {
        let gate = self.held_by.and_then(|held| self.gates.iter().find(|gate| gate.gate == held));
        match (self.errors.first(), gate) {
            (Some(error), _) => error.clone(),
            (None, Some(gate)) => gate.reason.clone(),
            (None, None) => match self.decision {
                Outcome::Promote => "every gate passes".to_owned(),
                _ => "nothing is due".to_owned(),
            },
        }
    }
}

impl TargetReport {
    /// `saas-file/resource-template[/name]/cluster/namespace`.
    pub fn label(&self) -> String {
        let name = self.target.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
        format!(
            "{}/{}{name}/{}/{}",
            self.saas_file, self.resource_template, self.cluster, self.namespace
        )
    }
}

/// A merge request with its action.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MergeRequestReport {
    /// The action.
    pub action: Action,
    /// The reason, for programs.
    pub reason_code: Reason,
    /// The reason, for people.
    pub reason: String,
    /// Source branch.
    pub branch: String,
    /// Number, if it is open.
    pub iid: Option<MrIid>,
    /// Page, if it is open.
    pub web_url: Option<String>,
    /// Title.
    pub title: String,
    /// Labels.
    pub labels: BTreeSet<String>,
    /// Who is asked to review it, as `@name`, if it is opened; where GitLab is not asked, as they are declared.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reviewers: Vec<String>,
    /// Subscribers that it promotes.
    pub targets: Vec<TargetUid>,
    /// Its changes; may be left out if this run does not write them.
    pub files: Vec<FileReport>,
    /// When it was opened, if it is open.
    pub opened_at: Option<DateTime<Utc>>,
    /// Did a person make it a draft?
    #[serde(skip)]
    pub persons_draft: bool,
    /// Since when deployments, soak time and schedule allow it.
    pub promotable_since: Option<DateTime<Utc>>,
    /// What makes it a batch; absent from a merge request for one place in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchReport>,
    /// Number of writes it takes.
    pub writes: usize,
    /// The outcome, with `apply`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<MergeRequestOutcome>,
}

/// Promotions that one merge request carries.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BatchReport {
    /// What may go together: `all`, or `app:<name>`; with the share of one of several jobs `all:2/3`.
    pub scope: String,
    /// How many promotions it carries.
    pub size: usize,
    /// Is it a part of one that was split? It takes nothing in.
    pub sealed: bool,
    /// Promotions that it takes in with this run.
    pub taken_in: usize,
    /// Its newest pipeline, where the run looked it up.
    pub pipeline: Option<PipelineFact>,
    /// What it writes, by place in a file.
    pub places: Vec<PlaceReport>,
}

/// What a batch writes at one place in a file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlaceReport {
    /// Subscribers that it promotes.
    pub targets: BTreeSet<TargetUid>,
    /// File, from the repository's root.
    pub path: RepoPath,
    /// The ref.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// Config hashes.
    pub hashes: Vec<CurrentHash>,
}

impl From<&Batch> for BatchReport {
    fn from(batch: &Batch) -> Self {
        let place = |member: &Member| PlaceReport {
            targets: member.targets.clone(),
            path: member.path.clone(),
            git_ref: member.values.git_ref.clone(),
            hashes: member.values.hashes.clone(),
        };
        Self {
            scope: batch.scope.clone(),
            size: batch.members.len(),
            sealed: batch.is_sealed,
            taken_in: batch.taken_in,
            pipeline: batch.pipeline.clone(),
            places: batch.members.iter().map(place).collect(),
        }
    }
}

impl MergeRequestReport {
    /// `; asks @ann, @bob to review`, or nothing.
    pub fn describe_reviewers(&self) -> String {
        match self.reviewers.as_slice() {
            [] => String::new(),
            reviewers => format!("; asks {} to review", reviewers.join(", ")),
        }
    }

    /// How many promotions it carries.
    pub fn promotions(&self) -> usize {
        self.batch.as_ref().map_or(1, |batch| batch.size)
    }

    /// Does this run split it?
    pub fn is_split(&self) -> bool {
        let is_reason = matches!(self.reason_code, Reason::PipelineFailed | Reason::SplitAsked);
        self.action == Action::Update && is_reason
    }
}

/// A file of a merge request.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FileReport {
    /// Path from the repository's root.
    pub path: RepoPath,
    /// The whole new text.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "String")]
    pub content: Arc<str>,
    /// Unified diff.
    pub diff: String,
}

/// serde's `rc` feature would apply to the whole program; only this field needs it.
fn as_text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

impl PlanReport {
    /// The report of a run that ended with problems before it had a plan.
    pub fn of_problems(observed_at: DateTime<Utc>, problems: Vec<Problem>) -> Self {
        Self {
            version: VERSION,
            observed_at,
            share: None,
            config_repo: None,
            pipeline_url: None,
            settings: None,
            publishers: Vec::new(),
            subscribers: Vec::new(),
            merge_requests: Vec::new(),
            problems,
        }
    }

    /// The JSON form: one line per target, merge request and problem.
    pub fn to_json(&self) -> String {
        let mut bytes = Vec::new();
        // Writing to a vector cannot fail.
        let _ = self.write_json(&mut bytes);
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// Writes the JSON form while it is being built.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write_json(&self, to: impl std::io::Write) -> std::io::Result<()> {
        write_json_by_entry(self, to)
    }

    /// Would applying it write anything?
    pub fn has_changes(&self) -> bool {
        self.merge_requests.iter().any(|mr| {
            mr.writes > 0 || matches!(mr.action, Action::Create | Action::Update | Action::Close)
        })
    }
}
