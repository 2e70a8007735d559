//! Forecasts in the public format.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::Found;
use crate::decide::Gate;
use crate::domain::{CommitSha, TargetUid};
use crate::inventory::{Inventory, TargetIx};
use crate::what_if::{Assumption, Change, Comparison, Forecast, Move, Stay};

/// The assumptions of every forecast, for people.
const RESTS_ON: [&str; 3] = [
    "every merge request is merged and deployed successfully the moment it is due",
    "SLO values and the config repo stay unchanged, and nobody commits anything else",
    "config hashes stay those of a publisher's last deployment",
];

/// A forecast without assumptions, and one with them.
pub struct WhatIf<'a> {
    /// Without assumptions.
    pub plain: &'a Forecast,
    /// With the assumptions, if there are any.
    pub assumed: Option<(&'a [Assumption], &'a Forecast, &'a Comparison)>,
}

impl WhatIf<'_> {
    /// The forecast that the user asked for.
    pub fn asked(&self) -> &Forecast {
        self.assumed.map_or(self.plain, |(_, forecast, _)| forecast)
    }
}

/// A forecast.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ForecastReport {
    /// Its start: the time of the decisions.
    pub from: DateTime<Utc>,
    /// Its end.
    pub until: DateTime<Utc>,
    /// The assumptions; empty for a forecast without any.
    pub assumptions: Vec<AssumptionReport>,
    /// Future promotions, sorted by time.
    pub moves: Vec<MoveReport>,
    /// Promotions that happen only without the assumptions.
    pub gone: Vec<MoveReport>,
    /// Subscribers that are not promoted although something is due.
    pub stays: Vec<StayReport>,
    /// Number of promotions elsewhere that the assumptions do not change.
    pub unchanged: usize,
    /// It ended before `until` because of a promotion cycle or too many promotions.
    pub cut_short: bool,
    /// What every forecast assumes.
    pub rests_on: Vec<String>,
}

/// An assumption.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AssumptionReport {
    /// The publisher.
    pub uid: TargetUid,
    /// Its label.
    pub label: String,
    /// The commit that it deploys.
    pub commit_sha: CommitSha,
    /// Did its deployment succeed?
    pub success: bool,
    /// Labels of other targets with this commit, because they share the ref or the edit site.
    pub along: Vec<String>,
}

/// A future promotion.
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
    /// Its ref after; equal to `from` if only config hashes change.
    pub to: String,
    /// The last gate that held it.
    pub waited_for: Option<Gate>,
    /// `new`, `moved` or `same`: the effect of the assumptions; null without assumptions.
    pub change: Option<&'static str>,
    /// When it would happen without the assumptions, if that differs.
    pub instead_of: Option<DateTime<Utc>>,
}

/// A subscriber that is not promoted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StayReport {
    /// The target.
    pub uid: TargetUid,
    /// Its label.
    pub label: String,
    /// The commit of its publishers at the end.
    pub candidate: Option<CommitSha>,
    /// The gate that holds it at the end.
    pub held_by: Option<Gate>,
    /// Why.
    pub reason: String,
}

impl ForecastReport {
    /// One that forecasts nothing.
    pub(super) fn empty(at: DateTime<Utc>) -> Self {
        Self {
            from: at,
            until: at,
            assumptions: Vec::new(),
            moves: Vec::new(),
            gone: Vec::new(),
            stays: Vec::new(),
            unchanged: 0,
            cut_short: false,
            rests_on: Vec::new(),
        }
    }

    pub(super) fn new(found: &Found<'_>, what_if: &WhatIf<'_>) -> Self {
        let inventory = found.inventory;
        let asked = what_if.asked();
        // Elsewhere in its file, only what an assumption changes is of interest.
        let mut about = inventory.upstream([found.target]);
        if let Some((assumptions, ..)) = what_if.assumed {
            about.extend(inventory.downstream(find_assumed_publishers(assumptions, inventory)));
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
                    assumptions
                        .iter()
                        .map(|assumption| report_assumption(inventory, assumption))
                        .collect()
                })
                .unwrap_or_default(),
            unchanged: all.iter().filter(|(step, change)| !shown(step, *change)).count(),
            moves: all
                .into_iter()
                .filter(|(step, change)| shown(step, *change))
                .map(|(step, change)| report_move(inventory, step, change))
                .collect(),
            gone: gone
                .unwrap_or_default()
                .iter()
                .map(|step| report_move(inventory, step, None))
                .collect(),
            stays: asked
                .stays
                .iter()
                .filter(|stay| about.contains(&stay.target))
                .map(|stay| report_stay(inventory, stay))
                .collect(),
            cut_short: asked.cut_short,
            rests_on: RESTS_ON.iter().map(|&text| text.to_owned()).collect(),
        }
    }
}

/// The publishers in the assumptions, and the targets that share their commit.
fn find_assumed_publishers(
    assumptions: &[Assumption],
    inventory: &Inventory,
) -> BTreeSet<TargetIx> {
    assumptions
        .iter()
        .flat_map(|assumption| {
            let along = find_same_ref(inventory, assumption.publisher);
            along.into_iter().chain([assumption.publisher])
        })
        .collect()
}

/// Other targets with the publisher's ref.
fn find_same_ref(inventory: &Inventory, publisher: TargetIx) -> Vec<TargetIx> {
    crate::what_if::sharing_ref(inventory, publisher)
        .into_iter()
        .filter(|&index| index != publisher)
        .collect()
}

fn report_assumption(inventory: &Inventory, assumption: &Assumption) -> AssumptionReport {
    let target = &inventory.targets[assumption.publisher];
    AssumptionReport {
        uid: target.uid.clone(),
        label: target.label(),
        commit_sha: assumption.commit.clone(),
        success: assumption.success,
        along: find_same_ref(inventory, assumption.publisher)
            .into_iter()
            .map(|index| inventory.targets[index].label())
            .collect(),
    }
}

fn report_move(inventory: &Inventory, step: &Move, change: Option<Change>) -> MoveReport {
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

fn report_stay(inventory: &Inventory, stay: &Stay) -> StayReport {
    let target = &inventory.targets[stay.target];
    StayReport {
        uid: target.uid.clone(),
        label: target.label(),
        candidate: stay.candidate.clone(),
        held_by: stay.held_by,
        reason: stay.reason.clone(),
    }
}
