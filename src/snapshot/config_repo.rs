//! What GitLab says of the config repo: its project, merge requests and branches.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{CommitSha, MergeMethod, MrIid, UserId};

/// The config repo as GitLab knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct ConfigRepoFacts {
    /// Numeric id of the project.
    pub project_id: u64,
    /// Path with namespace, e.g. `service/app-interface`.
    pub project_path: String,
    /// The project's page.
    pub web_url: String,
    /// The branch that merge requests go to.
    pub target_branch: String,
    /// The commit of the target branch whose files were read.
    pub base_commit: CommitSha,
    /// Was the target branch at another commit when GitLab was asked? Absent means no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_outdated: bool,
    /// How the project merges; absent means by a merge commit.
    #[serde(default, skip_serializing_if = "MergeMethod::is_usual")]
    pub merge_method: MergeMethod,
    /// Whose merge requests and commits are the bot's.
    pub bot: BotUser,
    /// Earlier users of the bot: what they opened, closed and commented is the bot's as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_bots: Vec<BotUser>,
    /// Users of other bots: what they close or revert is no person's refusal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_bots: Vec<BotUser>,
}

impl ConfigRepoFacts {
    /// User ids of the bot, earlier ones included.
    pub fn bot_ids(&self) -> BTreeSet<UserId> {
        self.former_bots.iter().chain([&self.bot]).map(|bot| bot.id).collect()
    }

    /// User ids of other bots.
    pub fn other_bot_ids(&self) -> BTreeSet<UserId> {
        self.other_bots.iter().map(|bot| bot.id).collect()
    }

    /// Is it the bot's user, or an earlier one?
    pub fn is_bot(&self, user: UserId) -> bool {
        self.bot.id == user || self.former_bots.iter().any(|bot| bot.id == user)
    }
}

/// A label that was put on a merge request, or taken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct LabelEvent {
    /// The label.
    pub label: String,
    /// Was it put on?
    pub added: bool,
    /// Id of the user who did it.
    pub user_id: UserId,
    /// Name of that user.
    pub user: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// A user of GitLab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct UserFact {
    /// Numeric id.
    pub id: UserId,
    /// User name, without `@`.
    pub username: String,
    /// May the user sign in? Not if blocked or deactivated.
    pub is_active: bool,
}

/// The bot's user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct BotUser {
    /// Numeric id.
    pub id: UserId,
    /// User name, without `@`.
    pub username: String,
    /// Display name: the author name of its commits.
    pub name: String,
    /// Addresses its commits may carry, as far as GitLab tells them.
    #[serde(default)]
    pub emails: BTreeSet<String>,
}

/// State of a merge request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MrState {
    /// Open.
    Opened,
    /// Closed without a merge.
    Closed,
    /// Merged.
    Merged,
    /// Being merged.
    Locked,
}

/// A merge request as GitLab lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct MergeRequestFact {
    /// Number in the project.
    pub iid: MrIid,
    /// Open, closed or merged.
    pub state: MrState,
    /// Title, with `Draft:` if it is one.
    pub title: String,
    /// Description as stored.
    pub description: String,
    /// Is it a draft?
    pub draft: bool,
    /// Is auto-merge set, or is it on a merge train? Absent means no.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto_merge: bool,
    /// User id of who opened it.
    pub author_id: UserId,
    /// User name of who opened it.
    pub author: String,
    /// Where it comes from.
    pub source_branch: String,
    /// Where it goes to.
    pub target_branch: String,
    /// Tip of the source branch, while or when it was open.
    pub sha: Option<CommitSha>,
    /// Labels.
    pub labels: BTreeSet<String>,
    /// Its page.
    pub web_url: String,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// GitLab's merge status, may be stale; for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detailed_merge_status: Option<String>,
    /// Pipeline of its newest commit; only where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<PipelineFact>,
    /// User id of who closed it, if GitLab says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<UserId>,
    /// When it was closed or merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
}

/// A pipeline, as GitLab names its state: `success`, `failed`, `running`, …
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct PipelineFact {
    /// GitLab's word.
    pub status: String,
    /// Its page.
    pub web_url: Option<String>,
    /// The commit that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha: Option<CommitSha>,
    /// The ref that it ran for: of merged results `refs/merge-requests/…/merge`.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<String>,
}

/// A merge request that is over, with what its tip commit says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct PastMergeRequest {
    /// The merge request. Snapshots of 0.1.0 call it `request`.
    #[serde(rename = "merge_request", alias = "request")]
    pub mr: MergeRequestFact,
    /// Its tip commit, if it could be read.
    pub tip: Option<CommitDetail>,
    /// Did the bot close it, by GitLab's word or by the bot's own comment?
    pub closed_by_bot: bool,
}

/// The bot's newest batches that are over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct PastBatches {
    /// What their descriptions name edit sites by.
    pub places: BTreeSet<String>,
    /// Are these all batches that there ever were?
    pub is_complete: bool,
}

/// A commit with everything that tells whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct CommitDetail {
    /// The commit.
    pub sha: CommitSha,
    /// Its parents.
    pub parents: Vec<CommitSha>,
    /// Author.
    pub author_name: String,
    /// Author's address.
    pub author_email: String,
    /// Committer.
    pub committer_name: String,
    /// Committer's address.
    pub committer_email: String,
    /// Whole message with trailers.
    pub message: String,
    /// When it was committed.
    pub committed_at: Option<DateTime<Utc>>,
}

/// What the tip of a branch brings to the target branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct BranchContent {
    /// Is the commit right below the tip on the target branch? Not if there are several, or none.
    pub base_on_target: bool,
    /// Files in which the tip's tree differs from that commit's, by path; of more than the tip declares one more.
    pub changed: Vec<ChangedFile>,
}

/// A file in which two commits differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct ChangedFile {
    /// From the repository's root.
    pub path: String,
    /// SHA-256 of the bytes before and after, where both are regular files of one mode and of a size
    /// that a datafile can have.
    pub digests: Option<(String, String)>,
}

/// A change of one file's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct TextChange {
    /// The text before.
    pub before: String,
    /// The text after.
    pub after: String,
}
