//! The facts of one run: what `observe` found, as data.
//!
//! Everything between observing and applying is a function of the config repo
//! and of this value, so a run can be replayed from it. The JSON form is
//! version 1 of the snapshot format; order never comes from a hash map, so the
//! same facts always give the same bytes.

mod comparison;
mod config_repo;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{CommitSha, MrIid, RepoPath, RepoUrl, Shard, to_json, write_json};

pub use comparison::{CodeCommit, CommitList, Comparison, LISTED_COMMITS, Relation};
pub use config_repo::{
    BotUser, BranchContent, ChangedFile, CommitDetail, ConfigRepoFacts, LabelEvent,
    MergeRequestFact, MrState, PastBatches, PastMergeRequest, PipelineFact, TextChange, UserFact,
};

/// The format's version that this program reads and writes.
pub const VERSION: u32 = 1;

/// All facts of a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Deserialize)]
pub struct Snapshot {
    /// Version of the format: 1.
    pub version: u32,
    /// The time as of which everything is decided, whole seconds, UTC.
    pub observed_at: DateTime<Utc>,
    /// The node's share that was looked at; absent when the work was not shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<Shard>,
    /// Commits of moving refs by `<repo url>@<ref>`.
    #[serde(default)]
    pub commits: BTreeMap<String, Lookup<CommitFact>>,
    /// What lies between the current and the new commit of a promotion, by `<repo url>@<current>...<new>`; only of merge
    /// requests that the run opens or whose description it writes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub comparisons: BTreeMap<String, Lookup<Comparison>>,
    /// Users by the user name (`@name`) or the email address that names them, `null` if there is none; only of people who
    /// may be asked to review what the run opens.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub users: BTreeMap<String, Lookup<Option<UserFact>>>,
    /// Deployment records by key, from `promotions_v2/` on, as they are stored.
    /// One that is not listed does not exist. A JSON string may hold the bytes
    /// of a record that is not JSON.
    #[serde(default)]
    pub deployment_records: BTreeMap<String, Value>,
    /// Deployment records that could not be read, with the reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deployment_record_errors: BTreeMap<String, Failure>,
    /// SLO values by `<document>/<cluster>/<namespace>/<slo>`; where several queries have these
    /// names, the later ones end in `#2`, `#3`, … ([`crate::domain::SloKeys`]).
    #[serde(default)]
    pub slo_values: BTreeMap<String, SloValue>,
    /// The config repo's project; absent when GitLab was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_repo: Option<ConfigRepoFacts>,
    /// Open merge requests whose source branch has the bot's prefix, by iid; those of the bot also where they go to
    /// another target branch.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub merge_requests: BTreeMap<MrIid, MergeRequestFact>,
    /// Other target branches of the bot's open merge requests that are not in the project any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gone_target_branches: BTreeSet<String>,
    /// Branches with the bot's prefix.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub branches: BTreeMap<String, CommitDetail>,
    /// Closed and merged merge requests of a branch, newest first; only for branches
    /// where it matters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub past_merge_requests: BTreeMap<String, Lookup<Vec<PastMergeRequest>>>,
    /// Merge requests of other bots that were merged after one of the bot's and took its ref away, by the bot's; only
    /// where it matters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reverts: BTreeMap<MrIid, Lookup<Vec<MrIid>>>,
    /// Changes of the labels of a merge request, oldest first; only where it matters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub label_events: BTreeMap<MrIid, Lookup<Vec<LabelEvent>>>,
    /// The newest pipeline of an open batch; only where it matters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pipelines: BTreeMap<MrIid, Lookup<Option<PipelineFact>>>,
    /// The newest finished pipeline of the target branch; only where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_branch_pipeline: Option<Lookup<Option<PipelineFact>>>,
    /// The bot's merge requests into the target branch that GitLab is merging; only where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub being_merged: Option<Lookup<Vec<MergeRequestFact>>>,
    /// Which edit sites the bot's newest batches that are over were about; only where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past_batches: Option<Lookup<PastBatches>>,
    /// Merge requests of the bot that are over, newest first, by what their descriptions name an edit site by; only where
    /// it matters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mentions: BTreeMap<String, Lookup<Vec<PastMergeRequest>>>,
    /// The bot's own comments on a merge request; only where it matters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<MrIid, Lookup<Vec<String>>>,
    /// What the tip of a branch with the bot's prefix changes, by the tip.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub branch_contents: BTreeMap<String, Lookup<BranchContent>>,
    /// By tip: the changes, by path, of a branch that was made on other texts than the target branch has now, once
    /// they were found to be exactly those that its trailers declare; `null` where they are others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub declared_changes: BTreeMap<String, Lookup<Option<BTreeMap<RepoPath, TextChange>>>>,
}

/// A fact, or why it could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(untagged)]
pub enum Lookup<T> {
    /// It could not be had. (First, as a fact may be `null`.)
    Failed(Failure),
    /// The fact.
    Found(T),
}

impl<T> Lookup<T> {
    /// The fact, or the failure.
    pub fn as_result(&self) -> Result<&T, &Failure> {
        match self {
            Self::Found(fact) => Ok(fact),
            Self::Failed(failure) => Err(failure),
        }
    }
}

impl<T> From<Result<T, Failure>> for Lookup<T> {
    fn from(result: Result<T, Failure>) -> Self {
        match result {
            Ok(fact) => Self::Found(fact),
            Err(failure) => Self::Failed(failure),
        }
    }
}

