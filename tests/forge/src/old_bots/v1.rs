//! The event-driven promoter: a merge request for each event.

use super::{Promotion, branch, digest, text};
use crate::world::ProjectHandle;

/// The promoter with its user.
pub struct OldV1 {
    project: ProjectHandle,
    user: String,
    events: u64,
}

impl OldV1 {
    /// Makes the user a member.
    pub fn new(project: &ProjectHandle, user: &str) -> Self {
        project.add_member(user, crate::state::Access::Maintainer);
        Self { project: project.clone(), user: user.to_owned(), events: 0 }
    }

    /// A publisher was deployed at a commit: its subscribers are promoted by one merge request, a commit for each file,
    /// unless one with the same title is open.
    pub fn event(&mut self, commit: &str, promotions: &[Promotion]) -> Option<u64> {
        self.events += 1;
        let seed = format!("{commit}{promotions:?}");
        let digits = format!("{:06x}", digest(&seed, 5) & 0x00ff_ffff);
        let title = format!("[auto_promoter] openshift-saas-deploy automated promotion {digits}");
        if self.project.open_merge_requests().iter().any(|request| request.title == title) {
            return None;
        }
        let branch = branch("auto_promoter-", &format!("{seed}{}", self.events));
        for one in promotions {
            let rev = if self.project.tip(&branch).is_some() { &branch } else { "main" };
            let content = one.applied(&text(&self.project, rev, &one.path));
            let message = format!("auto promote {commit} in {}", one.path);
            self.project.commit(&self.user, &branch, &message, [(one.path.clone(), Some(content))]);
        }
        let description = "openshift-saas-deploy automated promotion";
        let opened =
            self.project.open_merge_request(&self.user, &branch, "main", &title, description);
        let iid = opened.expect("a merge request of V1's");
        super::remove_branch_on_merge(&self.project, iid);
        self.project.set_labels(&self.user, iid, &["bot/automerge"], &[]);
        Some(iid)
    }
}
