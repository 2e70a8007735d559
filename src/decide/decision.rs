//! From gates to a decision for each subscriber.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::gates::{
    Context, Followed, Gate, GateName, blocked_version, deployment, edit_site, same_ref, schedule,
    slo, soak,
};
use super::publishers::{self, PublisherState};
use crate::app_interface::CurrentHash;
use crate::domain::schedule::Schedule;
use crate::domain::{CommitSha, Problem};
use crate::inventory::{EditSite, Inventory, Target};
use crate::snapshot::Snapshot;

/// What is to be done with a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A change is due and every gate passes.
    Promote,
    /// Nothing would be due even if every gate passed.
    UpToDate,
    /// A change would be due but for a gate.
    Hold,
    /// A fact could not be had, or the target's configuration is broken.
    Error,
}

/// The decision on one subscriber.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Index of the subscriber in the inventory's targets.
    pub target: usize,
    /// What is to be done.
    pub outcome: Outcome,
    /// The first gate that holds, if `outcome` is hold.
    pub held_by: Option<GateName>,
    /// The ref that it should have: the current one unless it is promoted.
    pub desired_ref: String,
    /// The config hashes that it should have, sorted; empty unless it asks for redeployment.
    pub desired_hashes: Vec<CurrentHash>,
    /// The commit that all publishers are at, promoted or not.
    pub candidate: Option<CommitSha>,
    /// Every gate with its evidence; shared with the report.
    pub gates: Arc<Vec<Gate>>,
    /// Why it is in error.
    pub errors: Vec<String>,
    /// Since when deployments, soak time and schedule allow the promotion, or from when on they
    /// will: decides who is first.
    pub promotable_since: Option<DateTime<Utc>>,
    /// The ref of its own, where an alias stood: others keep theirs.
    pub own_value: bool,
}

/// An SLO's value that is needed and not in the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SloQuery {
    /// Key in the snapshot.
    pub key: String,
    /// The Prometheus to ask.
    pub url: String,
    /// What to ask.
    pub expression: String,
}

/// The decisions on all subscribers that were asked about, in inventory order.
#[derive(Debug, Default)]
pub struct Decisions {
    /// One for each subscriber.
    pub subscribers: BTreeMap<usize, Decision>,
    /// What is known of each publisher, by index.
    pub publishers: Vec<PublisherState>,
    /// What is wrong with facts and schedules.
    pub problems: Vec<Problem>,
    /// Facts that are needed and not in the snapshot.
    pub slo_queries: Vec<SloQuery>,
}

/// Decides on all subscribers that `wanted` names, and on those that share a place with them.
pub fn decide(
    inventory: &Inventory,
    snapshot: &Snapshot,
    wanted: &dyn Fn(&Target) -> bool,
) -> Decisions {
    decide_part(inventory, snapshot, wanted, &|_| true)
}

/// The same, with the problems of those publishers (indexes) alone that `reported` names.
pub fn decide_part(
    inventory: &Inventory,
    snapshot: &Snapshot,
    wanted: &dyn Fn(&Target) -> bool,
    reported: &dyn Fn(usize) -> bool,
) -> Decisions {
    let mut decisions = Decisions::default();
    decisions.publishers =
        publishers::states(inventory, snapshot, reported, &mut decisions.problems);
    for index in decided_on(inventory, wanted) {
        let decision = subscriber(inventory, snapshot, &mut decisions, index);
        decisions.subscribers.insert(index, decision);
    }
    for site in inventory.sites.values() {
        join_site(inventory, site, &mut decisions);
    }
    decisions.slo_queries.sort();
    decisions.slo_queries.dedup();
    decisions
}

/// The publishers (indexes) that the subscribers follow that [`decide`] would decide on.
pub fn followed(inventory: &Inventory, wanted: &dyn Fn(&Target) -> bool) -> BTreeSet<usize> {
    let channels = decided_on(inventory, wanted)
        .flat_map(|index| &inventory.targets[index].promotion.subscribe);
    channels.flat_map(|channel| inventory.publishers_of(channel)).map(|(index, _)| index).collect()
}

/// Subscribers that are wanted, or share a place with one that is.
fn decided_on<'a>(
    inventory: &'a Inventory,
    wanted: &dyn Fn(&Target) -> bool,
) -> impl Iterator<Item = usize> + use<'a> {
    let wanted = inventory.subscribers().filter(|(_, target)| wanted(target));
    let wanted: BTreeSet<usize> = wanted.map(|(index, _)| index).collect();
    let sites: BTreeSet<_> =
        wanted.iter().filter_map(|index| inventory.site_of.get(index)).collect();
    inventory.subscribers().map(|(index, _)| index).filter(move |index| {
        let shares = inventory.site_of.get(index).is_some_and(|site| sites.contains(site));
        shares || wanted.contains(index)
    })
}

