//! GitLab's data outside the repository: merge requests and their objects.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

/// The state of a merge request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MrState {
    /// Open.
    Opened,
    /// Closed and not merged.
    Closed,
    /// Merged.
    Merged,
    /// Being merged: meanwhile neither open nor merged.
    Locked,
}

impl MrState {
    /// GitLab's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Merged => "merged",
            Self::Locked => "locked",
        }
    }
}

/// One push to a merge request's branch.
#[derive(Debug, Clone)]
pub struct Version {
    /// GitLab's id.
    pub id: u64,
    /// Tip of the source branch.
    pub head: String,
    /// Merge base.
    pub base: String,
    /// Tip of the target branch at that time.
    pub start: String,
    /// When.
    pub created_at: DateTime<Utc>,
    pub(crate) patch_id: Option<String>,
    pub(crate) changes: usize,
}

/// A comment.
#[derive(Debug, Clone)]
pub struct Note {
    /// GitLab's id.
    pub id: u64,
    /// Text, without its quick actions.
    pub body: String,
    /// Who.
    pub author: u64,
    /// Written by GitLab itself.
    pub system: bool,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A label that was added or removed.
#[derive(Debug, Clone)]
pub struct LabelEvent {
    /// GitLab's id.
    pub id: u64,
    /// Who.
    pub user: u64,
    /// Which.
    pub label: String,
    /// `add` or `remove`.
    pub action: &'static str,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A change of the state.
#[derive(Debug, Clone)]
pub struct StateEvent {
    /// GitLab's id.
    pub id: u64,
    /// Who.
    pub user: u64,
    /// `closed`, `reopened` or `merged`.
    pub state: &'static str,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A started pipeline.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// GitLab's id.
    pub id: u64,
    /// Commit.
    pub sha: String,
    /// Branch.
    pub branch: String,
    /// Its merge request; none for a push to a branch without one.
    pub merge_request: Option<u64>,
    /// Who caused it.
    pub user: u64,
    /// When.
    pub created_at: DateTime<Utc>,
    /// The limit was reached, so GitLab created none.
    pub dropped: bool,
    /// GitLab's word: `success`, `failed`, `running`, …
    pub status: &'static str,
}

/// A quick action in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuickAction {
    /// Project path.
    pub project: String,
    /// Merge request.
    pub merge_request: u64,
    /// `description`, `note`, `title` or `commit message`.
    pub place: &'static str,
    /// Who wrote it.
    pub user: u64,
    /// Without the slash.
    pub command: String,
    /// Its argument.
    pub argument: String,
    /// Whether GitLab ran it (in descriptions and notes; elsewhere it is only recorded).
    pub executed: bool,
}

/// A user or group that was mentioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// Project path.
    pub project: String,
    /// Merge request; 0 for a commit message.
    pub merge_request: u64,
    /// `description`, `note`, `title` or `commit message`.
    pub place: &'static str,
    /// Who wrote it.
    pub user: u64,
    /// The name after the `@`.
    pub name: String,
}

/// An issue or merge request that a text refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Project path.
    pub project: String,
    /// Merge request; 0 for a commit message.
    pub merge_request: u64,
    /// `description`, `note`, `title` or `commit message`.
    pub place: &'static str,
    /// Who wrote it.
    pub user: u64,
    /// The text that GitLab treats as the reference.
    pub text: String,
    /// A merge into the default branch closes the issue.
    pub closes: bool,
}

/// The progress of the merge check.
#[derive(Debug, Clone, Default)]
pub(crate) struct Check {
    /// The result below is for the current tips.
    pub fresh: bool,
    pub reads_left: u32,
    pub conflict: Option<bool>,
}

/// A merge request.
#[derive(Debug, Clone)]
pub struct MergeRequest {
    /// GitLab's id, unique over all projects.
    pub id: u64,
    /// The number after the `!`.
    pub iid: u64,
    /// Branch that is to be merged.
    pub source_branch: String,
    /// Branch that it goes to.
    pub target_branch: String,
    /// Title.
    pub title: String,
    /// Description, without its quick actions.
    pub description: String,
    /// Labels.
    pub labels: BTreeSet<String>,
    /// Open, closed or merged.
    pub state: MrState,
    /// Who opened it.
    pub author: u64,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
    /// When and by whom it was merged.
    pub merged: Option<(DateTime<Utc>, u64)>,
    /// When and by whom it was closed.
    pub closed: Option<(DateTime<Utc>, u64)>,
    /// Tip of the source branch at the last push that GitLab processed.
    pub sha: Option<String>,
    /// The commit that merged it.
    pub merge_commit_sha: Option<String>,
    /// The squashed commit.
    pub squash_commit_sha: Option<String>,
    /// Remove the source branch on merge.
    pub remove_source_branch: bool,
    /// Squash on merge.
    pub squash: bool,
    /// Merge when the checks pass, or when the merge train reaches it.
    pub auto_merge: bool,
    /// Every push, oldest first.
    pub versions: Vec<Version>,
    /// Approvers whose approval was not reset.
    pub approvals: BTreeSet<u64>,
    /// Number of approvals reset by pushes.
    pub lost_approvals: usize,
    /// Comments, oldest first.
    pub notes: Vec<Note>,
    /// Label history.
    pub label_events: Vec<LabelEvent>,
    /// State history.
    pub state_events: Vec<StateEvent>,
    /// Assigned users.
    pub assignees: BTreeSet<u64>,
    /// Users who are asked to review it.
    pub reviewers: Vec<u64>,
    /// Why the last merge or rebase failed.
    pub merge_error: Option<String>,
    pub(crate) rebasing: bool,
    pub(crate) check: Check,
    /// Not read by any GET yet: `diff_refs` and `changes_count` are empty in the response to its creation.
    pub(crate) preparing: bool,
}

impl MergeRequest {
    /// A draft by its title (GitLab docs, user/project/merge_requests/drafts).
    pub fn is_draft(&self) -> bool {
        is_draft(&self.title)
    }

    /// Comments that people and bots wrote.
    pub fn comments(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| !note.system)
    }
}

pub(crate) fn is_draft(title: &str) -> bool {
    let title = title.trim_start().to_ascii_lowercase();
    ["draft:", "[draft]", "(draft)"].iter().any(|prefix| title.starts_with(prefix))
}
