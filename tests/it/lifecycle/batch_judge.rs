//! What has to hold of batches, and of what is open beside them, after a run that nothing interfered with.

use std::collections::BTreeSet;

use forge::{MergeRequest, MrState, Pipeline};
use sapm::decide::{Outcome, SubscriberDecision};
use sapm::domain::MrIid;
use sapm::plan::{Action, PlannedMergeRequest, Reason};

use super::combinations::orders;
use super::driver::{Bot, Run};
use super::lab::story;
use super::look::{Look, Marks, exact, moves_with, taken_over_from};
use super::people::Scene;
use super::safety::{HOLD, honest, vouches_wrongly};

/// An open merge request of the bot that nobody else touched.
struct Open<'a> {
    mr: &'a MergeRequest,
    tip: &'a str,
    members: Vec<Marks>,
    planned: Option<&'a PlannedMergeRequest>,
}

impl Open<'_> {
    /// May the bot change it now?
    fn is_free(&self) -> bool {
        let alone = [Reason::FactsMissing, Reason::BehindTargetBranch, Reason::OutOfScope];
        self.mr.state == MrState::Opened
            && !self.mr.auto_merge
            && !self.mr.labels.contains(HOLD)
            && !self.is_planned(&alone)
    }

    fn is_planned(&self, reasons: &[Reason]) -> bool {
        self.planned.is_some_and(|planned| reasons.contains(&planned.reason_code))
    }
}

struct Case<'a> {
    bot: &'a Bot,
    run: &'a Run,
    open: Vec<Open<'a>>,
    problems: Vec<String>,
}

/// Everything that is wrong.
pub fn problems(
    bot: &Bot,
    scene: &Scene,
    run: &Run,
    (before, after): (&Look, &Look),
) -> Vec<String> {
    let open = open(bot, scene, run, after);
    let mut case = Case { bot, run, open, problems: Vec::new() };
    for mr in after.open_of(scene.bot) {
        case.problems.extend(vouches_wrongly(scene, after, mr));
    }
    case.merge_in_any_order();
    case.content();
    case.members();
    case.failing();
    case.due(scene, after);
    case.growth(before);
    for (branch, outcome) in &run.outcomes.merge_requests {
        if let Some(message) = &outcome.message
            && outcome.outcome != sapm::apply::Verdict::Done
        {
            case.problems.push(format!("{branch}: {message}"));
        }
    }
    if !case.problems.is_empty() {
        case.problems.extend(story(run));
    }
    case.problems
}

fn open<'a>(bot: &Bot, scene: &Scene, run: &'a Run, after: &'a Look) -> Vec<Open<'a>> {
    let pushed = scene.persons.lock().unwrap().pushed.clone();
    let mut found = Vec::new();
    for mr in after.open_of(scene.bot) {
        let Some(tip) = after.tip(mr).filter(|tip| !pushed.contains(*tip)) else { continue };
        if mr.target_branch != "main" || honest(scene, tip).is_err() {
            continue;
        }
        let members = Marks::all_of(&bot.project, tip);
        let mut planned = run.plan.merge_requests.iter();
        let planned = planned.find(|planned| planned.iid == Some(MrIid(mr.iid)));
        let is_new = || run.plan.merge_requests.iter().find(|it| it.branch == mr.source_branch);
        found.push(Open { mr, tip, members, planned: planned.or_else(is_new) });
    }
    found
}

