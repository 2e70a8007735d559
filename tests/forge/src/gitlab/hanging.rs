//! Objects of a merge request: notes, pipelines, commits, versions, events, approvals (GitLab docs, api/notes,
//! api/merge_requests, api/resource_label_events, api/resource_state_events, api/merge_request_approvals).

use git2::Oid;
use serde_json::{Value, json};

use crate::gitlab::entities::{self, iso, user};
use crate::gitlab::model::{MergeRequest, Version};
use crate::gitlab::mr_single::find;
use crate::gitlab::{Call, need, paging, repo, requests, unknown};
use crate::http::{Answer, Resp, refuse};
use crate::state::Access;

pub(crate) fn read(call: &Call<'_>, id: u64, iid: &str, what: &[&str]) -> Answer {
    let mr = find(call, id, iid)?;
    let who = |id: u64| user(call.state.user(id), call.base);
    match what {
        ["notes"] => notes(call, id, mr),
        ["notes", note] => match mr.notes.iter().find(|found| found.id.to_string() == *note) {
            Some(note) => Ok(Resp::ok(&entities::note(call.state, call.base, mr, id, note))),
            None => refuse(404, "404 Note Not Found"),
        },
        ["pipelines"] => {
            let all = call.state.project(id).pipelines.iter().rev();
            let found: Vec<_> = all
                .filter(|pipeline| pipeline.merge_request == Some(mr.iid) && !pipeline.dropped)
                .collect();
            paging::page(call, &found, true, |pipeline| entities::pipeline(pipeline, id))
        }
        ["commits"] => commits(call, id, mr),
        ["changes"] | ["diffs"] => diffs(call, id, mr),
        ["versions"] => {
            let found: Vec<&Version> = mr.versions.iter().rev().collect();
            paging::page(call, &found, true, |found| version(mr, found))
        }
        ["versions", number] => {
            match mr.versions.iter().find(|found| found.id.to_string() == *number) {
                Some(found) => Ok(Resp::ok(&version(mr, found))),
                None => refuse(404, "404 Not found"),
            }
        }
        ["resource_label_events"] => paging::page(call, &mr.label_events, true, |event| {
            json!({
                "id": event.id, "user": who(event.user), "created_at": iso(event.created_at),
                "resource_type": "MergeRequest", "resource_id": mr.id,
                "label": { "id": 1, "name": event.label, "color": "#34495E", "description": null },
                "action": event.action,
            })
        }),
        ["resource_state_events"] => paging::page(call, &mr.state_events, true, |event| {
            json!({
                "id": event.id, "user": who(event.user), "created_at": iso(event.created_at),
                "resource_type": "MergeRequest", "resource_id": mr.id, "state": event.state,
            })
        }),
        ["approvals"] => Ok(Resp::ok(&approvals(call, mr))),
        ["participants"] => paging::page(call, &[mr.author], true, |id| who(*id)),
        _ => unknown(),
    }
}

pub(crate) fn write(
    call: &mut Call<'_>,
    id: u64,
    iid: &str,
    method: &str,
    what: &[&str],
) -> Answer {
    let iid = find(call, id, iid)?.iid;
    let caller = call.caller.id();
    match (method, what) {
        ("POST", ["notes"]) => comment(call, id, iid),
        ("PUT" | "DELETE", ["notes", note]) => edit_note(call, id, iid, method, note),
        ("POST", ["approve"]) => {
            need(call, id, Access::Developer)?;
            call.state.project_mut(id).request_mut(iid).unwrap().approvals.insert(caller);
            let mr = call.state.project(id).request(iid).unwrap();
            Ok(Resp::json(201, &approvals(call, mr)))
        }
        ("POST", ["unapprove"]) => {
            call.state.project_mut(id).request_mut(iid).unwrap().approvals.remove(&caller);
            Ok(Resp::new(201, ""))
        }
        _ => unknown(),
    }
}

pub(crate) fn project_pipelines(call: &Call<'_>, id: u64) -> Answer {
    need(call, id, Access::Reporter)?;
    let wanted = call.params.text("ref");
    // Of the other scopes nobody asks here.
    let finished = call.params.text("scope").as_deref() == Some("finished");
    let found: Vec<_> = call
        .state
        .project(id)
        .pipelines
        .iter()
        .rev()
        .filter(|pipeline| !pipeline.dropped)
        .filter(|pipeline| {
            let own = pipeline.merge_request.is_none().then_some(pipeline.branch.as_str());
            wanted.as_deref().is_none_or(|wanted| own == Some(wanted))
        })
        .filter(|it| !finished || ["success", "failed", "canceled"].contains(&it.status))
        .collect();
    paging::page(call, &found, true, |pipeline| entities::pipeline(pipeline, id))
}

fn approvals(call: &Call<'_>, mr: &MergeRequest) -> Value {
    let by: Vec<Value> = mr
        .approvals
        .iter()
        .map(|id| json!({ "user": user(call.state.user(*id), call.base) }))
        .collect();
    let required = call.state.settings.required_approvals;
    json!({
        "iid": mr.iid,
        "approved": by.len() >= required,
        "approvals_required": required,
        "approvals_left": required.saturating_sub(by.len()),
        "approved_by": by,
    })
}

