//! What follows in time, if every merge request is merged and deployed well
//! the moment that it is due, and nothing else changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::world::World;
use crate::decide::{Decisions, Gate, Outcome, SloQuery, SubscriberDecision};
use crate::domain::CommitSha;
use crate::inventory::{Inventory, Target, TargetIx};

/// How far a forecast looks.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// So long after its start.
    pub horizon: TimeDelta,
    /// Decisions on the whole world at most: ends what goes round in circles.
    pub rounds: usize,
}

impl Default for Limits {
    /// 90 days and 2,000 rounds.
    fn default() -> Self {
        Self { horizon: TimeDelta::days(90), rounds: 2_000 }
    }
}

/// People who stop a promotion that the gates let pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// To this commit only; `None`: to any.
    pub commit: Option<CommitSha>,
    /// Why, for people.
    pub reason: String,
}

/// Stops by the target's index.
pub type Stops = BTreeMap<TargetIx, Stop>;

/// What held a promotion back until it moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waited {
    /// The gate that held it last.
    pub gate: Gate,
    /// Since when it was held: not before the start of the forecast.
    pub since: DateTime<Utc>,
}

/// A promotion that is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// When every gate passes.
    pub at: DateTime<Utc>,
    /// Index of the target.
    pub target: TargetIx,
    /// Its ref before.
    pub from: String,
    /// Its ref after: equal to `from` where only config hashes move.
    pub to: String,
    /// What it waited for; `None` if it is due at the start.
    pub waited: Option<Waited>,
}

/// A subscriber that does not move any more within the horizon although something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// Index of the target.
    pub target: TargetIx,
    /// The commit that its publishers are at.
    pub candidate: Option<CommitSha>,
    /// The gate that blocks it; `None` for errors and for people's word.
    pub held_by: Option<Gate>,
    /// Why.
    pub reason: String,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// Where it starts.
    pub from: DateTime<Utc>,
    /// How far it looks.
    pub until: DateTime<Utc>,
    /// In the order of time, then of the inventory.
    pub moves: Vec<Move>,
    /// In inventory order.
    pub stays: Vec<Stay>,
    /// It ended before the horizon: promotions that go round in circles, or too many.
    pub cut_short: bool,
    /// SLO values that are not in the facts: observe them and forecast again.
    pub slo_queries: Vec<SloQuery>,
}

/// Follows the world from `from` on: decides, makes what is due come true, decides again on those
/// whom that may concern, and jumps to the next time that a gate names when nothing moves.
pub fn forecast(
    mut world: World<'_>,
    from: DateTime<Utc>,
    stops: &Stops,
    limits: Limits,
) -> Forecast {
    let until = from.checked_add_signed(limits.horizon).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let mut forecast = Forecast {
        from,
        until,
        moves: Vec::new(),
        stays: Vec::new(),
        cut_short: true,
        slo_queries: Vec::new(),
    };
    let mut waiting: BTreeMap<TargetIx, Waited> = BTreeMap::new();
    // When each one that waits for time alone may pass; who is not in it waits for a move.
    let mut passing: BTreeMap<TargetIx, DateTime<Utc>> = BTreeMap::new();
    let followers = followers(&world.inventory);
    let mut asked: BTreeSet<TargetIx> = world.inventory.subscribers.iter().copied().collect();
    let mut at = from;
    for _ in 0..limits.rounds.max(1) {
        let decisions = world.decide_on(at, &asked);
        forecast.slo_queries.extend(decisions.slo_queries.iter().cloned());
        note_waiting(&decisions, &mut waiting, at);
        for (&target, decision) in &decisions.subscribers {
            match passes_at(decision) {
                Some(next) => passing.insert(target, next),
                None => passing.remove(&target),
            };
        }
        asked.clear();
        let due = decisions.subscribers.values().filter(|d| d.promotes());
        for decision in due.filter(|decision| stop(stops, decision).is_none()) {
            let target = &world.inventory.targets[decision.target];
            let waited = waiting.remove(&decision.target);
            forecast.moves.push(next_move(target, decision, at, waited));
            let channels = target.promotion.publish.iter();
            let told = channels.filter_map(|channel| followers.get(channel)).flatten();
            asked.extend(told.copied().chain([decision.target]));
            world.promote(decision, at);
        }
        if asked.is_empty() {
            let Some(next) = passing.values().min().copied().filter(|next| *next <= until) else {
                forecast.cut_short = false;
                break;
            };
            at = next;
            asked.extend(passing.iter().filter(|(_, time)| **time <= at).map(|(index, _)| *index));
        }
    }
    forecast.stays = stays(&world.decide(at), stops);
    forecast.slo_queries.sort();
    forecast.slo_queries.dedup();
    forecast
}

