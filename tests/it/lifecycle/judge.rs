//! What has to hold after a run that nothing interfered with.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use forge::{MergeRequest, MrState};
use sapm::apply::Verdict;
use sapm::decide::{Outcome, SubscriberDecision};
use sapm::inventory::Target;
use sapm::plan::Reason;

use super::driver::{Bot, Run};
use super::lab::story;
use super::look::{Look, Marks, about, exact, moved, moves_with};
use super::people::Scene;
use super::safety::{HOLD, TAKEN_OVER, TAKEN_OVER_LABEL, comments, honest, vouches_wrongly};
use sapm::domain::MrIid;

/// Judges runs in one world; remembers what it has tried.
#[derive(Default)]
pub struct Judge {
    /// Combinations of commits that merge cleanly into a commit.
    pub tried: RefCell<BTreeSet<String>>,
}

pub struct Case<'a> {
    pub bot: &'a Bot,
    pub scene: &'a Scene,
    pub run: &'a Run,
    pub before: &'a Look,
    pub after: &'a Look,
    pub pushed: BTreeSet<String>,
    drafted: BTreeSet<u64>,
    pub blocked: &'a [String],
    pub problems: Vec<String>,
    /// What each commit moves.
    moved: RefCell<BTreeMap<String, Option<BTreeSet<String>>>>,
}

/// An open merge request that is the bot's, with what it says and what is decided.
pub struct Own<'a> {
    pub mr: &'a MergeRequest,
    pub tip: &'a str,
    pub marks: Marks,
    /// Those of its targets that it still moves.
    pub about: BTreeSet<String>,
    pub decisions: Vec<&'a SubscriberDecision>,
}

impl Own<'_> {
    pub fn any(&self, outcome: Outcome) -> Option<&SubscriberDecision> {
        self.decisions.iter().copied().find(|decision| decision.outcome() == outcome)
    }

    /// What it should say, if it may be merged.
    pub fn wanted(&self) -> Option<Marks> {
        if self.any(Outcome::Hold).is_some() || self.any(Outcome::Error).is_some() {
            return None;
        }
        let decision = self.any(Outcome::Promote)?;
        let (git_ref, hashes) = (decision.desired_ref.clone(), decision.desired_hashes.clone());
        Some(Marks { git_ref, hashes, ..self.marks.clone() })
    }

    /// Nobody can say what it should be, or nobody may change it as long as it merges.
    pub fn untouchable(&self) -> bool {
        self.mr.auto_merge && self.wanted().is_some() || self.to_be_left_alone()
    }

    /// Nobody can say what it should be, or nobody may change it.
    pub fn to_be_left_alone(&self) -> bool {
        self.mr.state == MrState::Locked
            || self.mr.labels.contains(HOLD)
            || self.any(Outcome::Error).is_some()
            || self.decisions.is_empty()
    }
}

impl Judge {
    pub fn problems(
        &self,
        bot: &Bot,
        scene: &Scene,
        run: &Run,
        (before, after): (&Look, &Look),
        blocked: &[String],
    ) -> Vec<String> {
        let persons = scene.persons.lock().unwrap();
        let mut case = Case {
            bot,
            scene,
            run,
            before,
            after,
            pushed: persons.pushed.clone(),
            drafted: persons.drafted.clone(),
            blocked,
            problems: Vec::new(),
            moved: RefCell::default(),
        };
        drop(persons);
        let own = case.own(after);
        for own in &own {
            case.mr(own);
        }
        case.without_branch();
        case.taken_over();
        case.due(&own);
        case.left_branches();
        case.needless();
        case.lost_auto_merge();
        case.closed();
        for (branch, outcome) in &run.outcomes.merge_requests {
            // What was written may say what it ended.
            if let Some(message) = &outcome.message
                && outcome.outcome != Verdict::Done
            {
                case.problems.push(format!("{branch}: {message}"));
            }
        }
        self.combinations(&mut case, &own);
        if !case.problems.is_empty() {
            case.problems.extend(story(run));
        }
        case.problems
    }
}

