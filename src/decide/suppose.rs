//! Finds what blocks promotions whatever the facts are.

use std::sync::Arc;

use super::decision::{Decision, Decisions, SubscriberDecision};
use super::edits::{EditChecker, reject_unsafe_edits};
use super::sites::join_site;
use crate::app_interface::CurrentHash;
use crate::domain::CommitSha;
use crate::inventory::{Inventory, Target, TargetIx};

/// Decides as if every subscriber were promoted to this commit, and every publisher had this config
/// hash. Any remaining error comes from the files.
pub fn suppose_promoted(
    inventory: &Inventory,
    edits: &dyn EditChecker,
    commit: &CommitSha,
    hash: &str,
) -> Decisions {
    let mut decisions = Decisions::default();
    for (index, target) in inventory.subscribers() {
        if target.broken.is_empty() && !target.promotion.subscribe.is_empty() {
            let decision = suppose_decision(index, commit, suppose_hashes(inventory, target, hash));
            decisions.subscribers.insert(index, decision);
        }
    }
    for site in inventory.sites.values() {
        join_site(inventory, site, &mut decisions);
    }
    reject_unsafe_edits(inventory, edits, &mut decisions);
    decisions
}

fn suppose_decision(
    target: TargetIx,
    commit: &CommitSha,
    desired_hashes: Vec<CurrentHash>,
) -> SubscriberDecision {
    SubscriberDecision {
        target,
        decision: Decision::Promote,
        desired_ref: commit.to_string(),
        desired_hashes,
        candidate: Some(commit.clone()),
        gates: Arc::default(),
        promotable_since: None,
        own_value: false,
    }
}

fn suppose_hashes(inventory: &Inventory, target: &Target, hash: &str) -> Vec<CurrentHash> {
    if !target.promotion.redeploy_on_publisher_config_change {
        return Vec::new();
    }
    let first = |channel: &String| inventory.publishers_of(channel).next();
    let mut hashes: Vec<_> = target
        .promotion
        .subscribe
        .iter()
        .filter_map(|channel| {
            Some(CurrentHash {
                channel: channel.clone(),
                parent_saas: first(channel)?.1.saas_file.clone(),
                target_config_hash: hash.to_owned(),
            })
        })
        .collect();
    hashes.sort();
    hashes
}
