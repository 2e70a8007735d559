//! Forecasts in their public form.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::Found;
use crate::decide::Gate;
use crate::domain::{CommitSha, TargetUid};
use crate::inventory::{Inventory, TargetIx};
use crate::what_if::{Assumption, Change, Comparison, Forecast, Move, Stay};

/// What a forecast takes for granted, for people.
const RESTS_ON: [&str; 3] = [
    "every merge request is merged, and deployed successfully, the moment that it is due",
    "SLO values and the config repo stay as they are, and nobody commits anything else",
    "config hashes stay what they were at a publisher's last deployment",
];

/// A forecast as things are, and one with what is assumed.
pub struct WhatIf<'a> {
    /// As things are.
    pub plain: &'a Forecast,
    /// With the assumptions, if there are any.
    pub assumed: Option<(&'a [Assumption], &'a Forecast, &'a Comparison)>,
}

impl WhatIf<'_> {
    /// The forecast that the question is about.
    pub fn asked(&self) -> &Forecast {
        self.assumed.map_or(self.plain, |(_, forecast, _)| forecast)
    }
}

/// What follows in time.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ForecastReport {
    /// Where it starts: the time as of which everything was decided.
    pub from: DateTime<Utc>,
    /// How far it looks.
    pub until: DateTime<Utc>,
    /// What is assumed; empty for a forecast of things as they are.
    pub assumptions: Vec<AssumptionReport>,
    /// Promotions to come, in the order of time.
    pub moves: Vec<MoveReport>,
    /// Promotions that would come without the assumptions, and do not with them.
    pub gone: Vec<MoveReport>,
    /// Subscribers for which something is due, and that do not move any more.
    pub stays: Vec<StayReport>,
    /// Promotions elsewhere that the assumptions do not change.
    pub unchanged: usize,
    /// It ended before `until`: too many promotions, or some that go round in circles.
    pub cut_short: bool,
    /// What it takes for granted.
    pub rests_on: Vec<String>,
}

/// An assumption.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AssumptionReport {
    /// The publisher.
    pub uid: TargetUid,
    /// Its label.
    pub label: String,
    /// The commit that it is at.
    pub commit_sha: CommitSha,
    /// Did its deployment succeed?
    pub success: bool,
    /// Others that are at this commit with it, as they follow the same ref or share its place.
    pub along: Vec<String>,
}

/// A promotion to come.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MoveReport {
    /// When every gate passes.
    pub at: DateTime<Utc>,
    /// The target.
    pub uid: TargetUid,
    /// Its label.
    pub label: String,
    /// Its ref before.
    pub from: String,
    /// Its ref after; equal to `from` where only config hashes move.
    pub to: String,
    /// The gate that held it last.
    pub waited_for: Option<Gate>,
    /// `new`, `moved` or `same`: what the assumptions do to it; null without assumptions.
    pub change: Option<&'static str>,
    /// When it would come without the assumptions, if it moved.
    pub instead_of: Option<DateTime<Utc>>,
}

/// A subscriber that does not move.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StayReport {
    /// The target.
    pub uid: TargetUid,
    /// Its label.
    pub label: String,
    /// The commit that its publishers are at in the end.
    pub candidate: Option<CommitSha>,
    /// The gate that blocks it in the end.
    pub held_by: Option<Gate>,
    /// Why.
    pub reason: String,
}

impl ForecastReport {
    pub(super) fn new(found: &Found<'_>, what_if: &WhatIf<'_>) -> Self {
        let inventory = found.inventory;
        let asked = what_if.asked();
        // Of the rest of its file only what an assumption changes is of interest.
        let mut about = inventory.upstream([found.target]);
        if let Some((assumptions, ..)) = what_if.assumed {
            about.extend(inventory.downstream(publishers(assumptions, inventory)));
        }
        let changes: Vec<Option<Change>> = match what_if.assumed {
            None => vec![None; asked.moves.len()],
            Some((_, _, comparison)) => comparison.changes.iter().copied().map(Some).collect(),
        };
        let all: Vec<_> = asked.moves.iter().zip(changes).collect();
        let shown = |step: &Move, change: Option<Change>| {
            about.contains(&step.target) || change.is_some_and(|change| change != Change::Same)
        };
        let gone = what_if.assumed.map(|(_, _, comparison)| comparison.gone.as_slice());
        Self {
            from: asked.from,
            until: asked.until,
            assumptions: what_if
                .assumed
                .map(|(assumptions, ..)| {
                    assumptions.iter().map(|assumption| assumed(inventory, assumption)).collect()
                })
                .unwrap_or_default(),
            unchanged: all.iter().filter(|(step, change)| !shown(step, *change)).count(),
            moves: all
                .into_iter()
                .filter(|(step, change)| shown(step, *change))
                .map(|(step, change)| moves(inventory, step, change))
                .collect(),
            gone: gone
                .unwrap_or_default()
                .iter()
                .map(|step| moves(inventory, step, None))
                .collect(),
            stays: asked
                .stays
                .iter()
                .filter(|stay| about.contains(&stay.target))
                .map(|stay| stays(inventory, stay))
                .collect(),
            cut_short: asked.cut_short,
            rests_on: RESTS_ON.iter().map(|&text| text.to_owned()).collect(),
        }
    }
}

/// The publishers that the assumptions name, and those that are at the commit with them.
fn publishers(assumptions: &[Assumption], inventory: &Inventory) -> BTreeSet<TargetIx> {
    assumptions
        .iter()
        .flat_map(|assumption| {
            let along = along(inventory, assumption.publisher);
            along.into_iter().chain([assumption.publisher])
        })
        .collect()
}

/// Others whose ref is the publisher's own.
fn along(inventory: &Inventory, publisher: TargetIx) -> Vec<TargetIx> {
    crate::what_if::sharing_ref(inventory, publisher)
        .into_iter()
        .filter(|&index| index != publisher)
        .collect()
}

fn assumed(inventory: &Inventory, assumption: &Assumption) -> AssumptionReport {
    let target = &inventory.targets[assumption.publisher];
    AssumptionReport {
        uid: target.uid.clone(),
        label: target.label(),
        commit_sha: assumption.commit.clone(),
        success: assumption.success,
        along: along(inventory, assumption.publisher)
            .into_iter()
            .map(|index| inventory.targets[index].label())
            .collect(),
    }
}

fn moves(inventory: &Inventory, step: &Move, change: Option<Change>) -> MoveReport {
    let target = &inventory.targets[step.target];
    MoveReport {
        at: step.at,
        uid: target.uid.clone(),
        label: target.label(),
        from: step.from.clone(),
        to: step.to.clone(),
        waited_for: step.waited.map(|waited| waited.gate),
        change: change.map(|change| match change {
            Change::New => "new",
            Change::Instead(_) => "moved",
            Change::Same => "same",
        }),
        instead_of: match change {
            Some(Change::Instead(at)) => Some(at),
            _ => None,
        },
    }
}

fn stays(inventory: &Inventory, stay: &Stay) -> StayReport {
    let target = &inventory.targets[stay.target];
    StayReport {
        uid: target.uid.clone(),
        label: target.label(),
        candidate: stay.candidate.clone(),
        held_by: stay.held_by,
        reason: stay.reason.clone(),
    }
}
