//! GitLab's responses, with the fields that are needed. Unknown fields are ignored.
//! Fields that some versions omit have a default.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use super::rights::ProjectRights;
use crate::clients::http::safe_url;
use crate::domain::{CommitSha, MrIid, UserId};
use crate::snapshot::{
    CommitDetail, CommitFact, LabelEvent, MergeRequestFact, MrState, PipelineFact,
};

/// Reads one entry of a list; leaves out an unreadable one.
pub(super) fn readable<T: DeserializeOwned>(value: Value, url: &Url) -> Option<T> {
    serde_json::from_value(value)
        .inspect_err(|error| {
            tracing::warn!(url = safe_url(url), %error, "skipped an unreadable list entry");
        })
        .ok()
}

/// Parses bytes as each kind of response.
pub(super) fn read_any(bytes: &[u8]) {
    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
        serde_json::from_slice(bytes).ok()
    }
    let _ = (read::<ProjectAnswer>(bytes), read::<UserAnswer>(bytes), read::<TokenAnswer>(bytes));
    let _ = read::<RequestAnswer>(bytes).map(RequestAnswer::into_fact);
    let _ = read::<CommitAnswer>(bytes).and_then(CommitAnswer::into_detail);
    let _ = read::<CommitAnswer>(bytes).and_then(CommitAnswer::into_fact);
    let _ = (read::<BranchAnswer>(bytes), read::<NoteAnswer>(bytes));
    let _ = read::<DiffAnswer>(bytes);
}

/// A project.
#[derive(Debug, Deserialize)]
pub(super) struct ProjectAnswer {
    pub id: u64,
    #[serde(default)]
    pub path_with_namespace: Option<String>,
    #[serde(default)]
    pub default_branch: Option<String>,
    #[serde(default)]
    pub web_url: Option<String>,
    #[serde(default)]
    pub http_url_to_repo: Option<String>,
    #[serde(default)]
    pub merge_method: Option<String>,
    #[serde(flatten)]
    pub rights: ProjectRights,
}

/// A user, complete or as part of another response.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct UserAnswer {
    pub id: UserId,
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
    #[serde(default)]
    pub commit_email: Option<String>,
    #[serde(default)]
    pub public_email: Option<String>,
    /// `active`, `blocked`, `deactivated`, …
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub is_admin: bool,
}

/// The token in use. The checks of a run use single fields, so an unreadable field counts as absent and does not affect
/// the others.
#[derive(Debug, Deserialize)]
pub(super) struct TokenAnswer {
    #[serde(default, deserialize_with = "if_readable")]
    pub scopes: Option<BTreeSet<String>>,
    /// A date. If GitLab ever sends a time, its first ten characters are the date.
    #[serde(default, deserialize_with = "parse_day")]
    pub expires_at: Option<NaiveDate>,
    #[serde(default, deserialize_with = "if_readable")]
    pub user_id: Option<UserId>,
    /// A fine-grained token: its only scope is `granular`.
    #[serde(default, deserialize_with = "if_readable")]
    granular: Option<bool>,
}

impl TokenAnswer {
    /// Does it have rights per endpoint instead of scopes?
    pub fn is_granular(&self) -> bool {
        let scope = |scopes: &BTreeSet<String>| scopes.contains("granular");
        self.granular == Some(true) || self.scopes.as_ref().is_some_and(scope)
    }
}

fn if_readable<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

fn parse_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let text: Option<String> = if_readable(deserializer)?;
    Ok(text.and_then(|text| text.get(..10)?.parse().ok()))
}

/// A merge request.
#[derive(Debug, Deserialize)]
pub(super) struct RequestAnswer {
    iid: MrIid,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    draft: Option<bool>,
    #[serde(default)]
    work_in_progress: Option<bool>,
    /// Set for a merge train too.
    #[serde(default)]
    merge_when_pipeline_succeeds: Option<bool>,
    #[serde(default)]
    author: Option<UserAnswer>,
    source_branch: String,
    #[serde(default)]
    target_branch: Option<String>,
    #[serde(default)]
    source_project_id: Option<u64>,
    #[serde(default)]
    sha: Option<String>,
    #[serde(default)]
    labels: Vec<Value>,
    #[serde(default)]
    web_url: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    detailed_merge_status: Option<String>,
    /// Missing in lists.
    #[serde(default)]
    head_pipeline: Option<PipelineAnswer>,
    #[serde(default)]
    closed_by: Option<UserAnswer>,
    #[serde(default)]
    closed_at: Option<String>,
    #[serde(default)]
    merged_at: Option<String>,
}

