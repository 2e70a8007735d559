//! Are the reasons true that a run gives for what is due and not opened?

use forge::{MergeRequest, MrState};
use sapm::clients::git;
use sapm::decide::SubscriberDecision;
use sapm::plan::Merge;
use sapm::plan::{Action, Reason};

use super::judge::{Case, Own};
use super::look::Marks;
use super::safety::AGAIN;

impl Case<'_> {
    /// What is due and not open has to say why, and it has to be true.
    pub fn due(&mut self, own: &[Own<'_>]) {
        for (&index, decision) in &self.run.decisions.subscribers {
            if !decision.promotes() {
                continue;
            }
            let target = &self.run.loaded.inventory.targets[index];
            let covered = own.iter().any(|own| own.about.contains(target.uid.as_str()));
            if covered {
                continue;
            }
            let planned = self.run.plan.merge_requests.iter().find(|planned| {
                let waits = [Reason::WaitsForRequest, Reason::BranchGone];
                let closed =
                    planned.action == Action::Close && !waits.contains(&planned.reason_code);
                planned.targets.contains(&target.uid) && !closed
            });
            let Some(planned) = planned else {
                self.wrong(format!("{} is due, and nothing is said of it", target.label()));
                continue;
            };
            if planned.iid.is_some() {
                continue; // taken over, or to be left alone
            }
            if !self.is_true(planned, decision) {
                self.wrong(format!("{} is due, and said to be {}", target.label(), planned.reason));
            }
        }
    }

    fn is_true(
        &self,
        planned: &sapm::plan::PlannedMergeRequest,
        decision: &SubscriberDecision,
    ) -> bool {
        let past = |state: MrState| {
            self.after.merge_requests.values().any(|old| {
                let by_person = old.closed.is_none_or(|(_, user)| user != self.scene.bot);
                let marks = old.sha.as_deref().and_then(|sha| Marks::of(&self.bot.project, sha));
                let same = marks.as_ref().is_none_or(|marks| {
                    marks.git_ref == decision.desired_ref && marks.hashes == decision.desired_hashes
                });
                let about = marks.as_ref().is_none_or(|marks| {
                    planned.targets.iter().any(|target| marks.targets.contains(target.as_str()))
                });
                (old.source_branch == planned.branch || about)
                    && old.author == self.scene.bot
                    && old.state == state
                    && by_person
                    && same
                    && !old.labels.contains(AGAIN)
            })
        };
        match planned.reason_code {
            Reason::ClosedByPerson => past(MrState::Closed),
            Reason::RolledBack => past(MrState::Merged),
            Reason::NotOurs => {
                let tip = self.after.branches.get(&planned.branch);
                let mr = self.after.merge_requests.values().any(|mr| {
                    mr.source_branch == planned.branch
                        && matches!(mr.state, MrState::Opened | MrState::Locked)
                        && mr.author != self.scene.bot
                });
                mr || tip.is_some_and(|tip| self.pushed.contains(tip))
            }
            Reason::RunLimit => {
                let limit = self.bot.settings.borrow().max_new_merge_requests;
                let created =
                    self.run.plan.merge_requests.iter().filter(|r| r.action == Action::Create);
                created.count() == limit
            }
            Reason::WaitsForRequest => self.stands_in_the_way(planned),
            // From whatever branch: the place of an alias has another name.
            Reason::BeingMerged => self
                .after
                .merge_requests
                .values()
                .any(|mr| mr.state == MrState::Locked && self.is_about(mr, planned)),
            _ => false,
        }
    }

    /// Does it conflict with an open merge request, one that is named?
    fn stands_in_the_way(&self, planned: &sapm::plan::PlannedMergeRequest) -> bool {
        let Some(edit) = planned.files.first() else { return false };
        let named = self.after.open_of(self.scene.bot).any(|mr| {
            planned.reason.contains(&format!("!{}:", mr.iid))
                || planned.reason.contains(&format!("!{} is", mr.iid))
                || planned.reason.contains(&mr.source_branch)
        });
        let conflicts = self.conflicts_with_open(edit.path.as_str(), &edit.content, None);
        let same_target = self.after.open_of(self.scene.bot).any(|mr| self.is_about(mr, planned));
        named && (conflicts || same_target)
    }

    /// Is a merge request about one of the planned targets?
    fn is_about(&self, mr: &MergeRequest, planned: &sapm::plan::PlannedMergeRequest) -> bool {
        let named = self.named(mr);
        planned.targets.iter().any(|target| named.contains(target.as_str()))
    }

    /// Does this text of a file, made on the target branch, conflict with an open merge request?
    pub fn conflicts_with_open(&self, path: &str, content: &str, but: Option<u64>) -> bool {
        let main = self.bot.project.file("main", path).unwrap_or_default();
        let main = String::from_utf8(main).unwrap();
        let merged_with = |mr: &MergeRequest| {
            let files = self.bot.project.try_merge("main", &[&mr.source_branch]).ok()?;
            let other = String::from_utf8(files.get(path)?.clone()).unwrap();
            Some(git::merge_texts(&main, &other, content).unwrap())
        };
        let others = self.after.open_of(self.scene.bot);
        let mut others = others.filter(|mr| but != Some(mr.iid));
        others.any(|mr| merged_with(mr).is_none_or(|merge| merge == Merge::Conflict))
    }

    /// Does a commit that stood open conflict with the target branch, or with an open merge request?
    pub fn clashes(&self, tip: &str, iid: u64) -> bool {
        let project = &self.bot.project;
        let others = self.after.open_of(self.scene.bot);
        let mut others = others.filter(|mr| mr.iid != iid);
        let pair = |one: &str, two: &str| project.try_merge("main", &[one, two]).is_err();
        project.try_merge("main", &[tip]).is_err()
            || others.any(|mr| {
                let other = &mr.source_branch;
                pair(tip, other) || pair(other, tip)
            })
    }
}
