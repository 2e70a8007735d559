//! Two forecasts, with and without an assumption: what it changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::forecast::{Forecast, Move};

/// What the assumption does to a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It would not come without.
    New,
    /// It comes at another time: when it would come without.
    Instead(DateTime<Utc>),
    /// It comes all the same.
    Same,
}

/// The difference of two forecasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// For each move of the forecast with the assumption.
    pub changes: Vec<Change>,
    /// Moves that do not come any more.
    pub gone: Vec<Move>,
}

/// What `with` has that `without` has not.
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
