//! One merge request: read, opened, edited, merged, rebased (GitLab docs, api/merge_requests).

use serde_json::{Value, json};

use crate::gitlab::entities::{self, Status};
use crate::gitlab::model::{MergeRequest, MrState};
use crate::gitlab::requests::{self, NewMergeRequest, Refused};
use crate::gitlab::{Call, merging, need, pushes};
use crate::http::{Answer, Resp, refuse};
use crate::state::{Access, State};

impl From<Refused> for Box<Resp> {
    fn from(Refused(status, message): Refused) -> Self {
        Box::new(Resp::message(status, message))
    }
}

/// A merge request that this caller may see.
pub(crate) fn find<'a>(
    call: &'a Call<'_>,
    id: u64,
    iid: &str,
) -> Result<&'a MergeRequest, Box<Resp>> {
    need(call, id, Access::Reporter)?;
    let Ok(iid) = iid.parse::<u64>() else {
        return Err(Box::new(Resp::json(400, &json!({ "error": "merge_request_iid is invalid" }))));
    };
    match call.state.project(id).request(iid) {
        Some(request) => Ok(request),
        None => refuse(404, "404 Not found"),
    }
}

/// Both statuses in matching form.
pub(crate) fn shown(mr: &MergeRequest, conflict: bool, detailed: &'static str) -> Status {
    let conflict = conflict && mr.state == MrState::Opened || detailed == "conflict";
    let merge =
        if conflict || detailed == "commits_status" { "cannot_be_merged" } else { "can_be_merged" };
    Status { merge, detailed, conflicts: conflict }
}

/// One step of the check that a read starts; true when it is complete.
pub(crate) fn refresh(state: &mut State, id: u64, iid: u64) -> bool {
    let request = state.project_mut(id).request_mut(iid).expect("a request");
    request.preparing = false;
    if request.check.fresh || request.state != MrState::Opened {
        return true;
    }
    if request.check.reads_left > 0 {
        request.check.reads_left -= 1;
        return false;
    }
    let conflict = merging::conflicts(state.project(id), iid);
    let request = state.project_mut(id).request_mut(iid).expect("a request");
    request.check.fresh = true;
    request.check.conflict = Some(conflict);
    true
}

/// The full object. Without `status`, that of the check.
fn full(call: &Call<'_>, id: u64, iid: u64, status: &Status) -> Value {
    let project = call.state.project(id);
    let mr = project.request(iid).expect("a request");
    let mut body = entities::merge_request(call.state, project, call.base, mr, status);
    let version = mr.versions.last().filter(|_| !mr.preparing);
    body["diff_refs"] = version.map_or(Value::Null, |version| {
        json!({ "base_sha": version.base, "head_sha": version.head, "start_sha": version.start })
    });
    body["changes_count"] = json!(version.map(|version| version.changes.to_string()));
    body["subscribed"] = json!(false);
    body["merge_error"] = json!(mr.merge_error);
    body["first_contribution"] = json!(false);
    body["latest_build_started_at"] = Value::Null;
    body["latest_build_finished_at"] = Value::Null;
    body["first_deployed_to_production_at"] = Value::Null;
    let last = project
        .pipelines
        .iter()
        .rev()
        .find(|pipeline| pipeline.merge_request == Some(iid) && !pipeline.dropped);
    let last = last.filter(|pipeline| Some(&pipeline.sha) == mr.sha.as_ref());
    body["head_pipeline"] = last.map_or(Value::Null, |pipeline| entities::pipeline(pipeline, id));
    body["pipeline"] = body["head_pipeline"].clone();
    let merges = pushes::may_push(call.state, id, call.caller.id(), &mr.target_branch);
    body["user"] = json!({ "can_merge": merges });
    if call.params.flag("include_rebase_in_progress") {
        body["rebase_in_progress"] = json!(mr.rebasing);
    }
    if call.params.flag("include_diverged_commits_count")
        && let Some(repo) = project.repo()
    {
        let tips = repo.tip(&mr.source_branch).zip(repo.tip(&mr.target_branch));
        body["diverged_commits_count"] =
            json!(tips.map_or(0, |(source, target)| repo.ahead_behind(target, source).0));
    }
    body
}

/// The status in a read of this merge request, after one step of the check.
fn checked(state: &mut State, id: u64, iid: u64) -> Status {
    if !refresh(state, id, iid) {
        let conflicts =
            state.project(id).request(iid).and_then(|mr| mr.check.conflict).unwrap_or_default();
        return Status { merge: "checking", detailed: "checking", conflicts };
    }
    let project = state.project(id);
    let mr = project.request(iid).expect("a request");
    let conflict = mr.check.conflict.unwrap_or_default();
    shown(mr, conflict, merging::verdict(project, &state.settings, iid))
}

/// The response to a write, which starts no check.
fn written(call: &Call<'_>, id: u64, iid: u64, status: u16) -> Resp {
    let project = call.state.project(id);
    let mr = project.request(iid).expect("a request");
    let shown = crate::gitlab::mr_list::list_status(call.state, project, mr);
    Resp::json(status, &full(call, id, iid, &shown))
}

pub(crate) fn get(call: &mut Call<'_>, id: u64, iid: &str) -> Answer {
    let iid = find(call, id, iid)?.iid;
    let status = checked(call.state, id, iid);
    Ok(Resp::ok(&full(call, id, iid, &status)))
}

