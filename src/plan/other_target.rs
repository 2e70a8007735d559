//! Merge requests of the bot that are left of a target branch that is gone.
//!
//! The target branch is part of the name of the bot's branches, so a run never takes up the merge requests of another
//! one. That is right where two jobs promote to two branches of one project. Where the branch was renamed, nobody looks
//! after them any more.

use super::planner::Planner;
use crate::domain::{MrIid, Problem, ProblemCode, count, mr_numbers, quoted};
use crate::snapshot::ConfigRepoFacts;

impl Planner<'_> {
    /// One warning for all of them.
    pub(super) fn warn_of_gone_target_branches(&mut self, repo: &ConfigRepoFacts) {
        let filter = &self.settings.filter;
        // Of several nodes the first one tells; an answer about one target tells of that target.
        if filter.only.is_some() || filter.share.is_some_and(|share| !share.is_first()) {
            return;
        }
        let gone = &self.snapshot.gone_target_branches;
        let left = self
            .snapshot
            .merge_requests
            .values()
            .filter(|mr| repo.is_bot(mr.author_id) && gone.contains(&mr.target_branch));
        let left: Vec<MrIid> = left.map(|mr| mr.iid).collect();
        if left.is_empty() {
            return;
        }
        let branches: Vec<String> = gone.iter().map(|branch| quoted(branch)).collect();
        let message = format!(
            "{} of the bot ({}) go to {}, which the project does not have any more; the bot leaves them alone",
            count(left.len(), "open merge request"),
            mr_numbers(&left),
            branches.join(", "),
        );
        let help = format!(
            "close them, and the bot opens what is due into {}; or give them that target branch, and merge them \
             yourself",
            quoted(&self.target_branch)
        );
        self.plan.problems.push(Problem::new(ProblemCode::OtherTargetBranch, message).help(help));
    }
}
