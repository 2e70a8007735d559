//! Rights: protected branches, members, read-only projects (GitLab docs, api/protected_branches,
//! api/members, user/project/working_with_projects: archive, user/project/settings: features).

use serde_json::{Value, json};

use crate::gitlab::{Call, entities, need, paging};
use crate::http::{Answer, Resp, refuse};
use crate::state::{Access, Project};

/// Users who may read code see how branches are protected; in an older GitLab only Maintainers.
pub(crate) fn protected_branches(call: &Call<'_>, id: u64) -> Answer {
    need_member(call, id, call.state.settings.lists_protection)?;
    let rules: Vec<_> = call.state.project(id).protected.iter().collect();
    paging::page(call, &rules, true, |(name, rule)| {
        let level = |id: u64| {
            let least = rule.push.map_or(0, |least| least as u8);
            let who = rule.push.map_or("No one".to_owned(), |least| format!("{least:?}s"));
            json!([{ "id": id, "access_level": least, "access_level_description": who,
                     "user_id": null, "group_id": null, "deploy_key_id": null }])
        };
        json!({
            "id": 1,
            "name": name,
            "push_access_levels": level(1),
            "merge_access_levels": level(2),
            "allow_force_push": rule.allow_force_push,
            "code_owner_approval_required": false,
            "inherited": false,
        })
    })
}

/// A member of the project, or of a group that the project is shared with.
pub(crate) fn member(call: &Call<'_>, id: u64, user: &str) -> Answer {
    if call.caller.user.is_none() {
        return refuse(401, "401 Unauthorized");
    }
    let project = call.state.project(id);
    let user: u64 = user.parse().unwrap_or_default();
    let Some(access) = project.access(Some(user)) else { return refuse(404, "404 Not found") };
    let mut body: Value = entities::user(call.state.user(user), call.base);
    body["access_level"] = json!(access as u8);
    body["expires_at"] = Value::Null;
    Ok(Resp::ok(&body))
}

fn need_member(call: &Call<'_>, id: u64, least: Access) -> Result<(), Box<Resp>> {
    need(call, id, Access::Reporter)?;
    if call.state.project(id).access(call.caller.user) >= Some(least) {
        return Ok(());
    }
    refuse(403, "403 Forbidden")
}

/// An archived project accepts no writes, and neither do disabled features.
pub(crate) fn check_write(project: &Project, rest: &[&str]) -> Result<(), Box<Resp>> {
    let off = match rest {
        ["repository", ..] => !project.repository_enabled,
        ["merge_requests", ..] => !project.merge_requests_enabled,
        _ => false,
    };
    if project.archived || off { refuse(403, "403 Forbidden") } else { Ok(()) }
}
