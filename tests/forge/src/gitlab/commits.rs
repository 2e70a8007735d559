//! Reading commits (GitLab docs, api/commits and api/repositories).

use git2::Oid;
use serde_json::{Value, json};

use crate::git::repo::Repo;
use crate::gitlab::mr_list::list_status;
use crate::gitlab::{Call, entities, paging, repo};
use crate::http::{Answer, Resp, refuse};
use crate::state::Code;

pub(crate) fn find(repo: &Repo, rev: &str) -> Result<Oid, Box<Resp>> {
    match repo.resolve(rev) {
        Some(id) => Ok(id),
        None => refuse(404, "404 Commit Not Found"),
    }
}

pub(crate) fn list(call: &Call<'_>, id: u64) -> Answer {
    let project = call.state.project(id);
    let name = call.params.text("ref_name").filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| project.default_branch.clone());
    if let Code::Virtual(refs) = &project.code {
        let found: Vec<_> = match name.split_once("..") {
            Some((from, to)) => call.state.history.range(from, to),
            None => refs.get(&name).into_iter().collect(),
        };
        return paging::page(call, &found, false, |info| {
            entities::virtual_commit(project, call.base, info)
        });
    }
    let repo = repo(project)?;
    // `a..b` is a range.
    let (hide, tip) = match name.split_once("..") {
        Some((hide, tip)) => (Some(find(repo, hide)?), tip.to_owned()),
        None => (None, name),
    };
    let tip = find(repo, &tip)?;
    let path = call.params.text("path").filter(|path| !path.is_empty());
    let mut found: Vec<Oid> = repo.log(tip, hide).collect();
    if let Some(path) = path {
        found.retain(|id| repo.last_commit_of(*id, &path) == Some(*id));
    }
    if let Some(since) = call.params.text("since").and_then(|text| text.parse().ok()) {
        let since: chrono::DateTime<chrono::Utc> = since;
        let date = |id: &Oid| repo.git.find_commit(*id).map(|commit| commit.time().seconds());
        found.retain(|id| date(id).is_ok_and(|at| at >= since.timestamp()));
    }
    paging::page(call, &found, false, |id| entities::commit(repo, project, call.base, *id))
}

pub(crate) fn single(call: &Call<'_>, id: u64, rev: &str) -> Answer {
    let project = call.state.project(id);
    if let Code::Virtual(refs) = &project.code {
        let by_hash = || refs.values().find(|info| info.sha.eq_ignore_ascii_case(rev));
        return match refs.get(rev).or_else(by_hash) {
            Some(info) => Ok(Resp::ok(&entities::virtual_commit(project, call.base, info))),
            None => refuse(404, "404 Commit Not Found"),
        };
    }
    let repo = repo(project)?;
    let commit = find(repo, rev)?;
    let stats = call.params.maybe_flag("stats").unwrap_or(true);
    Ok(Resp::ok(&detail(call, repo, id, commit, stats)))
}

/// A commit with the fields that the list omits.
pub(crate) fn detail(call: &Call<'_>, repo: &Repo, id: u64, commit: Oid, stats: bool) -> Value {
    let project = call.state.project(id);
    let mut body = entities::commit(repo, project, call.base, commit);
    if stats {
        let count = |sign: char, skip: &str, patch: &str| {
            patch.lines().filter(|line| line.starts_with(sign) && !line.starts_with(skip)).count()
        };
        let parent = repo.git.find_commit(commit).ok().and_then(|commit| commit.parent_id(0).ok());
        let files = repo.diff(parent, commit);
        let added: usize = files.iter().map(|file| count('+', "+++", &file.patch)).sum();
        let removed: usize = files.iter().map(|file| count('-', "---", &file.patch)).sum();
        body["stats"] =
            json!({ "additions": added, "deletions": removed, "total": added + removed });
    }
    body["status"] = Value::Null;
    body["project_id"] = json!(id);
    let last = project
        .pipelines
        .iter()
        .rev()
        .find(|pipeline| pipeline.sha == commit.to_string() && !pipeline.dropped);
    body["last_pipeline"] = last.map_or(Value::Null, |pipeline| entities::pipeline(pipeline, id));
    body
}

