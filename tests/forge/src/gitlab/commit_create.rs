//! A commit with several files in one request (GitLab docs, api/commits: create a commit with multiple files and
//! actions): all or nothing.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use git2::{FileMode, Oid};
use serde_json::{Value, json};

use crate::git::repo::{Edit, Person, Repo};
use crate::gitlab::{Call, commits, need, pushes, quick_actions, repo};
use crate::http::{Answer, Params, Resp, refuse};
use crate::settings::Settings;
use crate::state::{Access, State};

fn bad(text: impl Into<String>) -> Box<Resp> {
    Box::new(Resp::message(400, text.into()))
}

/// The error for wrong parameters, in the format of this version.
fn invalid(settings: &Settings, text: &str) -> Box<Resp> {
    if settings.errors_are_messages {
        return bad(format!("400 Bad request - {text}"));
    }
    Box::new(Resp::json(400, &json!({ "error": text })))
}

/// What a push rule says to a commit that it refuses (GitLab docs, user/project/repository/push_rules).
fn refused_by_rule(rule: &Value, branch: &str, message: &str, email: &str) -> Option<String> {
    let pattern = |field: &str| rule.get(field)?.as_str().filter(|pattern| !pattern.is_empty());
    let fails = |field: &str, text: &str| {
        let pattern = pattern(field)?;
        let regex = regex_lite::Regex::new(pattern).expect("a pattern that this fake can try");
        (!regex.is_match(text)).then_some(pattern)
    };
    if let Some(pattern) = fails("branch_name_regex", branch) {
        return Some(format!("Branch name '{branch}' does not follow the pattern '{pattern}'"));
    }
    if let Some(pattern) = fails("commit_message_regex", message) {
        return Some(format!("Commit message does not follow the pattern '{pattern}'"));
    }
    if let Some(pattern) = fails("author_email_regex", email) {
        return Some(format!("Author's email '{email}' does not follow the pattern '{pattern}'"));
    }
    let wants_dco = rule.get("reject_non_dco_commits").and_then(Value::as_bool) == Some(true);
    (wants_dco && !message.lines().any(|line| line.starts_with("Signed-off-by: ")))
        .then(|| "Commit message must contain a DCO signoff".to_owned())
}

/// Rack parses a form up to a limit; GitLab parses JSON itself.
fn check_form(call: &Call<'_>) -> Result<(), Box<Resp>> {
    let kind = call.req.header("content-type").unwrap_or_default();
    let is_form = kind.starts_with("application/x-www-form-urlencoded");
    if is_form && call.req.body.len() > call.state.settings.largest_form {
        return Err(bad("400 Bad request - Invalid form data exceeded query limit"));
    }
    Ok(())
}

/// The base of the new commit: none in an empty repository.
struct Start {
    commit: Option<Oid>,
    /// Replaces or creates the branch instead of adding to it.
    other_branch: bool,
}

pub(crate) fn create(call: &mut Call<'_>, id: u64) -> Answer {
    check_form(call)?;
    need(call, id, Access::Developer)?;
    let (params, settings) = (&call.params, &call.state.settings);
    let lacks = if settings.errors_are_messages { "is required" } else { "is missing" };
    let missing: Vec<String> = ["branch", "commit_message", "actions"]
        .into_iter()
        .filter(|name| !params.has(name))
        .map(|name| format!("{name} {lacks}"))
        .collect();
    if !missing.is_empty() {
        return Err(invalid(settings, &missing.join(", ")));
    }
    let branch = params.text("branch").unwrap_or_default();
    let message = params.text("commit_message").unwrap_or_default();
    let actions = params.0.get("actions").and_then(Value::as_array).cloned().unwrap_or_default();
    check_actions(settings, &actions)?;
    let user = call.caller.id();
    if !pushes::may_push(call.state, id, user, &branch) {
        return refuse(403, "403 Forbidden - You are not allowed to push into this branch");
    }
    let force = params.flag("force");
    let repository = repo(call.state.project(id))?;
    let start = start_of(settings, repository, params, &branch)?;
    if force
        && repository.tip(&branch).is_some()
        && pushes::refuses_force(call.state.project(id), &branch)
    {
        return Err(bad(
            "You are not allowed to force push code to a protected branch on this project.",
        ));
    }
    let email = params.text("author_email");
    let email = email.unwrap_or_else(|| call.state.user(user).person().email.clone());
    let rule = call.state.project(id).extras.push_rule.as_ref();
    if let Some(text) = rule.and_then(|rule| refused_by_rule(rule, &branch, &message, &email)) {
        return Err(bad(text));
    }
    let edits = edits_of(repository, start.commit, &actions)?;
    let tree = repository.edit(start.commit, &edits).map_err(bad)?;
    let new = write(call.state, id, user, tree, &start, params, &message)?;
    if let Err(text) = pushes::push(call.state, id, user, &branch, new) {
        return Err(bad(if start.other_branch {
            "Could not update branch. ".to_owned() + &text
        } else {
            text
        }));
    }
    quick_actions::look_at(call.state, id, 0, user, "commit message", &message);
    let stats = call.params.maybe_flag("stats").unwrap_or(true);
    let repository = repo(call.state.project(id))?;
    Ok(Resp::json(201, &commits::detail(call, repository, id, new, stats)))
}

