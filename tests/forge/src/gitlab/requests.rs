//! The life of a merge request: opened, edited, closed, reopened, commented.

use std::collections::BTreeSet;

use crate::gitlab::model::{Check, LabelEvent, MergeRequest, MrState, Note, StateEvent};
use crate::gitlab::{pushes, quick_actions};
use crate::state::{Access, Project, State, Visibility};

/// The fields of a new merge request.
pub(crate) struct NewMergeRequest {
    pub source_branch: String,
    pub target_branch: String,
    pub title: String,
    pub description: String,
    pub labels: Vec<String>,
    pub remove_source_branch: bool,
    pub squash: bool,
}

/// Why a request was refused, with GitLab's status and message.
pub(crate) struct Refused(pub u16, pub serde_json::Value);

/// Open requests from a branch.
pub(crate) fn open_from(project: &Project, branch: &str) -> Vec<u64> {
    let open = project.merge_requests.iter().filter(|request| request.state == MrState::Opened);
    open.filter(|request| request.source_branch == branch).map(|request| request.iid).collect()
}

/// Checks shared by opening, reopening and changing the target branch.
fn check_branches(
    project: &Project,
    source: &str,
    target: &str,
    besides: Option<u64>,
) -> Result<(), Refused> {
    if source == target {
        let text = "You can't use same project/branch for source and target";
        return Err(Refused(422, serde_json::json!([text])));
    }
    let twin = project.merge_requests.iter().find(|request| {
        request.state == MrState::Opened
            && request.source_branch == source
            && request.target_branch == target
            && Some(request.iid) != besides
    });
    match twin {
        Some(twin) => {
            let text = format!(
                "Another open merge request already exists for this source branch: !{}",
                twin.iid
            );
            Err(Refused(409, serde_json::json!([text])))
        }
        None => Ok(()),
    }
}

/// Limits of texts (GitLab docs, administration/instance_limits: a description of 1 MiB, a title of 255 characters).
pub(crate) fn check_texts(title: Option<&str>, description: Option<&str>) -> Result<(), Refused> {
    if let Some(title) = title {
        if title.trim().is_empty() {
            return Err(Refused(400, serde_json::json!({ "title": ["can't be blank"] })));
        }
        if title.chars().count() > 255 {
            return Err(Refused(
                400,
                serde_json::json!({ "title": ["is too long (maximum is 255 characters)"] }),
            ));
        }
    }
    if let Some(text) = description.filter(|text| text.len() > 1_048_576) {
        let size = text.len() as f64 / 1_048_576.0;
        let text = format!("is too long ({size:.2} MiB). The maximum size is 1 MiB.");
        return Err(Refused(400, serde_json::json!({ "description": [text] })));
    }
    Ok(())
}

/// Both branches must exist, if this GitLab requires it.
pub(crate) fn check_branches_exist(
    state: &State,
    id: u64,
    new: &NewMergeRequest,
) -> Result<(), Refused> {
    let Some(repo) = state.project(id).repo().filter(|_| state.settings.branch_existence) else {
        return Ok(());
    };
    for (name, branch) in
        [("source_branch", &new.source_branch), ("target_branch", &new.target_branch)]
    {
        if repo.tip(branch).is_none() {
            return Err(Refused(400, serde_json::json!({ name: ["does not exist"] })));
        }
    }
    Ok(())
}

