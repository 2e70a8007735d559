//! Saves and restores a project, to try many things from the same state.

use std::collections::BTreeMap;

use crate::gitlab::model::{MergeRequest, Pipeline};
use crate::world::ProjectHandle;

/// A project's branches, merge requests and pipelines while nothing runs in the background.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    branches: BTreeMap<String, git2::Oid>,
    merge_requests: Vec<MergeRequest>,
    pipelines: Vec<Pipeline>,
    ticks: u64,
    next_id: u64,
    quick_actions: usize,
    mentions: usize,
    references: usize,
}

impl ProjectHandle {
    /// Saves the state after all background tasks.
    pub fn checkpoint(&self) -> Checkpoint {
        self.world.settle();
        let state = self.world.shared.state();
        let project = state.project(self.id);
        Checkpoint {
            branches: project.repo().expect("a real repository").branches(),
            merge_requests: project.merge_requests.clone(),
            pipelines: project.pipelines.clone(),
            ticks: state.ticks,
            next_id: state.next_id,
            quick_actions: state.quick_actions.len(),
            mentions: state.mentions.len(),
            references: state.references.len(),
        }
    }

    /// Restores that state; background tasks are dropped. Objects and the clock stay.
    pub fn restore(&self, checkpoint: &Checkpoint) {
        let mut state = self.world.shared.state();
        state.background.clear();
        state.ticks = checkpoint.ticks;
        state.next_id = checkpoint.next_id;
        state.quick_actions.truncate(checkpoint.quick_actions);
        state.mentions.truncate(checkpoint.mentions);
        state.references.truncate(checkpoint.references);
        let project = state.project_mut(self.id);
        project.merge_requests.clone_from(&checkpoint.merge_requests);
        project.pipelines.clone_from(&checkpoint.pipelines);
        let repo = project.repo().expect("a real repository");
        for branch in repo.branches().keys() {
            if !checkpoint.branches.contains_key(branch) {
                repo.delete_branch(branch);
            }
        }
        for (branch, tip) in &checkpoint.branches {
            repo.set_branch(branch, *tip).expect("a branch that was there");
        }
    }
}
