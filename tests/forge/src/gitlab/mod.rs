//! The GitLab fake: REST v4 over real bare repositories, and git over HTTP. The handlers name the documentation
//! page of their route; the crate's documentation says what the responses are based on.

pub(crate) mod auth;
pub(crate) mod background;
pub(crate) mod branches;
mod commit_create;
mod commits;
pub(crate) mod entities;
pub(crate) mod extras;
mod files;
mod graphql;
mod hanging;
pub(crate) mod merging;
pub(crate) mod model;
mod mr_list;
mod mr_single;
mod paging;
pub(crate) mod pushes;
pub(crate) mod quick_actions;
pub(crate) mod references;
pub(crate) mod requests;
mod rights;
mod users;

use std::sync::Arc;

use serde_json::json;

use crate::gitlab::auth::Caller;
use crate::http::{Answer, Params, Req, Resp, refuse};
use crate::shared::Shared;
use crate::state::{Access, Code, Project, State};

/// One REST request: caller, route and parameters.
pub(crate) struct Call<'a> {
    pub state: &'a mut State,
    pub caller: Caller,
    pub params: Params,
    pub req: &'a Req,
    /// GitLab's URL, for links.
    pub base: &'a str,
}

pub(crate) async fn handle(shared: &Arc<Shared>, req: Req) -> Resp {
    shared.state().tick();
    if req.path.starts_with("/api/v4/") {
        return rest(shared, &req);
    }
    if req.path == "/api/graphql" {
        return graphql::handle(shared, &req);
    }
    crate::git::smart_http::gitlab(shared, req).await
}

fn rest(shared: &Shared, req: &Req) -> Resp {
    let mut state = shared.state();
    let caller = match auth::identify(&state, req) {
        Ok(caller) => caller,
        Err(resp) => return *resp,
    };
    let user = caller.user.map(|id| state.user(id).username.clone());
    let mut call =
        Call { state: &mut state, caller, params: req.params(), req, base: &shared.urls.gitlab };
    let mut resp = route(&mut call).unwrap_or_else(|resp| *resp);
    resp.user = user;
    resp
}

fn unknown() -> Answer {
    Ok(Resp { unknown_route: true, ..Resp::new(404, "") })
}

fn route(call: &mut Call<'_>) -> Answer {
    let segments = call.req.segments();
    let parts: Vec<&str> = segments.iter().skip(2).map(String::as_str).collect();
    let method = call.req.method.as_str();
    auth::check_scope(call, &parts)?;
    match (method, parts.as_slice()) {
        ("GET" | "HEAD", ["projects", project, rest @ ..]) => {
            let id = find_project(call, project)?;
            read(call, id, rest)
        }
        (_, ["projects", project, rest @ ..]) => {
            if call.caller.user.is_none() {
                return refuse(401, "401 Unauthorized");
            }
            let id = find_project(call, project)?;
            rights::check_write(call.state.project(id), rest)?;
            write(call, id, method, rest)
        }
        ("GET", ["user"]) => users::me(call),
        ("GET", ["users"]) => users::list(call),
        ("GET", ["users", id]) => users::single(call, id),
        ("GET", ["personal_access_tokens", "self"]) => users::token(call),
        ("GET", ["version" | "metadata"]) => users::version(call),
        _ => unknown(),
    }
}

fn read(call: &mut Call<'_>, id: u64, rest: &[&str]) -> Answer {
    match rest {
        [] => users::project(call, id),
        ["repository", ..] if !call.state.project(id).repository_enabled => {
            refuse(404, "404 Repository Not Found")
        }
        ["merge_requests", ..] if !call.state.project(id).merge_requests_enabled => {
            refuse(403, "403 Forbidden")
        }
        ["repository", ..] => {
            need(call, id, Access::Reporter)?;
            read_repository(call, id, &rest[1..])
        }
        ["merge_requests"] => mr_list::list(call, id),
        ["merge_requests", iid] => mr_single::get(call, id, iid),
        ["merge_requests", iid, what @ ..] => hanging::read(call, id, iid, what),
        ["pipelines"] => hanging::project_pipelines(call, id),
        ["protected_branches"] => rights::protected_branches(call, id),
        ["pipeline_schedules"] => extras::schedules(call, id),
        ["pipeline_schedules", number] => extras::schedule(call, id, number),
        ["push_rule"] => extras::push_rule(call, id),
        ["resource_groups", name] => extras::resource_group(call, id, name),
        ["labels", name] => extras::label(call, id, name),
        ["members", "all", user] => rights::member(call, id, user),
        _ => unknown(),
    }
}

