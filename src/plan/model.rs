//! What a plan is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::message;
use super::trailers::{BatchMark, Member};
use crate::domain::{CommitSha, MrIid, Person, Problem, RepoPath, RepoUrl, TargetUid, UserId};
use crate::ports::{GoneMerge, MergeRequestChange, NewCommit, NewMergeRequest};
use crate::snapshot::{PipelineFact, Snapshot};

/// What happens to a merge request.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is opened.
    Create,
    /// It gets new content in place.
    Update,
    /// It is open, but must not be merged now: a draft.
    Hold,
    /// It is closed, and its branch deleted.
    Close,
    /// It is open and right, or not ours to touch now.
    Keep,
    /// It is due, and not opened in this run.
    Defer,
}

/// Why, for programs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A promotion is due.
    Due,
    /// The open merge request carries the wanted content.
    AsWanted,
    /// The same, and a person has set auto-merge, or put it on a merge train: a push would end that.
    AutoMerge,
    /// The same, but the project merges nothing that is behind the target branch: rebuilt on its tip, or still to be.
    BehindTargetBranch,
    /// It is ready again after it was held.
    ReadyAgain,
    /// The wanted values or the texts for people changed.
    Changed,
    /// The target branch moved so that the old content no longer fits.
    TargetBranchMoved,
    /// A gate blocks the target.
    HeldByGate,
    /// A fact about the target could not be had.
    FactsMissing,
    /// Nothing is due any more.
    NothingDue,
    /// The target is gone, disabled, or no longer promoted by this program.
    TargetGone,
    /// Its commit is blocked.
    CommitBlocked,
    /// GitLab opened or reopened it from a branch that is gone.
    BranchGone,
    /// Another branch took its place.
    Superseded,
    /// It cannot stand beside an open merge request.
    WaitsForRequest,
    /// A batch takes in promotions that are due.
    TakesIn,
    /// A batch goes on without some of its promotions.
    MemberLeft,
    /// The pipeline of a batch failed: it is split.
    PipelineFailed,
    /// A person wants a batch taken apart.
    SplitAsked,
    /// The run is not about all promotions of a batch.
    OutOfScope,
    /// More are due than may be opened in one run.
    RunLimit,
    /// Opening is switched off.
    OpeningDisabled,
    /// Closing is switched off.
    ClosingDisabled,
    /// Its branch holds anything else than it declares.
    TakenOver,
    /// Its branch holds what it declares again, after it was taken over.
    HandedBack,
    /// GitLab is merging it right now.
    BeingMerged,
    /// It carries the label that tells the bot to leave it alone.
    HoldLabel,
    /// Its labels follow the configuration.
    LabelsChanged,
    /// A person closed it, or deleted its branch.
    ClosedByPerson,
    /// The bot's own user closed merge requests for these values, and not by this program.
    ClosedByTwin,
    /// It was merged and then reverted.
    RolledBack,
    /// The branch or the merge request of that name is somebody else's.
    NotOurs,
}

/// A file with its whole new text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    /// Which file.
    pub path: RepoPath,
    /// The whole new text.
    pub content: Arc<str>,
    /// Unified diff against the text that was read.
    pub diff: String,
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a commit; only if the branch's tip still is the one that it replaces (or there is none).
    Commit(NewCommit),
    /// Open a merge request.
    Open(NewMergeRequest),
    /// Change or close a merge request.
    Change {
        /// Its number.
        iid: MrIid,
        /// What to change.
        change: MergeRequestChange,
    },
    /// Comment on a merge request; only if the bot has not made this comment yet: see [`super::has_said`].
    Comment {
        /// Its number.
        iid: MrIid,
        /// Markdown.
        body: String,
        /// What tells this comment from others: `body` ends in it.
        marker: Cow<'static, str>,
        /// Users whose comments are the bot's.
        bots: BTreeSet<UserId>,
    },
    /// Delete a branch; only if its tip still is what it was.
    DeleteBranch {
        /// Its name.
        branch: String,
        /// Its tip when it was planned.
        expected_tip: CommitSha,
    },
}

impl Step {
    /// Does GitLab take auto-merge away, and the merge request off its merge train, when this is written? It does for a
    /// push to the source branch and for a draft.
    pub fn ends_auto_merge(&self) -> bool {
        match self {
            Self::Commit(_) => true,
            Self::Change { change, .. } => {
                change.title.as_deref().is_some_and(message::is_draft_title)
            }
            Self::Open(_) | Self::Comment { .. } | Self::DeleteBranch { .. } => false,
        }
    }
}

