//! What has to hold after a run that nothing interfered with.

use std::cell::RefCell;
use std::collections::BTreeSet;

use forge::{MergeRequest, MrState, ProjectHandle};
use sapm::decide::{Decision, Outcome};
use sapm::inventory::Target;
use sapm::plan::Reason;
use sapm::yaml::{self, HashEdit, RefMode, TargetEdit};

use super::driver::{Bot, Run};
use super::lab::story;
use super::look::{Look, Marks, PREFIX, exact, is_unfinished, moves_with};
use super::people::Scene;
use super::safety::{HOLD, TAKEN_OVER, comments};

/// Judges runs in one world; remembers what it has tried.
#[derive(Default)]
pub struct Judge {
    /// Combinations of commits that merge cleanly into a commit.
    tried: RefCell<BTreeSet<String>>,
}

pub struct Case<'a> {
    pub bot: &'a Bot,
    pub scene: &'a Scene,
    pub run: &'a Run,
    before: &'a Look,
    pub after: &'a Look,
    pub pushed: BTreeSet<String>,
    drafted: BTreeSet<u64>,
    blocked: &'a [String],
    problems: Vec<String>,
}

/// An open request that is the bot's, with what it says and what is decided.
pub struct Own<'a> {
    request: &'a MergeRequest,
    tip: &'a str,
    pub marks: Marks,
    decisions: Vec<&'a Decision>,
}

impl Own<'_> {
    fn any(&self, outcome: Outcome) -> Option<&Decision> {
        self.decisions.iter().copied().find(|decision| decision.outcome == outcome)
    }

    /// What it should say, if it may be merged.
    fn wanted(&self) -> Option<Marks> {
        if self.any(Outcome::Hold).is_some() || self.any(Outcome::Error).is_some() {
            return None;
        }
        let decision = self.any(Outcome::Promote)?;
        let (git_ref, hashes) = (decision.desired_ref.clone(), decision.desired_hashes.clone());
        Some(Marks { git_ref, hashes, ..self.marks.clone() })
    }

    /// Nobody can say what it should be, or nobody may change it.
    fn untouchable(&self) -> bool {
        self.request.state == MrState::Locked
            || self.request.labels.contains(HOLD)
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
        };
        drop(persons);
        let own = case.own(after);
        for own in &own {
            case.request(own);
        }
        case.without_branch();
        case.taken_over();
        case.due(&own);
        case.left_branches();
        case.needless();
        case.closed();
        for (branch, outcome) in &run.outcomes.requests {
            if let Some(message) = &outcome.message {
                case.problems.push(format!("{branch}: {message}"));
            }
        }
        self.combinations(&mut case, &own);
        if !case.problems.is_empty() {
            case.problems.extend(story(run));
        }
        case.problems
    }

    /// Any subset of the open ones merges cleanly in any order: subsets are beginnings of orders.
    fn combinations(&self, case: &mut Case<'_>, own: &[Own<'_>]) {
        let project = &case.bot.project;
        let open: Vec<&Own<'_>> = own.iter().filter(|own| !own.untouchable()).collect();
        for own in &open {
            if !project.merges_cleanly(own.request.iid) {
                case.problems.push(format!("!{} conflicts with main", own.request.iid));
            }
        }
        let mut tips: Vec<&str> = open.iter().map(|own| own.tip).collect();
        tips.extend(beside(project, own));
        tips.sort_unstable();
        if !self.tried.borrow_mut().insert(format!("{} {tips:?}", case.after.main)) {
            return;
        }
        for order in orders(&tips) {
            if let Err(error) = project.try_merge("main", &order) {
                case.problems.push(format!("merging {order:?} one after the other: {error}"));
                return;
            }
        }
        let ready = open.iter().filter(|own| !case.waits(own.request.iid));
        let wanted: Vec<(&str, Marks)> =
            ready.filter_map(|own| Some((own.tip, own.wanted()?))).collect();
        let tips: Vec<&str> = wanted.iter().map(|(tip, _)| *tip).collect();
        let marks: Vec<&Marks> = wanted.iter().map(|(_, marks)| marks).collect();
        if let Ok(files) = project.try_merge("main", &tips) {
            let old = (&project.files("main"), &case.run.loaded.inventory);
            if let Err(error) = exact(None, old, &files, &marks) {
                case.problems.push(format!("all ready requests merged: {error}"));
            }
        }
    }
}