fn read_repository(call: &mut Call<'_>, id: u64, rest: &[&str]) -> Answer {
    match rest {
        ["commits"] => commits::list(call, id),
        ["commits", rev] => commits::single(call, id, rev),
        ["commits", rev, "diff"] => commits::diff(call, id, rev),
        ["commits", rev, "merge_requests"] => commits::merge_requests(call, id, rev),
        ["compare"] => commits::compare(call, id),
        ["merge_base"] => commits::merge_base(call, id),
        ["branches"] => branches::list(call, id),
        ["branches", name] => branches::single(call, id, name),
        ["files", path, "raw"] => files::raw(call, id, path),
        ["files", path] => files::single(call, id, path),
        ["blobs", sha, "raw"] => files::blob(call, id, sha, true),
        ["blobs", sha] => files::blob(call, id, sha, false),
        ["tree"] => files::tree(call, id),
        _ => unknown(),
    }
}

fn write(call: &mut Call<'_>, id: u64, method: &str, rest: &[&str]) -> Answer {
    match (method, rest) {
        ("POST", ["repository", "commits"]) => commit_create::create(call, id),
        ("POST", ["repository", "branches"]) => branches::create(call, id),
        ("DELETE", ["repository", "branches", name]) => branches::delete(call, id, name),
        ("POST", ["merge_requests"]) => mr_single::create(call, id),
        ("PUT", ["merge_requests", iid]) => mr_single::update(call, id, iid),
        ("PUT", ["merge_requests", iid, "merge"]) => mr_single::merge(call, id, iid),
        ("PUT", ["merge_requests", iid, "rebase"]) => mr_single::rebase(call, id, iid),
        (_, ["merge_requests", iid, what @ ..]) => hanging::write(call, id, iid, method, what),
        _ => unknown(),
    }
}

/// The project, if the caller may see it (GitLab docs, api/projects; a moved one returns 301).
fn find_project(call: &Call<'_>, name: &str) -> Result<u64, Box<Resp>> {
    let state = &call.state;
    if let Some(id) = state.project_id(name) {
        if visible(state.project(id), &call.caller) {
            return Ok(id);
        }
    } else if let Some(new) = state.moved.get(&name.to_ascii_lowercase())
        && let Some(id) = state.project_id(new)
        && visible(state.project(id), &call.caller)
    {
        let segments: Vec<&str> = call.req.path.split('/').collect();
        let rest = segments.get(5..).unwrap_or_default().join("/");
        let slash = if rest.is_empty() { "" } else { "/" };
        let query =
            if call.req.query.is_empty() { String::new() } else { format!("?{}", call.req.query) };
        let to = format!("{}/api/v4/projects/{id}{slash}{rest}{query}", call.base);
        let body =
            json!({ "message": "This resource has been moved permanently to ".to_owned() + &to });
        return Err(Box::new(Resp::json(301, &body).with("location", to)));
    }
    refuse(404, "404 Project Not Found")
}

fn visible(project: &Project, caller: &Caller) -> bool {
    use crate::state::Visibility::{Internal, Private, Public};
    let open = match project.visibility {
        Public => true,
        Internal => caller.user.is_some(),
        Private => false,
    };
    open || project.access(caller.user).is_some()
}

/// Refuses members below this level. Everybody may read public projects.
fn need(call: &Call<'_>, id: u64, least: Access) -> Result<(), Box<Resp>> {
    let project = call.state.project(id);
    let public =
        least <= Access::Reporter && project.visibility != crate::state::Visibility::Private;
    if public || project.access(call.caller.user) >= Some(least) {
        return Ok(());
    }
    refuse(403, "403 Forbidden")
}

/// The repository of a project that has one.
fn repo(project: &Project) -> Result<&crate::git::repo::Repo, Box<Resp>> {
    match &project.code {
        Code::Real(repo) => Ok(repo),
        Code::Virtual(_) => Err(Box::new(Resp { unknown_route: true, ..Resp::new(404, "") })),
    }
}
