//! Are the reasons true that a run gives for what is due and not opened?

use forge::{MergeRequest, MrState};
use sapm::clients::git::{self, Merge};
use sapm::decide::{Decision, Outcome};
use sapm::plan::{Action, Reason};

use super::judge::{Case, Own};
use super::look::Marks;
use super::safety::AGAIN;

impl Case<'_> {
    /// What is due and not open has to say why, and it has to be true.
    pub fn due(&mut self, own: &[Own<'_>]) {
        for (&index, decision) in &self.run.decisions.subscribers {
            if decision.outcome != Outcome::Promote {
                continue;
            }
            let target = &self.run.loaded.inventory.targets[index];
            let covered = own.iter().any(|own| own.marks.targets.contains(target.uid.as_str()));
            if covered {
                continue;
            }
            let planned = self.run.plan.requests.iter().find(|planned| {
                let closed = planned.action == Action::Close
                    && planned.reason_code != Reason::WaitsForRequest;
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

    fn is_true(&self, planned: &sapm::plan::PlannedRequest, decision: &Decision) -> bool {
        let past = |state: MrState| {
            self.after.requests.values().any(|old| {
                let by_person = old.closed.is_none_or(|(_, user)| user != self.scene.bot);
                let marks = old.sha.as_deref().and_then(|sha| Marks::of(&self.bot.project, sha));
                let same = marks.is_none_or(|marks| {
                    marks.git_ref == decision.desired_ref && marks.hashes == decision.desired_hashes
                });
                old.source_branch == planned.branch
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
                let request = self.after.requests.values().any(|request| {
                    request.source_branch == planned.branch
                        && request.state == MrState::Opened
                        && request.author != self.scene.bot
                });
                request || tip.is_some_and(|tip| self.pushed.contains(tip))
            }
            Reason::RunLimit => {
                let limit = self.bot.settings.borrow().max_new_merge_requests;
                let created = self.run.plan.requests.iter().filter(|r| r.action == Action::Create);
                created.count() == limit
            }
            Reason::WaitsForRequest => self.stands_in_the_way(planned),
            _ => false,
        }
    }

    /// Does it conflict with an open request, one that is named?
    fn stands_in_the_way(&self, planned: &sapm::plan::PlannedRequest) -> bool {
        let Some(edit) = planned.files.first() else { return false };
        let text = |rev: &str| {
            let bytes = self.bot.project.file(rev, &edit.path).unwrap_or_default();
            String::from_utf8(bytes).unwrap()
        };
        let main = text("main");
        let named = self.after.open_of(self.scene.bot).any(|request| {
            planned.reason.contains(&format!("!{}:", request.iid))
                || planned.reason.contains(&format!("!{} is", request.iid))
                || planned.reason.contains(&request.source_branch)
        });
        let merged_with = |request: &MergeRequest| {
            let files = self.bot.project.try_merge("main", &[&request.source_branch]).ok()?;
            let other = String::from_utf8(files.get(&edit.path)?.clone()).unwrap();
            Some(git::merge_texts(&main, &other, &edit.content).unwrap())
        };
        let conflicts = self
            .after
            .open_of(self.scene.bot)
            .any(|request| merged_with(request).is_none_or(|merge| merge == Merge::Conflict));
        let same_target = self.after.open_of(self.scene.bot).any(|request| {
            let tip = self.after.tip(request).and_then(|tip| Marks::of(&self.bot.project, tip));
            tip.is_some_and(|marks| {
                planned.targets.iter().any(|target| marks.targets.contains(target.as_str()))
            })
        });
        named && (conflicts || same_target)
    }
}
