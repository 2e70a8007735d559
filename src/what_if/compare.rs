//! Compares two forecasts, with and without an assumption.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::forecast::{Forecast, Move};

/// The effect of the assumption on a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It happens only with the assumption.
    New,
    /// It happens at another time; this is the time without the assumption.
    Instead(DateTime<Utc>),
    /// It does not change.
    Same,
}

/// The difference between two forecasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// For each move in the forecast with the assumption.
    pub changes: Vec<Change>,
    /// Moves that no longer happen.
    pub gone: Vec<Move>,
}

/// Compares `with` to `without`.
pub fn compare(without: &Forecast, with: &Forecast) -> Comparison {
    let goal = |step: &Move| (step.target, step.to.clone());
    let mut before: BTreeMap<_, BTreeSet<DateTime<Utc>>> = BTreeMap::new();
    for step in &without.moves {
        before.entry(goal(step)).or_default().insert(step.at);
    }
    let after: BTreeSet<_> = with.moves.iter().map(goal).collect();
    let change = |step: &Move| match before.get(&goal(step)) {
        Some(times) if times.contains(&step.at) => Change::Same,
        Some(times) => times.first().map_or(Change::New, |at| Change::Instead(*at)),
        None => Change::New,
    };
    let changes = with.moves.iter().map(change).collect();
    let gone = without.moves.iter().filter(|step| !after.contains(&goal(step))).cloned().collect();
    Comparison { changes, gone }
}
