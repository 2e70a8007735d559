//! Merging and rebasing merge requests, and the merge check.

use git2::Oid;
use serde_json::{Value, json};

use crate::gitlab::background::Kind;
use crate::gitlab::model::{MrState, Pipeline};
use crate::gitlab::pushes;
use crate::gitlab::requests::{self, Refused};
use crate::settings::Settings;
use crate::state::{MergeMethod, Project, State};

/// The options of a merge.
#[derive(Default)]
pub(crate) struct Options {
    pub sha: Option<String>,
    pub message: Option<String>,
    pub remove_source_branch: Option<bool>,
    pub squash: Option<bool>,
    /// Merge once the pipeline succeeds, if it has not yet.
    pub auto_merge: bool,
}

fn tips(project: &Project, iid: u64) -> Option<(Oid, Oid)> {
    let request = project.request(iid)?;
    let repo = project.repo()?;
    Some((repo.tip(&request.source_branch)?, repo.tip(&request.target_branch)?))
}

/// Whether a real merge of the current tips conflicts; also true if a branch is missing.
pub(crate) fn conflicts(project: &Project, iid: u64) -> bool {
    match (tips(project, iid), project.repo()) {
        (Some((source, target)), Some(repo)) => repo.merge(target, source).is_err(),
        _ => true,
    }
}

/// The current `detailed_merge_status` (GitLab docs, api/merge_requests: merge status), computed now.
pub(crate) fn verdict(project: &Project, settings: &Settings, iid: u64) -> &'static str {
    let request = project.request(iid).expect("a request");
    if request.state != MrState::Opened {
        return "not_open";
    }
    if request.is_draft() {
        return "draft_status";
    }
    let Some((source, target)) = tips(project, iid) else { return "commits_status" };
    let repo = project.repo().expect("a repository");
    let (ahead, behind) = repo.ahead_behind(source, target);
    if ahead == 0 {
        return "commits_status";
    }
    if request.approvals.len() < settings.required_approvals {
        return "not_approved";
    }
    // A new check is for the current tips.
    let known = request.check.conflict.filter(|_| request.check.fresh);
    if known.unwrap_or_else(|| conflicts(project, iid)) {
        return "conflict";
    }
    let needs_rebase = project.merge_method != MergeMethod::Merge && behind > 0;
    if needs_rebase { "need_rebase" } else { "mergeable" }
}

/// Has the newest pipeline of its head succeeded?
fn has_succeeded(project: &Project, iid: u64) -> bool {
    let head = project.request(iid).and_then(|request| request.sha.as_ref());
    let of_head =
        |pipeline: &&Pipeline| pipeline.merge_request == Some(iid) && Some(&pipeline.sha) == head;
    project
        .pipelines
        .iter()
        .rev()
        .find(of_head)
        .is_some_and(|pipeline| pipeline.status == "success")
}

/// Merges (GitLab docs, api/merge_requests: merge a merge request).
pub(crate) fn merge(
    state: &mut State,
    id: u64,
    iid: u64,
    user: u64,
    options: &Options,
) -> Result<(), Refused> {
    let project = state.project(id);
    let request = project.request(iid).ok_or_else(|| Refused(404, json!("404 Not found")))?;
    if !pushes::may_push(state, id, user, &request.target_branch) {
        return Err(Refused(401, json!("401 Unauthorized")));
    }
    if verdict(project, &state.settings, iid) != "mergeable" {
        return Err(Refused(405, json!("405 Method Not Allowed")));
    }
    let (source, target) = tips(project, iid).expect("checked above");
    match &options.sha {
        Some(sha) if *sha != source.to_string() => {
            return Err(Refused(
                409,
                json!(format!("SHA does not match HEAD of source branch: {source}")),
            ));
        }
        None if state.settings.require_merge_sha => {
            return Err(Refused(400, json!("sha is missing")));
        }
        _ => {}
    }
    if options.auto_merge && !has_succeeded(project, iid) {
        state.project_mut(id).request_mut(iid).expect("a request").auto_merge = true;
        return Ok(());
    }
    let squash = options.squash.unwrap_or(request.squash);
    let remove = options.remove_source_branch.unwrap_or(request.remove_source_branch);
    let remove = remove || state.settings.remove_source_branch;
    let (source_branch, target_branch) =
        (request.source_branch.clone(), request.target_branch.clone());
    let message = options.message.clone().unwrap_or_else(|| {
        let path = &project.path;
        format!(
            "Merge branch '{source_branch}' into '{target_branch}'\n\n{}\n\nSee merge request {path}!{iid}",
            request.title
        )
    });
    let title = request.title.clone();
    let repo = project.repo().expect("a repository");
    let Ok(tree) = repo.merge(target, source) else {
        return Err(Refused(422, json!("Branch cannot be merged")));
    };
    let person = state.user(user).person();
    let committer = state.committer(user);
    let (seconds, who) = (state.now().timestamp(), (&person, &committer));
    let squashed = squash.then(|| {
        let base: Vec<Oid> = repo.merge_base(target, source).into_iter().collect();
        repo.commit(repo.tree_of(source), &base, who, seconds, &title)
    });
    let parents = [target, squashed.unwrap_or(source)];
    let merged = if project.merge_method == MergeMethod::FastForward {
        parents[1]
    } else {
        repo.commit(tree, &parents, who, seconds, &message)
    };
    // As in GitLab, the merge request is merged before its commit arrives at the target branch: no version is added.
    requests::set_state(state, id, iid, user, MrState::Merged);
    let request = state.project_mut(id).request_mut(iid).expect("a request");
    request.merge_commit_sha = Some(merged.to_string());
    request.squash_commit_sha = squashed.map(|id| id.to_string());
    if let Err(text) = pushes::push(state, id, user, &target_branch, merged) {
        return Err(Refused(422, Value::from(text)));
    }
    if remove {
        state.schedule(id, user, Kind::DeleteBranch { branch: source_branch, tip: source });
    }
    Ok(())
}

