//! Settings and version of this GitLab.
//!
//! [`Settings::default`] is GitLab 18.5, [`Settings::of`] returns another version. Each difference between
//! versions is its own setting, so that a test can change one thing.

use std::collections::BTreeSet;

use chrono::Duration;

use crate::state::Access;

/// How a list of merge requests reports conflicts that were not checked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListStatus {
    /// The last result, however old (GitLab's worst case).
    Stale,
    /// `unchecked`, without conflicts.
    Unchecked,
    /// The truth.
    Fresh,
}

/// Versions of the GraphQL API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GraphQl {
    /// Today's.
    #[default]
    Served,
    /// The version before 2025: a repository has no field `commit`.
    Old,
    /// None: 404.
    Absent,
}

/// Versions of GitLab with differences that matter to `sapm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Only Maintainers list protected branches; GraphQL knows no commit by ref.
    V15,
    /// Errors of parameters are `{"error": …}`; GraphQL knows no commit by ref.
    V17,
    /// The default.
    V18,
    /// With the feature flags of 19.x on: a merge request needs its branches to be opened or reopened.
    V19,
}

/// The settings of this GitLab. Change them any time with [`crate::World::configure`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// The version in `GET /version`.
    pub version: &'static str,
    /// Who may list the rules of protected branches: users who may read code; only Maintainers up to about 15.x.
    pub lists_protection: Access,
    /// Errors of a commit's parameters are `{"message": "400 Bad request - …"}`, as in 18.x, not `{"error": …}`.
    pub errors_are_messages: bool,
    /// The status of a new pipeline: `success`, or `running` where a test lets it end later.
    pub pipelines_begin: &'static str,
    /// Refuse to open a request from or to a branch that is missing (feature flag of 2026, off).
    pub branch_existence: bool,
    /// Refuse to reopen a request whose branch is gone (feature flag of 19.x, off). Else it is open without a diff.
    pub reopening_needs_branch: bool,
    /// GitLab signs commits of its API and its buttons: the committer is GitLab, and an author other than the token's
    /// user is refused (off by default).
    pub sign_web_commits: bool,
    /// For this many seconds of the forge's clock, the same user gets the same list of branches for the same
    /// parameters.
    pub branch_list_cache_s: u32,
    /// Maximum size of a form, in bytes as sent; JSON has no such limit.
    pub largest_form: usize,
    /// How many reads of a merge request (or rechecks by a list) return `checking` before the result.
    pub checking_reads: u32,
    /// The merge status in lists.
    pub list_status: ListStatus,
    /// How many later requests to GitLab still see the state before background tasks.
    pub background_delay: u64,
    /// Drop approvals when a push changes the patch.
    pub reset_approvals: bool,
    /// How many approvals a merge needs.
    pub required_approvals: usize,
    /// Refuse a merge without `sha` (newer groups can demand it).
    pub require_merge_sha: bool,
    /// A merge deletes the source branch, whatever the merge request's option.
    pub remove_source_branch: bool,
    /// Maximum pipelines per minute of the forge's clock for one project, user and commit together: above
    /// that, none start, silently.
    pub pipelines_create: Option<usize>,
    /// Maximum pipelines per minute for a user.
    pub pipelines_created_per_user: Option<usize>,
    /// Maximum notes per minute of the forge's clock: 429 without headers.
    pub notes_per_minute: Option<usize>,
    /// The length of a minute for these three.
    pub minute: Duration,
    /// Accept pushes with git over HTTP.
    pub allow_git_push: bool,
    /// Page headers omit totals above this many records.
    pub max_total: usize,
    /// May a merge request have several reviewers (GitLab Premium)?
    pub several_reviewers: bool,
    /// Its GraphQL API.
    pub graphql: GraphQl,
    /// The existing labels, if nobody may create others: those are left out without an error. Without it, new
    /// labels are created.
    pub known_labels: Option<BTreeSet<String>>,
}

impl Settings {
    /// A GitLab of this version with defaults.
    pub fn of(version: Version) -> Self {
        let newest = Self::default();
        match version {
            Version::V15 => Self {
                version: "15.11.13-ee",
                lists_protection: Access::Maintainer,
                ..Self::of(Version::V17)
            },
            Version::V17 => Self {
                version: "17.0.8-ee",
                errors_are_messages: false,
                graphql: GraphQl::Old,
                ..newest
            },
            Version::V18 => newest,
            Version::V19 => Self {
                version: "19.2.0-ee",
                branch_existence: true,
                reopening_needs_branch: true,
                ..newest
            },
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: "18.5.0-ee",
            lists_protection: Access::Reporter,
            errors_are_messages: true,
            pipelines_begin: "success",
            branch_existence: false,
            reopening_needs_branch: false,
            sign_web_commits: false,
            branch_list_cache_s: 30,
            largest_form: 4 * 1024 * 1024,
            checking_reads: 1,
            list_status: ListStatus::Stale,
            background_delay: 2,
            reset_approvals: true,
            required_approvals: 0,
            require_merge_sha: false,
            remove_source_branch: false,
            // As on GitLab.com (GitLab docs, user/gitlab_com).
            pipelines_create: Some(25),
            pipelines_created_per_user: Some(2_000),
            notes_per_minute: None,
            minute: Duration::minutes(1),
            allow_git_push: false,
            max_total: 10_000,
            several_reviewers: true,
            graphql: GraphQl::default(),
            known_labels: None,
        }
    }
}
