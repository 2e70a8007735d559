//! How this GitLab is set up, and how old it is.
//!
//! [`Settings::default`] is GitLab 18.5 as it comes, [`Settings::of`] gives another version. What differs between
//! versions is a switch of its own, so that a test can change one thing.

use std::collections::BTreeSet;

use chrono::Duration;

use crate::state::Access;

/// How a list of merge requests tells of conflicts that were not checked anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListStatus {
    /// The last verdict, however old (the worst that GitLab does).
    Stale,
    /// `unchecked`, without conflicts.
    Unchecked,
    /// The truth.
    Fresh,
}

/// Which GraphQL API there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GraphQl {
    /// Today's.
    #[default]
    Served,
    /// One of before 2025: a repository has no field `commit`.
    Old,
    /// None: 404.
    Absent,
}

/// Versions of GitLab that differ in something `sapm` meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Only Maintainers list protected branches; GraphQL knows no commit by ref.
    V15,
    /// Errors of parameters are `{"error": …}`; GraphQL knows no commit by ref.
    V17,
    /// The default.
    V18,
    /// With the feature flags of 19.x switched on: a merge request needs its branches to be opened or reopened.
    V19,
}

/// How this GitLab is set up. Change it any time with [`crate::World::configure`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// What `GET /version` says.
    pub version: &'static str,
    /// Who may list the rules of protected branches: whoever reads code; Maintainers up to about 15.x.
    pub lists_protection: Access,
    /// Errors of a commit's parameters are `{"message": "400 Bad request - …"}`, as in 18.x, not `{"error": …}`.
    pub errors_are_messages: bool,
    /// Refuse to open a request from or to a branch that is missing (feature flag of 2026, off).
    pub branch_existence: bool,
    /// Refuse to reopen a request whose branch is gone (feature flag of 19.x, off). Else it is open without a diff.
    pub reopening_needs_branch: bool,
    /// GitLab signs what its API and its buttons commit: the committer is GitLab, and another author than the token's
    /// user is refused (off until it is configured).
    pub sign_web_commits: bool,
    /// For how many seconds of the forge's clock a list of branches is answered as it was before, to the same user
    /// with the same parameters.
    pub branch_list_cache_s: u32,
    /// Largest form, in bytes as they are sent; JSON has no such limit.
    pub largest_form: usize,
    /// How many reads of a request (or rechecks by a list) see `checking` before the verdict.
    pub checking_reads: u32,
    /// What lists say of the merge status.
    pub list_status: ListStatus,
    /// How many later requests to GitLab still see the world without what happens in the background.
    pub background_delay: u64,
    /// Drop approvals when a push changes the patch.
    pub reset_approvals: bool,
    /// How many approvals a merge needs.
    pub required_approvals: usize,
    /// Refuse a merge without `sha` (newer groups can demand it).
    pub require_merge_sha: bool,
    /// A merge deletes the source branch whatever the request says.
    pub remove_source_branch: bool,
    /// No more than this many pipelines a minute of the forge's clock for one project, user and commit together: what
    /// is above gets none, silently.
    pub pipelines_create: Option<usize>,
    /// The same for all pipelines of a user.
    pub pipelines_created_per_user: Option<usize>,
    /// No more than this many notes a minute of the forge's clock: 429 without headers.
    pub notes_per_minute: Option<usize>,
    /// How long a minute is for these three.
    pub minute: Duration,
    /// Accept pushes by git over HTTP.
    pub allow_git_push: bool,
    /// Totals are left out of page headers above this many records.
    pub max_total: usize,
    /// Its GraphQL API.
    pub graphql: GraphQl,
    /// The labels that there are, where nobody may make others: these are left out without an error. Without it, labels
    /// that are new are made.
    pub known_labels: Option<BTreeSet<String>>,
}

impl Settings {
    /// A GitLab of this version as it comes.
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
            graphql: GraphQl::default(),
            known_labels: None,
        }
    }
}
