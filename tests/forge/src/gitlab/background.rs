//! What GitLab does seconds later: closing merge requests of deleted branches, marking them merged, rebasing, deleting
//! source branches. Here, "later" is a number of requests.

use git2::Oid;

use crate::gitlab::model::MrState;
use crate::gitlab::{merging, pushes, requests};
use crate::state::State;

pub(crate) struct Task {
    due: u64,
    project: u64,
    user: u64,
    kind: Kind,
}

pub(crate) enum Kind {
    CloseOfBranch(String),
    MarkMerged { branch: String, old: Oid, new: Oid },
    Rebase { iid: u64 },
    DeleteBranch { branch: String, tip: Oid },
}

impl State {
    pub fn schedule(&mut self, project: u64, user: u64, kind: Kind) {
        let due = self.ticks + self.settings.background_delay + 1;
        self.background.push(Task { due, project, user, kind });
    }

    /// Called for each request to GitLab: runs due tasks.
    pub fn tick(&mut self) {
        self.ticks += 1;
        while let Some(at) = self.background.iter().position(|task| task.due <= self.ticks) {
            let task = self.background.remove(at);
            run(self, task);
        }
    }

    /// Runs all tasks and their consequences, and lets every merge check complete at the next read.
    pub fn settle(&mut self) {
        while !self.background.is_empty() {
            let task = self.background.remove(0);
            run(self, task);
        }
        for project in self.projects.values_mut() {
            for request in &mut project.merge_requests {
                request.check.reads_left = 0;
            }
        }
    }
}

fn run(state: &mut State, task: Task) {
    let Task { project, user, kind, .. } = task;
    match kind {
        Kind::CloseOfBranch(branch) => {
            let repo = state.project(project).repo();
            if repo.is_none_or(|repo| repo.tip(&branch).is_some()) {
                return; // It exists again.
            }
            for iid in requests::open_from(state.project(project), &branch) {
                requests::set_state(state, project, iid, user, MrState::Closed);
            }
        }
        Kind::MarkMerged { branch, old, new } => {
            mark_merged(state, project, user, &branch, old, new)
        }
        Kind::Rebase { iid } => merging::finish_rebase(state, project, user, iid),
        Kind::DeleteBranch { branch, tip } => {
            // Only the tip that was merged: a later push keeps the branch.
            if state.project(project).repo().and_then(|repo| repo.tip(&branch)) == Some(tip) {
                pushes::delete_branch(state, project, user, &branch);
            }
        }
    }
}

fn mark_merged(state: &mut State, id: u64, user: u64, branch: &str, old: Oid, new: Oid) {
    let project = state.project(id);
    let Some(repo) = project.repo() else { return };
    let merged: Vec<u64> = project
        .merge_requests
        .iter()
        .filter(|request| request.state == MrState::Opened && request.target_branch == branch)
        .filter(|request| {
            let Some(head) = request.sha.as_ref().and_then(|sha| Oid::from_str(sha).ok()) else {
                return false;
            };
            repo.contains(new, head) && !repo.contains(old, head)
        })
        .map(|request| request.iid)
        .collect();
    for iid in merged {
        requests::set_state(state, id, iid, user, MrState::Merged);
    }
}