impl<'a> Case<'a> {
    /// Open merge requests whose branch is the bot's.
    pub fn own(&self, look: &'a Look) -> Vec<Own<'a>> {
        let mut found = Vec::new();
        for mr in look.open_of(self.scene.bot) {
            let Some(tip) = look.tip(mr).filter(|tip| !self.pushed.contains(*tip)) else {
                continue;
            };
            // A rebase may give it another meaning: what it changes is an anchor there that others use.
            let is_taken_over = self.run.plan.merge_requests.iter().any(|planned| {
                planned.iid == Some(MrIid(mr.iid)) && planned.reason_code == Reason::TakenOver
            });
            if is_taken_over && honest(self.scene, tip).is_err() {
                continue;
            }
            let Some(marks) = Marks::of(&self.bot.project, tip) else { continue };
            let inventory = &self.run.loaded.inventory;
            let of = |about: &dyn Fn(&Target) -> bool| -> Vec<&'a SubscriberDecision> {
                let decisions = self.run.decisions.subscribers.iter();
                let about = decisions.filter(|(index, _)| about(&inventory.targets[**index]));
                about.map(|(_, decision)| decision).collect()
            };
            let about = self.about(tip, &marks);
            let mut decisions = of(&|target| about.contains(target.uid.as_str()));
            if decisions.is_empty() {
                decisions = of(&|target| marks.targets.contains(target.uid.as_str()));
            }
            if decisions.is_empty() {
                // Others may have come to use its file.
                decisions = of(&|target| moves_with(inventory, target, &marks));
            }
            found.push(Own { mr, tip, marks, about, decisions });
        }
        found
    }

    /// Of the targets that a commit names those that merging it moves.
    pub fn about(&self, tip: &str, marks: &Marks) -> BTreeSet<String> {
        let inventory = &self.run.loaded.inventory;
        let mut known = self.moved.borrow_mut();
        let moved =
            known.entry(tip.to_owned()).or_insert_with(|| moved(&self.bot.project, inventory, tip));
        about(inventory, marks, moved.as_ref())
    }

    pub fn wrong(&mut self, text: String) {
        self.problems.push(text);
    }

    /// Is it a draft until another one is merged?
    pub fn waits(&self, iid: u64) -> bool {
        self.run.plan.merge_requests.iter().any(|planned| {
            planned.iid == Some(MrIid(iid)) && planned.reason_code == Reason::WaitsForRequest
        })
    }

    /// Was it rebuilt, as it did not merge any more?
    fn rebuilt(&self, iid: u64) -> bool {
        let old = self.before.merge_requests.get(&iid).and_then(|old| self.before.tip(old));
        let merged = old.map(|tip| self.bot.project.try_merge("main", &[tip]));
        let planned =
            self.run.plan.merge_requests.iter().find(|planned| planned.iid == Some(MrIid(iid)));
        planned.is_some_and(|planned| planned.reason_code == Reason::TargetBranchMoved)
            && (merged.is_none_or(|merged| merged.is_err())
                || self.after.open_of(self.scene.bot).count() > 1)
    }

    fn untouched(&mut self, own: &Own<'_>, why: &str) {
        let old = self.before.merge_requests.get(&own.mr.iid);
        let face = |mr: &MergeRequest| (mr.title.clone(), mr.description.clone(), mr.sha.clone());
        if old.map(face) != Some(face(own.mr)) {
            self.wrong(format!("!{} is {why} and was changed", own.mr.iid));
        }
    }

    /// An open merge request against what is decided for its targets.
    fn mr(&mut self, own: &Own<'a>) {
        let iid = own.mr.iid;
        if own.mr.state == MrState::Locked {
            return self.untouched(own, "being merged");
        }
        if own.mr.labels.contains(HOLD) {
            return self.untouched(own, "to be left alone");
        }
        if own.decisions.is_empty() {
            if self.run.loaded.bundle.broken_files.is_empty() {
                self.wrong(format!("!{iid} is open, and its target is gone"));
            }
            return;
        }
        if own.any(Outcome::Error).is_some() {
            return self.untouched(own, "without facts");
        }
        if own.mr.labels.contains(TAKEN_OVER_LABEL) {
            self.wrong(format!("!{iid} was handed back, and is still marked as taken over"));
        }
        let draft = own.mr.is_draft();
        let by_bot = own.mr.title.contains("held by ");
        if let Some(decision) = own.any(Outcome::Hold) {
            let gate = decision.held_by().map_or("?", |gate| gate.as_str());
            if !draft {
                self.wrong(format!("!{iid} is held by {gate} and no draft"));
            }
            let gates: Vec<_> = own.decisions.iter().filter_map(|d| d.held_by()).collect();
            let named =
                gates.iter().any(|g| own.mr.title.contains(&format!("held by {}", g.as_str())));
            if by_bot && !named {
                self.wrong(format!("!{iid} is held by {gate}, but called {}", own.mr.title));
            }
            return self.held_content(own);
        }
        let Some(wanted) = own.wanted() else {
            return self.wrong(format!("!{iid} is open, and nothing is due"));
        };
        if self.waits(iid) {
            if !draft {
                self.wrong(format!("!{iid} waits for another, and is no draft"));
            }
            if !self.cannot_be_as_wanted(own, &wanted) && !self.cannot_take_in(own) {
                self.wrong(format!("!{iid} waits, and nothing stands in its way"));
            }
            return;
        }
        if draft && (by_bot || !self.drafted.contains(&iid)) {
            self.wrong(format!("!{iid} may be merged, and is a draft: {}", own.mr.title));
        }
        self.content(own, &wanted);
        let said = self.run.plan.merge_requests.iter().any(|planned| {
            let reason = planned.reason_code;
            planned.iid == Some(MrIid(iid))
                && (matches!(reason, Reason::AutoMerge | Reason::BehindTargetBranch)
                    // The comment comes first: the next run says that it waits for what the person set.
                    || reason == Reason::HandedBack && own.mr.auto_merge)
        });
        if self.is_behind(own.tip) && !draft && !said {
            self.wrong(format!("!{iid} is behind main, and nothing is said of it"));
        }
    }