/// Requests that nobody may change, where they merge by themselves and beside each other: the
/// others have to fit beside them.
fn beside<'a>(project: &ProjectHandle, own: &[Own<'a>]) -> Vec<&'a str> {
    let left = own.iter().filter(|own| own.untouchable()).map(|own| own.tip);
    let merging: Vec<&str> = left.filter(|tip| project.try_merge("main", &[tip]).is_ok()).collect();
    let fits = |one: &&str| {
        let others = merging.iter().filter(|other| *other != one);
        let mut orders = others.flat_map(|other| [[*one, *other], [*other, *one]]);
        orders.all(|order| project.try_merge("main", &order).is_ok())
    };
    merging.iter().filter(|tip| fits(tip)).copied().collect()
}

/// All orders of up to four; of more all pairs both ways, and some orders of all.
fn orders<'a>(tips: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut all = Vec::new();
    if tips.len() <= 4 {
        permute(tips.to_vec(), 0, &mut all);
        return all;
    }
    for (at, one) in tips.iter().enumerate() {
        for two in &tips[at + 1..] {
            all.push(vec![*one, *two]);
            all.push(vec![*two, *one]);
        }
    }
    let mut rng = fastrand::Rng::with_seed(tips.len() as u64);
    for _ in 0..6 {
        let mut order = tips.to_vec();
        rng.shuffle(&mut order);
        all.push(order);
    }
    all
}

fn permute<'a>(mut items: Vec<&'a str>, from: usize, all: &mut Vec<Vec<&'a str>>) {
    if from + 1 >= items.len() {
        all.push(items);
        return;
    }
    for at in from..items.len() {
        items.swap(from, at);
        permute(items.clone(), from + 1, all);
    }
}

impl<'a> Case<'a> {
    /// Open requests whose branch is the bot's.
    fn own(&self, look: &'a Look) -> Vec<Own<'a>> {
        let mut found = Vec::new();
        for request in look.open_of(self.scene.bot) {
            let Some(tip) = look.tip(request).filter(|tip| !self.pushed.contains(*tip)) else {
                continue;
            };
            let Some(marks) = Marks::of(&self.bot.project, tip) else { continue };
            let inventory = &self.run.loaded.inventory;
            let of = |about: &dyn Fn(&Target) -> bool| -> Vec<&'a Decision> {
                let decisions = self.run.decisions.subscribers.iter();
                let about = decisions.filter(|(index, _)| about(&inventory.targets[**index]));
                about.map(|(_, decision)| decision).collect()
            };
            let mut decisions = of(&|target| marks.targets.contains(target.uid.as_str()));
            if decisions.is_empty() {
                // Others may have come to use its file.
                decisions = of(&|target| moves_with(inventory, target, &marks));
            }
            found.push(Own { request, tip, marks, decisions });
        }
        found
    }

    pub fn wrong(&mut self, text: String) {
        self.problems.push(text);
    }

    /// Is it a draft until another one is merged?
    fn waits(&self, iid: u64) -> bool {
        self.run.plan.requests.iter().any(|planned| {
            planned.iid == Some(iid) && planned.reason_code == Reason::WaitsForRequest
        })
    }

    /// Was it made anew, as it did not merge any more?
    fn made_anew(&self, iid: u64) -> bool {
        let old = self.before.requests.get(&iid).and_then(|old| self.before.tip(old));
        let merged = old.map(|tip| self.bot.project.try_merge("main", &[tip]));
        let planned = self.run.plan.requests.iter().find(|planned| planned.iid == Some(iid));
        planned.is_some_and(|planned| planned.reason_code == Reason::TargetBranchMoved)
            && (merged.is_none_or(|merged| merged.is_err())
                || self.after.open_of(self.scene.bot).count() > 1)
    }