/// Starts a rebase, which happens in the background (GitLab docs, api/merge_requests: rebase a merge request).
pub(crate) fn start_rebase(state: &mut State, id: u64, iid: u64, user: u64) -> Result<(), Refused> {
    let project = state.project(id);
    let request = project.request(iid).ok_or_else(|| Refused(404, json!("404 Not found")))?;
    if !pushes::may_push(state, id, user, &request.source_branch) {
        return Err(Refused(403, json!("Cannot push to source branch")));
    }
    if tips(project, iid).is_none() || request.state != MrState::Opened {
        return Err(Refused(403, json!("Source branch does not exist")));
    }
    if request.rebasing {
        return Err(Refused(
            409,
            json!(
                "Failed to enqueue the rebase operation, possibly due to a long-lived transaction. Try again later."
            ),
        ));
    }
    let request = state.project_mut(id).request_mut(iid).expect("a request");
    request.rebasing = true;
    request.merge_error = None;
    state.schedule(id, user, Kind::Rebase { iid });
    Ok(())
}

/// Replays the commits on the target branch: authors stay, the committer is the one who requested it.
pub(crate) fn finish_rebase(state: &mut State, id: u64, user: u64, iid: u64) {
    let outcome = rebased(state, id, user, iid);
    let request = state.project_mut(id).request_mut(iid).expect("a request");
    request.rebasing = false;
    let branch = request.source_branch.clone();
    match outcome {
        Ok(tip) => drop(pushes::push(state, id, user, &branch, tip)),
        Err(text) => request.merge_error = Some(text),
    }
}

fn rebased(state: &State, id: u64, user: u64, iid: u64) -> Result<Oid, String> {
    let project = state.project(id);
    let missing = || "Rebase failed: branch is missing".to_owned();
    let (source, target) = tips(project, iid).ok_or_else(missing)?;
    let repo = project.repo().ok_or_else(missing)?;
    if repo.contains(source, target) {
        return Ok(source);
    }
    let committer = state.user(user).person();
    let mut commits: Vec<Oid> = repo.log(source, Some(target)).collect();
    commits.reverse();
    let mut tip = target;
    for commit in commits {
        let old = repo.git.find_commit(commit).map_err(|error| error.to_string())?;
        if old.parent_count() > 1 {
            continue;
        }
        let tree = repo.cherry_pick(commit, tip, false).map_err(|paths| {
            format!(
                "Rebase failed: Rebase locally, resolve all conflicts in {}, then push the branch.",
                paths.join(", ")
            )
        })?;
        let author = crate::git::repo::Person {
            name: old.author().name().unwrap_or_default().to_owned(),
            email: old.author().email().unwrap_or_default().to_owned(),
        };
        let message = old.message().unwrap_or_default();
        tip = repo.commit(tree, &[tip], (&author, &committer), state.now().timestamp(), message);
    }
    Ok(tip)
}