/// Opens a merge request. The source branch need not exist.
pub(crate) fn open(
    state: &mut State,
    id: u64,
    user: u64,
    new: NewMergeRequest,
) -> Result<u64, Refused> {
    check_branches(state.project(id), &new.source_branch, &new.target_branch, None)?;
    check_texts(Some(&new.title), Some(&new.description))?;
    let now = state.now();
    let number = state.fresh_id();
    let reads_left = state.settings.checking_reads;
    let project = state.project_mut(id);
    let iid = project.merge_requests.len() as u64 + 1;
    project.merge_requests.push(MergeRequest {
        id: number,
        iid,
        source_branch: new.source_branch.clone(),
        target_branch: new.target_branch,
        title: new.title.clone(),
        description: String::new(),
        labels: BTreeSet::new(),
        state: MrState::Opened,
        author: user,
        created_at: now,
        updated_at: now,
        merged: None,
        closed: None,
        sha: None,
        merge_commit_sha: None,
        squash_commit_sha: None,
        remove_source_branch: new.remove_source_branch,
        squash: new.squash,
        auto_merge: false,
        versions: Vec::new(),
        approvals: BTreeSet::new(),
        lost_approvals: 0,
        notes: Vec::new(),
        label_events: Vec::new(),
        state_events: Vec::new(),
        assignees: BTreeSet::new(),
        reviewers: Vec::new(),
        merge_error: None,
        rebasing: false,
        check: Check { fresh: false, reads_left, conflict: None },
        preparing: true,
    });
    pushes::add_version(state, id, iid);
    let sha = state.project(id).request(iid).unwrap().sha.clone();
    if let Some(sha) = sha {
        pushes::start_pipeline(state, id, user, &new.source_branch, &sha, Some(iid));
    }
    set_labels(state, id, iid, user, &new.labels, &[]);
    quick_actions::look_at(state, id, iid, user, "title", &new.title);
    set_description(state, id, iid, user, &new.description);
    Ok(iid)
}

/// Adds and removes labels; each change is an event.
pub(crate) fn set_labels(
    state: &mut State,
    id: u64,
    iid: u64,
    user: u64,
    add: &[String],
    remove: &[String],
) {
    let known = state.settings.known_labels.clone();
    let is_known = |label: &&String| known.as_ref().is_none_or(|known| known.contains(*label));
    let add = add.iter().filter(is_known);
    let changes =
        add.map(|label| (label, "add")).chain(remove.iter().map(|label| (label, "remove")));
    for (label, action) in changes {
        let (number, now) = (state.fresh_id(), state.now());
        let request = state.project_mut(id).request_mut(iid).unwrap();
        let changed = if action == "add" {
            request.labels.insert(label.clone())
        } else {
            request.labels.remove(label)
        };
        if changed {
            request.updated_at = now;
            request.label_events.push(LabelEvent {
                id: number,
                user,
                label: label.clone(),
                action,
                created_at: now,
            });
        }
    }
}

/// Sets the title, which also makes it a draft or ready.
pub(crate) fn set_title(state: &mut State, id: u64, iid: u64, user: u64, title: &str) {
    let now = state.now();
    let request = state.project_mut(id).request_mut(iid).unwrap();
    if request.title == title {
        return;
    }
    let was = (request.title.clone(), request.is_draft());
    request.title = title.to_owned();
    request.updated_at = now;
    // A draft cancels auto-merge.
    request.auto_merge &= !request.is_draft();
    let body = match (was.1, request.is_draft()) {
        (false, true) => "marked this merge request as **draft**".to_owned(),
        (true, false) => "marked this merge request as **ready**".to_owned(),
        _ => format!("changed title from **{}** to **{title}**", was.0),
    };
    note_of_system(state, id, iid, user, body);
    quick_actions::look_at(state, id, iid, user, "title", title);
}

/// Sets the description: runs and removes its quick actions, `\r` and blanks at its end.
pub(crate) fn set_description(state: &mut State, id: u64, iid: u64, user: u64, text: &str) {
    let now = state.now();
    let request = state.project_mut(id).request_mut(iid).unwrap();
    if request.description == text {
        return;
    }
    request.updated_at = now;
    let text = quick_actions::run(state, id, iid, user, "description", text);
    let text = text.replace('\r', "").trim_end().to_owned();
    state.project_mut(id).request_mut(iid).unwrap().description = text;
}

/// Closes, reopens or marks as merged. Does nothing if that is the current state.
pub(crate) fn set_state(state: &mut State, id: u64, iid: u64, user: u64, to: MrState) {
    let (number, now) = (state.fresh_id(), state.now());
    let reads = state.settings.checking_reads;
    let request = state.project_mut(id).request_mut(iid).unwrap();
    let being_merged = request.state == MrState::Locked && to == MrState::Closed;
    if request.state == to || request.state == MrState::Merged || being_merged {
        return;
    }
    request.state = to;
    request.updated_at = now;
    let word = match to {
        MrState::Opened => {
            request.closed = None;
            request.check = Check { fresh: false, reads_left: reads, conflict: None };
            "reopened"
        }
        MrState::Closed => {
            request.auto_merge = false;
            request.closed = Some((now, user));
            "closed"
        }
        MrState::Merged => {
            request.merged = Some((now, user));
            "merged"
        }
        MrState::Locked => "locked",
    };
    request.state_events.push(StateEvent { id: number, user, state: word, created_at: now });
    if to == MrState::Opened {
        let seen = request.sha.clone();
        let branch = request.source_branch.clone();
        let tip =
            state.project(id).repo().and_then(|repo| repo.tip(&branch)).map(|tip| tip.to_string());
        if tip.is_some() && tip != seen {
            pushes::add_version(state, id, iid);
        }
    }
}