    fn untouched(&mut self, own: &Own<'_>, why: &str) {
        let old = self.before.requests.get(&own.request.iid);
        let face = |request: &MergeRequest| {
            (request.title.clone(), request.description.clone(), request.sha.clone())
        };
        if old.map(face) != Some(face(own.request)) {
            self.wrong(format!("!{} is {why} and was changed", own.request.iid));
        }
    }

    /// An open request against what is decided for its targets.
    fn request(&mut self, own: &Own<'a>) {
        let iid = own.request.iid;
        if own.request.state == MrState::Locked {
            return self.untouched(own, "being merged");
        }
        if own.request.labels.contains(HOLD) {
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
        let draft = own.request.is_draft();
        let by_bot = own.request.title.contains("held by ");
        if let Some(decision) = own.any(Outcome::Hold) {
            let gate = decision.held_by.map_or("?", |gate| gate.as_str());
            if !draft {
                self.wrong(format!("!{iid} is held by {gate} and no draft"));
            }
            let gates: Vec<_> = own.decisions.iter().filter_map(|d| d.held_by).collect();
            let named = gates
                .iter()
                .any(|g| own.request.title.contains(&format!("held by {}", g.as_str())));
            if by_bot && !named {
                self.wrong(format!("!{iid} is held by {gate}, but called {}", own.request.title));
            }
            let old = self.before.requests.get(&iid);
            if old.is_none_or(|old| old.sha != own.request.sha) && !self.made_anew(iid) {
                self.wrong(format!("!{iid} is held, and its branch was touched"));
            }
            return;
        }
        let Some(wanted) = own.wanted() else {
            return self.wrong(format!("!{iid} is open, and nothing is due"));
        };
        if self.waits(iid) {
            if !draft {
                self.wrong(format!("!{iid} waits for another, and is no draft"));
            }
            if !self.cannot_be_as_wanted(own, &wanted) {
                self.wrong(format!("!{iid} waits, and nothing stands in its way"));
            }
            return;
        }
        if draft && (by_bot || !self.drafted.contains(&iid)) {
            self.wrong(format!("!{iid} may be merged, and is a draft: {}", own.request.title));
        }
        self.content(own, &wanted);
    }

    /// Merged into main it gives main with just the wanted values.
    fn content(&mut self, own: &Own<'_>, wanted: &Marks) {
        let iid = own.request.iid;
        let project = &self.bot.project;
        let named = own.request.title.split_once("[AutoPromoterV2]");
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

    /// GitLab closes the requests of a branch that is deleted: one that never had a branch stays open. (So does
    /// one whose branch a person deleted while GitLab was merging it. That is theirs to close.)
    fn without_branch(&mut self) {
        for request in self.after.open_of(self.scene.bot) {
            let never_had_one = request.state == MrState::Opened && request.sha.is_none();
            if never_had_one && self.after.tip(request).is_none() {
                self.problems.push(format!("!{} is open, and has no branch", request.iid));
            }
        }
    }

    fn taken_over(&mut self) {
        for request in self.after.open_of(self.scene.bot) {
            let theirs = self.after.tip(request).is_some_and(|tip| self.pushed.contains(tip));
            let count = comments(request, self.scene.bot, TAKEN_OVER);
            let alone = request.labels.contains(HOLD) || request.state == MrState::Locked;
            if theirs && !alone && count != 1 {
                self.problems
                    .push(format!("!{} is taken over, with {count} comments", request.iid));
            }
            let reported = self.run.plan.requests.iter().any(|planned| {
                planned.iid == Some(request.iid)
                    && matches!(
                        planned.reason_code,
                        Reason::TakenOver | Reason::HoldLabel | Reason::BeingMerged
                    )
            });
            if theirs && !reported {
                self.problems.push(format!("!{} is taken over, and not reported", request.iid));
            }
        }
    }

    /// The bot's branches without a request are gone.
    fn left_branches(&mut self) {
        let open: BTreeSet<&String> = self
            .after
            .requests
            .values()
            .filter(|request| is_unfinished(request))
            .map(|r| &r.source_branch)
            .collect();
        let errors = self.run.decisions.subscribers.values().any(|d| d.outcome == Outcome::Error);
        if errors || !self.run.loaded.bundle.broken_files.is_empty() {
            return;
        }
        for (branch, tip) in &self.after.branches {
            if branch.starts_with(PREFIX) && !open.contains(branch) && !self.pushed.contains(tip) {
                self.problems.push(format!("the branch {branch} is left, and nobody's"));
            }
        }
    }

    /// A request that was right is not pushed to.
    fn needless(&mut self) {
        let own = self.own(self.before);
        for old in &own {
            let Some(new) = self.after.requests.get(&old.request.iid) else { continue };
            if new.sha == old.request.sha || new.state != MrState::Opened {
                continue;
            }
            let Some(wanted) = old.wanted() else { continue };
            let project = &self.bot.project;
            let main = (&project.files("main"), &self.run.loaded.inventory);
            let right = project
                .try_merge("main", &[old.tip])
                .is_ok_and(|files| exact(None, main, &files, &[&wanted]).is_ok());
            let alone =
                !own.iter().filter(|other| other.request.iid != old.request.iid).any(|other| {
                    let pair = [old.tip, other.tip];
                    project.try_merge("main", &pair).is_err()
                        || project.try_merge("main", &[other.tip, old.tip]).is_err()
                });
            if right && alone {
                self.problems.push(format!("!{} was right, and pushed to", new.iid));
            }
        }
    }

    /// Is another request about one of its targets open?
    fn another_is_open(&self, old: &Own<'_>) -> bool {
        self.own(self.after).iter().any(|other| {
            other.request.iid != old.request.iid
                && !other.marks.targets.is_disjoint(&old.marks.targets)
        })
    }

    /// Does the text that it should have conflict with an open request?
    fn cannot_be_as_wanted(&self, own: &Own<'_>, wanted: &Marks) -> bool {
        let Some(tree) = wanted
            .path
            .strip_prefix("data")
            .and_then(|file| self.run.loaded.bundle.sources.get(file))
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
                new_ref: (target.git_ref.as_ref() != Ok(&wanted.git_ref))
                    .then(|| wanted.git_ref.clone()),
                ref_mode: if own_value { RefMode::OwnValue } else { RefMode::InPlace },
                hashes: hashes
                    .map(|hash| HashEdit {
                        channel: hash.channel.clone(),
                        parent_saas: hash.parent_saas.clone(),
                        target_config_hash: hash.target_config_hash.clone(),
                    })
                    .collect(),
            });
        }
        let content = yaml::edit(tree, &edits).expect("an edit");
        self.conflicts_with_open(&wanted.path, &content, Some(own.request.iid))
    }

    /// What the bot closed had to be closed.
    fn closed(&mut self) {
        for old in self.own(self.before) {
            let Some(new) = self.after.requests.get(&old.request.iid) else { continue };
            let by_bot = new.closed.is_some_and(|(_, user)| user == self.scene.bot);
            if new.state != MrState::Closed || !by_bot {
                continue;
            }
            let wanted = old.any(Outcome::Promote).is_some() || old.any(Outcome::Hold).is_some();
            let blocked =
                old.any(Outcome::Hold).is_some() && self.blocked.contains(&old.marks.git_ref);
            let planned = self.run.plan.requests.iter().find(|r| r.iid == Some(new.iid));
            // What the plan says is believed only where it is so.
            let other = planned.is_some_and(|planned| match planned.reason_code {
                Reason::Superseded => self.another_is_open(&old),
                Reason::TargetBranchMoved => self.clashes(old.tip, new.iid),
                Reason::WaitsForRequest => {
                    let wanted = old.wanted();
                    wanted.is_some_and(|wanted| self.cannot_be_as_wanted(&old, &wanted))
                }
                _ => false,
            });
            if old.any(Outcome::Error).is_some() || wanted && !blocked && !other {
                self.problems.push(format!("!{} was closed, and may be wanted", new.iid));
            }
        }
    }
}