    /// The branch of a held merge request is rebuilt only if it has to be, with the values and for the
    /// targets that it had.
    fn held_content(&mut self, own: &Own<'_>) {
        let iid = own.mr.iid;
        let old = self.before.merge_requests.get(&iid);
        if old.is_some_and(|old| old.sha == own.mr.sha) {
            return;
        }
        if !self.rebuilt(iid) {
            self.wrong(format!("!{iid} is held, and its branch was touched"));
        }
        let project = &self.bot.project;
        let had = old.and_then(|old| Marks::of(project, self.before.tip(old)?));
        let Some(had) = had else {
            return self.wrong(format!("!{iid} is held, and was the bot's to make anew"));
        };
        let Ok(files) = project.try_merge("main", &[own.tip]) else { return };
        let targets = had.targets.intersection(&own.about).cloned().collect();
        let may = Marks { targets, path: own.marks.path.clone(), ..had };
        let old = (&project.files("main"), &self.run.loaded.inventory);
        if let Err(error) = exact(None, old, &files, &[&may]) {
            self.wrong(format!("!{iid} is held, was rebuilt, and merged: {error}"));
        }
    }

    /// Merged into main it gives main with just the wanted values.
    fn content(&mut self, own: &Own<'_>, wanted: &Marks) {
        let iid = own.mr.iid;
        let project = &self.bot.project;
        let named = own.mr.title.split_once("[AutoPromoterV2]");
        if let Some((_, named)) = named.and_then(|(_, rest)| rest.rsplit_once(" to "))
            && !wanted.git_ref.starts_with(named)
        {
            self.wrong(format!("!{iid} is about {}, and called {named}", wanted.git_ref));
        }
        match project.try_merge("main", &[own.tip]) {
            Err(error) => self.wrong(format!("!{iid} does not merge: {error}")),
            Ok(files) => {
                let old = (&project.files("main"), &self.run.loaded.inventory);
                if let Err(error) = exact(None, old, &files, &[wanted]) {
                    self.wrong(format!("!{iid} merged into main: {error}"));
                }
            }
        }
    }

    /// GitLab closes the merge requests of a branch that is deleted: one that never had a branch stays open. (So does
    /// one whose branch a person deleted while GitLab was merging it, and one that a person reopened and holds. Those
    /// are theirs to close.)
    fn without_branch(&mut self) {
        for mr in self.after.open_of(self.scene.bot).filter(|mr| !mr.labels.contains(HOLD)) {
            let never_had_one = mr.state == MrState::Opened && mr.sha.is_none();
            if never_had_one && self.after.tip(mr).is_none() {
                self.problems.push(format!("!{} is open, and has no branch", mr.iid));
            }
        }
    }

    fn taken_over(&mut self) {
        for mr in self.after.open_of(self.scene.bot) {
            let theirs = self.after.tip(mr).is_some_and(|tip| self.pushed.contains(tip));
            // How many there may be depends on the runs at once, which `safety` knows.
            let is_told = comments(mr, self.scene.bot, TAKEN_OVER) > 0;
            let alone = mr.state == MrState::Locked;
            self.problems.extend(vouches_wrongly(self.scene, self.after, mr));
            if theirs && !alone && !is_told {
                self.problems.push(format!("!{} is taken over, without a comment", mr.iid));
            }
            let reported = self.run.plan.merge_requests.iter().any(|planned| {
                planned.iid == Some(MrIid(mr.iid))
                    && matches!(
                        planned.reason_code,
                        Reason::TakenOver | Reason::HoldLabel | Reason::BeingMerged
                    )
            });
            if theirs && !reported {
                self.problems.push(format!("!{} is taken over, and not reported", mr.iid));
            }
        }
    }
}