impl Case<'_> {
    /// Any subset of those that the bot may change merges in any order.
    fn merge_in_any_order(&mut self) {
        let project = &self.bot.project;
        let free: Vec<&Open<'_>> = self.open.iter().filter(|open| open.is_free()).collect();
        let tips: Vec<&str> = free.iter().map(|open| open.tip).collect();
        for order in orders(&tips) {
            if let Err(error) = project.try_merge("main", &order) {
                let number =
                    |tip: &&str| free.iter().find(|open| open.tip == *tip).map(|o| o.mr.iid);
                let numbers: Vec<_> = order.iter().filter_map(number).collect();
                self.problems.push(format!("merging {numbers:?} one after the other: {error}"));
                return;
            }
        }
    }

    /// Merging one moves exactly its members to their values, and no byte else.
    fn content(&mut self) {
        let project = &self.bot.project;
        let old = (&project.files("main"), &self.run.loaded.inventory);
        for open in self.open.iter().filter(|open| open.is_free() && !open.mr.is_draft()) {
            let Ok(files) = project.try_merge("main", &[open.tip]) else { continue };
            let members: Vec<&Marks> = open.members.iter().collect();
            if let Err(error) = exact(None, old, &files, &members) {
                self.problems.push(format!("!{} merged into main: {error}", open.mr.iid));
            }
        }
    }

    fn decisions(&self, member: &Marks) -> Vec<&SubscriberDecision> {
        let inventory = &self.run.loaded.inventory;
        let all = self.run.decisions.subscribers.iter();
        let named = |index| member.targets.contains(inventory.targets[index].uid.as_str());
        let own: Vec<_> = all.clone().filter(|(index, _)| named(**index)).collect();
        let found = if own.is_empty() {
            let with = |index| moves_with(inventory, &inventory.targets[index], member);
            all.filter(|(index, _)| with(**index)).collect()
        } else {
            own
        };
        found.into_iter().map(|(_, decision)| decision).collect()
    }

    /// No member is held, gone or up to date, unless all of them are held.
    fn members(&mut self) {
        let mut problems = Vec::new();
        let batches = self.open.iter().filter(|open| open.is_free() && open.members.len() > 1);
        for open in batches.filter(|open| !open.is_planned(&[Reason::WaitsForRequest])) {
            let decisions: Vec<Vec<&SubscriberDecision>> =
                open.members.iter().map(|member| self.decisions(member)).collect();
            let has = |outcome: Outcome, of: &[&SubscriberDecision]| {
                of.iter().any(|decision| decision.outcome() == outcome)
            };
            if decisions.iter().any(|of| has(Outcome::Error, of)) {
                continue;
            }
            let held = decisions.iter().filter(|of| has(Outcome::Hold, of)).count();
            let iid = open.mr.iid;
            if held == decisions.len() {
                if !open.mr.is_draft() {
                    problems.push(format!("all of !{iid} are held, and it is no draft"));
                }
            } else if held > 0 {
                problems.push(format!("!{iid} has {held} held members"));
            }
            for (member, of) in open.members.iter().zip(&decisions) {
                let due = of.iter().find(|decision| decision.promotes());
                if held == 0 && due.is_none_or(|due| due.desired_ref != member.git_ref) {
                    problems.push(format!("!{iid} has {:?}, and that is not due", member.targets));
                }
            }
        }
        self.problems.extend(problems);
    }

    fn pipeline(&self, open: &Open<'_>) -> Option<Pipeline> {
        let all = self.bot.project.pipelines().into_iter().rev();
        let mut own = all.filter(|it| it.merge_request == Some(open.mr.iid) && !it.dropped);
        own.next().filter(|it| it.sha == open.tip)
    }

    /// No batch whose pipeline failed is left whole, but for good reason.
    fn failing(&mut self) {
        let pipelines = self.bot.project.pipelines();
        let of_main = pipelines
            .iter()
            .rev()
            .find(|it| it.merge_request.is_none() && it.branch == "main" && it.status != "running");
        if of_main.is_some_and(|it| it.status == "failed") {
            return;
        }
        for open in self.open.iter().filter(|open| open.is_free() && open.members.len() > 1) {
            let excused = [Reason::PipelineFailed, Reason::SplitAsked, Reason::WaitsForRequest];
            let failed = self.pipeline(open).is_some_and(|it| it.status == "failed");
            if failed && !open.mr.is_draft() && !open.is_planned(&excused) {
                self.problems.push(format!("!{} failed, and is whole", open.mr.iid));
            }
        }
    }

    /// Every due target is in an open merge request, or the plan says why not.
    fn due(&mut self, scene: &Scene, after: &Look) {
        let mut named: BTreeSet<String> = BTreeSet::new();
        for mr in after.open_of(scene.bot) {
            let own = after.tip(mr).map(|tip| Marks::all_of(&self.bot.project, tip));
            let all = own.filter(|all| !all.is_empty());
            let all = all.unwrap_or_else(|| taken_over_from(&self.bot.project, mr));
            named.extend(all.into_iter().flat_map(|marks| marks.targets));
        }
        let planned = self.run.plan.merge_requests.iter();
        let tells = |mr: &&PlannedMergeRequest| {
            matches!(mr.action, Action::Defer | Action::Keep)
                || (mr.action == Action::Close && mr.reason_code == Reason::WaitsForRequest)
        };
        let told = planned.clone().filter(tells);
        named.extend(told.flat_map(|mr| mr.targets.iter().map(ToString::to_string)));
        // One without a branch does not tell what it is about; the next run opens another one.
        let gone = planned.filter(|mr| mr.reason_code == Reason::BranchGone);
        let gone = gone.filter_map(|mr| after.merge_requests.get(&mr.iid?.0));
        let declared = gone.flat_map(|mr| taken_over_from(&self.bot.project, mr));
        named.extend(declared.flat_map(|marks| marks.targets));
        let inventory = &self.run.loaded.inventory;
        for decision in self.run.decisions.subscribers.values().filter(|it| it.promotes()) {
            let target = &inventory.targets[decision.target];
            let site = inventory.site_of.get(&decision.target).and_then(|s| inventory.sites.get(s));
            let mut mates = site.iter().flat_map(|site| &site.members);
            let with_mate = mates.any(|mate| named.contains(inventory.targets[*mate].uid.as_str()));
            if !named.contains(target.uid.as_str()) && !with_mate {
                self.problems.push(format!("{} is due, and nothing tells why not", target.label()));
            }
        }
    }

    /// Nothing is added above the size, or to what must not grow.
    fn growth(&mut self, before: &Look) {
        let size = self.bot.settings.borrow().batch_size;
        for open in &self.open {
            let old = before.merge_requests.get(&open.mr.iid);
            let had: Vec<Marks> = old
                .and_then(|old| before.tip(old))
                .map_or(Vec::new(), |tip| Marks::all_of(&self.bot.project, tip));
            let old_targets: BTreeSet<&String> = had.iter().flat_map(|it| &it.targets).collect();
            let is_new = |it: &&Marks| !it.targets.iter().any(|t| old_targets.contains(t));
            let added = open.members.iter().filter(is_new).count();
            if added > 0 && open.members.len() > size {
                self.problems.push(format!("!{} grew to {}", open.mr.iid, open.members.len()));
            }
            let Some(old) = old.filter(|_| added > 0 && !had.is_empty()) else { continue };
            let tip = before.tip(old).map_or("", String::as_str);
            let message = self.bot.project.message(tip).unwrap_or_default();
            let is_sealed = message.contains("Sapm-Sealed: split");
            if is_sealed || old.is_draft() || old.auto_merge || old.labels.contains(HOLD) {
                self.problems.push(format!("!{} must not grow, and did", open.mr.iid));
            }
            let all = self.bot.project.pipelines().into_iter();
            if all.rev().any(|it| it.sha == tip && it.status == "failed" && !it.dropped) {
                self.problems.push(format!("!{} failed, and grew", open.mr.iid));
            }
        }
    }
}