/// A merge request and what is to be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedMergeRequest {
    /// What happens to it.
    pub action: Action,
    /// Why, for programs.
    pub reason_code: Reason,
    /// Why, for people.
    pub reason: String,
    /// Its source branch.
    pub branch: String,
    /// Its number, if it is open.
    pub iid: Option<MrIid>,
    /// Its page, if it is open.
    pub web_url: Option<String>,
    /// Its title as it will be.
    pub title: String,
    /// Its labels.
    pub labels: BTreeSet<String>,
    /// Who is asked to review it, as `@name`, if it is opened; where GitLab is not asked, as they are declared.
    pub reviewers: Vec<String>,
    /// The subscribers that it promotes, sorted.
    pub targets: Vec<TargetUid>,
    /// Subscribers that it promotes until its steps are done, and not after them: nothing is opened
    /// for them before.
    pub gives_up: Vec<TargetUid>,
    /// What it changes; empty where that is not known or not wanted, and where it is not written in this run and the
    /// texts of others that are not fill `MAX_UNWRITTEN_BYTES`.
    pub files: Vec<FileEdit>,
    /// Since when deployments, soak time and schedule allow it.
    pub promotable_since: Option<DateTime<Utc>>,
    /// When it was opened, if it is open.
    pub opened_at: Option<DateTime<Utc>>,
    /// Did a person make it a draft? It stays one.
    pub persons_draft: bool,
    /// What makes it a batch; `None` of a merge request for one edit site alone.
    pub batch: Option<Batch>,
    /// What was planned on: if it is another one now, nothing is written.
    pub seen: Option<Seen>,
    /// Where it gets new targets: the branches that the bot's open merge requests come from, with the tips that the plan
    /// saw (`None`: this run writes to it). With any other one open, nothing is written.
    pub known_open: Option<Arc<BTreeMap<String, Option<CommitSha>>>>,
    /// What has to be written, in this order.
    pub steps: Vec<Step>,
}

impl PlannedMergeRequest {
    /// Shows title and labels that it is opened with.
    pub(super) fn open_as_described(&mut self) {
        if let Some(Step::Open(new)) = self.steps.last() {
            self.title.clone_from(&new.title);
            self.labels.clone_from(&new.labels);
        }
    }
}

/// Promotions that one merge request carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What may go together: `all`, or `app:<name>`; with the share of one of several jobs `all:2/3`.
    pub scope: String,
    /// Is it a part of one that was split? It takes nothing in.
    pub is_sealed: bool,
    /// What it writes at each edit site.
    pub members: Vec<Member>,
    /// Promotions that it takes in with this run.
    pub taken_in: usize,
    /// Its newest pipeline, where that was looked up.
    pub pipeline: Option<PipelineFact>,
}

impl Batch {
    /// A batch that takes nothing in.
    pub(super) fn new(
        mark: &BatchMark,
        members: Vec<Member>,
        pipeline: Option<PipelineFact>,
    ) -> Self {
        let (scope, is_sealed) = (mark.scope.clone(), mark.is_sealed);
        Self { scope, is_sealed, members, taken_in: 0, pipeline }
    }
}

/// What people, and other runs, may have changed while a run planned and waited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// An open merge request.
    Request {
        /// Its title.
        title: String,
        /// Its labels.
        labels: BTreeSet<String>,
        /// Where it goes to.
        target_branch: String,
        /// Is auto-merge set, or is it on a merge train?
        auto_merge: bool,
        /// Its branch's tip; `None` if it has no branch.
        tip: Option<CommitSha>,
    },
    /// A branch without an open merge request.
    Branch {
        /// The newest merge request that the bot has opened from it.
        newest: Option<MrIid>,
        /// Its tip; `None` if the branch is yet to be made.
        tip: Option<CommitSha>,
        /// Users whose merge requests are the bot's.
        bots: BTreeSet<UserId>,
    },
}

/// Facts that a plan lacks: observe them and plan again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MissingFacts {
    /// Branches whose closed and merged merge requests matter.
    pub histories: BTreeSet<String>,
    /// Merge requests whose comments matter.
    pub notes: BTreeSet<MrIid>,
    /// Merge requests whose changes of labels matter.
    pub label_events: BTreeSet<MrIid>,
    /// Merges of the bot that another bot may have reverted.
    pub reverts: BTreeSet<GoneMerge>,
    /// Branches whose change is to be compared with the one that they declare.
    pub changes: BTreeSet<String>,
    /// Batches whose newest pipeline matters.
    pub pipelines: BTreeSet<MrIid>,
    /// Does the newest finished pipeline of the target branch matter?
    pub target_branch_pipeline: bool,
    /// Do the merge requests that GitLab is merging matter?
    pub being_merged: bool,
    /// Do the batches that are over matter?
    pub past_batches: bool,
    /// Edit sites whose merge requests that are over matter, by what descriptions name them by.
    pub mentions: BTreeSet<String>,
    /// Commits whose comparison descriptions tell; asked for once nothing else is missing.
    pub comparisons: BTreeSet<CommitPair>,
    /// People who may be asked to review what is opened; asked for at the same time.
    pub people: BTreeSet<Person>,
}

/// The current and the new commit of a promotion.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommitPair {
    /// Their repository.
    pub url: RepoUrl,
    /// The current commit.
    pub from: CommitSha,
    /// The new one.
    pub to: CommitSha,
}

impl CommitPair {
    /// Where the snapshot has their comparison.
    pub fn key(&self) -> String {
        Snapshot::commit_key(&self.url, &format!("{}...{}", self.from, self.to))
    }
}

impl MissingFacts {
    /// Is everything there?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is to be done.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Every merge request with its action: closes, then updates, then openings.
    pub merge_requests: Vec<PlannedMergeRequest>,
    /// Branches without a merge request that are to be deleted.
    pub leftovers: Vec<Step>,
    /// What could not be planned.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// Would applying it write anything?
    pub fn has_writes(&self) -> bool {
        !self.leftovers.is_empty() || self.merge_requests.iter().any(|mr| !mr.steps.is_empty())
    }
}
