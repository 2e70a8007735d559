//! What a cut-over needs to know of the config repo's project, beside what a run looks up.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::domain::{CommitSha, MrIid};
use crate::snapshot::{CommitDetail, Failure, LabelEvent, MergeRequestFact, MrState};

/// Which merge requests are listed: of all users, the newest update first.
#[derive(Debug, Clone)]
pub struct MergeRequestQuery {
    /// Their state.
    pub state: MrState,
    /// Only those that were updated since.
    pub updated_after: Option<DateTime<Utc>>,
    /// Pages of 100 that are read at most.
    pub pages: usize,
}

/// Merge requests that a query found.
#[derive(Debug, Clone, Default)]
pub struct MergeRequestList {
    /// The newest update first.
    pub entries: Vec<ListedMergeRequest>,
    /// Were there more than the pages that were read?
    pub is_cut: bool,
}

/// A merge request with what lists say of its end.
#[derive(Debug, Clone)]
pub struct ListedMergeRequest {
    /// The merge request.
    pub fact: MergeRequestFact,
    /// When anything about it changed last.
    pub updated_at: DateTime<Utc>,
    /// User name of who closed it.
    pub closed_by: Option<String>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// When it was merged.
    pub merged_at: Option<DateTime<Utc>>,
}

/// A merge request by itself.
#[derive(Debug, Clone)]
pub struct MergeRequestDetail {
    /// The commit that its diff begins at, and its tip; `None` while GitLab prepares it.
    pub diff: Option<(CommitSha, CommitSha)>,
    /// Pipeline of its newest commit.
    pub pipeline: Option<PipelineDetail>,
    /// GitLab's detailed merge status.
    pub merge_status: Option<String>,
}

/// A pipeline of a merge request.
#[derive(Debug, Clone)]
pub struct PipelineDetail {
    /// GitLab's word: `success`, `failed`, `running`, …
    pub status: String,
    /// Its page.
    pub web_url: Option<String>,
    /// When its state changed last.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A comment that no GitLab itself wrote.
#[derive(Debug, Clone)]
pub struct Comment {
    /// User name of its author.
    pub author: String,
    /// Its text.
    pub body: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// Settings of the project that decide how merge requests end. `None` where GitLab does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectSettings {
    /// Is the source branch removed after a merge by default?
    pub removes_source_branch: Option<bool>,
    /// Does a merge need a pipeline that succeeded?
    pub needs_pipeline: Option<bool>,
    /// Are pipelines switched off?
    pub pipelines_off: Option<bool>,
    /// Does a merge need all threads resolved?
    pub needs_resolved_threads: Option<bool>,
    /// `never`, `always`, `default_on` or `default_off`.
    pub squash: Option<String>,
    /// Pattern that titles must match.
    pub title_regex: Option<String>,
}

/// A project's push rule (GitLab Premium).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushRule {
    /// Patterns in GitLab's syntax (RE2) by the name of their field; empty ones are left out.
    pub patterns: BTreeMap<String, String>,
    /// Names of the switches that are on.
    pub switches: BTreeSet<String>,
}

/// A pipeline schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineSchedule {
    /// Its number.
    pub id: u64,
    /// Its description.
    pub description: String,
    /// The branch or tag that it runs on, without `refs/heads/`.
    pub git_ref: String,
    /// Is it on?
    pub active: bool,
    /// User name of its owner.
    pub owner: Option<String>,
    /// Can the owner start pipelines? `blocked` users cannot.
    pub owner_state: Option<String>,
    /// How its last pipeline ended, as far as GitLab says.
    pub last_status: Option<String>,
}

/// The config repo's project as a cut-over looks at it, read only. A 404 is `None` where the thing may be absent.
#[async_trait]
pub trait CutOverReader: Send + Sync {
    /// Merge requests of all users.
    async fn merge_requests(&self, query: &MergeRequestQuery) -> Result<MergeRequestList, Failure>;
    /// One merge request with its pipeline and the commits of its diff.
    async fn merge_request(&self, iid: MrIid) -> Result<MergeRequestDetail, Failure>;
    /// Paths from the repository's root that a merge request changes.
    async fn changed_paths(&self, iid: MrIid) -> Result<Vec<String>, Failure>;
    /// Text of a file at a commit.
    async fn text(&self, commit: &CommitSha, path: &str) -> Result<Option<String>, Failure>;
    /// Comments on a merge request, newest first.
    async fn comments(&self, iid: MrIid) -> Result<Vec<Comment>, Failure>;
    /// Changes of a merge request's labels, oldest first.
    async fn label_changes(&self, iid: MrIid) -> Result<Vec<LabelEvent>, Failure>;
    /// Branches whose name begins with `prefix`, with their tips.
    async fn branches_named(&self, prefix: &str) -> Result<Vec<(String, CommitDetail)>, Failure>;
    /// Commits of the target branch that changed a file since, newest first; one page at most.
    async fn commits_of_file(
        &self,
        path: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<CommitDetail>, Failure>;
    /// The project's settings.
    async fn settings(&self) -> Result<ProjectSettings, Failure>;
    /// Those among these branches that rules of protected branches keep the token's user from pushing to, each with the
    /// names of the rules.
    async fn refused_branches(
        &self,
        branches: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Vec<String>>, Failure>;
    /// The push rule; `None` if there is none.
    async fn push_rule(&self) -> Result<Option<PushRule>, Failure>;
    /// Pipeline schedules of the project.
    async fn schedules(&self) -> Result<Vec<PipelineSchedule>, Failure>;
    /// How a resource group lets jobs go; `None` before its first job.
    async fn process_mode(&self, resource_group: &str) -> Result<Option<String>, Failure>;
    /// Those among these labels that the project does not have yet.
    async fn missing_labels(&self, labels: &BTreeSet<String>) -> Result<BTreeSet<String>, Failure>;
}