pub(crate) fn diff(call: &Call<'_>, id: u64, rev: &str) -> Answer {
    let repo = repo(call.state.project(id))?;
    let commit = find(repo, rev)?;
    let parent = repo.git.find_commit(commit).ok().and_then(|commit| commit.parent_id(0).ok());
    paging::page(call, &repo.diff(parent, commit), true, entities::diff)
}

pub(crate) fn merge_requests(call: &Call<'_>, id: u64, rev: &str) -> Answer {
    let project = call.state.project(id);
    let repo = repo(project)?;
    let commit = find(repo, rev)?;
    let has = |text: &Option<String>| {
        text.as_ref()
            .and_then(|text| Oid::from_str(text).ok())
            .is_some_and(|head| repo.contains(head, commit))
    };
    let found: Vec<_> = project
        .merge_requests
        .iter()
        .filter(|mr| has(&mr.sha) || has(&mr.merge_commit_sha))
        .collect();
    paging::page(call, &found, true, |mr| {
        let status = list_status(call.state, project, mr);
        entities::merge_request(call.state, project, call.base, mr, &status)
    })
}

pub(crate) fn compare(call: &Call<'_>, id: u64) -> Answer {
    let project = call.state.project(id);
    let repo = repo(project)?;
    let (Some(from), Some(to)) = (call.params.text("from"), call.params.text("to")) else {
        return Ok(Resp::json(400, &json!({ "error": "from is missing, to is missing" })));
    };
    let (Some(from), Some(to)) = (repo.resolve(&from), repo.resolve(&to)) else {
        return refuse(404, "404 Ref Not Found");
    };
    let straight = call.params.flag("straight");
    let base = if straight { Some(from) } else { repo.merge_base(from, to) };
    let mut commits: Vec<Oid> = repo.log(to, Some(from)).collect();
    commits.reverse();
    let commits: Vec<Value> =
        commits.iter().map(|id| entities::commit(repo, project, call.base, *id)).collect();
    Ok(Resp::ok(&json!({
        "commit": commits.last(),
        "commits": commits,
        "diffs": repo.diff(base, to).iter().map(entities::diff).collect::<Vec<_>>(),
        "compare_timeout": false,
        "compare_same_ref": from == to,
        "web_url": format!("{}/{}/-/compare/{from}...{to}", call.base, project.path),
    })))
}

/// 400 for refs that it does not know, 404 without a common ancestor.
pub(crate) fn merge_base(call: &Call<'_>, id: u64) -> Answer {
    let project = call.state.project(id);
    let refs = call.params.list("refs").unwrap_or_default();
    let [one, two] = refs.as_slice() else {
        return Ok(Resp::json(
            400,
            &json!({ "message": "400 Bad request - Provide at least 2 refs" }),
        ));
    };
    let unknown = |name: &str| {
        let message = format!("400 Bad request - Could not find ref: {name}");
        Ok(Resp::json(400, &json!({ "message": message })))
    };
    if let Code::Virtual(_) = &project.code {
        let history = &call.state.history;
        if let Some(name) = refs.iter().find(|name| history.find(name).is_none()) {
            return unknown(name);
        }
        return match history.merge_base(one, two) {
            Some(base) => Ok(Resp::ok(&entities::virtual_commit(project, call.base, base))),
            None => refuse(404, "404 Merge Base Not Found"),
        };
    }
    let repo = repo(project)?;
    if let Some(name) = refs.iter().find(|name| repo.resolve(name).is_none()) {
        return unknown(name);
    }
    match repo.merge_base(find(repo, one)?, find(repo, two)?) {
        Some(base) => Ok(Resp::ok(&entities::commit(repo, project, call.base, base))),
        None => refuse(404, "404 Merge Base Not Found"),
    }
}
