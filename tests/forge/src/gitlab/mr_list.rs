//! The list of a project's merge requests (GitLab docs, api/merge_requests: list project merge requests).

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::gitlab::entities::{self, Status};
use crate::gitlab::model::{MergeRequest, MrState};
use crate::gitlab::{Call, merging, mr_single, need, paging, unknown};
use crate::http::{Answer, Params, Resp};
use crate::settings::ListStatus;
use crate::state::{Access, Project, State};

/// The merge status of a list: the docs say that it is not refreshed there, and `has_conflicts` with it.
pub(crate) fn list_status(state: &State, project: &Project, mr: &MergeRequest) -> Status {
    if mr.state != MrState::Opened {
        return mr_single::shown(mr, mr.check.conflict.unwrap_or_default(), "not_open");
    }
    if mr.check.fresh || state.settings.list_status == ListStatus::Fresh {
        let known = mr.check.conflict.filter(|_| mr.check.fresh);
        let conflict = known.unwrap_or_else(|| merging::conflicts(project, mr.iid));
        return mr_single::shown(mr, conflict, merging::verdict(project, &state.settings, mr.iid));
    }
    match (state.settings.list_status, mr.check.conflict) {
        (ListStatus::Stale, Some(conflict)) => {
            let detailed = if mr.is_draft() {
                "draft_status"
            } else if conflict {
                "conflict"
            } else {
                "mergeable"
            };
            mr_single::shown(mr, conflict, detailed)
        }
        _ if mr.preparing => Status { merge: "preparing", detailed: "preparing", conflicts: false },
        _ => Status { merge: "unchecked", detailed: "unchecked", conflicts: false },
    }
}

/// Values that GitLab's parameter check accepts.
fn check(params: &Params) -> Result<(), Box<Resp>> {
    let known: [(&str, &[&str]); 6] = [
        ("state", &["opened", "closed", "locked", "merged", "all"]),
        (
            "order_by",
            &[
                "created_at",
                "label_priority",
                "milestone_due",
                "popularity",
                "priority",
                "title",
                "updated_at",
                "merged_at",
            ],
        ),
        ("sort", &["asc", "desc"]),
        (
            "scope",
            &[
                "created-by-me",
                "assigned-to-me",
                "created_by_me",
                "assigned_to_me",
                "reviews_for_me",
                "all",
            ],
        ),
        ("view", &["simple"]),
        ("wip", &["yes", "no"]),
    ];
    for (name, values) in known {
        if params.text(name).is_some_and(|value| !values.contains(&value.as_str())) {
            let text = format!("{name} does not have a valid value");
            return Err(Box::new(Resp::json(400, &json!({ "error": text }))));
        }
    }
    if params.has("author_id") && params.has("author_username") {
        let text = "author_id, author_username are mutually exclusive";
        return Err(Box::new(Resp::json(400, &json!({ "error": text }))));
    }
    Ok(())
}

/// Filters that GitLab documents but this fake lacks: they fail instead of being ignored.
const MISSING_FILTERS: &[&str] = &[
    "not",
    "milestone",
    "my_reaction_emoji",
    "assignee_id",
    "assignee_username",
    "reviewer_id",
    "reviewer_username",
    "approved_by_ids",
    "approver_ids",
    "environment",
    "merge_user_id",
    "merge_user_username",
    "deployed_after",
    "deployed_before",
];

fn time(params: &Params, name: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(&params.text(name)?).ok().map(|time| time.with_timezone(&Utc))
}

