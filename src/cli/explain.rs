//! `sapm explain`: why a target is or is not promoted, and what if.

use std::collections::BTreeSet;

use super::asked::Facts;
use super::config::Config;
use super::exit::{Exit, Fatal};
use super::source::Loaded;
use super::unknown::{ambiguous, unknown};
use crate::decide::Decisions;
use crate::domain::CommitSha;
use crate::inventory::{Found, Inventory, find};
use crate::plan::{Plan, Reason};
use crate::report::{AsOf, Explanation, FoundTarget, WhatIf};
use crate::snapshot::Snapshot;
use crate::what_if::{Assumption, Forecast, Limits, Stop, Stops, World, compare, forecast};

/// What is asked of a run.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The target as it was named.
    pub target: String,
    /// Assumptions as they were written.
    pub assume: Vec<String>,
}

/// Narrows what was loaded to what the question is about, and says where its target is now.
///
/// That is the target with those whose merge requests may stand in its way, what an assumption
/// moves, and all that these wait for: nothing else has to be observed.
///
/// # Errors
/// With exit code 2, when the target or a publisher of an assumption is none or several.
pub fn focus(config: &Config, question: &Question, loaded: &mut Loaded) -> Result<usize, Fatal> {
    let inventory = &loaded.inventory;
    let candidates: BTreeSet<usize> = inventory
        .subscribers()
        .filter(|(_, target)| config.narrowing.includes(target))
        .map(|(index, _)| index)
        .collect();
    let target = match find(inventory, &candidates, &question.target) {
        Found::One(target) => target,
        Found::Several(several) => return Err(ambiguous(inventory, &question.target, &several)),
        Found::Unknown(alike) => {
            return Err(unknown(loaded, config.digest, &question.target, &alike));
        }
    };
    let assumed: Vec<usize> = question
        .assume
        .iter()
        .map(|text| {
            Assumption::publisher(text, inventory)
                .map_err(|error| bad_assumption(&error.to_string()))
        })
        .collect::<Result<_, _>>()?;
    let moved = assumed.iter().flat_map(|&index| crate::what_if::sharing_ref(inventory, index));
    let mut about = inventory.downstream(moved);
    about.extend(inventory.in_same_file(target));
    let keep = inventory.upstream(about);
    let uid = inventory.targets[target].uid.clone();
    let only = inventory.only(&keep);
    let files = only.files();
    let about = |file: &String| files.contains(file);
    loaded.bundle.problems.retain(|problem| problem.file.as_ref().is_some_and(about));
    loaded.only = Some(only.targets.iter().map(|target| target.uid.clone()).collect());
    loaded.inventory = only;
    let mut subscribers = loaded.inventory.subscribers();
    let found = subscribers.find(|(_, target)| target.uid == uid).map(|(index, _)| index);
    found.ok_or_else(|| Fatal::new(Exit::Internal, "the target was lost"))
}

fn bad_assumption(error: &str) -> Fatal {
    Fatal::new(Exit::Usage, format!("--assume: {error}")).hint(
        "write it like --assume 'deployed=CHANNEL/PUBLISHER@COMMIT', with the publisher's uid or \
         any unambiguous part of saas-file/resource-template/cluster/namespace",
    )
}

/// The forecasts of a question.
pub struct Forecasts {
    plain: Forecast,
    assumed: Option<(Vec<Assumption>, Forecast)>,
}

impl Forecasts {
    /// Follows the world as it is, and as it is assumed to be.
    ///
    /// # Errors
    /// With exit code 2, when an assumption cannot be read.
    pub fn new(question: &Question, facts: &Facts<'_>, snapshot: &Snapshot) -> Result<Self, Fatal> {
        let (loaded, decisions, plan) = (facts.loaded, facts.decisions, facts.plan);
        let stops = stops(&loaded.inventory, decisions, plan);
        let from = snapshot.observed_at;
        let world = World::new(&loaded.inventory, snapshot, &loaded.bundle);
        let plain = forecast(world.clone(), from, &stops, Limits::default());
        if question.assume.is_empty() {
            return Ok(Self { plain, assumed: None });
        }
        let mut assumed = world;
        let mut assumptions = Vec::new();
        for text in &question.assume {
            let assumption = Assumption::parse(text, &loaded.inventory, snapshot)
                .map_err(|error| bad_assumption(&error.to_string()))?;
            assumed.assume(&assumption, from);
            assumptions.push(assumption);
        }
        let assumed = forecast(assumed, from, &stops, Limits::default());
        Ok(Self { plain, assumed: Some((assumptions, assumed)) })
    }

    /// SLO values that they lack, each once.
    pub fn slo_queries(&self) -> Vec<crate::decide::SloQuery> {
        let assumed = self.assumed.iter().flat_map(|(_, forecast)| &forecast.slo_queries);
        let all: BTreeSet<_> = self.plain.slo_queries.iter().chain(assumed).cloned().collect();
        all.into_iter().collect()
    }

    /// Brings everything together.
    ///
    /// # Errors
    /// With exit code 1, when the report lacks the target.
    pub fn explain(
        &self,
        target: usize,
        facts: &Facts<'_>,
        snapshot: &Snapshot,
        (as_of, max_new_merge_requests): (AsOf, usize),
    ) -> Result<Explanation, Fatal> {
        let comparison = self.assumed.as_ref().map(|(_, forecast)| compare(&self.plain, forecast));
        let assumed = self.assumed.as_ref().zip(comparison.as_ref());
        let what_if = WhatIf {
            plain: &self.plain,
            assumed: assumed.map(|((assumptions, forecast), comparison)| {
                (assumptions.as_slice(), forecast, comparison)
            }),
        };
        let found = FoundTarget {
            inventory: &facts.loaded.inventory,
            bundle: &facts.loaded.bundle,
            snapshot,
            decisions: facts.decisions,
            report: facts.report,
            max_new_merge_requests,
            target,
            as_of,
        };
        Explanation::new(&found, &what_if)
            .ok_or_else(|| Fatal::new(Exit::Internal, "the target is not in the report"))
    }
}

/// What people said against promotions: it stays their word in a forecast.
fn stops(inventory: &Inventory, decisions: &Decisions, plan: &Plan) -> Stops {
    let mut stops = Stops::new();
    for request in &plan.requests {
        let for_good = match request.reason_code {
            Reason::HoldLabel | Reason::TakenOver | Reason::NotOurs => true,
            Reason::ClosedByPerson | Reason::RolledBack => false,
            _ => continue,
        };
        for (index, target) in inventory.subscribers() {
            if !request.targets.contains(&target.uid) {
                continue;
            }
            let desired = decisions.subscribers.get(&index).map(|d| d.desired_ref.as_str());
            let commit = desired.and_then(CommitSha::parse).filter(|_| !for_good);
            if for_good || commit.is_some() {
                stops.insert(index, Stop { commit, reason: request.reason.clone() });
            }
        }
    }
    stops
}
