//! The effects of a push by anybody: refs, merge requests, approvals and pipelines.

use git2::Oid;

use crate::gitlab::background::Kind;
use crate::gitlab::model::{MrState, Pipeline, Version};
use crate::state::{Access, Project, State};

/// Moves or creates a branch, with all effects.
pub(crate) fn push(
    state: &mut State,
    project: u64,
    user: u64,
    branch: &str,
    new: Oid,
) -> Result<(), String> {
    let repo = state.project(project).repo().ok_or("no repository")?;
    let old = repo.tip(branch);
    if old == Some(new) {
        return Ok(());
    }
    repo.set_branch(branch, new)?;
    pushed(state, project, user, branch, old, new);
    Ok(())
}

/// Deletes a branch; its merge requests close in the background.
pub(crate) fn delete_branch(state: &mut State, project: u64, user: u64, branch: &str) -> bool {
    let gone = state.project(project).repo().is_some_and(|repo| repo.delete_branch(branch));
    if gone {
        branch_gone(state, project, user, branch);
    }
    gone
}

/// The effects of deleting a branch.
pub(crate) fn branch_gone(state: &mut State, project: u64, user: u64, branch: &str) {
    state.schedule(project, user, Kind::CloseOfBranch(branch.to_owned()));
    recheck(state, project, branch);
}

/// Whether this person may push to a branch (GitLab docs, user/project/repository/branches/protected).
pub(crate) fn may_push(state: &State, project: u64, user: u64, branch: &str) -> bool {
    let project = state.project(project);
    let access = project.access(Some(user));
    access >= Some(Access::Developer)
        && project.protection(branch).is_none_or(|rule| rule.lets_push(access))
}

/// Whether a protected branch rejects force pushes, from anybody.
pub(crate) fn refuses_force(project: &Project, branch: &str) -> bool {
    project.protection(branch).is_some_and(|rule| !rule.allow_force_push)
}

/// The effects of a push that has already moved a ref.
pub(crate) fn pushed(
    state: &mut State,
    project: u64,
    user: u64,
    branch: &str,
    old: Option<Oid>,
    new: Oid,
) {
    let now = state.now();
    let mut pipeline_for = Vec::new();
    for iid in crate::gitlab::requests::open_from(state.project(project), branch) {
        add_version(state, project, iid);
        let request = state.project_mut(project).request_mut(iid).unwrap();
        request.updated_at = now;
        // Auto-merge was set for another commit.
        request.auto_merge = false;
        pipeline_for.push(Some(iid));
    }
    if pipeline_for.is_empty() && branch == state.project(project).default_branch {
        pipeline_for.push(None);
    }
    for iid in pipeline_for {
        start_pipeline(state, project, user, branch, &new.to_string(), iid);
    }
    recheck(state, project, branch);
    if let Some(old) = old {
        let targeted = state.project(project).merge_requests.iter();
        if targeted
            .filter(|request| request.state == MrState::Opened)
            .any(|request| request.target_branch == branch)
        {
            state.schedule(project, user, Kind::MarkMerged { branch: branch.to_owned(), old, new });
        }
    }
}

/// Open merge requests from or to a branch have to be checked for conflicts again.
fn recheck(state: &mut State, project: u64, branch: &str) {
    let reads = state.settings.checking_reads;
    for request in &mut state.project_mut(project).merge_requests {
        let concerned = request.source_branch == branch || request.target_branch == branch;
        if request.state == MrState::Opened && concerned {
            request.check.fresh = false;
            request.check.reads_left = reads;
        }
    }
}

/// Records the current tip as a version of the merge request, and resets approvals if the patch differs
/// (GitLab docs, user/project/merge_requests/approvals/settings: "all approvals are removed when commits are added",
/// except if the patch id stays the same, as in a clean rebase).
pub(crate) fn add_version(state: &mut State, project: u64, iid: u64) {
    let id = state.fresh_id();
    let now = state.now();
    let reset = state.settings.reset_approvals;
    let project = state.project_mut(project);
    let request = project.request(iid).unwrap();
    let Some(repo) = project.repo() else { return };
    let Some(head) = repo.tip(&request.source_branch) else { return };
    let start = repo.tip(&request.target_branch);
    let base = start.and_then(|start| repo.merge_base(start, head));
    let (patch_id, changes) = repo.patch(base, head);
    let text = |id: Option<Oid>| id.map(|id| id.to_string()).unwrap_or_default();
    let version = Version {
        id,
        head: head.to_string(),
        base: text(base),
        start: text(start),
        created_at: now,
        patch_id,
        changes,
    };
    let request = project.request_mut(iid).unwrap();
    let same_patch = request.versions.last().is_some_and(|last| last.patch_id == version.patch_id);
    if reset && !same_patch {
        request.lost_approvals += request.approvals.len();
        request.approvals.clear();
    }
    request.sha = Some(version.head.clone());
    request.versions.push(version);
}

/// Does the commit skip the pipeline (GitLab docs, ci/pipelines: skip a pipeline)? GitLab also accepts `-` and `_`.
fn skips_pipelines(project: &Project, sha: &str) -> bool {
    let commit = project.repo().and_then(|repo| repo.git.find_commit(repo.resolve(sha)?).ok());
    let message = commit.and_then(|commit| commit.message().ok().map(str::to_ascii_lowercase));
    let message = message.unwrap_or_default().replace(['-', '_'], " ");
    message.contains("[skip ci]") || message.contains("[ci skip]")
}

/// Does a pipeline exceed one of the two limits per minute (GitLab docs, user/gitlab_com: pipeline creations)?
fn above_limit(state: &State, id: u64, user: u64, sha: &str) -> bool {
    let since = state.now() - state.settings.minute;
    let full = |limit: Option<usize>, recent: usize| limit.is_some_and(|limit| recent >= limit);
    let of_user = |project: &Project| -> Vec<bool> {
        let started = project.pipelines.iter().filter(|pipeline| !pipeline.dropped);
        let recent =
            started.filter(|pipeline| pipeline.user == user && pipeline.created_at > since);
        recent.map(|pipeline| pipeline.sha == sha).collect()
    };
    let of_commit = of_user(state.project(id)).into_iter().filter(|same| *same).count();
    let everywhere = state.projects.values().map(|project| of_user(project).len()).sum();
    full(state.settings.pipelines_create, of_commit)
        || full(state.settings.pipelines_created_per_user, everywhere)
}

/// Starts a pipeline, or silently none above a limit or if the commit says so.
pub(crate) fn start_pipeline(
    state: &mut State,
    id: u64,
    user: u64,
    branch: &str,
    sha: &str,
    iid: Option<u64>,
) {
    let now = state.now();
    let number = state.fresh_id();
    let status = state.settings.pipelines_begin;
    let dropped = above_limit(state, id, user, sha) || skips_pipelines(state.project(id), sha);
    state.project_mut(id).pipelines.push(Pipeline {
        id: number,
        sha: sha.to_owned(),
        branch: branch.to_owned(),
        merge_request: iid,
        user,
        created_at: now,
        dropped,
        status,
    });
}
