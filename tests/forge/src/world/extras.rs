//! What operators set up in a project, and what its pipelines come to.

use serde_json::Value;

use crate::gitlab::extras::{Extras, Schedule};
use crate::state::Access;
use crate::world::ProjectHandle;

impl ProjectHandle {
    fn extras(&self, change: impl FnOnce(&mut Extras)) {
        change(&mut self.world.shared.state().project_mut(self.id).extras);
    }

    /// Makes a pipeline schedule on a branch.
    pub fn add_schedule(&self, owner: &str, branch: &str, active: bool) {
        let owner = self.world.add_user(owner);
        let schedule = Schedule {
            description: "promotions".to_owned(),
            branch: branch.to_owned(),
            active,
            owner,
            last_status: Some("success".to_owned()),
        };
        self.extras(|extras| extras.schedules.push(schedule));
    }

    /// Changes the schedules.
    pub fn change_schedules(&self, change: impl Fn(&mut Schedule)) {
        self.extras(|extras| extras.schedules.iter_mut().for_each(change));
    }

    /// Blocks a user, as far as schedules tell.
    pub fn block_owner(&self, username: &str) {
        let user = self.world.add_user(username);
        self.extras(|extras| extras.blocked.extend([user]));
    }

    /// Sets the push rule (fields of GitLab's API), and who may read it.
    pub fn set_push_rule(&self, rule: Value, readers: Access) {
        self.extras(|extras| {
            extras.push_rule = Some(rule);
            extras.push_rule_access = Some(readers);
        });
    }

    /// Sets the process mode of a resource group.
    pub fn set_process_mode(&self, group: &str, mode: &str) {
        let (group, mode) = (group.to_owned(), mode.to_owned());
        self.extras(|extras| extras.resource_groups.extend([(group, mode)]));
    }

    /// Makes a label.
    pub fn add_label(&self, name: &str) {
        self.extras(|extras| extras.labels.extend([name.to_owned()]));
    }

    /// Sets a field of the project's settings.
    pub fn set_setting(&self, field: &str, value: Value) {
        let field = field.to_owned();
        self.extras(|extras| extras.settings.extend([(field, value)]));
    }

    /// Lets the pipelines of a merge request end so.
    pub fn set_pipeline_status(&self, iid: u64, status: &'static str) {
        let mut state = self.world.shared.state();
        let pipelines = &mut state.project_mut(self.id).pipelines;
        for pipeline in pipelines.iter_mut().filter(|one| one.merge_request == Some(iid)) {
            pipeline.status = status;
        }
    }

    /// A merge request never got a pipeline.
    pub fn without_pipeline(&self, iid: u64) {
        let mut state = self.world.shared.state();
        let pipelines = &mut state.project_mut(self.id).pipelines;
        for pipeline in pipelines.iter_mut().filter(|one| one.merge_request == Some(iid)) {
            pipeline.dropped = true;
        }
    }
}
