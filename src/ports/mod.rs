//! What a run needs from the outside: facts come in and writes go out through these traits alone.

mod cut_over;
mod deadline;
mod progress;
mod state;
mod waits;

pub use cut_over::{
    Comment, CutOverReader, ListedMergeRequest, MergeRequestDetail, MergeRequestList,
    MergeRequestQuery, PipelineDetail, PipelineSchedule, ProjectSettings, PushRule,
};
pub use deadline::Deadline;
pub use progress::{NoProgress, Progress, Stage, waiting_for};
pub use state::{StateError, StateStore, StoredObject, Updated, update};
pub use waits::Waits;

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::domain::{CommitSha, MrIid, Person, RepoPath, RepoUrl, UserId};
use crate::snapshot::{
    BranchContent, CommitDetail, CommitFact, Comparison, Failure, LabelEvent, Lookup,
    MergeRequestFact, PastMergeRequest, PipelineFact, UserFact,
};

/// Commits of moving refs, whatever host the repository is on.
#[async_trait]
pub trait Commits: Send + Sync {
    /// The commit that `git_ref` (branch, tag, short hash) points to now.
    ///
    /// # Errors
    /// The reason in words: ref or repository gone, host unknown, no answer.
    async fn commit(&self, url: &RepoUrl, git_ref: &str) -> Result<CommitFact, Failure>;

    /// Which service at which host is asked about this repository, for people: one that is slow holds
    /// up no other.
    fn lane(&self, _url: &RepoUrl) -> String {
        "the host of the code repositories".to_owned()
    }

    /// Can it be asked about a commit by its id? (A git host without an API knows names of refs alone.)
    fn knows_commits(&self, _url: &RepoUrl) -> bool {
        true
    }

    /// How many refs of this service's repositories one call of [`Commits::many`] takes at most; 1 where it
    /// has no such request.
    fn most_at_once(&self, _url: &RepoUrl) -> usize {
        1
    }

    /// The commits of several refs of one service by one request, in the order of the questions. It
    /// only ever finds: `None` says nothing about a ref, which is then asked for by itself.
    async fn many(&self, asked: &[(&RepoUrl, &str)]) -> Vec<Option<CommitFact>> {
        vec![None; asked.len()]
    }

    /// What lies between two commits of a repository. People only want to know it: it is asked once, with a short
    /// timeout, and its failure says nothing about other lookups.
    async fn compare(
        &self,
        _url: &RepoUrl,
        _from: &CommitSha,
        _to: &CommitSha,
    ) -> Result<Comparison, Failure> {
        Err(Failure::new("its host does not compare commits"))
    }
}

/// Values of SLO expressions.
#[async_trait]
pub trait SloSource: Send + Sync {
    /// The value of `expression` at the Prometheus at `url`: of several series the lowest.
    ///
    /// # Errors
    /// No answer, an error, an empty answer or NaN, in words.
    async fn value(&self, url: &str, expression: &str) -> Result<f64, Failure>;

    /// Which host is asked, for people: one that is slow holds up no other.
    fn lane(&self, _url: &str) -> String {
        "Prometheus".to_owned()
    }
}

/// A branch of the config repo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its name.
    pub name: String,
    /// Its newest commit.
    pub tip: CommitDetail,
    /// What the tip changes.
    pub content: Lookup<BranchContent>,
}

/// Branches of the config repo and what they contain, read only.
#[async_trait]
pub trait BranchReader: Send + Sync {
    /// Branches whose name begins with one of `prefixes`, and what each brings to `target_branch`.
    async fn branches(
        &self,
        prefixes: &[String],
        target_branch: &str,
    ) -> Result<Vec<Branch>, Failure>;
    /// Text of a file at a commit below such a branch, `None` if there is none.
    async fn file(&self, commit: &CommitSha, path: &RepoPath) -> Result<Option<String>, Failure>;
}

/// A merge request of the bot that was merged and whose values are not on the target branch any more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoneMerge {
    /// The merge request.
    pub iid: MrIid,
    /// When it was merged.
    pub merged_at: DateTime<Utc>,
    /// Where it was merged into.
    pub target_branch: String,
    /// The file that it changed.
    pub path: RepoPath,
    /// The ref that it wrote.
    pub git_ref: String,
}

