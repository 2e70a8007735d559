//! Joins the decisions of targets that share an edit site.

use std::sync::Arc;

use super::decision::{Decision, Decisions, SubscriberDecision};
use super::due::current_hashes;
use super::gates::{Gate, GateResult, edit_site};
use crate::domain::{Problem, ProblemCode};
use crate::inventory::{EditSite, Inventory, Target, TargetIx};

/// The members of a shared edit site are promoted together or not at all.
pub(super) fn join_site(inventory: &Inventory, site: &EditSite, decisions: &mut Decisions) {
    let values = |decisions: &Decisions, member: TargetIx| {
        let decision = decisions.subscribers.get(&member)?;
        decision.promotes().then(|| (decision.desired_ref.clone(), decision.desired_hashes.clone()))
    };
    let all: Vec<_> = site.members.iter().map(|&member| values(decisions, member)).collect();
    let Some(first) = all.iter().flatten().next().cloned() else { return };
    let together = site.refused.is_empty() && all.iter().all(|v| v.as_ref() == Some(&first));
    let node = |member: TargetIx| inventory.targets[member].node;
    // All targets of one declaration always change together.
    let leaves = |member: TargetIx, value: &Option<_>| {
        let mut mates = site.members.iter().zip(&all).filter(|(at, _)| node(**at) == node(member));
        site.can_leave(member) && mates.all(|(_, other)| other == value)
    };
    for (&member, value) in site.members.iter().zip(&all).filter(|(_, value)| value.is_some()) {
        if together && site.foreign_users.is_empty() {
            add_gate(decisions, member, edit_site::pass(site.members.len() - 1));
        } else if leaves(member, value) {
            add_gate(decisions, member, edit_site::pass(0));
            if let Some(decision) = decisions.subscribers.get_mut(&member) {
                decision.own_value = true;
            }
        } else if !site.foreign_users.is_empty() {
            reject_shared_value(inventory, site, decisions, member);
        } else {
            let mut others = site.members.iter().zip(&all);
            let other = others.find(|(_, other)| *other != value);
            let (other, why) = match (other, site.refused.first()) {
                (Some((other, values)), _) => match values {
                    Some(_) => (&inventory.targets[*other], "which is promoted to other values"),
                    None => (&inventory.targets[*other], "which is not promoted now"),
                },
                (None, Some(other)) => {
                    (&inventory.refused[*other], "which has the same identity as another target")
                }
                (None, None) => continue,
            };
            let gate = edit_site::waits_for(other, why);
            hold_member(decisions, member, inventory, gate);
        }
    }
}

fn add_gate(decisions: &mut Decisions, member: TargetIx, gate: GateResult) {
    if let Some(decision) = decisions.subscribers.get_mut(&member) {
        Arc::make_mut(&mut decision.gates).push(gate);
    }
}

fn keep_current_values(decision: &mut SubscriberDecision, target: &Target) {
    decision.desired_ref = target.current_ref().to_owned();
    decision.desired_hashes = current_hashes(target);
}

fn hold_member(
    decisions: &mut Decisions,
    member: TargetIx,
    inventory: &Inventory,
    gate: GateResult,
) {
    if let Some(decision) = decisions.subscribers.get_mut(&member) {
        decision.decision = Decision::Hold(Gate::EditSite);
        Arc::make_mut(&mut decision.gates).push(gate);
        keep_current_values(decision, &inventory.targets[member]);
    }
}

impl Decisions {
    /// The promotion cannot be written: the subscriber is in error and stays unchanged.
    pub(super) fn fail(
        &mut self,
        inventory: &Inventory,
        member: TargetIx,
        code: ProblemCode,
        message: &str,
    ) {
        let target = &inventory.targets[member];
        if let Some(decision) = self.subscribers.get_mut(&member) {
            match &mut decision.decision {
                Decision::Error(errors) => errors.push(message.to_owned()),
                other => *other = Decision::Error(vec![message.to_owned()]),
            }
            keep_current_values(decision, target);
        }
        self.problems.push(
            Problem::new(code, format!("{}: {message}", target.label()))
                .in_file(&target.declared_at.file)
                .at(&target.declared_at.path)
                .at_line(target.declared_at.line, target.declared_at.column),
        );
    }
}

/// The value is shared with nodes that are never promoted, and would change with it.
fn reject_shared_value(
    inventory: &Inventory,
    site: &EditSite,
    decisions: &mut Decisions,
    member: TargetIx,
) {
    let message = format!(
        "it cannot be edited safely: the same YAML node is used by {}; give this target its own \
         values",
        site.foreign_users.join(", ")
    );
    decisions.fail(inventory, member, ProblemCode::SharedValue, &message);
}
