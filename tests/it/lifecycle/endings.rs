//! What a run closed, deleted, pushed to or left: did it have to?

use std::collections::BTreeSet;

use forge::{MergeMethod, MergeRequest, MrState};
use sapm::app_interface::{HashEdit, TargetEdit};
use sapm::decide::Outcome;
use sapm::plan::Reason;
use yaml11::AliasMode;

use super::judge::{Case, Own};
use super::look::{Marks, PREFIX, exact, is_unfinished, taken_over_from};
use super::safety::AGAIN;
use sapm::domain::MrIid;

impl Case<'_> {
    /// The bot's branches without a merge request are gone.
    pub fn left_branches(&mut self) {
        let open: BTreeSet<&String> = self
            .after
            .merge_requests
            .values()
            .filter(|mr| is_unfinished(mr))
            .map(|r| &r.source_branch)
            .collect();
        let errors = self.run.decisions.subscribers.values().any(|d| d.outcome() == Outcome::Error);
        if errors || !self.run.loaded.bundle.broken_files.is_empty() {
            return;
        }
        for (branch, tip) in &self.after.branches {
            let nobodys = !open.contains(branch) && !self.pushed.contains(tip);
            if branch.starts_with(PREFIX) && nobodys && !self.tells_of_a_no(branch, tip) {
                self.problems.push(format!("the branch {branch} is left, and nobody's"));
            }
        }
    }

    /// Did a person close a merge request from this branch, for a target that is there?
    fn tells_of_a_no(&self, branch: &str, tip: &str) -> bool {
        let marks = Marks::all_of(&self.bot.project, tip);
        let mut subscribers = self.run.loaded.inventory.subscribers();
        let by_person =
            |mr: &MergeRequest| mr.closed.is_some_and(|(_, user)| user != self.scene.bot);
        let mut closed = self.after.merge_requests.values().filter(|r| r.source_branch == *branch);
        subscribers
            .any(|(_, target)| marks.iter().any(|it| it.targets.contains(target.uid.as_str())))
            && closed
                .any(|r| r.state == MrState::Closed && by_person(r) && !r.labels.contains(AGAIN))
    }

    /// A merge request that was right is not pushed to.
    pub fn needless(&mut self) {
        let own = self.own(self.before);
        for old in &own {
            let Some(new) = self.after.merge_requests.get(&old.mr.iid) else { continue };
            if new.sha == old.mr.sha || new.state != MrState::Opened {
                continue;
            }
            let project = &self.bot.project;
            let new_tip = new.sha.as_deref().unwrap_or_default();
            let rebuilt = self.is_behind(old.tip) && !self.is_behind(new_tip);
            if rebuilt && !old.mr.auto_merge {
                continue; // it could not be merged before
            }
            let alone = !own.iter().filter(|other| other.mr.iid != old.mr.iid).any(|other| {
                let pair = [old.tip, other.tip];
                project.try_merge("main", &pair).is_err()
                    || project.try_merge("main", &[other.tip, old.tip]).is_err()
            });
            if alone && self.was_right(old) {
                self.problems.push(format!("!{} was right, and pushed to", new.iid));
            }
        }
    }

    /// Would GitLab merge a commit only once it was rebased?
    pub fn is_behind(&self, commit: &str) -> bool {
        let project = &self.bot.project;
        project.merge_method() != MergeMethod::Merge
            && !project.parents(commit).contains(&self.after.main)
    }

    /// Would merging it have given what is wanted now?
    fn was_right(&self, old: &Own<'_>) -> bool {
        let Some(wanted) = old.wanted() else { return false };
        if old.any(Outcome::UpToDate).is_some() {
            return false; // it moved one that has what it should have, and left its place
        }
        let wanted = self.with_mates(old, wanted);
        let project = &self.bot.project;
        let main = (&project.files("main"), &self.run.loaded.inventory);
        let merged = project.try_merge("main", &[old.tip]);
        merged.is_ok_and(|files| exact(None, main, &files, &[&wanted]).is_ok())
    }

    /// A person's auto-merge is never lost to a mere move of the target branch.
    pub fn lost_auto_merge(&mut self) {
        for old in self.own(self.before).iter().filter(|old| old.mr.auto_merge) {
            let new = self.after.merge_requests.get(&old.mr.iid);
            let lost = new.is_some_and(|new| new.state == MrState::Opened && !new.auto_merge);
            if lost && self.was_right(old) {
                self.problems.push(format!("!{} was right, and lost auto-merge", old.mr.iid));
            }
        }
    }

    /// What is wanted of a merge request, with those who are to move together with its targets.
    fn with_mates(&self, own: &Own<'_>, mut wanted: Marks) -> Marks {
        let inventory = &self.run.loaded.inventory;
        for decision in own.decisions.iter().filter(|decision| !decision.own_value) {
            let site = inventory.site_of.get(&decision.target);
            let site = site.and_then(|site| inventory.sites.get(site));
            for mate in site.into_iter().flat_map(|site| &site.members) {
                wanted.targets.insert(inventory.targets[*mate].uid.to_string());
            }
        }
        wanted
    }

    /// Is another merge request about one of its targets open, or does it move none of them any more?
    fn is_superseded(&self, old: &Own<'_>) -> bool {
        let mut others = self.after.open_of(self.scene.bot).filter(|r| r.iid != old.mr.iid);
        let later = self.run.plan.merge_requests.iter().any(|planned| {
            planned.reason_code == Reason::RunLimit
                && planned.targets.iter().any(|target| old.about.contains(target.as_str()))
        });
        later
            || old.about.is_empty()
            || others.any(|other| !self.named(other).is_disjoint(&old.about))
    }

    /// The targets that an open merge request is about; of one that was taken over, what it was about before.
    pub fn named(&self, mr: &MergeRequest) -> BTreeSet<String> {
        let own = self.after.tip(mr).and_then(|tip| {
            let marks = Marks::of(&self.bot.project, tip)?;
            Some(self.about(tip, &marks))
        });
        own.unwrap_or_else(|| {
            let all = taken_over_from(&self.bot.project, mr);
            all.into_iter().flat_map(|marks| marks.targets).collect()
        })
    }

    /// Is another merge request about one of those who have come to share its place?
    pub fn cannot_take_in(&self, own: &Own<'_>) -> bool {
        let inventory = &self.run.loaded.inventory;
        let subscribers = inventory.subscribers();
        let sites = subscribers.filter(|(_, t)| own.marks.targets.contains(t.uid.as_str()));
        let sites =
            sites.filter_map(|(index, _)| inventory.sites.get(inventory.site_of.get(&index)?));
        let mates = sites.flat_map(|site| &site.members);
        let mates: BTreeSet<&str> =
            mates.map(|&mate| inventory.targets[mate].uid.as_str()).collect();
        let mut others = self.after.open_of(self.scene.bot).filter(|r| r.iid != own.mr.iid);
        others.any(|other| {
            let named = self.named(other);
            named.iter().any(|t| mates.contains(t.as_str()) && !own.marks.targets.contains(t))
        })
    }

    /// Does the text that it should have conflict with an open merge request?
    pub fn cannot_be_as_wanted(&self, own: &Own<'_>, wanted: &Marks) -> bool {
        let Some(tree) =
            wanted.path.strip_prefix("data").and_then(|file| self.run.loaded.bundle.tree(file))
        else {
            return false;
        };
        let mut edits: Vec<TargetEdit> = Vec::new();
        for decision in &own.decisions {
            let target = &self.run.loaded.inventory.targets[decision.target];
            if edits.iter().any(|edit| edit.target == target.node) {
                continue;
            }
            let current = &target.promotion.current_hashes;
            let hashes = wanted.hashes.iter().filter(|hash| !current.contains(hash));
            let own_value = decision.own_value;
            edits.push(TargetEdit {
                target: target.node,
                new_ref: (target.current_ref() != wanted.git_ref).then(|| wanted.git_ref.clone()),
                ref_mode: if own_value { AliasMode::OwnValue } else { AliasMode::InPlace },
                hashes: hashes
                    .map(|hash| HashEdit {
                        channel: hash.channel.clone(),
                        parent_saas: hash.parent_saas.clone(),
                        target_config_hash: hash.target_config_hash.clone(),
                    })
                    .collect(),
            });
        }
        let content = yaml11::edit(tree, &edits).expect("an edit");
        self.conflicts_with_open(&wanted.path, &content, Some(own.mr.iid))
    }

    /// What the bot closed had to be closed.
    pub fn closed(&mut self) {
        for old in self.own(self.before) {
            let Some(new) = self.after.merge_requests.get(&old.mr.iid) else { continue };
            let by_bot = new.closed.is_some_and(|(_, user)| user == self.scene.bot);
            if new.state != MrState::Closed || !by_bot {
                continue;
            }
            let wanted = old.any(Outcome::Promote).is_some() || old.any(Outcome::Hold).is_some();
            let blocked =
                old.any(Outcome::Hold).is_some() && self.blocked.contains(&old.marks.git_ref);
            let planned =
                self.run.plan.merge_requests.iter().find(|r| r.iid == Some(MrIid(new.iid)));
            // What the plan says is believed only where it is so.
            let other = planned.is_some_and(|planned| match planned.reason_code {
                // Or a person holds the merge request of one that it shares a place with now.
                Reason::Superseded => self.is_superseded(&old) || self.cannot_take_in(&old),
                Reason::TargetBranchMoved => self.clashes(old.tip, new.iid),
                Reason::WaitsForRequest => {
                    let wanted = old.wanted();
                    self.cannot_take_in(&old)
                        || wanted.is_some_and(|wanted| self.cannot_be_as_wanted(&old, &wanted))
                }
                _ => false,
            });
            if old.any(Outcome::Error).is_some() || wanted && !blocked && !other {
                self.problems.push(format!("!{} was closed, and may be wanted", new.iid));
            }
        }
    }
}
