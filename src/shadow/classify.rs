//! The class of each move.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::ledger::{Interval, LONGEST_STEP, Ledger};
use super::moves::{MoveKey, OurMove, TheirMove, our_moves, their_moves};
use crate::decide::Outcome;
use crate::domain::TargetUid;
use crate::report::MoveClass;

/// How long one side must have wanted something alone.
pub const ALONE: TimeDelta = TimeDelta::minutes(60);
/// How far apart both may begin: their loop, ours, and some minutes.
const WINDOW: TimeDelta = TimeDelta::minutes(25);
/// What the window has beside their loop.
const BESIDE_LOOP: TimeDelta = TimeDelta::minutes(15);

/// A move with its class, and what reasons are looked for in.
pub struct Classified<'l> {
    /// Which.
    pub key: MoveKey,
    /// The class.
    pub class: MoveClass,
    /// What `sapm` wanted.
    pub ours: Option<OurMove>,
    /// What the old promoter did.
    pub theirs: Option<TheirMove<'l>>,
    /// How much earlier `sapm` began.
    pub lead: Option<TimeDelta>,
}

/// All of both sides, and how they are matched.
pub struct Sides<'l> {
    /// The ledger.
    pub ledger: &'l Ledger,
    /// What `sapm` wanted.
    pub ours: BTreeMap<MoveKey, OurMove>,
    /// What the old promoter did.
    pub theirs: BTreeMap<MoveKey, TheirMove<'l>>,
    /// How far apart both may begin.
    pub window: TimeDelta,
    /// The time as of which they are compared.
    pub now: DateTime<Utc>,
}

impl<'l> Sides<'l> {
    /// Of a ledger.
    pub fn new(ledger: &'l Ledger, now: DateTime<Utc>) -> Self {
        let window = ledger.old_loop().map_or(WINDOW, |cycle| (cycle + BESIDE_LOOP).max(WINDOW));
        Self { ledger, ours: our_moves(ledger), theirs: their_moves(ledger), window, now }
    }

    /// The decision on a target at a time; of two next to each other the later one.
    pub fn decided(&self, uid: &TargetUid, at: DateTime<Utc>) -> Option<&'l Interval> {
        let history = self.ledger.targets.get(uid)?;
        let before = history.intervals.iter().rev().find(|interval| interval.from <= at);
        before.or_else(|| history.intervals.first())
    }

    /// All moves that can be told by now.
    pub fn classify(&self) -> Vec<Classified<'l>> {
        let keys = self.ours.keys().chain(self.theirs.keys());
        let keys: std::collections::BTreeSet<&MoveKey> = keys.collect();
        keys.into_iter().filter_map(|key| self.class_of(key)).collect()
    }

    fn class_of(&self, key: &MoveKey) -> Option<Classified<'l>> {
        let (ours, theirs) = (self.ours.get(key), self.theirs.get(key));
        let (class, lead) = match (ours, theirs) {
            (Some(ours), Some(theirs)) => self.both(key, ours, theirs),
            (Some(ours), None) => (self.only_ours(key, ours)?, None),
            (None, Some(theirs)) => (self.only_theirs(key, theirs)?, None),
            (None, None) => return None,
        };
        let (ours, theirs) = (ours.cloned(), theirs.cloned());
        Some(Classified { key: key.clone(), class, ours, theirs, lead })
    }

    fn both(
        &self,
        key: &MoveKey,
        ours: &OurMove,
        theirs: &TheirMove<'_>,
    ) -> (MoveClass, Option<TimeDelta>) {
        let lead = theirs.opened_at - ours.first;
        let (_, facts, one) = theirs.first();
        let has_other_hashes = one.hashes.iter().any(|hash| !ours.hashes.contains(hash));
        if has_other_hashes || !facts.others.is_empty() || facts.reformats || one.reverts {
            return (MoveClass::ContentDiffers, Some(lead));
        }
        if !self.ledger.covers(theirs.opened_at) && theirs.opened_at > self.ledger.since {
            return (MoveClass::NotComparable, None);
        }
        // What stood already when the ledger began has no beginning that is known.
        let began_before = ours.first == self.ledger.since || self.begins_after_gap(ours.first);
        if lead.abs() <= self.window || (began_before && lead < TimeDelta::zero()) {
            return (MoveClass::Same, Some(lead));
        }
        if theirs.opened_at < self.ledger.since && key.git_ref == one.to {
            return (MoveClass::Same, None);
        }
        let class = if lead > TimeDelta::zero() {
            MoveClass::OursEarlier
        } else {
            MoveClass::TheirsEarlier
        };
        (class, Some(lead))
    }

    fn begins_after_gap(&self, at: DateTime<Utc>) -> bool {
        self.ledger.segments.iter().any(|segment| segment.from == at)
    }

    fn only_ours(&self, key: &MoveKey, ours: &OurMove) -> Option<MoveClass> {
        if ours.last - ours.first <= ALONE || self.is_superseded(key, ours.first) {
            return None;
        }
        Some(MoveClass::OnlyOurs)
    }

    fn only_theirs(&self, key: &MoveKey, theirs: &TheirMove<'_>) -> Option<MoveClass> {
        let (_, facts, one) = theirs.first();
        if one.reverts || !facts.others.is_empty() {
            return Some(MoveClass::ContentDiffers);
        }
        let told_at = theirs.ended_at().unwrap_or(theirs.opened_at) + ALONE;
        if self.is_superseded(key, theirs.opened_at) || self.now < told_at {
            return None;
        }
        let opened_at = theirs.opened_at;
        if opened_at < self.ledger.since || !self.ledger.covers(opened_at) {
            return Some(MoveClass::NotComparable);
        }
        let in_error = self.decided(&key.uid, opened_at + LONGEST_STEP / 2);
        let is_error = |interval: &Interval| interval.decision == Outcome::Error;
        if in_error.is_some_and(is_error) {
            return Some(MoveClass::NotComparable);
        }
        // One that nobody promotes moves along with a target whose facts are missing.
        let is_promoted = self.ledger.targets.contains_key(&key.uid);
        let is_beside_error = facts.moves.iter().any(|other| {
            let decided = other.uid.as_ref().and_then(|uid| self.decided(uid, opened_at));
            other.file == one.file && decided.is_some_and(is_error)
        });
        if !is_promoted && is_beside_error {
            return Some(MoveClass::NotComparable);
        }
        Some(MoveClass::OnlyTheirs)
    }

    /// Did a newer move of the same target take its place within a loop?
    fn is_superseded(&self, key: &MoveKey, began_at: DateTime<Utc>) -> bool {
        let is_next = |other: &MoveKey, at: DateTime<Utc>| {
            other.git_ref != key.git_ref && at > began_at && at - began_at <= self.window
        };
        of_target(&self.ours, &key.uid).any(|(other, one)| is_next(other, one.first))
            || of_target(&self.theirs, &key.uid).any(|(other, one)| is_next(other, one.opened_at))
    }
}

/// The moves of one target.
pub fn of_target<'m, T>(
    moves: &'m BTreeMap<MoveKey, T>,
    uid: &'m TargetUid,
) -> impl Iterator<Item = (&'m MoveKey, &'m T)> {
    let first = MoveKey { uid: uid.clone(), git_ref: String::new(), hash_only: false };
    moves.range(first..).take_while(move |(key, _)| key.uid == *uid)
}