fn write(
    state: &State,
    id: u64,
    user: u64,
    tree: Oid,
    start: &Start,
    params: &Params,
    message: &str,
) -> Result<Oid, Box<Resp>> {
    let own = state.user(user).person();
    let author = Person {
        name: params.text("author_name").unwrap_or_else(|| own.name.clone()),
        email: params.text("author_email").unwrap_or_else(|| own.email.clone()),
    };
    if state.settings.sign_web_commits && author.email != own.email {
        return Err(bad("Author email must be the email of the user that signs"));
    }
    let committer = state.committer(user);
    let parents: Vec<Oid> = start.commit.into_iter().collect();
    let seconds = state.now().timestamp();
    Ok(repo(state.project(id))?.commit(tree, &parents, (&author, &committer), seconds, message))
}

/// Checks the form of the actions before trying any of them.
fn check_actions(settings: &Settings, actions: &[Value]) -> Result<(), Box<Resp>> {
    if actions.is_empty() {
        return Err(invalid(settings, "actions is empty"));
    }
    for (at, action) in actions.iter().enumerate() {
        let kind = action.get("action").and_then(Value::as_str).unwrap_or_default();
        if !matches!(kind, "create" | "update" | "delete" | "move" | "chmod") {
            let text = format!("actions[{at}][action] does not have a valid value");
            return Err(invalid(settings, &text));
        }
        if action.get("file_path").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(invalid(settings, &format!("actions[{at}][file_path] is missing")));
        }
    }
    Ok(())
}

/// The checks of `start_branch`, `start_sha` and `force`.
fn start_of(
    settings: &Settings,
    repo: &Repo,
    params: &Params,
    branch: &str,
) -> Result<Start, Box<Resp>> {
    let force = params.flag("force");
    let start_branch = params.text("start_branch");
    let start_sha = params.text("start_sha");
    if start_branch.is_some() && start_sha.is_some() {
        return Err(invalid(settings, "start_branch, start_sha are mutually exclusive"));
    }
    let empty = repo.branches().is_empty();
    let commit = match &start_sha {
        Some(sha)
            if !matches!(sha.len(), 40 | 64)
                || !sha.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            return Err(bad(format!("Invalid start_sha '{sha}'")));
        }
        Some(sha) => {
            Some(repo.resolve(sha).ok_or_else(|| bad(format!("Cannot find start_sha '{sha}'")))?)
        }
        None => {
            let tip = repo.tip(start_branch.as_deref().unwrap_or(branch));
            if tip.is_none() && !empty {
                return Err(bad("You can only create or edit files when you are on a branch"));
            }
            tip
        }
    };
    let other_branch =
        start_sha.is_some() || start_branch.as_deref().is_some_and(|start| start != branch);
    if other_branch && !force && repo.tip(branch).is_some() {
        return Err(bad(format!(
            "A branch called '{branch}' already exists. Switch to that branch in order to make changes"
        )));
    }
    if other_branch && !Repo::valid_branch_name(branch) {
        return Err(bad(format!(
            "Something went wrong when we tried to create '{branch}' for you: Branch name is invalid"
        )));
    }
    Ok(Start { commit, other_branch })
}

