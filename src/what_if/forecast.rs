//! Forecasts promotions, assuming that every merge request is merged and deployed successfully
//! the moment it is due, and nothing else changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::world::World;
use crate::decide::{Decisions, Gate, Outcome, SloQuery, SubscriberDecision};
use crate::domain::CommitSha;
use crate::inventory::{Inventory, Target, TargetIx};

/// The limits of a forecast.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Maximum time after its start.
    pub horizon: TimeDelta,
    /// Maximum rounds of decisions on all targets; ends cycles.
    pub rounds: usize,
}

impl Default for Limits {
    /// 90 days and 2,000 rounds.
    fn default() -> Self {
        Self { horizon: TimeDelta::days(90), rounds: 2_000 }
    }
}

/// A rejection by people of a promotion that the gates allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Only for this commit; `None`: for any.
    pub commit: Option<CommitSha>,
    /// The reason, in messages.
    pub reason: String,
}

/// Stops by the target's index.
pub type Stops = BTreeMap<TargetIx, Stop>;

/// What a promotion waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waited {
    /// The last gate that held it.
    pub gate: Gate,
    /// Since when it was held; not before the start of the forecast.
    pub since: DateTime<Utc>,
}

/// A future promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// When every gate passes.
    pub at: DateTime<Utc>,
    /// Index of the target.
    pub target: TargetIx,
    /// Its ref before.
    pub from: String,
    /// Its ref after; equal to `from` if only config hashes change.
    pub to: String,
    /// What it waited for; `None` if it is eligible at the start.
    pub waited: Option<Waited>,
}

/// A subscriber that is not promoted within the horizon although something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stay {
    /// Index of the target.
    pub target: TargetIx,
    /// The commit that its publishers are at.
    pub candidate: Option<CommitSha>,
    /// The gate that blocks it; `None` for errors and rejections.
    pub held_by: Option<Gate>,
    /// Why.
    pub reason: String,
}

/// The result of a forecast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// Its start.
    pub from: DateTime<Utc>,
    /// Its end.
    pub until: DateTime<Utc>,
    /// Sorted by time, then by inventory order.
    pub moves: Vec<Move>,
    /// In inventory order.
    pub stays: Vec<Stay>,
    /// It ended before the horizon because of a promotion cycle or too many promotions.
    pub cut_short: bool,
    /// SLO values that are missing from the facts. Observe them and forecast again.
    pub slo_queries: Vec<SloQuery>,
}

/// Simulates the world from `from` on: decides, carries out what is due, decides again on the affected
/// targets, and jumps to the next time that a gate names when nothing moves.
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
    // When each target that only waits for time may pass. The rest wait for a move.
    let mut passing: BTreeMap<TargetIx, DateTime<Utc>> = BTreeMap::new();
    let followers = find_followers(&world.inventory);
    let mut asked: BTreeSet<TargetIx> = world.inventory.subscribers.iter().copied().collect();
    let mut at = from;
    for _ in 0..limits.rounds.max(1) {
        let decisions = world.decide_on(at, &asked);
        forecast.slo_queries.extend(decisions.slo_queries.iter().cloned());
        update_waiting(&decisions, &mut waiting, at);
        for (&target, decision) in &decisions.subscribers {
            match find_passing_time(decision) {
                Some(next) => passing.insert(target, next),
                None => passing.remove(&target),
            };
        }
        asked.clear();
        let due = decisions.subscribers.values().filter(|d| d.promotes());
        for decision in due.filter(|decision| find_stop(stops, decision).is_none()) {
            let target = &world.inventory.targets[decision.target];
            let waited = waiting.remove(&decision.target);
            forecast.moves.push(find_next_move(target, decision, at, waited));
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
    forecast.stays = find_stays(&world.decide(at), stops);
    forecast.slo_queries.sort();
    forecast.slo_queries.dedup();
    forecast
}

fn find_next_move(
    target: &Target,
    decision: &SubscriberDecision,
    at: DateTime<Utc>,
    waited: Option<Waited>,
) -> Move {
    let from = target.current_ref().to_owned();
    Move { at, target: decision.target, from, to: decision.desired_ref.clone(), waited }
}

/// Who subscribes to each channel.
fn find_followers(inventory: &Inventory) -> BTreeMap<String, Vec<TargetIx>> {
    let mut followers: BTreeMap<String, Vec<TargetIx>> = BTreeMap::new();
    for (index, target) in inventory.subscribers() {
        for channel in &target.promotion.subscribe {
            followers.entry(channel.clone()).or_default().push(index);
        }
    }
    followers
}

/// The rejection of a promotion, if there is one.
fn find_stop<'a>(stops: &'a Stops, decision: &SubscriberDecision) -> Option<&'a Stop> {
    let stop = stops.get(&decision.target)?;
    let concerns = |commit: &CommitSha| commit.as_str() == decision.desired_ref;
    stop.commit.as_ref().is_none_or(concerns).then_some(stop)
}

fn find_stays(decisions: &Decisions, stops: &Stops) -> Vec<Stay> {
    let stay = |decision: &SubscriberDecision| {
        let reason = match decision.outcome() {
            Outcome::UpToDate => return None,
            Outcome::Promote => find_stop(stops, decision)?.reason.clone(),
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

/// Records held subscribers and removes the others, except those that move now.
fn update_waiting(
    decisions: &Decisions,
    waiting: &mut BTreeMap<TargetIx, Waited>,
    at: DateTime<Utc>,
) {
    for (&target, decision) in &decisions.subscribers {
        match (decision.outcome(), find_last_gate(decision)) {
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

/// The gate that blocks it last, if that can be known; else the first that blocks.
fn find_last_gate(decision: &SubscriberDecision) -> Option<Gate> {
    if find_passing_time(decision).is_none() {
        return decision.held_by();
    }
    let holding = decision.gates.iter().filter(|gate| gate.blocks());
    holding.max_by_key(|gate| gate.next_possible_at).map(|gate| gate.gate)
}

/// When the last blocking gate passes; `None` if one of them waits for something other than time.
fn find_passing_time(decision: &SubscriberDecision) -> Option<DateTime<Utc>> {
    if decision.outcome() != Outcome::Hold {
        return None;
    }
    let holding = decision.gates.iter().filter(|gate| gate.blocks());
    holding.map(|gate| gate.next_possible_at).collect::<Option<Vec<_>>>()?.into_iter().max()
}
