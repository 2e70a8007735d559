//! GitLab's answers to the questions of a cut-over, as much of them as is needed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::responses::{NoteAnswer, RequestAnswer};
use crate::domain::CommitSha;
use crate::ports::{
    Comment, ListedMergeRequest, MergeRequestDetail, PipelineDetail, PipelineSchedule,
    ProjectSettings, PushRule,
};

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

fn time(value: &Value, key: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(value.get(key)?.as_str()?).ok()?;
    Some(time.with_timezone(&Utc))
}

/// An entry of a list of merge requests; `None` where it cannot be read.
pub(super) fn listed(value: Value) -> Option<ListedMergeRequest> {
    let (updated_at, closed_at, merged_at) =
        (time(&value, "updated_at"), time(&value, "closed_at"), time(&value, "merged_at"));
    let closed_by = value.get("closed_by").and_then(|user| text(user, "username"));
    let fact = serde_json::from_value::<RequestAnswer>(value).ok()?.into_fact();
    let updated_at = updated_at.unwrap_or(fact.created_at);
    Some(ListedMergeRequest { fact, updated_at, closed_by, closed_at, merged_at })
}

/// A merge request by itself.
pub(super) fn detail(value: &Value) -> MergeRequestDetail {
    let commit = |key: &str| CommitSha::parse(value.get("diff_refs")?.get(key)?.as_str()?);
    let pipeline = value.get("head_pipeline").and_then(|pipeline| {
        Some(PipelineDetail {
            status: text(pipeline, "status")?,
            web_url: text(pipeline, "web_url"),
            updated_at: time(pipeline, "updated_at"),
        })
    });
    MergeRequestDetail {
        diff: commit("base_sha").zip(commit("head_sha")),
        pipeline,
        merge_status: text(value, "detailed_merge_status"),
    }
}

/// A comment; `None` for what GitLab itself noted.
pub(super) fn comment(note: NoteAnswer) -> Option<Comment> {
    let author = note.author?.username?;
    (!note.system).then_some(Comment {
        author,
        body: note.body,
        created_at: note.created_at.unwrap_or_default(),
    })
}

/// The settings of a project.
pub(super) fn settings(value: &Value) -> ProjectSettings {
    let flag = |key: &str| value.get(key).and_then(Value::as_bool);
    ProjectSettings {
        removes_source_branch: flag("remove_source_branch_after_merge"),
        needs_pipeline: flag("only_allow_merge_if_pipeline_succeeds"),
        pipelines_off: text(value, "builds_access_level").map(|level| level == "disabled"),
        needs_resolved_threads: flag("only_allow_merge_if_all_discussions_are_resolved"),
        squash: text(value, "squash_option"),
        title_regex: text(value, "merge_request_title_regex").filter(|regex| !regex.is_empty()),
    }
}

/// A push rule.
pub(super) fn push_rule(value: &Value) -> PushRule {
    let fields = value.as_object().into_iter().flatten();
    let (mut patterns, mut switches) = (BTreeMap::new(), BTreeSet::new());
    for (name, value) in fields {
        match value {
            Value::String(pattern) if name.ends_with("_regex") && !pattern.is_empty() => {
                patterns.insert(name.clone(), pattern.clone());
            }
            Value::Bool(true) => {
                switches.insert(name.clone());
            }
            _ => {}
        }
    }
    PushRule { patterns, switches }
}

/// An entry of a list of pipeline schedules.
pub(super) fn schedule(value: &Value) -> Option<PipelineSchedule> {
    let git_ref = text(value, "ref")?;
    let owner = value.get("owner");
    Some(PipelineSchedule {
        id: value.get("id")?.as_u64()?,
        description: text(value, "description").unwrap_or_default(),
        git_ref: git_ref.strip_prefix("refs/heads/").unwrap_or(&git_ref).to_owned(),
        active: value.get("active").and_then(Value::as_bool).unwrap_or_default(),
        owner: owner.and_then(|owner| text(owner, "username")),
        owner_state: owner.and_then(|owner| text(owner, "state")),
        last_status: None,
    })
}

/// How the last pipeline of a schedule ended.
pub(super) fn schedule_summary(value: &Value) -> Option<String> {
    text(value.get("last_pipeline")?, "status")
}
