//! Merge requests that are closed: a comment that says why, the close, the end of the branch.
//!
//! In this order: a merge request that is closed is in no list of open ones, so nobody would say why later.

use super::desired::Group;
use super::message;
use super::model::{Action, Reason, Step};
use super::planner::{Existing, Planner};
use crate::domain::TargetUid;
use crate::ports::MergeRequestChange;
use crate::snapshot::{CommitDetail, MergeRequestFact};

impl Planner<'_> {
    pub(super) fn close(&mut self, existing: &Existing<'_>, code: Reason, reason: String) {
        let targets = existing.targets();
        self.close_mr(existing.mr, Some(existing.tip), targets, code, reason);
    }

    /// GitLab opens or reopens a merge request also from a branch that is gone, without a commit: nothing can become of
    /// it, and while it is open no other one can come from that branch. (One whose branch is deleted while it is open
    /// GitLab closes, as whoever deleted it.)
    pub(super) fn close_without_branch(
        &mut self,
        group: Option<&Group>,
        mr: &MergeRequestFact,
        code: Reason,
        reason: String,
    ) {
        let targets = self.uids(group);
        self.close_mr(mr, None, targets, code, reason);
    }

    fn close_mr(
        &mut self,
        mr: &MergeRequestFact,
        tip: Option<&CommitDetail>,
        targets: Vec<TargetUid>,
        code: Reason,
        reason: String,
    ) {
        if !self.settings.allow_closing {
            let reason = format!("would be closed, but closing is switched off: {reason}");
            let mut planned = self.planned(mr, Action::Keep, Reason::ClosingDisabled, reason);
            planned.targets = targets;
            self.plan.merge_requests.push(planned);
            return;
        }
        let body = message::closing_comment(&reason);
        let comment = self.comment_once(mr.iid, message::CLOSED_BY_BOT_MARKER.into(), body);
        let mut steps: Vec<Step> = comment.into_iter().collect();
        let change = MergeRequestChange { close: true, ..MergeRequestChange::default() };
        steps.push(Step::Change { iid: mr.iid, change });
        steps.extend(tip.map(|tip| Step::DeleteBranch {
            branch: mr.source_branch.clone(),
            expected_tip: tip.sha.clone(),
        }));
        let mut planned = self.planned(mr, Action::Close, code, reason);
        planned.targets = targets;
        planned.gives_up.clone_from(&planned.targets);
        planned.steps = steps;
        self.plan.merge_requests.push(planned);
    }
}
