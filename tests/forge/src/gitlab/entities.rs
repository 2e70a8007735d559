//! GitLab's objects as JSON.

use chrono::{DateTime, SecondsFormat, TimeZone, Utc};
use git2::{Delta, Oid};
use serde_json::{Value, json};

use crate::git::repo::{FileDiff, Repo};
use crate::gitlab::model::{MergeRequest, Note, Pipeline};
use crate::state::{CommitInfo, Project, State, User};

pub(crate) fn iso(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub(crate) fn user(user: &User, base: &str) -> Value {
    json!({
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "state": user.state,
        "locked": false,
        "avatar_url": null,
        "web_url": format!("{base}/{}", user.username),
    })
}

/// A commit of a repository.
pub(crate) fn commit(repo: &Repo, project: &Project, base: &str, id: Oid) -> Value {
    let commit = repo.git.find_commit(id).expect("a commit");
    let message = commit.message().unwrap_or_default();
    let (title, _) = message.split_once('\n').unwrap_or((message, ""));
    let time =
        |time: git2::Time| iso(Utc.timestamp_opt(time.seconds(), 0).single().unwrap_or_default());
    let (author, committer) = (commit.author(), commit.committer());
    let sha = id.to_string();
    json!({
        "id": sha,
        "short_id": &sha[..8],
        "created_at": time(committer.when()),
        "parent_ids": commit.parent_ids().map(|id| id.to_string()).collect::<Vec<_>>(),
        "title": title,
        "message": message,
        "author_name": author.name().unwrap_or_default(),
        "author_email": author.email().unwrap_or_default(),
        "authored_date": time(author.when()),
        "committer_name": committer.name().unwrap_or_default(),
        "committer_email": committer.email().unwrap_or_default(),
        "committed_date": time(committer.when()),
        "trailers": trailers(message),
        "extended_trailers": {},
        "web_url": format!("{base}/{}/-/commit/{sha}", project.path),
    })
}

/// The last paragraph's `Key: value` lines.
fn trailers(message: &str) -> Value {
    let last = message
        .trim_end()
        .rsplit("\n\n")
        .next()
        .filter(|last| last.len() < message.trim_end().len());
    let mut found = serde_json::Map::new();
    for line in last.unwrap_or_default().lines() {
        if let Some((key, value)) = line.split_once(": ")
            && !key.is_empty()
            && key.chars().all(|each| each.is_alphanumeric() || each == '-')
        {
            found.insert(key.to_owned(), json!(value));
        }
    }
    Value::Object(found)
}

/// A commit of a project without a repository.
pub(crate) fn virtual_commit(project: &Project, base: &str, info: &CommitInfo) -> Value {
    json!({
        "id": info.sha,
        "short_id": info.sha.get(..8).unwrap_or(&info.sha),
        "created_at": iso(info.date),
        "parent_ids": info.parents,
        "title": info.message.lines().next().unwrap_or_default(),
        "message": info.message,
        "author_name": info.author,
        "author_email": "dev@example.invalid",
        "authored_date": iso(info.date),
        "committer_name": info.author,
        "committer_email": "dev@example.invalid",
        "committed_date": iso(info.date),
        "trailers": {},
        "extended_trailers": {},
        "web_url": format!("{base}/{}/-/commit/{}", project.path, info.sha),
        "stats": { "additions": 1, "deletions": 0, "total": 1 },
        "status": null,
        "project_id": project.id,
        "last_pipeline": null,
    })
}

pub(crate) fn diff(file: &FileDiff) -> Value {
    json!({
        "old_path": file.old_path,
        "new_path": file.new_path,
        "a_mode": format!("{:o}", file.old_mode),
        "b_mode": format!("{:o}", file.new_mode),
        "new_file": file.status == Delta::Added,
        "renamed_file": file.status == Delta::Renamed,
        "deleted_file": file.status == Delta::Deleted,
        "generated_file": null,
        "diff": file.patch.split_once("@@").map_or(String::new(), |(_, hunks)| format!("@@{hunks}")),
    })
}

pub(crate) fn note(
    state: &State,
    base: &str,
    request: &MergeRequest,
    project: u64,
    note: &Note,
) -> Value {
    json!({
        "id": note.id,
        "type": null,
        "body": note.body,
        "author": user(state.user(note.author), base),
        "created_at": iso(note.created_at),
        "updated_at": iso(note.created_at),
        "system": note.system,
        "noteable_id": request.id,
        "noteable_type": "MergeRequest",
        "noteable_iid": request.iid,
        "project_id": project,
        "resolvable": false,
        "confidential": false,
        "internal": false,
    })
}

pub(crate) fn pipeline(pipeline: &Pipeline, project: u64) -> Value {
    let (source, reference) = match pipeline.merge_request {
        Some(iid) => ("merge_request_event", format!("refs/merge-requests/{iid}/head")),
        None => ("push", pipeline.branch.clone()),
    };
    json!({
        "id": pipeline.id,
        "iid": pipeline.id,
        "project_id": project,
        "sha": pipeline.sha,
        "ref": reference,
        "status": pipeline.status,
        "source": source,
        "created_at": iso(pipeline.created_at),
        "updated_at": iso(pipeline.created_at),
    })
}

/// The merge check in a response.
pub(crate) struct Status {
    pub merge: &'static str,
    pub detailed: &'static str,
    pub conflicts: bool,
}

/// A merge request as in lists.
pub(crate) fn merge_request(
    state: &State,
    project: &Project,
    base: &str,
    mr: &MergeRequest,
    status: &Status,
) -> Value {
    let path = &project.path;
    let person = |id: u64| user(state.user(id), base);
    let merged_by = mr.merged.map(|(_, user)| person(user));
    let reviewers: Vec<Value> = mr.reviewers.iter().map(|id| person(*id)).collect();
    let assignees: Vec<Value> = mr.assignees.iter().map(|id| person(*id)).collect();
    json!({
        "id": mr.id,
        "iid": mr.iid,
        "project_id": project.id,
        "title": mr.title,
        "description": mr.description,
        "state": mr.state.as_str(),
        "created_at": iso(mr.created_at),
        "updated_at": iso(mr.updated_at),
        "merged_by": merged_by,
        "merge_user": merged_by,
        "merged_at": mr.merged.map(|(time, _)| iso(time)),
        "closed_by": mr.closed.map(|(_, user)| person(user)),
        "closed_at": mr.closed.map(|(time, _)| iso(time)),
        "target_branch": mr.target_branch,
        "source_branch": mr.source_branch,
        "user_notes_count": mr.comments().count(),
        "upvotes": 0,
        "downvotes": 0,
        "author": person(mr.author),
        "assignees": assignees,
        "assignee": assignees.first(),
        "reviewers": reviewers,
        "source_project_id": project.id,
        "target_project_id": project.id,
        "labels": mr.labels,
        "draft": mr.is_draft(),
        "work_in_progress": mr.is_draft(),
        "imported": false,
        "imported_from": "none",
        "milestone": null,
        "merge_when_pipeline_succeeds": mr.auto_merge,
        "merge_status": status.merge,
        "detailed_merge_status": status.detailed,
        "merge_after": null,
        "sha": mr.sha,
        "merge_commit_sha": mr.merge_commit_sha,
        "squash_commit_sha": mr.squash_commit_sha,
        "discussion_locked": null,
        "should_remove_source_branch": null,
        "force_remove_source_branch": mr.remove_source_branch,
        "prepared_at": if mr.preparing { Value::Null } else { json!(iso(mr.created_at)) },
        "reference": format!("!{}", mr.iid),
        "references": {
            "short": format!("!{}", mr.iid),
            "relative": format!("!{}", mr.iid),
            "full": format!("{path}!{}", mr.iid),
        },
        "web_url": format!("{base}/{path}/-/merge_requests/{}", mr.iid),
        "time_stats": { "time_estimate": 0, "total_time_spent": 0,
                        "human_time_estimate": null, "human_total_time_spent": null },
        "squash": mr.squash,
        "squash_on_merge": mr.squash,
        "task_completion_status": { "count": 0, "completed_count": 0 },
        "has_conflicts": status.conflicts,
        "blocking_discussions_resolved": true,
        "approvals_before_merge": null,
    })
}
