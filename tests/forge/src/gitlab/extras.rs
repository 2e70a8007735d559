//! What a project has beside its merge requests: schedules, push rule, resource groups, labels (GitLab docs,
//! api/pipeline_schedules, api/project_push_rules, api/resource_groups, api/labels).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::gitlab::entities::user;
use crate::gitlab::{Call, need, paging};
use crate::http::{Answer, Resp, refuse};
use crate::state::Access;

/// A pipeline schedule.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its description.
    pub description: String,
    /// The branch that it runs on.
    pub branch: String,
    /// Is it on?
    pub active: bool,
    /// Its owner's number.
    pub owner: u64,
    /// How its last pipeline ended.
    pub last_status: Option<String>,
}

/// What a project has beside its merge requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extras {
    pub schedules: Vec<Schedule>,
    /// Fields of the push rule; none: the project has none.
    pub push_rule: Option<Value>,
    /// Who may read the push rule: Developers, if nobody is named.
    pub push_rule_access: Option<Access>,
    /// Process mode by resource group.
    pub resource_groups: BTreeMap<String, String>,
    /// Labels that were made by hand.
    pub labels: BTreeSet<String>,
    /// Other values of fields of the project.
    pub settings: BTreeMap<String, Value>,
    /// State of users who cannot sign in, by number.
    pub blocked: BTreeSet<u64>,
}

pub(crate) fn schedules(call: &Call<'_>, id: u64) -> Answer {
    need(call, id, Access::Developer)?;
    let all: Vec<_> = call.state.project(id).extras.schedules.iter().enumerate().collect();
    paging::page(call, &all, true, |(at, schedule)| body(call, id, *at, schedule))
}

pub(crate) fn schedule(call: &Call<'_>, id: u64, number: &str) -> Answer {
    need(call, id, Access::Developer)?;
    let at = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let found = at.and_then(|at| Some((at, call.state.project(id).extras.schedules.get(at)?)));
    let Some((at, schedule)) = found else { return refuse(404, "404 Pipeline Schedule Not Found") };
    let mut answer = body(call, id, at, schedule);
    answer["last_pipeline"] = schedule
        .last_status
        .as_ref()
        .map_or(Value::Null, |status| json!({ "id": 1, "status": status }));
    Ok(Resp::ok(&answer))
}

fn body(call: &Call<'_>, id: u64, at: usize, schedule: &Schedule) -> Value {
    let mut owner = user(call.state.user(schedule.owner), call.base);
    if call.state.project(id).extras.blocked.contains(&schedule.owner) {
        owner["state"] = json!("blocked");
    }
    json!({
        "id": at + 1, "description": schedule.description, "ref": format!("refs/heads/{}", schedule.branch),
        "cron": "*/10 * * * *", "cron_timezone": "UTC", "active": schedule.active, "owner": owner,
    })
}

/// The push rule: 404 where there is none (also without a licence).
pub(crate) fn push_rule(call: &Call<'_>, id: u64) -> Answer {
    let extras = &call.state.project(id).extras;
    need(call, id, extras.push_rule_access.unwrap_or(Access::Developer))?;
    match &extras.push_rule {
        Some(rule) => Ok(Resp::ok(rule)),
        None => refuse(404, "404 Not Found"),
    }
}

pub(crate) fn resource_group(call: &Call<'_>, id: u64, name: &str) -> Answer {
    need(call, id, Access::Developer)?;
    match call.state.project(id).extras.resource_groups.get(name) {
        Some(mode) => Ok(Resp::ok(&json!({ "id": 1, "key": name, "process_mode": mode }))),
        None => refuse(404, "404 Not found"),
    }
}

/// A label, if it was made or ever put on.
pub(crate) fn label(call: &Call<'_>, id: u64, name: &str) -> Answer {
    need(call, id, Access::Reporter)?;
    let project = call.state.project(id);
    let mut events = project.merge_requests.iter().flat_map(|mr| &mr.label_events);
    if project.extras.labels.contains(name) || events.any(|event| event.label == name) {
        return Ok(Resp::ok(&json!({ "id": 1, "name": name, "color": "#34495E" })));
    }
    refuse(404, "404 Label Not Found")
}
