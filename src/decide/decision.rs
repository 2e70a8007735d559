//! Decides on each subscriber from the results of its gates.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::due::{current_hashes, follow, is_due, single_commit, unread_records, wanted_hashes};
use super::edits::{EditChecker, reject_unsafe_edits};
use super::gates::{
    Context, Gate, GateResult, blocked_version, deployment, same_ref, schedule, slo, soak,
};
use super::publishers::{self, PublisherState};
use super::shared_causes;
use super::sites::join_site;
use crate::app_interface::CurrentHash;
use crate::domain::{CommitSha, Problem};
use crate::inventory::{Inventory, Target, TargetIx};
use crate::snapshot::Snapshot;
use croniter::Schedule;

/// The outcome of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A change is due and every gate passes.
    Promote,
    /// Nothing would be due even if every gate passed.
    UpToDate,
    /// A change would be due, but a gate blocks it.
    Hold,
    /// A fact is missing, or the target's configuration is broken.
    Error,
}

impl Outcome {
    /// Its name in JSON and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::UpToDate => "up_to_date",
            Self::Hold => "hold",
            Self::Error => "error",
        }
    }
}

/// The decision on a subscriber, with its details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A change is due and every gate passes.
    Promote,
    /// Nothing would be due even if every gate passed.
    UpToDate,
    /// A change would be due but for this gate, the first that blocks it.
    Hold(Gate),
    /// Errors: missing facts, or problems of the target's configuration. Never empty.
    Error(Vec<String>),
}

/// The decision on one subscriber, with the facts behind it.
#[derive(Debug, Clone)]
pub struct SubscriberDecision {
    /// The subscriber.
    pub target: TargetIx,
    /// The decision.
    pub decision: Decision,
    /// The desired ref: the current one unless the subscriber is promoted.
    pub desired_ref: String,
    /// The desired config hashes, sorted. Empty without redeployOnPublisherConfigChange.
    pub desired_hashes: Vec<CurrentHash>,
    /// The commit that all publishers are at, promoted or not.
    pub candidate: Option<CommitSha>,
    /// Every gate with its evidence; shared with the report.
    pub gates: Arc<Vec<GateResult>>,
    /// Since when (or from when on) deployments, soak time and schedule allow the promotion. The earliest
    /// is promoted first.
    pub promotable_since: Option<DateTime<Utc>>,
    /// The new `ref` if it replaces an alias. The other users of the anchor keep theirs.
    pub own_value: bool,
}

impl SubscriberDecision {
    /// The outcome of the decision.
    pub fn outcome(&self) -> Outcome {
        match self.decision {
            Decision::Promote => Outcome::Promote,
            Decision::UpToDate => Outcome::UpToDate,
            Decision::Hold(_) => Outcome::Hold,
            Decision::Error(_) => Outcome::Error,
        }
    }

    /// The gate that holds it.
    pub fn held_by(&self) -> Option<Gate> {
        match self.decision {
            Decision::Hold(gate) => Some(gate),
            _ => None,
        }
    }

    /// Why it is in error; empty otherwise.
    pub fn errors(&self) -> &[String] {
        match &self.decision {
            Decision::Error(errors) => errors,
            _ => &[],
        }
    }

    /// Is it promoted?
    pub fn promotes(&self) -> bool {
        self.decision == Decision::Promote
    }
}

/// An SLO value that is needed but not in the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SloQuery {
    /// Key in the snapshot.
    pub key: String,
    /// The Prometheus to query.
    pub url: String,
    /// The query.
    pub expression: String,
}

/// The decisions on all requested subscribers, in inventory order.
#[derive(Debug, Default)]
pub struct Decisions {
    /// One per subscriber.
    pub subscribers: BTreeMap<TargetIx, SubscriberDecision>,
    /// The state of each publisher, by index.
    pub publishers: Vec<PublisherState>,
    /// Problems of facts and schedules.
    pub problems: Vec<Problem>,
    /// SLO values that are needed but not in the snapshot.
    pub slo_queries: Vec<SloQuery>,
}

/// Decides on all subscribers that `wanted` accepts, and on those that share an edit site with them.
pub fn decide(
    inventory: &Inventory,
    snapshot: &Snapshot,
    edits: &dyn EditChecker,
    wanted: &dyn Fn(&Target) -> bool,
) -> Decisions {
    decide_part(inventory, snapshot, edits, wanted, &|_| true)
}

/// Like [`decide`], but only with the problems of the publishers (indexes) in `reported`.
pub fn decide_part(
    inventory: &Inventory,
    snapshot: &Snapshot,
    edits: &dyn EditChecker,
    wanted: &dyn Fn(&Target) -> bool,
    reported: &dyn Fn(TargetIx) -> bool,
) -> Decisions {
    let mut decisions = evaluate_gates(inventory, snapshot, wanted, reported);
    reject_unsafe_edits(inventory, edits, &mut decisions);
    decisions
}

