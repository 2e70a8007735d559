//! How the moves of an old merge request relate to the plan.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::Outcome;
use crate::domain::TargetUid;
use crate::old_promoter::{FileMoves, Move, OldKind};
use crate::report::{Advice, MovedTarget, OldMergeRequest, Relation, SubscriberReport};

/// Every target that a merge request moves, with its relation.
pub fn moved_targets<'m>(
    subscribers: &BTreeMap<&TargetUid, &SubscriberReport>,
    files: impl Iterator<Item = &'m FileMoves>,
) -> Vec<MovedTarget> {
    let moves: Vec<&Move> = files.flat_map(|file| &file.moves).collect();
    let promoted = promoted_refs(subscribers, &moves);
    let mut targets = Vec::new();
    for one in moves {
        let known: Vec<_> = one.uids.iter().map(|uid| (uid, subscribers.get(uid))).collect();
        if known.is_empty() {
            targets.push(moved(one, None, Relation::NotWanted));
        }
        for (uid, subscriber) in known {
            let relation = relation(subscriber.copied(), one, &promoted);
            let label = subscriber.map(|subscriber| subscriber.target.label());
            targets.push(moved(one, Some((uid, label)), relation));
        }
    }
    targets
}

fn moved(
    one: &Move,
    target: Option<(&TargetUid, Option<String>)>,
    relation: Relation,
) -> MovedTarget {
    let (uid, label) = target.unzip();
    MovedTarget {
        uid: uid.cloned(),
        label: label.flatten().unwrap_or_else(|| one.location.clone()),
        from: one.from.clone(),
        to: one.to.clone(),
        hashes: one.hashes.clone(),
        relation,
    }
}

/// Refs that the merge request moves some target to that has a promotion to look forward to.
fn promoted_refs<'m>(
    subscribers: &BTreeMap<&TargetUid, &SubscriberReport>,
    moves: &[&'m Move],
) -> BTreeSet<&'m str> {
    let is_promotion = |one: &&&Move| {
        one.uids.iter().any(|uid| {
            let subscriber = subscribers.get(uid);
            subscriber.is_some_and(|subscriber| {
                matches!(subscriber.decision, Outcome::Promote | Outcome::Hold)
            })
        })
    };
    moves.iter().filter(is_promotion).map(|one| one.to.as_str()).collect()
}

fn relation(
    subscriber: Option<&SubscriberReport>,
    one: &Move,
    promoted: &BTreeSet<&str>,
) -> Relation {
    // Nobody promotes it: one that is disabled, or that another promoter's rules take in.
    let Some(subscriber) = subscriber else { return Relation::NotWanted };
    let more_hashes = one.hashes.iter().any(|hash| !subscriber.desired_hashes.contains(hash));
    match subscriber.decision {
        Outcome::Promote if one.to != subscriber.desired_ref => Relation::Older,
        Outcome::Promote if more_hashes => Relation::HashOnly,
        Outcome::Promote => Relation::Same,
        Outcome::Hold | Outcome::Error => Relation::Held,
        Outcome::UpToDate if one.from == one.to => Relation::HashOnly,
        // Away from where it is now, and not to what the merge request promotes.
        Outcome::UpToDate
            if one.from == subscriber.current_ref && !promoted.contains(one.to.as_str()) =>
        {
            Relation::Reverts
        }
        Outcome::UpToDate => Relation::NotWanted,
    }
}

/// The worst relation; `Same` without targets.
pub(super) fn worst(targets: &[MovedTarget]) -> Relation {
    targets.iter().map(|target| target.relation).max().unwrap_or(Relation::Same)
}

/// What to do with a merge request of the old promoter.
pub(super) fn advice_for(old: &OldMergeRequest) -> Advice {
    let status = old.pipeline.as_ref().map(|pipeline| pipeline.status.as_str());
    match old.relation {
        Relation::Reverts => Advice::Close,
        _ if old.kind == OldKind::Other => Advice::Look,
        Relation::Older | Relation::NotWanted => Advice::Close,
        Relation::Held | Relation::Unreadable => Advice::Look,
        Relation::Same | Relation::HashOnly => match (old.merge_status.as_deref(), status) {
            (Some("conflict"), _) | (_, Some("failed" | "canceled")) => Advice::Close,
            _ if old.draft => Advice::Look,
            (_, Some("success")) => Advice::Merge,
            _ => Advice::Wait,
        },
    }
}