/// Merge requests of the config repo, read only.
#[async_trait]
pub trait ForgeReader: Send + Sync {
    /// The same, whose lookups give up at the deadline.
    fn within(&self, deadline: &Deadline) -> Box<dyn ForgeReader + '_>;
    /// The same, whose lookups note here how long they waited.
    fn noting(&self, waits: &Waits) -> Box<dyn ForgeReader + '_>;
    /// The open merge requests of the bot's user, into whichever branch.
    async fn open_merge_requests(&self) -> Result<Vec<MergeRequestFact>, Failure>;
    /// What is unfinished beside these open merge requests: the bot's own into `target_branch` that GitLab is merging,
    /// and from each of `branches` that has none of either kind whatever merge request is open, also somebody else's.
    async fn merge_requests_beside(
        &self,
        open: &[MergeRequestFact],
        branches: &BTreeSet<&str>,
        target_branch: &str,
    ) -> Result<Vec<MergeRequestFact>, Failure>;
    /// The bot's merge requests into `target_branch` that GitLab is merging. They are in no list of open ones.
    async fn merge_requests_being_merged(
        &self,
        target_branch: &str,
    ) -> Result<Vec<MergeRequestFact>, Failure>;
    /// Merge requests from `branch` that are closed, merged or being merged and that one of the users `bots` opened,
    /// newest first; and those that are open and somebody else's: a merge request may be open from a branch that is not
    /// there.
    async fn past_merge_requests(
        &self,
        branch: &str,
        bots: &BTreeSet<UserId>,
    ) -> Result<(Vec<PastMergeRequest>, Vec<MergeRequestFact>), Failure>;
    /// The newest merge request from `branch` that one of the users `bots` opened, open or not.
    async fn newest_mr(
        &self,
        branch: &str,
        bots: &BTreeSet<UserId>,
    ) -> Result<Option<MrIid>, Failure>;
    /// A merge request as it is now.
    async fn mr(&self, iid: MrIid) -> Result<MergeRequestFact, Failure>;
    /// Is there a merge request from this branch that is open or being merged, whoever opened it?
    async fn has_open_mr(&self, branch: &str) -> Result<bool, Failure>;
    /// Bodies of the comments that the users `bots` wrote on a merge request, newest first.
    async fn notes_of(&self, iid: MrIid, bots: &BTreeSet<UserId>) -> Result<Vec<String>, Failure>;
    /// Changes of the labels of a merge request, oldest first.
    async fn label_events(&self, iid: MrIid) -> Result<Vec<LabelEvent>, Failure>;
    /// Merge requests of these users that were merged since, and that took the ref of `gone` out of its file.
    async fn reverts_of(
        &self,
        gone: &GoneMerge,
        by: &BTreeSet<UserId>,
    ) -> Result<Vec<MrIid>, Failure>;
    /// The newest pipeline of a merge request.
    async fn pipeline_of(&self, iid: MrIid) -> Result<Option<PipelineFact>, Failure> {
        Ok(self.mr(iid).await?.pipeline)
    }
    /// The newest pipeline of a branch that is over, if there is any.
    async fn finished_pipeline(&self, branch: &str) -> Result<Option<PipelineFact>, Failure>;
    /// The newest merge requests of the users `bots` that hold a text in their description, one page of each user; and
    /// whether these are all.
    async fn newest_with_text(
        &self,
        text: &str,
        bots: &BTreeSet<UserId>,
    ) -> Result<(Vec<MergeRequestFact>, bool), Failure>;
    /// Merge requests of the users `bots` that are over and hold a text in their description, newest first.
    async fn past_with_text(
        &self,
        text: &str,
        bots: &BTreeSet<UserId>,
    ) -> Result<Vec<PastMergeRequest>, Failure>;
    /// The user who is this person, `None` if GitLab shows the bot no such user. People only want to be asked: it is sent
    /// once, with a short timeout, and its failure says nothing about other lookups.
    async fn user(&self, _person: &Person) -> Result<Option<UserFact>, Failure> {
        Err(Failure::new("users cannot be looked up"))
    }
    /// Tip of a branch now, `None` if there is no such branch.
    async fn branch_tip(&self, branch: &str) -> Result<Option<CommitDetail>, Failure>;
}

/// One commit that replaces files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommit {
    /// The bot's branch.
    pub branch: String,
    /// The commit to start from: the one whose text was edited.
    pub start: CommitSha,
    /// The branch's tip that it replaces, only ever the bot's own content; `None` makes the branch.
    pub replaces: Option<CommitSha>,
    /// Message with trailers.
    pub message: String,
    /// The files, by path: GitLab writes all of them or none.
    pub files: Vec<NewFile>,
}

/// A file of a new commit, which the commit below it has as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// From the repository's root.
    pub path: RepoPath,
    /// The whole new text.
    pub content: std::sync::Arc<str>,
}

