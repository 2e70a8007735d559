//! Merge requests and branches that the bot leaves to others, and what it says about them.

use std::borrow::Cow;

use super::desired::Group;
use super::message;
use super::model::{Action, Reason, Step};
use super::planner::Planner;
use crate::domain::{MrIid, Problem, ProblemCode, TargetUid, quoted};
use crate::snapshot::MergeRequestFact;

impl Planner<'_> {
    pub(super) fn leave(
        &mut self,
        group: Option<&Group>,
        mr: &MergeRequestFact,
        code: Reason,
        reason: String,
        steps: Vec<Step>,
    ) {
        let mut planned = self.planned(mr, Action::Keep, code, reason);
        planned.targets = if self.is_batch(mr) { self.claims_of(mr.iid) } else { self.uids(group) };
        planned.steps = steps;
        self.plan.merge_requests.push(planned);
    }

    /// A merge request whose content the bot does not vouch for: what it set on it to do so goes.
    pub(super) fn disown(
        &mut self,
        group: Option<&Group>,
        mr: &MergeRequestFact,
        code: Reason,
        reason: String,
    ) {
        let body = if mr.target_branch == self.target_branch {
            message::taken_over_comment(&mr.source_branch)
        } else {
            message::sent_elsewhere_comment(&mr.target_branch, &self.target_branch)
        };
        for group in self.groups_waiting_for(group, mr) {
            self.report_suppressed(&group, code, &reason);
        }
        let steps = self.steps_to_disown(mr, body);
        self.leave(group, mr, code, reason, steps);
    }

    /// The groups that cannot be promoted while somebody else's content is on a branch: the one whose branch it is; of a
    /// batch those that its description names.
    fn groups_waiting_for(&self, group: Option<&Group>, mr: &MergeRequestFact) -> Vec<Group> {
        if !self.is_batch(mr) {
            return group.cloned().into_iter().collect();
        }
        let named = message::described_targets(&mr.description);
        let is_named = |group: &&Group| {
            group.members.iter().any(|at| named.contains(&self.inventory.targets[*at].uid))
        };
        self.index.all_groups.values().filter(is_named).cloned().collect()
    }

    /// A merge request from a branch of the bot that another user opened: the bot itself by another token, perhaps.
    pub(super) fn opened_by_other(&mut self, group: Option<&Group>, mr: &MergeRequestFact) {
        let (iid, branch, author) = (mr.iid, &mr.source_branch, quoted(&mr.author));
        let message = format!(
            "{iid} from its branch {branch} was opened by {author}, not by the bot; if {author} is the bot, name it in \
             --bot-user (SAPM_BOT_USER) where the token of this run only reads, or in --former-bot-user \
             (SAPM_FORMER_BOT_USERS) where the bot has another user now; otherwise close {iid}, and rename or delete \
             the branch"
        );
        self.not_ours(group, branch, &message);
    }

    /// Notes that a group cannot have its branch; `message` says why, and what to do.
    pub(super) fn not_ours(&mut self, group: Option<&Group>, branch: &str, message: &str) {
        let Some(target) = group.map(|group| &self.inventory.targets[group.members[0]]) else {
            return;
        };
        self.plan.problems.push(
            Problem::new(ProblemCode::BranchNotOurs, format!("{}: {message}", target.label()))
                .in_file(&target.declared_at.file)
                .at(branch),
        );
    }

    /// A comment, unless the bot has made it before: also in another run, while this one planned.
    pub(super) fn comment_once(
        &mut self,
        iid: MrIid,
        marker: Cow<'static, str>,
        body: String,
    ) -> Option<Step> {
        let bots = self.snapshot.config_repo.as_ref()?.bot_ids();
        (!self.has_note(iid, &marker, &body)).then_some(Step::Comment { iid, body, marker, bots })
    }

    fn has_note(&mut self, iid: MrIid, marker: &str, body: &str) -> bool {
        match self.snapshot.notes.get(&iid).map(|notes| notes.as_result()) {
            Some(Ok(notes)) => message::has_said(notes, marker, body),
            // Rather no comment than one in every run.
            Some(Err(_)) => true,
            None => {
                self.missing.notes.insert(iid);
                false
            }
        }
    }

    pub(super) fn uids(&self, group: Option<&Group>) -> Vec<TargetUid> {
        let mut uids: Vec<_> = group
            .into_iter()
            .flat_map(|group| &group.members)
            .map(|&member| self.inventory.targets[member].uid.clone())
            .collect();
        uids.sort();
        uids
    }
}