pub(crate) fn create(call: &mut Call<'_>, id: u64) -> Answer {
    need(call, id, Access::Developer)?;
    let params = &call.params;
    let missing: Vec<String> = ["source_branch", "target_branch", "title"]
        .into_iter()
        .filter(|name| !params.has(name))
        .map(|name| format!("{name} is missing"))
        .collect();
    if !missing.is_empty() {
        return Ok(Resp::json(400, &json!({ "error": missing.join(", ") })));
    }
    let text = |name: &str| params.text(name).unwrap_or_default();
    let new = NewMergeRequest {
        source_branch: text("source_branch"),
        target_branch: text("target_branch"),
        title: text("title"),
        description: text("description"),
        labels: params.list("labels").unwrap_or_default(),
        remove_source_branch: params.flag("remove_source_branch"),
        squash: params.flag("squash"),
    };
    requests::check_branches_exist(call.state, id, &new)?;
    let reviewers = user_ids(params.list("reviewer_ids"));
    let iid = requests::open(call.state, id, call.caller.id(), new)?;
    if let Some(reviewers) = reviewers {
        requests::set_reviewers(call.state, id, iid, &reviewers);
    }
    Ok(written(call, id, iid, 201))
}

/// Numbers of users.
fn user_ids(values: Option<Vec<String>>) -> Option<Vec<u64>> {
    values.map(|values| values.iter().filter_map(|value| value.parse().ok()).collect())
}

/// What an update may name; at least one is needed.
const UPDATES: &[&str] = &[
    "assignee_id",
    "assignee_ids",
    "reviewer_ids",
    "description",
    "labels",
    "add_labels",
    "remove_labels",
    "milestone_id",
    "remove_source_branch",
    "allow_collaboration",
    "state_event",
    "target_branch",
    "title",
    "discussion_locked",
    "squash",
    "merge_after",
];

pub(crate) fn update(call: &mut Call<'_>, id: u64, iid: &str) -> Answer {
    let request = find(call, id, iid)?;
    let (iid, author) = (request.iid, request.author);
    let user = call.caller.id();
    if author != user {
        need(call, id, Access::Developer)?;
    }
    let params = &call.params;
    if !UPDATES.iter().any(|name| params.0.contains_key(*name)) {
        let text =
            format!("{} are missing, at least one parameter must be provided", UPDATES.join(", "));
        return Ok(Resp::json(400, &json!({ "error": text })));
    }
    let event = params.text("state_event");
    if event.as_deref().is_some_and(|event| event != "close" && event != "reopen") {
        return Ok(Resp::json(400, &json!({ "error": "state_event does not have a valid value" })));
    }
    let (title, description) = (params.text("title"), params.text("description"));
    requests::check_texts(title.as_deref(), description.as_deref())?;
    let target = params.text("target_branch");
    let labels = params.list("labels");
    let (add, remove) = (params.list("add_labels"), params.list("remove_labels"));
    let remove_branch = params.maybe_flag("remove_source_branch");
    let squash = params.maybe_flag("squash");
    let reviewers = user_ids(params.list("reviewer_ids"));
    let state = &mut *call.state;
    if let Some(target) =
        target.filter(|target| *target != state.project(id).request(iid).unwrap().target_branch)
    {
        requests::retarget(state, id, iid, user, &target)?;
    }
    if let Some(reviewers) = reviewers {
        requests::set_reviewers(state, id, iid, &reviewers);
    }
    if event.as_deref() == Some("reopen") {
        requests::reopen(state, id, iid, user)?;
    }
    if let Some(title) = title {
        requests::set_title(state, id, iid, user, &title);
    }
    if let Some(description) = description {
        requests::set_description(state, id, iid, user, &description);
    }
    if let Some(labels) = labels {
        let now = state.project(id).request(iid).unwrap().labels.clone();
        let gone: Vec<String> = now.into_iter().filter(|label| !labels.contains(label)).collect();
        requests::set_labels(state, id, iid, user, &labels, &gone);
    }
    requests::set_labels(
        state,
        id,
        iid,
        user,
        &add.unwrap_or_default(),
        &remove.unwrap_or_default(),
    );
    let request = state.project_mut(id).request_mut(iid).unwrap();
    request.remove_source_branch = remove_branch.unwrap_or(request.remove_source_branch);
    request.squash = squash.unwrap_or(request.squash);
    if event.as_deref() == Some("close") {
        requests::set_state(state, id, iid, user, MrState::Closed);
    }
    Ok(written(call, id, iid, 200))
}

pub(crate) fn merge(call: &mut Call<'_>, id: u64, iid: &str) -> Answer {
    let iid = find(call, id, iid)?.iid;
    let options = merging::Options {
        sha: call.params.text("sha"),
        message: call.params.text("merge_commit_message"),
        remove_source_branch: call.params.maybe_flag("should_remove_source_branch"),
        squash: call.params.maybe_flag("squash"),
        auto_merge: ["auto_merge", "merge_when_pipeline_succeeds"]
            .iter()
            .any(|name| call.params.flag(name)),
    };
    merging::merge(call.state, id, iid, call.caller.id(), &options)?;
    Ok(written(call, id, iid, 200))
}

pub(crate) fn rebase(call: &mut Call<'_>, id: u64, iid: &str) -> Answer {
    let iid = find(call, id, iid)?.iid;
    merging::start_rebase(call.state, id, iid, call.caller.id())?;
    Ok(Resp::json(202, &json!({ "rebase_in_progress": true })))
}