/// A merge request to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMergeRequest {
    /// Where it comes from.
    pub source_branch: String,
    /// Where it goes to.
    pub target_branch: String,
    /// Title.
    pub title: String,
    /// Description (GitLab markdown).
    pub description: String,
    /// Labels.
    pub labels: BTreeSet<String>,
    /// Users who are asked to review it, the most important one first. GitLab Free asks only that one.
    pub reviewers: Vec<UserId>,
}

/// What to change on an open merge request; `None` leaves a part as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MergeRequestChange {
    /// New title.
    pub title: Option<String>,
    /// New description.
    pub description: Option<String>,
    /// Labels that it gets beside those that it has.
    pub add_labels: BTreeSet<String>,
    /// Labels that it loses.
    pub remove_labels: BTreeSet<String>,
    /// Close it?
    pub close: bool,
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It is on the branch.
    Done(CommitSha),
    /// The branch that was to be made exists already: somebody else was first.
    BranchExists,
}

/// What became of a merge request to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenOutcome {
    /// It is open.
    Opened {
        /// Its number.
        iid: MrIid,
        /// Its page.
        web_url: String,
        /// The commit that GitLab shows, if it does already.
        sha: Option<CommitSha>,
        /// The labels that it has.
        labels: BTreeSet<String>,
    },
    /// One for this branch is open already: somebody else was first.
    AlreadyOpen(MrIid),
    /// Its source branch is gone: somebody deleted it.
    BranchGone,
}

/// What became of one attempt to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt<T> {
    /// It was answered.
    Done(T),
    /// It had no effect so far, and is worth another attempt: after a look at what it writes to, as
    /// time has passed.
    Again {
        /// What happened.
        failure: Failure,
        /// It may still take effect: there was no clear answer. Otherwise GitLab asked to come later,
        /// or could not be reached.
        unclear: bool,
    },
    /// GitLab does not see yet what it builds on. Worth another attempt for as long as the run has time.
    NotYet(Failure),
    /// Refused for a reason that every other commit of the bot meets as well.
    NoCommits(Failure),
}

/// What GitLab counts by the minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Writes that start a pipeline.
    Pipeline,
    /// Comments.
    Comment,
}

/// A place in one of GitLab's limits. The write that it is for holds it until it is over, and is counted by then;
/// without a write it is free again.
#[must_use]
pub struct LimitSlot {
    _held: Option<Box<dyn Send + Sync>>,
}

impl LimitSlot {
    /// For a write that GitLab does not count.
    pub const NOT_COUNTED: Self = Self { _held: None };

    /// A place that is free again when `held` is dropped.
    pub fn new(held: impl Send + Sync + 'static) -> Self {
        Self { _held: Some(Box::new(held)) }
    }
}

/// The only door for writes. Constructed by `apply` alone.
///
/// People act while a write waits. So it waits in [`ForgeWriter::wait_for`] and [`ForgeWriter::back_off`]
/// before it is looked at, and no write is sent again by itself: what GitLab asks to come later with, or
/// does not answer, is [`Attempt::Again`].
#[async_trait]
pub trait ForgeWriter: Send + Sync {
    /// The same, which notes here how long it waited: each merge request that is written to beside others has its own.
    fn noting(&self, waits: &Waits) -> Box<dyn ForgeWriter + '_>;
    /// Waits until a write has a place in GitLab's limit.
    async fn wait_for(&self, counted: Counted) -> LimitSlot;
    /// Waits before the attempt that follows this many.
    async fn back_off(&self, attempts: u32);
    /// Makes a commit; `repeated` after an attempt without an answer, which may have taken effect since. A commit that
    /// replaces another one replaces whatever the branch's tip is now: the caller has just looked at it.
    async fn commit(
        &self,
        commit: &NewCommit,
        repeated: bool,
    ) -> Result<Attempt<CommitOutcome>, Failure>;
    /// Opens a merge request; `repeated` as above.
    async fn open(
        &self,
        mr: &NewMergeRequest,
        repeated: bool,
    ) -> Result<Attempt<OpenOutcome>, Failure>;
    /// Changes or closes a merge request.
    async fn change(&self, iid: MrIid, change: &MergeRequestChange)
    -> Result<Attempt<()>, Failure>;
    /// Comments on a request; whether an attempt without an answer took effect, its comments tell.
    async fn comment(&self, iid: MrIid, body: &str) -> Result<Attempt<()>, Failure>;
    /// Deletes a branch; one that is gone already is fine.
    async fn delete_branch(&self, branch: &str) -> Result<Attempt<()>, Failure>;
}