fn next_move(
    target: &Target,
    decision: &SubscriberDecision,
    at: DateTime<Utc>,
    waited: Option<Waited>,
) -> Move {
    let from = target.current_ref().to_owned();
    Move { at, target: decision.target, from, to: decision.desired_ref.clone(), waited }
}

/// Who subscribes to each channel.
fn followers(inventory: &Inventory) -> BTreeMap<String, Vec<TargetIx>> {
    let mut followers: BTreeMap<String, Vec<TargetIx>> = BTreeMap::new();
    for (index, target) in inventory.subscribers() {
        for channel in &target.promotion.subscribe {
            followers.entry(channel.clone()).or_default().push(index);
        }
    }
    followers
}

/// The word of people against a promotion.
fn stop<'a>(stops: &'a Stops, decision: &SubscriberDecision) -> Option<&'a Stop> {
    let stop = stops.get(&decision.target)?;
    let concerns = |commit: &CommitSha| commit.as_str() == decision.desired_ref;
    stop.commit.as_ref().is_none_or(concerns).then_some(stop)
}

fn stays(decisions: &Decisions, stops: &Stops) -> Vec<Stay> {
    let stay = |decision: &SubscriberDecision| {
        let reason = match decision.outcome() {
            Outcome::UpToDate => return None,
            Outcome::Promote => stop(stops, decision)?.reason.clone(),
            Outcome::Hold => {
                let gate = decision.gates.iter().find(|gate| Some(gate.gate) == decision.held_by());
                gate.map(|gate| gate.reason.clone()).unwrap_or_default()
            }
            Outcome::Error => decision.errors().first().cloned().unwrap_or_default(),
        };
        Some(Stay {
            target: decision.target,
            candidate: decision.candidate.clone(),
            held_by: decision.held_by(),
            reason,
        })
    };
    decisions.subscribers.values().filter_map(stay).collect()
}

/// Notes who is held, and forgets who is not any more (but for who moves now).
fn note_waiting(
    decisions: &Decisions,
    waiting: &mut BTreeMap<TargetIx, Waited>,
    at: DateTime<Utc>,
) {
    for (&target, decision) in &decisions.subscribers {
        match (decision.outcome(), last_gate(decision)) {
            (Outcome::Hold, Some(gate)) => {
                waiting.entry(target).or_insert(Waited { gate, since: at }).gate = gate;
            }
            (Outcome::Promote, _) => {}
            _ => {
                waiting.remove(&target);
            }
        }
    }
}

/// The gate that will block it last, where that can be known; else the first that blocks.
fn last_gate(decision: &SubscriberDecision) -> Option<Gate> {
    if passes_at(decision).is_none() {
        return decision.held_by();
    }
    let holding = decision.gates.iter().filter(|gate| gate.blocks());
    holding.max_by_key(|gate| gate.next_possible_at).map(|gate| gate.gate)
}

/// When the last of the gates that block passes; `None` if one of them waits for something else.
fn passes_at(decision: &SubscriberDecision) -> Option<DateTime<Utc>> {
    if decision.outcome() != Outcome::Hold {
        return None;
    }
    let holding = decision.gates.iter().filter(|gate| gate.blocks());
    holding.map(|gate| gate.next_possible_at).collect::<Option<Vec<_>>>()?.into_iter().max()
}
