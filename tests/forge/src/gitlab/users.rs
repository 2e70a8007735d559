//! Users, the token itself, projects, the version (GitLab docs, api/users, api/personal_access_tokens, api/projects,
//! api/metadata).

use serde_json::{Value, json};

use crate::gitlab::entities::{iso, user};
use crate::gitlab::{Call, paging};
use crate::http::{Answer, Resp, refuse};
use crate::state::User;

pub(crate) fn me(call: &Call<'_>) -> Answer {
    let Some(id) = call.caller.user else { return refuse(401, "401 Unauthorized") };
    let person = call.state.user(id);
    let mut body = user(person, call.base);
    body["email"] = json!(person.email);
    body["commit_email"] = json!(person.email);
    body["public_email"] = Value::Null;
    body["bot"] = json!(person.bot);
    body["can_create_project"] = json!(true);
    if call.caller.is_admin() {
        body["is_admin"] = json!(true);
    }
    Ok(Resp::ok(&body))
}

pub(crate) fn list(call: &Call<'_>) -> Answer {
    if call.caller.user.is_none() && !call.params.has("username") {
        return refuse(403, "403 Forbidden");
    }
    let wanted = call.params.text("username");
    let search = call.params.text("search").map(|text| text.to_lowercase());
    let sees_all = call.caller.is_admin();
    // An address is found as a whole; names are found by any part of them.
    let is_found = |user: &User, text: &str| {
        let by_email = (sees_all || user.email_is_public) && user.email.to_lowercase() == *text;
        by_email || [&user.name, &user.username].iter().any(|own| own.to_lowercase().contains(text))
    };
    let found: Vec<_> = call
        .state
        .users
        .iter()
        .filter(|user| sees_all || !["blocked", "banned"].contains(&user.state))
        .filter(|user| wanted.as_ref().is_none_or(|name| user.username.eq_ignore_ascii_case(name)))
        .filter(|user| search.as_ref().is_none_or(|text| is_found(user, text)))
        .collect();
    paging::page(call, &found, true, |person| user(person, call.base))
}

pub(crate) fn single(call: &Call<'_>, id: &str) -> Answer {
    let found =
        id.parse().ok().and_then(|id: u64| call.state.users.iter().find(|user| user.id == id));
    match found {
        Some(person) => Ok(Resp::ok(&user(person, call.base))),
        None => refuse(404, "404 User Not Found"),
    }
}

pub(crate) fn token(call: &Call<'_>) -> Answer {
    let Some(token) = call.caller.token.as_ref().filter(|token| !token.job) else {
        return refuse(401, "401 Unauthorized");
    };
    Ok(Resp::ok(&json!({
        "id": 1,
        "name": "token",
        "revoked": false,
        "expired": false,
        "granular": token.granular,
        "created_at": "2026-01-01T00:00:00.000Z",
        "description": null,
        "scopes": token.scopes,
        "user_id": token.user,
        "last_used_at": iso(call.state.now()),
        "active": true,
        "expires_at": token.expires_at.map(|end| end.date_naive().to_string()),
    })))
}

pub(crate) fn version(call: &Call<'_>) -> Answer {
    if call.caller.user.is_none() {
        return refuse(401, "401 Unauthorized");
    }
    Ok(Resp::ok(&json!({
        "version": call.state.settings.version,
        "revision": "0123456789a",
        "kas": { "enabled": false, "externalUrl": null, "version": null },
        "enterprise": true,
    })))
}

pub(crate) fn project(call: &Call<'_>, id: u64) -> Answer {
    let project = call.state.project(id);
    let settings = &call.state.settings;
    let url = format!("{}/{}", call.base, project.path);
    let name = project.path.rsplit('/').next().unwrap_or_default();
    let access = call
        .caller
        .user
        .and_then(|user| project.members.get(&user))
        .map(|level| json!({ "access_level": *level as u8, "notification_level": 3 }));
    let level = |enabled: bool| if enabled { "enabled" } else { "disabled" };
    let empty = project.repo().is_some_and(|repo| repo.branches().is_empty());
    let mut body = json!({
        "id": project.id,
        "description": null,
        "name": name,
        "path": name,
        "path_with_namespace": project.path,
        "name_with_namespace": project.path.replace('/', " / "),
        "created_at": "2026-01-01T00:00:00.000Z",
        "default_branch": if empty { Value::Null } else { json!(project.default_branch) },
        "http_url_to_repo": format!("{url}.git"),
        "ssh_url_to_repo": format!("git@gitlab.invalid:{}.git", project.path),
        "web_url": url,
        "readme_url": null,
        "visibility": format!("{:?}", project.visibility).to_lowercase(),
        "empty_repo": empty,
        "archived": project.archived,
        "merge_requests_enabled": project.merge_requests_enabled,
        "merge_requests_access_level": level(project.merge_requests_enabled),
        "repository_access_level": level(project.repository_enabled),
        "merge_method": project.merge_method.as_str(),
        "squash_option": "default_off",
        "remove_source_branch_after_merge": settings.remove_source_branch,
        "only_allow_merge_if_pipeline_succeeds": false,
        "only_allow_merge_if_all_discussions_are_resolved": false,
        "approvals_before_merge": settings.required_approvals,
        "permissions": { "project_access": access, "group_access": null },
    });
    for (field, value) in &project.extras.settings {
        body[field.as_str()] = value.clone();
    }
    Ok(Resp::ok(&body))
}