fn subscriber(
    inventory: &Inventory,
    snapshot: &Snapshot,
    decisions: &mut Decisions,
    index: usize,
) -> Decision {
    let target = &inventory.targets[index];
    let current = target.git_ref.clone().unwrap_or_default();
    let mut errors = target.broken.clone();
    let states = std::mem::take(&mut decisions.publishers);
    let followed = follow(inventory, &states, target, &mut decisions.problems, &mut errors);
    let candidate = single_commit(&followed);
    let wanted_hashes = wanted_hashes(inventory, &states, target, candidate);
    let usable = followed
        .iter()
        .all(|followed| followed.deployment().is_some_and(|deployment| deployment.is_usable()));
    let due = match candidate {
        _ if followed.is_empty() => Some(false),
        Some(commit) if usable => Some(
            commit.as_str() != current
                || wanted_hashes.iter().any(|hash| !target.promotion.current_hashes.contains(hash)),
        ),
        _ => None,
    };
    let context = Context { subscriber: target, snapshot, followed, candidate, due };
    let gates = vec![
        deployment::evaluate(&context),
        same_ref::evaluate(&context),
        soak::evaluate(&context),
        schedule::evaluate(&context, &mut decisions.problems),
        slo::evaluate(&context, &mut decisions.slo_queries, &mut decisions.problems),
        blocked_version::evaluate(&context),
    ];
    let holding = gates.iter().find(|gate| gate.holds()).map(|gate| gate.gate);
    let (outcome, held_by) = match (errors.is_empty(), due, holding) {
        (false, _, _) => (Outcome::Error, None),
        (true, Some(false), _) => (Outcome::UpToDate, None),
        (true, _, Some(gate)) => (Outcome::Hold, Some(gate)),
        (true, _, None) => (Outcome::Promote, None),
    };
    let promotes = outcome == Outcome::Promote;
    let desired_ref = match candidate {
        Some(commit) if promotes => commit.to_string(),
        _ => current,
    };
    let desired_hashes = if promotes || outcome == Outcome::UpToDate {
        wanted_hashes
    } else {
        current_hashes(target)
    };
    let promotable_since = promotable_since(&context);
    let candidate = candidate.cloned();
    decisions.publishers = states;
    Decision {
        target: index,
        outcome,
        held_by,
        desired_ref,
        desired_hashes,
        candidate,
        gates: Arc::new(gates),
        errors,
        promotable_since,
        own_value: false,
    }
}

/// The (channel, publisher) pairs that a subscriber follows; what is missing goes to `errors`.
fn follow<'a>(
    inventory: &'a Inventory,
    states: &'a [PublisherState],
    target: &'a Target,
    problems: &mut Vec<Problem>,
    errors: &mut Vec<String>,
) -> Vec<Followed<'a>> {
    let mut followed = Vec::new();
    let place = |problem: Problem| {
        problem
            .in_file(&target.place.file)
            .at(&target.place.path)
            .at_line(target.place.line, target.place.column)
    };
    for channel in &target.promotion.subscribe {
        let mut any = false;
        for (index, publisher) in inventory.publishers_of(channel) {
            any = true;
            let state = &states[index];
            if let Err(failure) = &state.commit {
                errors.push(format!(
                    "the commit of {} is not known: {}",
                    publisher.label(),
                    failure.error
                ));
            }
            if let Some(failure) = state.unread.get(channel) {
                errors.push(format!(
                    "the deployment record of {} for channel {channel} could not be read: {}",
                    publisher.label(),
                    failure.error
                ));
            }
            if !publisher.repo_url.is_same(&target.repo_url) {
                problems.push(place(Problem::warning(
                    "other_repository",
                    format!(
                        "{} deploys {}, but channel {channel} is published by {}, which deploys {}",
                        target.label(),
                        target.repo_url,
                        publisher.label(),
                        publisher.repo_url
                    ),
                )));
            }
            followed.push(Followed { channel, publisher, state });
        }
        if !any {
            let message = format!("channel {channel} has no publisher");
            problems.push(place(Problem::error(
                "channel_without_publisher",
                format!("{}: {message}", target.label()),
            )));
            errors.push(message);
        }
    }
    followed
}

fn single_commit<'a>(followed: &[Followed<'a>]) -> Option<&'a CommitSha> {
    let first = followed.first()?.state.commit.as_ref().ok()?;
    followed.iter().all(|followed| followed.commit() == Some(first)).then_some(first)
}

/// The hashes that the subscribed channels should have (domain rules, section 5):
/// those of each channel's first publisher where its record counts for the
/// candidate, and the current ones otherwise.
fn wanted_hashes(
    inventory: &Inventory,
    states: &[PublisherState],
    target: &Target,
    candidate: Option<&CommitSha>,
) -> Vec<CurrentHash> {
    if !target.promotion.redeploy_on_publisher_config_change {
        return Vec::new();
    }
    let mut wanted = Vec::new();
    for channel in &target.promotion.subscribe {
        let published = inventory.publishers_of(channel).next().and_then(|(index, _)| {
            let state = &states[index];
            let deployment = state.deployments.get(channel)?;
            let commit = state.commit.as_ref().ok()?;
            // A failed deployment's hash counts here: the deployment gate holds it anyway,
            // and it tells whether something would be due.
            (deployment.is_usable() && Some(commit) == candidate).then_some(deployment)
        });
        match published.and_then(|d| d.saas_file.clone().zip(d.target_config_hash.clone())) {
            Some((parent_saas, target_config_hash)) => wanted.push(CurrentHash {
                channel: channel.clone(),
                parent_saas,
                target_config_hash,
            }),
            None => wanted.extend(
                target.promotion.current_hashes.iter().filter(|h| h.channel == *channel).cloned(),
            ),
        }
    }
    wanted.sort();
    wanted.dedup();
    wanted
}