fn wanted(call: &Call<'_>, mr: &MergeRequest) -> bool {
    let params = &call.params;
    let is = |name: &str, value: &str| params.text(name).is_none_or(|wanted| wanted == value);
    let state =
        params.text("state").is_none_or(|wanted| wanted == "all" || wanted == mr.state.as_str());
    let author = call.state.user(mr.author);
    let by_name = params
        .text("author_username")
        .is_none_or(|name| name.eq_ignore_ascii_case(&author.username));
    let by_id = params.number("author_id").is_none_or(|id| id == mr.author);
    let scope = match params.text("scope").as_deref() {
        Some("created_by_me" | "created-by-me") => Some(mr.author) == call.caller.user,
        Some("assigned_to_me" | "assigned-to-me") => {
            call.caller.user.is_some_and(|me| mr.assignees.contains(&me))
        }
        _ => true,
    };
    let labels = params.list("labels").is_none_or(|labels| match labels.as_slice() {
        [one] if one == "None" => mr.labels.is_empty(),
        [one] if one == "Any" => !mr.labels.is_empty(),
        labels => labels.iter().all(|label| mr.labels.contains(label)),
    });
    let places = params.text("in").unwrap_or_else(|| "title,description".to_owned());
    let search = params.text("search").is_none_or(|search| {
        let has = |text: &str| text.to_lowercase().contains(&search.to_lowercase());
        places.contains("title") && has(&mr.title)
            || places.contains("description") && has(&mr.description)
    });
    let iids = params.list("iids").is_none_or(|iids| iids.contains(&mr.iid.to_string()));
    let draft = params.text("wip").is_none_or(|wip| mr.is_draft() == (wip == "yes"));
    let draft = draft && params.maybe_flag("draft").is_none_or(|draft| mr.is_draft() == draft);
    let after = |name: &str, at: DateTime<Utc>| time(params, name).is_none_or(|limit| at >= limit);
    let before = |name: &str, at: DateTime<Utc>| time(params, name).is_none_or(|limit| at <= limit);
    state
        && by_name
        && by_id
        && scope
        && labels
        && search
        && iids
        && draft
        && is("source_branch", &mr.source_branch)
        && is("target_branch", &mr.target_branch)
        && after("created_after", mr.created_at)
        && before("created_before", mr.created_at)
        && after("updated_after", mr.updated_at)
        && before("updated_before", mr.updated_at)
}

pub(crate) fn list(call: &mut Call<'_>, id: u64) -> Answer {
    need(call, id, Access::Reporter)?;
    check(&call.params)?;
    if MISSING_FILTERS.iter().any(|name| call.params.0.contains_key(*name)) {
        return unknown();
    }
    let mut found: Vec<MergeRequest> = call
        .state
        .project(id)
        .merge_requests
        .iter()
        .filter(|mr| wanted(call, mr))
        .cloned()
        .collect();
    let order = call.params.text("order_by").unwrap_or_default();
    found.sort_by(|one, two| {
        let by = match order.as_str() {
            "updated_at" => one.updated_at.cmp(&two.updated_at),
            "title" => one.title.cmp(&two.title),
            "merged_at" => one.merged.cmp(&two.merged),
            _ => one.created_at.cmp(&two.created_at),
        };
        by.then(one.iid.cmp(&two.iid))
    });
    if call.params.text("sort").as_deref() != Some("asc") {
        found.reverse();
    }
    // Only members who could merge may use it (docs: "at least the Developer role").
    let may_recheck = call.state.project(id).access(call.caller.user) >= Some(Access::Developer);
    let recheck = call.params.flag("with_merge_status_recheck") && may_recheck;
    let simple = call.params.text("view").as_deref() == Some("simple");
    let project = call.state.project(id);
    let answer = paging::page(call, &found, true, |mr| {
        let status = list_status(call.state, project, mr);
        let status = if recheck && mr.state == MrState::Opened && !mr.check.fresh {
            Status { merge: "checking", detailed: "checking", conflicts: status.conflicts }
        } else {
            status
        };
        let body = entities::merge_request(call.state, project, call.base, mr, &status);
        if simple { simplified(&body) } else { body }
    })?;
    if recheck {
        for mr in found.iter().filter(|mr| mr.state == MrState::Opened) {
            mr_single::refresh(call.state, id, mr.iid);
        }
    }
    Ok(answer)
}

fn simplified(body: &Value) -> Value {
    let kept = [
        "id",
        "iid",
        "project_id",
        "title",
        "description",
        "state",
        "created_at",
        "updated_at",
        "web_url",
    ];
    Value::Object(kept.iter().map(|name| ((*name).to_owned(), body[*name].clone())).collect())
}