/// A lookup that failed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What happened, for people; never holds a secret.
    pub error: String,
    /// A cause that this lookup shares with others (a refused token, say):
    /// it is reported once and not for each lookup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_cause: Option<String>,
}

impl Failure {
    /// A failure of this lookup alone.
    pub fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), shared_cause: None }
    }

    /// A failure that many lookups share.
    pub fn shared(cause: impl Into<String>) -> Self {
        let cause = cause.into();
        Self { error: cause.clone(), shared_cause: Some(cause) }
    }
}

/// The commit of a moving ref.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct CommitFact {
    /// The commit.
    pub sha: CommitSha,
    /// When it was committed, if the API said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<DateTime<Utc>>,
    /// First line of its message, if the API said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// The value of an SLO's expression, or why there is none.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Deserialize)]
#[serde(untagged)]
pub enum SloValue {
    /// What Prometheus answered.
    Value(f64),
    /// No answer, an empty one, or NaN.
    Failed(Failure),
}

impl Snapshot {
    /// A snapshot with nothing but the time.
    pub fn new(observed_at: DateTime<Utc>) -> Self {
        Self {
            version: VERSION,
            observed_at,
            share: None,
            commits: BTreeMap::new(),
            comparisons: BTreeMap::new(),
            users: BTreeMap::new(),
            deployment_records: BTreeMap::new(),
            deployment_record_errors: BTreeMap::new(),
            slo_values: BTreeMap::new(),
            config_repo: None,
            merge_requests: BTreeMap::new(),
            gone_target_branches: BTreeSet::new(),
            branches: BTreeMap::new(),
            past_merge_requests: BTreeMap::new(),
            reverts: BTreeMap::new(),
            label_events: BTreeMap::new(),
            notes: BTreeMap::new(),
            branch_contents: BTreeMap::new(),
            declared_changes: BTreeMap::new(),
            pipelines: BTreeMap::new(),
            target_branch_pipeline: None,
            being_merged: None,
            past_batches: None,
            mentions: BTreeMap::new(),
        }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// When it is no JSON, not of this shape, or of another version.
    pub fn from_json(text: &[u8]) -> Result<Self, ReadError> {
        let snapshot: Self = serde_json::from_slice(text)?;
        if snapshot.version == VERSION {
            Ok(snapshot)
        } else {
            Err(ReadError::Version(snapshot.version))
        }
    }

    /// The JSON form: pretty, keys in order, a newline at the end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// The same, written as it is made.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_json(&self, to: impl std::io::Write) -> std::io::Result<()> {
        write_json(self, to)
    }

    /// Key of a moving ref's commit; the url as the resource template spells it.
    ///
    /// Only an `@` in the url's path is percent-encoded, which means the same repository. Otherwise
    /// `…/api@v1` at `2` would share a key, and so a commit, with `…/api` at `v1@2`.
    pub fn commit_key(url: &RepoUrl, git_ref: &str) -> String {
        let url = url.to_string();
        let host_end = match url.find("://") {
            Some(scheme) => url[scheme + 3..].find('/').map(|at| scheme + 3 + at),
            None => url.find([':', '/']),
        };
        let (host, path) = url.split_at(host_end.unwrap_or(url.len()));
        // Without a path it is no repository: its ref must not read as the path of one.
        let git_ref = match path {
            "" => git_ref.replace('@', "%40"),
            _ => git_ref.to_owned(),
        };
        format!("{host}{}@{git_ref}", path.replace('@', "%40"))
    }
}

/// Why a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or not of this shape.
    #[error("not a snapshot: {0}")]
    Json(#[from] serde_json::Error),
    /// A version that this program does not know.
    #[error("snapshot of version {0}, this program reads version {VERSION}")]
    Version(u32),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Snapshot;
    use crate::domain::RepoUrl;

    fn key(url: &str, git_ref: &str) -> String {
        Snapshot::commit_key(&RepoUrl::new(url), git_ref)
    }

    #[test]
    fn a_commit_key_spells_the_url_as_it_is_given() {
        for url in [
            "https://github.com/a/b",
            "https://git.example.com:8443/a/b.git",
            "git@git.example.com:a/b",
        ] {
            assert_eq!(key(url, "pkg@1.2.3"), format!("{url}@pkg@1.2.3"));
        }
        // A password is no part of it.
        let with_password = key("https://user:word@git.example.com/a/b.git", "main");
        assert_eq!(with_password, "https://git.example.com/a/b.git@main");
        assert_ne!(key("https://h/api@v1", "2"), key("https://h/api", "v1@2"));
        assert_ne!(key("https://user", "h/api@main"), key("https://user@h/api", "main"));
    }

    proptest! {
        #[test]
        fn two_refs_never_share_a_commit_key(
            one in ("(https://|git@)?[ab]([/:@][ab]){0,3}", "[ab]([/@][ab]){0,2}"),
            other in ("(https://|git@)?[ab]([/:@][ab]){0,3}", "[ab]([/@][ab]){0,2}"),
        ) {
            let keys = [&one, &other].map(|(url, git_ref)| key(url, git_ref));
            let [one, other] = [&one, &other].map(|(url, git_ref)| (RepoUrl::new(url), git_ref));
            prop_assert!(one == other || keys[0] != keys[1], "{:?}", keys);
        }
    }
}