/// The edits of the actions, each on top of the previous ones.
fn edits_of(
    repo: &Repo,
    start: Option<Oid>,
    actions: &[Value],
) -> Result<BTreeMap<String, Edit>, Box<Resp>> {
    let mut edits: BTreeMap<String, Edit> = BTreeMap::new();
    for action in actions {
        let text = |name: &str| action.get(name).and_then(Value::as_str);
        let path = clean_path(text("file_path").unwrap_or_default())?;
        let before = |edits: &BTreeMap<String, Edit>, path: &str| -> Edit {
            let stored = || {
                let blob = repo.blob(start?, path)?;
                Some((blob.bytes, mode_of(blob.mode)))
            };
            edits.get(path).cloned().unwrap_or_else(stored)
        };
        let old = before(&edits, &path);
        let kind = text("action").unwrap_or_default();
        if let Some(expected) = text("last_commit_id").filter(|expected| !expected.is_empty())
            && kind != "create"
            && start
                .and_then(|start| repo.last_commit_of(start, &path))
                .map(|id| id.to_string())
                .as_deref()
                != Some(expected)
        {
            return Err(bad(format!("The file has changed since you started editing it: {path}")));
        }
        let content = content_of(action)?;
        match kind {
            "create" if old.is_some() => return Err(bad("A file with this name already exists")),
            "create" if start.is_some_and(|start| repo.is_dir(start, &path)) => {
                return Err(bad("A directory with this name already exists"));
            }
            "create" => {
                drop(edits.insert(path, Some((content.unwrap_or_default(), FileMode::Blob))))
            }
            "update" | "delete" | "chmod" if old.is_none() => {
                return Err(bad("A file with this name doesn't exist"));
            }
            "delete" => drop(edits.insert(path, None)),
            "update" => {
                let mode = old.map_or(FileMode::Blob, |(_, mode)| mode);
                edits.insert(path, Some((content.unwrap_or_default(), mode)));
            }
            "chmod" => {
                let execute =
                    action.get("execute_filemode").and_then(Value::as_bool).unwrap_or_default();
                let mode = if execute { FileMode::BlobExecutable } else { FileMode::Blob };
                edits.insert(path, old.map(|(bytes, _)| (bytes, mode)));
            }
            _ => {
                let from = clean_path(text("previous_path").unwrap_or_default())?;
                let Some((bytes, mode)) = before(&edits, &from) else {
                    return Err(bad("A file with this name doesn't exist"));
                };
                if old.is_some() {
                    return Err(bad("A file with this name already exists"));
                }
                edits.insert(from, None);
                edits.insert(path, Some((content.unwrap_or(bytes), mode)));
            }
        }
    }
    Ok(edits)
}

fn content_of(action: &Value) -> Result<Option<Vec<u8>>, Box<Resp>> {
    let Some(content) = action.get("content").and_then(Value::as_str) else { return Ok(None) };
    if action.get("encoding").and_then(Value::as_str) != Some("base64") {
        return Ok(Some(content.as_bytes().to_vec()));
    }
    let bare: String = content.chars().filter(|each| !each.is_whitespace()).collect();
    STANDARD.decode(bare).map(Some).map_err(|_| bad("invalid base64"))
}

fn clean_path(path: &str) -> Result<String, Box<Resp>> {
    let path = path.trim_start_matches('/');
    let odd = |part: &str| part.is_empty() || part == "." || part.eq_ignore_ascii_case(".git");
    if path.split('/').any(|part| part == "..") {
        return Err(bad("Path cannot include directory traversal"));
    }
    if path.split('/').any(odd) {
        return Err(bad(format!("invalid path: '{path}'")));
    }
    Ok(path.to_owned())
}

fn mode_of(mode: i32) -> FileMode {
    match mode {
        0o100_755 => FileMode::BlobExecutable,
        0o120_000 => FileMode::Link,
        _ => FileMode::Blob,
    }
}
