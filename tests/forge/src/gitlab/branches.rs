//! Branches (GitLab docs, api/branches).

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use git2::Oid;
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::git::repo::Repo;
use crate::gitlab::{Call, entities, need, paging, pushes, repo};
use crate::http::{Answer, Resp, refuse};
use crate::state::{Access, Project};

fn branch(call: &Call<'_>, project: &Project, repo: &Repo, name: &str, tip: Oid) -> Value {
    let default = name == project.default_branch;
    let merged =
        !default && repo.tip(&project.default_branch).is_some_and(|main| repo.contains(main, tip));
    json!({
        "name": name,
        "merged": merged,
        "protected": project.protection(name).is_some(),
        "default": default,
        "developers_can_push": false,
        "developers_can_merge": false,
        "can_push": pushes::may_push(call.state, project.id, call.caller.id(), name),
        "web_url": format!("{}/{}/-/tree/{name}", call.base, project.path),
        "commit": entities::commit(repo, project, call.base, tip),
    })
}

type Matcher = Box<dyn Fn(&str) -> bool>;

/// `search`: part of the name, `^begin`, `end$`, `^whole$`; `regex`: a regular expression.
fn matcher(call: &Call<'_>) -> Result<Matcher, Box<Resp>> {
    if let Some(pattern) = call.params.text("regex") {
        return match Regex::new(&pattern) {
            Ok(regex) => Ok(Box::new(move |name| regex.is_match(name))),
            Err(_) => refuse(400, "regex is an invalid regexp"),
        };
    }
    let Some(search) = call.params.text("search").filter(|search| !search.is_empty()) else {
        return Ok(Box::new(|_| true));
    };
    let search = search.to_lowercase();
    let start = search.starts_with('^');
    let end = search.len() > 1 && search.ends_with('$');
    let text = search.trim_start_matches('^').trim_end_matches('$').to_owned();
    Ok(Box::new(move |name| {
        let name = name.to_lowercase();
        match (start, end) {
            (true, true) => name == text,
            (true, false) => name.starts_with(&text),
            (false, true) => name.ends_with(&text),
            (false, false) => name.contains(&text),
        }
    }))
}

/// Returned lists of branches: project, user and parameters, with time and content.
pub(crate) type BranchLists = BTreeMap<(u64, u64, String), (DateTime<Utc>, Resp)>;

/// The list, or the one that the same user got for the same parameters a moment ago.
pub(crate) fn list(call: &mut Call<'_>, id: u64) -> Answer {
    let now = call.state.now();
    let for_long = Duration::seconds(call.state.settings.branch_list_cache_s.into());
    let key = (id, call.caller.id(), call.req.query.clone());
    if let Some((at, answer)) = call.state.branch_lists.get(&key)
        && *at + for_long > now
    {
        return Ok(answer.clone());
    }
    let answer = fresh_list(call, id)?;
    call.state.branch_lists.insert(key, (now, answer.clone()));
    Ok(answer)
}

fn fresh_list(call: &Call<'_>, id: u64) -> Answer {
    let project = call.state.project(id);
    let repo = repo(project)?;
    let wanted = matcher(call)?;
    let all = repo.branches();
    let total = all.len();
    let found: Vec<(String, Oid)> = all.into_iter().filter(|(name, _)| wanted(name)).collect();
    let render = |(name, tip): &(String, Oid)| branch(call, project, repo, name, *tip);
    if call.params.text("pagination").as_deref() == Some("keyset") {
        return paging::by_key(call, &found, |(name, _)| name, render);
    }
    let searched = call.params.text("search").is_some_and(|search| !search.is_empty());
    if searched {
        return paging::page_of_search(call, &found, total, render);
    }
    paging::page(call, &found, true, render)
}

pub(crate) fn single(call: &Call<'_>, id: u64, name: &str) -> Answer {
    let project = call.state.project(id);
    let repo = repo(project)?;
    let found = repo.tip(name);
    if call.req.method == "HEAD" {
        return Ok(Resp::new(if found.is_some() { 204 } else { 404 }, ""));
    }
    match found {
        Some(tip) => Ok(Resp::ok(&branch(call, project, repo, name, tip))),
        None => refuse(404, "404 Branch Not Found"),
    }
}

pub(crate) fn create(call: &mut Call<'_>, id: u64) -> Answer {
    need(call, id, Access::Developer)?;
    let (Some(name), Some(from)) = (call.params.text("branch"), call.params.text("ref")) else {
        return Ok(Resp::json(400, &json!({ "error": "branch is missing, ref is missing" })));
    };
    let repository = repo(call.state.project(id))?;
    if !Repo::valid_branch_name(&name) {
        return refuse(400, "Branch name is invalid");
    }
    if repository.tip(&name).is_some() {
        return refuse(400, "Branch already exists");
    }
    let Some(tip) = repository.resolve(&from) else {
        return refuse(400, format!("Invalid reference name: {from}"));
    };
    let user = call.caller.id();
    if let Err(text) = pushes::push(call.state, id, user, &name, tip) {
        return refuse(400, text);
    }
    let project = call.state.project(id);
    Ok(Resp::json(201, &branch(call, project, repo(project)?, &name, tip)))
}

pub(crate) fn delete(call: &mut Call<'_>, id: u64, name: &str) -> Answer {
    need(call, id, Access::Developer)?;
    let project = call.state.project(id);
    if repo(project)?.tip(name).is_none() {
        return refuse(404, "404 Branch Not Found");
    }
    if name == project.default_branch {
        return refuse(405, "Cannot remove HEAD branch");
    }
    let user = call.caller.id();
    // Whatever the push rules: only Maintainers may delete a protected branch.
    if project.protection(name).is_some() && project.access(Some(user)) < Some(Access::Maintainer) {
        return refuse(
            400,
            "You are not allowed to delete protected branches from this project. Only a project maintainer or owner \
             can delete a protected branch.",
        );
    }
    pushes::delete_branch(call.state, id, user, name);
    Ok(Resp::new(204, ""))
}