/// A pipeline.
#[derive(Debug, Deserialize)]
pub struct PipelineAnswer {
    #[serde(default)]
    status: String,
    #[serde(default)]
    web_url: Option<String>,
    #[serde(default)]
    sha: Option<String>,
    #[serde(default, rename = "ref")]
    git_ref: Option<String>,
}

impl PipelineAnswer {
    pub fn into_fact(self) -> PipelineFact {
        PipelineFact {
            status: self.status,
            web_url: self.web_url,
            sha: self.sha.as_deref().and_then(CommitSha::parse),
            git_ref: self.git_ref,
        }
    }
}

impl RequestAnswer {
    /// Is the source branch in the project itself, not in a fork?
    pub fn is_from_project(&self, project: u64) -> bool {
        self.source_project_id.is_none_or(|id| id == project)
    }

    pub fn into_fact(self) -> MergeRequestFact {
        let title = self.title.unwrap_or_default();
        let ended_at = self.merged_at.or(self.closed_at);
        let author = self.author.unwrap_or_default();
        MergeRequestFact {
            iid: self.iid,
            state: parse_state(self.state.as_deref()),
            draft: self
                .draft
                .or(self.work_in_progress)
                .unwrap_or_else(|| title.to_ascii_lowercase().starts_with("draft:")),
            auto_merge: self.merge_when_pipeline_succeeds.unwrap_or_default(),
            title,
            description: self.description.unwrap_or_default(),
            author_id: author.id,
            author: author.username.unwrap_or_default(),
            source_branch: self.source_branch,
            target_branch: self.target_branch.unwrap_or_default(),
            sha: self.sha.as_deref().and_then(CommitSha::parse),
            labels: self.labels.into_iter().filter_map(parse_label).collect(),
            web_url: self.web_url.unwrap_or_default(),
            created_at: self.created_at.as_deref().and_then(parse_time).unwrap_or_default(),
            detailed_merge_status: self.detailed_merge_status,
            pipeline: self.head_pipeline.map(PipelineAnswer::into_fact),
            closed_by: self.closed_by.map(|user| user.id),
            ended_at: ended_at.as_deref().and_then(parse_time),
        }
    }
}

fn parse_state(text: Option<&str>) -> MrState {
    match text {
        Some("closed") => MrState::Closed,
        Some("merged") => MrState::Merged,
        Some("locked") => MrState::Locked,
        _ => MrState::Opened,
    }
}

/// A label: its name, or with details an object with a name.
fn parse_label(value: Value) -> Option<String> {
    match value {
        Value::String(name) => Some(name),
        Value::Object(fields) => fields.get("name")?.as_str().map(str::to_owned),
        _ => None,
    }
}

fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.with_timezone(&Utc))
}

/// A commit.
#[derive(Debug, Default, Deserialize)]
pub(super) struct CommitAnswer {
    id: String,
    #[serde(default)]
    parent_ids: Option<Vec<String>>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    author_name: Option<String>,
    #[serde(default)]
    author_email: Option<String>,
    #[serde(default)]
    committer_name: Option<String>,
    #[serde(default)]
    committer_email: Option<String>,
    #[serde(default)]
    committed_date: Option<String>,
}

impl CommitAnswer {
    /// Creates it from the same values in another form.
    pub fn from_fields(id: String, title: Option<String>, committed_date: Option<String>) -> Self {
        Self { id, title, committed_date, ..Self::default() }
    }

    /// The id, not validated.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `None` if the id is not a commit id.
    pub fn into_detail(self) -> Option<CommitDetail> {
        let parents = self.parent_ids.unwrap_or_default();
        Some(CommitDetail {
            sha: CommitSha::parse(&self.id)?,
            parents: parents.iter().filter_map(|id| CommitSha::parse(id)).collect(),
            author_name: self.author_name.unwrap_or_default(),
            author_email: self.author_email.unwrap_or_default(),
            committer_name: self.committer_name.unwrap_or_default(),
            committer_email: self.committer_email.unwrap_or_default(),
            message: self.message.or(self.title).unwrap_or_default(),
            committed_at: self.committed_date.as_deref().and_then(parse_time),
        })
    }

