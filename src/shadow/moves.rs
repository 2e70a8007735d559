//! Moves of both sides, read off the ledger.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::ledger::{Ledger, OldFacts, OldMove, OldState};
use crate::app_interface::CurrentHash;
use crate::decide::Outcome;
use crate::domain::{MrIid, TargetUid};

/// What tells moves apart: the target, its new ref, and whether only a config hash changes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MoveKey {
    /// The target.
    pub uid: TargetUid,
    /// Its new ref.
    pub git_ref: String,
    /// Does the ref stay?
    pub hash_only: bool,
}

/// A move that `sapm` wanted.
#[derive(Debug, Clone)]
pub struct OurMove {
    /// First run that wanted it.
    pub first: DateTime<Utc>,
    /// Last run that wanted it.
    pub last: DateTime<Utc>,
    /// Config hashes.
    pub hashes: Vec<CurrentHash>,
}

/// A move of the old promoter's.
#[derive(Debug, Clone)]
pub struct TheirMove<'l> {
    /// The target's label.
    pub label: &'l str,
    /// Its merge requests, the first one first.
    pub merge_requests: Vec<(MrIid, &'l OldFacts, &'l OldMove)>,
    /// When the first one was opened.
    pub opened_at: DateTime<Utc>,
}

impl TheirMove<'_> {
    /// When the last one ended; `None` while one is open.
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        let ends: Option<Vec<_>> =
            self.merge_requests.iter().map(|(_, facts, _)| facts.ended_at).collect();
        ends?.into_iter().max()
    }

    /// Was one merged?
    pub fn merged(&self) -> bool {
        self.merge_requests.iter().any(|(_, facts, _)| facts.state == OldState::Merged)
    }

    /// The first merge request.
    pub fn first(&self) -> (MrIid, &OldFacts, &OldMove) {
        let (iid, facts, one) = &self.merge_requests[0];
        (*iid, facts, one)
    }
}

/// What `sapm` wanted, by move.
pub fn our_moves(ledger: &Ledger) -> BTreeMap<MoveKey, OurMove> {
    let mut found: BTreeMap<MoveKey, OurMove> = BTreeMap::new();
    for (uid, history) in &ledger.targets {
        for interval in history.intervals.iter().filter(|one| one.decision == Outcome::Promote) {
            let key = MoveKey {
                uid: uid.clone(),
                git_ref: interval.git_ref.clone(),
                hash_only: interval.hash_only,
            };
            let one = found.entry(key).or_insert_with(|| OurMove {
                first: interval.from,
                last: interval.to,
                hashes: interval.hashes.clone(),
            });
            one.last = interval.to;
            one.hashes.clone_from(&interval.hashes);
        }
    }
    found
}

/// What the old promoter did, by move: of several merge requests for one move the first counts.
pub fn their_moves(ledger: &Ledger) -> BTreeMap<MoveKey, TheirMove<'_>> {
    let mut found: BTreeMap<MoveKey, TheirMove<'_>> = BTreeMap::new();
    for (iid, facts) in &ledger.merge_requests {
        for one in &facts.moves {
            let Some(uid) = &one.uid else { continue };
            let key = MoveKey {
                uid: uid.clone(),
                git_ref: one.to.clone(),
                hash_only: one.from == one.to,
            };
            let entry = found.entry(key).or_insert_with(|| TheirMove {
                label: &one.label,
                merge_requests: Vec::new(),
                opened_at: facts.opened_at,
            });
            entry.merge_requests.push((*iid, facts, one));
            entry.merge_requests.sort_by_key(|(iid, facts, _)| (facts.opened_at, *iid));
            entry.opened_at = entry.opened_at.min(facts.opened_at);
        }
    }
    found
}
