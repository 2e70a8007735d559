//! What follows in time, if every merge request is merged and deployed well
//! the moment that it is due, and nothing else changes.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::world::World;
use crate::decide::{Decision, Decisions, GateName, Outcome, SloQuery};
use crate::domain::CommitSha;

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
pub type Stops = BTreeMap<usize, Stop>;

/// What held a promotion back until it moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waited {
    /// The gate that held it last.
    pub gate: GateName,
    /// Since when it was held: not before the start of the forecast.
    pub since: DateTime<Utc>,
}

/// A promotion that is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// When every gate passes.
    pub at: DateTime<Utc>,
    /// Index of the target.
    pub target: usize,
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
    pub target: usize,
    /// The commit that its publishers are at.
    pub candidate: Option<CommitSha>,
    /// The gate that holds it; `None` for errors and for people's word.
    pub held_by: Option<GateName>,
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

/// Follows the world from `from` on.
pub fn forecast(mut world: World, from: DateTime<Utc>, stops: &Stops, limits: Limits) -> Forecast {
    let until = from.checked_add_signed(limits.horizon).unwrap_or(DateTime::<Utc>::MAX_UTC);
    let mut forecast = Forecast {
        from,
        until,
        moves: Vec::new(),
        stays: Vec::new(),
        cut_short: true,
        slo_queries: Vec::new(),
    };
    let mut waiting: BTreeMap<usize, Waited> = BTreeMap::new();
    let mut at = from;
    for _ in 0..limits.rounds.max(1) {
        let decisions = world.decide(at);
        forecast.slo_queries.extend(decisions.slo_queries.iter().cloned());
        let due: Vec<&Decision> = decisions
            .subscribers
            .values()
            .filter(|decision| decision.outcome == Outcome::Promote)
            .filter(|decision| stop(stops, decision).is_none())
            .collect();
        forecast.stays = stays(&decisions, stops);
        if due.is_empty() {
            note_waiting(&decisions, &mut waiting, at);
            match next_time(&decisions).filter(|next| *next <= until) {
                Some(next) => at = next,
                None => {
                    forecast.cut_short = false;
                    break;
                }
            }
            continue;
        }
        note_waiting(&decisions, &mut waiting, at);
        for decision in due {
            let before = world.inventory.targets[decision.target].git_ref.clone();
            forecast.moves.push(Move {
                at,
                target: decision.target,
                from: before.unwrap_or_default(),
                to: decision.desired_ref.clone(),
                waited: waiting.remove(&decision.target),
            });
            world.promote(decision, at);
        }
    }
    forecast.slo_queries.sort();
    forecast.slo_queries.dedup();
    forecast
}

/// The word of people against a promotion.
fn stop<'a>(stops: &'a Stops, decision: &Decision) -> Option<&'a Stop> {
    let stop = stops.get(&decision.target)?;
    let concerns = |commit: &CommitSha| commit.as_str() == decision.desired_ref;
    stop.commit.as_ref().is_none_or(concerns).then_some(stop)
}

fn stays(decisions: &Decisions, stops: &Stops) -> Vec<Stay> {
    let stay = |decision: &Decision| {
        let reason = match decision.outcome {
            Outcome::UpToDate => return None,
            Outcome::Promote => stop(stops, decision)?.reason.clone(),
            Outcome::Hold => {
                let gate = decision.gates.iter().find(|gate| Some(gate.gate) == decision.held_by);
                gate.map(|gate| gate.reason.clone()).unwrap_or_default()
            }
            Outcome::Error => decision.errors.first().cloned().unwrap_or_default(),
        };
        Some(Stay {
            target: decision.target,
            candidate: decision.candidate.clone(),
            held_by: decision.held_by,
            reason,
        })
    };
    decisions.subscribers.values().filter_map(stay).collect()
}

/// Notes who is held, and forgets who is not any more (but for who moves now).
fn note_waiting(decisions: &Decisions, waiting: &mut BTreeMap<usize, Waited>, at: DateTime<Utc>) {
    for (&target, decision) in &decisions.subscribers {
        match (decision.outcome, decision.held_by) {
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

/// The next time at which somebody may pass by the passage of time alone.
fn next_time(decisions: &Decisions) -> Option<DateTime<Utc>> {
    let held = decisions.subscribers.values().filter(|d| d.outcome == Outcome::Hold);
    held.filter_map(passes_at).min()
}

/// When the last of the gates that hold passes; `None` if one of them waits for something else.
fn passes_at(decision: &Decision) -> Option<DateTime<Utc>> {
    let holding = decision.gates.iter().filter(|gate| gate.holds());
    holding.map(|gate| gate.next_possible_at).collect::<Option<Vec<_>>>()?.into_iter().max()
}