/// Reopens, if no other open merge request has its branch. Without its branch, it is open without a diff from then on.
pub(crate) fn reopen(state: &mut State, id: u64, iid: u64, user: u64) -> Result<(), Refused> {
    let project = state.project(id);
    let request = project.request(iid).unwrap();
    if request.state != MrState::Closed {
        return Ok(());
    }
    check_branches(project, &request.source_branch, &request.target_branch, Some(iid))?;
    let is_there = project.repo().is_some_and(|repo| repo.tip(&request.source_branch).is_some());
    if !is_there && state.settings.reopening_needs_branch {
        return Err(Refused(400, serde_json::json!({ "source_branch": ["does not exist"] })));
    }
    set_state(state, id, iid, user, MrState::Opened);
    if !is_there {
        state.project_mut(id).request_mut(iid).unwrap().sha = None;
    }
    Ok(())
}

/// Changes the target branch.
pub(crate) fn retarget(
    state: &mut State,
    id: u64,
    iid: u64,
    user: u64,
    target: &str,
) -> Result<(), Refused> {
    let request = state.project(id).request(iid).unwrap();
    let (source, sha) = (request.source_branch.clone(), request.sha.clone().unwrap_or_default());
    check_branches(state.project(id), &source, target, Some(iid))?;
    let reads_left = state.settings.checking_reads;
    let request = state.project_mut(id).request_mut(iid).unwrap();
    request.target_branch = target.to_owned();
    request.auto_merge = false;
    request.check = Check { fresh: false, reads_left, conflict: None };
    pushes::add_version(state, id, iid);
    pushes::start_pipeline(state, id, user, &source, &sha, Some(iid));
    Ok(())
}

/// A comment. Its quick actions run; none is stored if it contains nothing else.
pub(crate) fn comment(state: &mut State, id: u64, iid: u64, user: u64, body: &str) -> Option<u64> {
    let body = quick_actions::run(state, id, iid, user, "note", body);
    if body.trim().is_empty() {
        return None;
    }
    let (number, now) = (state.fresh_id(), state.now());
    let request = state.project_mut(id).request_mut(iid).unwrap();
    request.updated_at = now;
    request.notes.push(Note { id: number, body, author: user, system: false, created_at: now });
    Some(number)
}

pub(crate) fn note_of_system(state: &mut State, id: u64, iid: u64, user: u64, body: String) {
    let (number, now) = (state.fresh_id(), state.now());
    let request = state.project_mut(id).request_mut(iid).unwrap();
    request.notes.push(Note { id: number, body, author: user, system: true, created_at: now });
}

/// Sets the reviewers. As GitLab's source has it (app/services/merge_requests/base_service.rb), GitLab Free takes the
/// first one before it leaves out users who may not read merge requests; if none is left, nothing changes.
pub(crate) fn set_reviewers(state: &mut State, id: u64, iid: u64, wanted: &[u64]) {
    let most = if state.settings.several_reviewers { wanted.len() } else { 1 };
    let project = state.project(id);
    let reads = |user: &u64| {
        let is_open = project.visibility != Visibility::Private;
        is_open || project.access(Some(*user)) >= Some(Access::Reporter)
    };
    let is_user = |user: &u64| state.users.iter().any(|known| known.id == *user);
    let kept: Vec<u64> =
        wanted.iter().take(most).copied().filter(|user| is_user(user) && reads(user)).collect();
    if !kept.is_empty() || wanted.is_empty() {
        state.project_mut(id).request_mut(iid).expect("a request").reviewers = kept;
    }
}
