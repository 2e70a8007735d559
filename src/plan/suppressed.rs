//! Promotions that are due and that the bot does not offer, as somebody said no: nobody may wait for them unaware.

use super::desired::{EditSiteState, Group};
use super::model::Reason;
use super::planner::Planner;
use crate::domain::{Problem, ProblemCode, and_more, short_ref};

impl Reason {
    /// Those that keep a due promotion from being offered until a person acts.
    pub const SUPPRESSING: [Self; 5] = [
        Self::ClosedByPerson,
        Self::ClosedByTwin,
        Self::RolledBack,
        Self::NotOurs,
        Self::TakenOver,
    ];
}

impl Planner<'_> {
    /// Reports that what is due for a group is not opened. Of a branch that is somebody else's there is an error
    /// already.
    pub(super) fn report_suppressed(&mut self, group: &Group, code: Reason, reason: &str) {
        let EditSiteState::Promote(desired) = &group.state else { return };
        if !Reason::SUPPRESSING.contains(&code) || code == Reason::NotOurs {
            return;
        }
        let target = &self.inventory.targets[group.members[0]];
        let others = and_more(group.members.len() - 1);
        let problem = match code {
            Reason::ClosedByTwin => ProblemCode::RequestClosedByTwin,
            _ => ProblemCode::PromotionSuppressed,
        };
        let message = format!(
            "{}{others}: the promotion to {} is due, and the bot offers no merge request for it: {reason}",
            target.label(),
            short_ref(&desired.values.git_ref)
        );
        let problem = Problem::new(problem, message)
            .in_file(&target.declared_at.file)
            .at(&target.declared_at.path)
            .at_line(target.declared_at.line, target.declared_at.column);
        self.plan.problems.push(problem);
    }
}