/// The SLO values that [`decide`] needs and that the snapshot lacks, each once.
pub fn slo_queries(
    inventory: &Inventory,
    snapshot: &Snapshot,
    wanted: &dyn Fn(&Target) -> bool,
) -> Vec<SloQuery> {
    evaluate_gates(inventory, snapshot, wanted, &|_| false).slo_queries
}

/// Evaluates facts and shared edit sites. Whether the files can be edited is checked later.
fn evaluate_gates(
    inventory: &Inventory,
    snapshot: &Snapshot,
    wanted: &dyn Fn(&Target) -> bool,
    reported: &dyn Fn(TargetIx) -> bool,
) -> Decisions {
    let mut decisions = Decisions::default();
    decisions.publishers =
        publishers::states(inventory, snapshot, reported, &mut decisions.problems);
    for index in find_decided_targets(inventory, wanted) {
        let decision = decide_subscriber(inventory, snapshot, &mut decisions, index);
        decisions.subscribers.insert(index, decision);
    }
    for site in inventory.sites.values() {
        join_site(inventory, site, &mut decisions);
    }
    shared_causes::count_targets(&mut decisions.problems);
    decisions.slo_queries.sort();
    decisions.slo_queries.dedup();
    decisions
}

/// The publishers (indexes) of the subscribers that [`decide`] would decide on.
pub fn followed(inventory: &Inventory, wanted: &dyn Fn(&Target) -> bool) -> BTreeSet<TargetIx> {
    let channels = find_decided_targets(inventory, wanted)
        .flat_map(|index| &inventory.targets[index].promotion.subscribe);
    channels.flat_map(|channel| inventory.publishers_of(channel)).map(|(index, _)| index).collect()
}

/// Subscribers that `wanted` accepts, or that share an edit site with one.
fn find_decided_targets<'a>(
    inventory: &'a Inventory,
    wanted: &dyn Fn(&Target) -> bool,
) -> impl Iterator<Item = TargetIx> + use<'a> {
    let wanted = inventory.subscribers().filter(|(_, target)| wanted(target));
    let wanted: BTreeSet<TargetIx> = wanted.map(|(index, _)| index).collect();
    let sites: BTreeSet<_> =
        wanted.iter().filter_map(|index| inventory.site_of.get(index)).collect();
    inventory.subscribers().map(|(index, _)| index).filter(move |index| {
        let shares = inventory.site_of.get(index).is_some_and(|site| sites.contains(site));
        shares || wanted.contains(index)
    })
}

fn decide_subscriber(
    inventory: &Inventory,
    snapshot: &Snapshot,
    decisions: &mut Decisions,
    index: TargetIx,
) -> SubscriberDecision {
    let target = &inventory.targets[index];
    let current = target.current_ref().to_owned();
    let mut errors = target.broken.clone();
    let states = std::mem::take(&mut decisions.publishers);
    let followed = follow(inventory, &states, target, &mut decisions.problems, &mut errors);
    let candidate = single_commit(&followed);
    let wanted_hashes = wanted_hashes(inventory, &states, target, candidate);
    let due = is_due(target, &followed, candidate, &wanted_hashes);
    if due != Some(false) {
        errors.extend(unread_records(&followed));
    }
    let context = Context { subscriber: target, snapshot, followed, candidate, due };
    let gates = vec![
        deployment::evaluate(&context),
        same_ref::evaluate(&context),
        soak::evaluate(&context),
        schedule::evaluate(&context, &mut decisions.problems),
        slo::evaluate(&context, &mut decisions.slo_queries, &mut decisions.problems),
        blocked_version::evaluate(&context),
    ];
    let holding = gates.iter().find(|gate| gate.blocks()).map(|gate| gate.gate);
    let decision = match (errors.is_empty(), due, holding) {
        (false, _, _) => Decision::Error(errors),
        (true, Some(false), _) => Decision::UpToDate,
        (true, _, Some(gate)) => Decision::Hold(gate),
        (true, _, None) => Decision::Promote,
    };
    let promotes = decision == Decision::Promote;
    let desired_ref = match candidate {
        Some(commit) if promotes => commit.to_string(),
        _ => current,
    };
    let desired_hashes = if promotes || decision == Decision::UpToDate {
        wanted_hashes
    } else {
        current_hashes(target)
    };
    let promotable_since = find_eligible_since(&context);
    let candidate = candidate.cloned();
    decisions.publishers = states;
    SubscriberDecision {
        target: index,
        decision,
        desired_ref,
        desired_hashes,
        candidate,
        gates: Arc::new(gates),
        promotable_since,
        own_value: false,
    }
}

/// When the last gate passed that depends only on time. Nothing records when an SLO recovered or a
/// version was unblocked.
fn find_eligible_since(context: &Context<'_>) -> Option<DateTime<Utc>> {
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