fn current_hashes(target: &Target) -> Vec<CurrentHash> {
    if !target.promotion.redeploy_on_publisher_config_change {
        return Vec::new();
    }
    let mut current: Vec<_> = target
        .promotion
        .current_hashes
        .iter()
        .filter(|hash| target.promotion.subscribe.contains(&hash.channel))
        .cloned()
        .collect();
    current.sort();
    current.dedup();
    current
}

/// When the last gate passed that depends on time alone. Nobody keeps when an SLO recovered or a
/// version was unblocked.
fn promotable_since(context: &Context<'_>) -> Option<DateTime<Utc>> {
    let check_ins = soak::check_ins(context);
    let deployed = check_ins.last().copied()?;
    let days = i64::try_from(context.subscriber.promotion.soak_days).ok()?;
    let soaked = soak::reached_at(&check_ins, *check_ins.first()?, TimeDelta::try_days(days)?)?;
    let ready = deployed.max(soaked);
    match context.subscriber.promotion.schedule.as_str() {
        "" => Some(ready),
        schedule => Schedule::parse(schedule).ok()?.next_match(ready),
    }
}

/// A shared place moves as one or not at all.
pub(super) fn join_site(inventory: &Inventory, site: &EditSite, decisions: &mut Decisions) {
    let values = |decisions: &Decisions, member: usize| {
        let decision = decisions.subscribers.get(&member)?;
        (decision.outcome == Outcome::Promote)
            .then(|| (decision.desired_ref.clone(), decision.desired_hashes.clone()))
    };
    let all: Vec<_> = site.members.iter().map(|&member| values(decisions, member)).collect();
    let Some(first) = all.iter().flatten().next().cloned() else { return };
    let together = all.iter().all(|values| values.as_ref() == Some(&first));
    for (&member, value) in site.members.iter().zip(&all) {
        let Some(value) = value else { continue };
        if together && site.foreign_users.is_empty() {
            add_gate(decisions, member, edit_site::pass(site.members.len() - 1));
        } else if site.aliases.contains(&member) && !site.shares_promotion {
            add_gate(decisions, member, edit_site::pass(0));
            if let Some(decision) = decisions.subscribers.get_mut(&member) {
                decision.own_value = true;
            }
        } else if !site.foreign_users.is_empty() {
            refuse(inventory, site, decisions, member);
        } else {
            let other = site
                .members
                .iter()
                .zip(&all)
                .find(|(_, other)| other.as_ref() != Some(value))
                .map(|(&other, values)| (&inventory.targets[other], values.is_some()));
            if let Some((other, promoted)) = other {
                let why = if promoted {
                    "which is to be promoted to other values"
                } else {
                    "which is not to be promoted now"
                };
                hold(decisions, member, inventory, edit_site::waits_for(other, why));
            }
        }
    }
}

fn add_gate(decisions: &mut Decisions, member: usize, gate: Gate) {
    if let Some(decision) = decisions.subscribers.get_mut(&member) {
        Arc::make_mut(&mut decision.gates).push(gate);
    }
}

fn stay(decision: &mut Decision, target: &Target) {
    decision.desired_ref = target.git_ref.clone().unwrap_or_default();
    decision.desired_hashes = current_hashes(target);
}

fn hold(decisions: &mut Decisions, member: usize, inventory: &Inventory, gate: Gate) {
    if let Some(decision) = decisions.subscribers.get_mut(&member) {
        decision.outcome = Outcome::Hold;
        decision.held_by = Some(GateName::EditSite);
        Arc::make_mut(&mut decision.gates).push(gate);
        stay(decision, &inventory.targets[member]);
    }
}

impl Decisions {
    /// A promotion that cannot be written: the subscriber is in error, and stays as it is.
    pub fn fail(&mut self, inventory: &Inventory, member: usize, code: &str, message: &str) {
        let target = &inventory.targets[member];
        if let Some(decision) = self.subscribers.get_mut(&member) {
            decision.outcome = Outcome::Error;
            decision.held_by = None;
            decision.errors.push(message.to_owned());
            stay(decision, target);
        }
        self.problems.push(
            Problem::error(code, format!("{}: {message}", target.label()))
                .in_file(&target.place.file)
                .at(&target.place.path)
                .at_line(target.place.line, target.place.column),
        );
    }
}

/// Others that are never promoted use the same value: moving it would move them.
fn refuse(inventory: &Inventory, site: &EditSite, decisions: &mut Decisions, member: usize) {
    let message = format!(
        "it cannot be edited safely: the same YAML node is used by {}; give this target values of its own",
        site.foreign_users.join(", ")
    );
    decisions.fail(inventory, member, "shared_value", &message);
}