/// Newest first unless `sort=asc`; `order_by=created_at` is the default.
fn notes(call: &Call<'_>, id: u64, mr: &MergeRequest) -> Answer {
    let mut found: Vec<_> = mr.notes.iter().collect();
    if call.params.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    match call.params.text("activity_filter").as_deref() {
        Some("only_comments") => found.retain(|note| !note.system),
        Some("only_activity") => found.retain(|note| note.system),
        _ => {}
    }
    paging::page(call, &found, true, |note| entities::note(call.state, call.base, mr, id, note))
}

/// A note that contains only quick actions gets 202 with their results.
fn comment(call: &mut Call<'_>, id: u64, iid: u64) -> Answer {
    let Some(body) = call.params.text("body") else {
        return Ok(Resp::json(400, &json!({ "error": "body is missing" })));
    };
    if body.trim().is_empty() {
        return refuse(400, "400 Bad request - Note {:note=>[\"can't be blank\"]}");
    }
    // GitLab docs, api/notes: a million characters; the description's byte limit applies as well.
    if body.chars().count() > 1_000_000 || body.len() > 1_048_576 {
        let text = "is too long (maximum is 1000000 characters)";
        return refuse(400, format!("400 Bad request - Note {{:note=>[{text:?}]}}"));
    }
    let (now, caller) = (call.state.now(), call.caller.id());
    let minute = now - call.state.settings.minute;
    let requests = call.state.projects.values().flat_map(|project| &project.merge_requests);
    let recent = requests
        .flat_map(MergeRequest::comments)
        .filter(|note| note.author == caller && note.created_at > minute);
    if call.state.settings.notes_per_minute.is_some_and(|limit| recent.count() >= limit) {
        let text = "This endpoint has been requested too many times. Try again later.";
        return refuse(429, json!({ "error": text }));
    }
    match requests::comment(call.state, id, iid, caller, &body) {
        None => {
            Ok(Resp::json(202, &json!({ "commands_changes": {}, "summary": ["Commands applied"] })))
        }
        Some(number) => {
            let mr = call.state.project(id).request(iid).unwrap();
            let note = mr.notes.iter().find(|note| note.id == number).unwrap();
            Ok(Resp::json(201, &entities::note(call.state, call.base, mr, id, note)))
        }
    }
}

fn edit_note(call: &mut Call<'_>, id: u64, iid: u64, method: &str, number: &str) -> Answer {
    let caller = call.caller.id();
    let mr = call.state.project(id).request(iid).unwrap();
    let Some(at) = mr.notes.iter().position(|note| note.id.to_string() == number) else {
        return refuse(404, "404 Note Not Found");
    };
    if mr.notes[at].author != caller {
        need(call, id, Access::Maintainer)?;
    }
    let body = call.params.text("body");
    let mr = call.state.project_mut(id).request_mut(iid).unwrap();
    if method == "DELETE" {
        mr.notes.remove(at);
        return Ok(Resp::new(204, ""));
    }
    mr.notes[at].body = body.unwrap_or_default();
    let mr = call.state.project(id).request(iid).unwrap();
    Ok(Resp::ok(&entities::note(call.state, call.base, mr, id, &mr.notes[at])))
}

fn ends(mr: &MergeRequest) -> Option<(Option<Oid>, Oid)> {
    let last = mr.versions.last()?;
    Some((
        Oid::from_str(&last.base).ok().filter(|base| !base.is_zero()),
        Oid::from_str(&last.head).ok()?,
    ))
}

fn commits(call: &Call<'_>, id: u64, mr: &MergeRequest) -> Answer {
    let project = call.state.project(id);
    let repo = repo(project)?;
    let found: Vec<Oid> =
        ends(mr).map(|(base, head)| repo.log(head, base).collect()).unwrap_or_default();
    paging::page(call, &found, true, |id| entities::commit(repo, project, call.base, *id))
}

/// `/diffs` is a list; `/changes` (deprecated) is the merge request with the list in `changes`.
fn diffs(call: &Call<'_>, id: u64, mr: &MergeRequest) -> Answer {
    let project = call.state.project(id);
    let repo = repo(project)?;
    let found = ends(mr).map(|(base, head)| repo.diff(base, head)).unwrap_or_default();
    if call.req.path.ends_with("/diffs") {
        return paging::page(call, &found, true, entities::diff);
    }
    let status = crate::gitlab::mr_list::list_status(call.state, project, mr);
    let mut body = entities::merge_request(call.state, project, call.base, mr, &status);
    body["changes"] = Value::Array(found.iter().map(entities::diff).collect());
    body["overflow"] = json!(false);
    Ok(Resp::ok(&body))
}

fn version(mr: &MergeRequest, found: &Version) -> Value {
    json!({
        "id": found.id,
        "head_commit_sha": found.head,
        "base_commit_sha": found.base,
        "start_commit_sha": found.start,
        "created_at": iso(found.created_at),
        "merge_request_id": mr.id,
        "state": "collected",
        "real_size": "1",
        "patch_id_sha": found.patch_id,
    })
}