    /// `None` if the id is not a commit id.
    pub fn into_fact(self) -> Option<CommitFact> {
        let subject = self.title.or_else(|| self.message?.lines().next().map(str::to_owned));
        Some(CommitFact {
            sha: CommitSha::parse(&self.id)?,
            committed_at: self.committed_date.as_deref().and_then(parse_time),
            subject,
        })
    }
}

/// A branch.
#[derive(Debug, Deserialize)]
pub(super) struct BranchAnswer {
    pub name: String,
    pub commit: CommitAnswer,
}

/// A comment.
#[derive(Debug, Deserialize)]
pub(super) struct NoteAnswer {
    #[serde(default)]
    pub id: u64,
    #[serde(default)]
    pub body: String,
    #[serde(default)]
    pub system: bool,
    #[serde(default)]
    pub author: Option<UserAnswer>,
    #[serde(default)]
    pub created_at: Option<DateTime<Utc>>,
}

/// A file in a commit's diff.
#[derive(Debug, Deserialize)]
pub(super) struct DiffAnswer {
    #[serde(default)]
    pub old_path: String,
    #[serde(default)]
    pub new_path: String,
    #[serde(default)]
    pub a_mode: String,
    #[serde(default)]
    pub b_mode: String,
    #[serde(default)]
    pub new_file: bool,
    #[serde(default)]
    pub deleted_file: bool,
    #[serde(default)]
    pub diff: String,
}

/// A label that was added to a merge request or removed. The label is null if it was deleted.
#[derive(Debug, Deserialize)]
pub(super) struct LabelEventAnswer {
    #[serde(default)]
    user: Option<UserAnswer>,
    #[serde(default)]
    label: Option<Value>,
    action: String,
    created_at: String,
}

impl LabelEventAnswer {
    /// `None` if GitLab does not say who did what.
    pub fn into_event(self) -> Option<LabelEvent> {
        let user = self.user?;
        Some(LabelEvent {
            label: parse_label(self.label?)?,
            added: self.action == "add",
            user_id: user.id,
            user: user.username.unwrap_or_default(),
            at: parse_time(&self.created_at)?,
        })
    }
}

impl DiffAnswer {
    /// Is it a regular file before and after, with the same name and mode?
    pub fn is_edit(&self) -> bool {
        let created_or_deleted = self.new_file || self.deleted_file;
        !created_or_deleted
            && self.old_path == self.new_path
            && self.a_mode == self.b_mode
            && self.a_mode.starts_with("100")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_merge_request_of_an_old_gitlab_is_parsed() {
        let answer: RequestAnswer = serde_json::from_value(json!({
            "iid": 7, "state": "merged", "source_branch": "b", "title": "WIP: x", "sha": null,
            "work_in_progress": true, "author": null, "labels": ["a", {"name": "b"}],
            "merged_at": "2024-01-02T03:04:05.000+01:00", "unknown": {"x": 1},
        }))
        .expect("a request");
        assert!(answer.is_from_project(1));
        let fact = answer.into_fact();
        assert_eq!((fact.iid, fact.state, fact.draft), (MrIid(7), MrState::Merged, true));
        assert_eq!(fact.labels.into_iter().collect::<Vec<_>>(), ["a", "b"]);
        let ended = fact.ended_at.map(|time| time.to_rfc3339());
        assert_eq!(ended.as_deref(), Some("2024-01-02T02:04:05+00:00"));
    }

    #[test]
    fn a_merge_request_from_a_fork_is_recognised() {
        let answer: RequestAnswer =
            serde_json::from_value(json!({"iid": 7, "source_branch": "b", "source_project_id": 2}))
                .expect("a request");
        assert!(!answer.is_from_project(1));
    }

    #[test]
    fn an_invalid_entry_is_skipped() {
        let url = Url::parse("http://h/").expect("an address");
        assert!(readable::<RequestAnswer>(json!({"iid": "x"}), &url).is_none());
    }
}
