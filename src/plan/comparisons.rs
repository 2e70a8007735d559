//! What is known of the code between the current and the new commit of promotions.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::desired::Desired;
use super::model::CommitPair;
use super::settings::Settings;
use crate::domain::{CommitSha, NULL_COMMIT};
use crate::inventory::Inventory;
use crate::snapshot::{Comparison, Lookup};

/// Pairs of commits that a run compares at most.
const MAX_COMPARISONS: usize = 100;

/// The comparisons of a run. Descriptions are written from them, and only what is written is looked up: what a
/// description lacks is noted here.
pub(super) struct Comparisons<'a> {
    known: &'a BTreeMap<String, Lookup<Comparison>>,
    /// How many are looked up at most.
    most: usize,
    missing: RefCell<BTreeSet<CommitPair>>,
}

impl<'a> Comparisons<'a> {
    pub(super) fn new(
        known: &'a BTreeMap<String, Lookup<Comparison>>,
        settings: &Settings,
    ) -> Self {
        let most = if settings.compares_commits { MAX_COMPARISONS } else { 0 };
        Self { known, most, missing: RefCell::default() }
    }

    /// The comparison of what a promotion moves, if it is known.
    pub(super) fn find(&self, inventory: &Inventory, desired: &Desired) -> Option<&'a Comparison> {
        let pair = commit_pair(inventory, desired)?;
        match self.known.get(&pair.key()) {
            Some(known) => known.as_result().ok(),
            None => {
                let mut missing = self.missing.borrow_mut();
                if self.known.len() + missing.len() < self.most {
                    missing.insert(pair);
                }
                None
            }
        }
    }

    /// What descriptions lack.
    pub(super) fn take_missing(&self) -> BTreeSet<CommitPair> {
        self.missing.take()
    }
}

/// The commits that a promotion moves between; `None` where it moves none, or from a ref that is no commit.
pub(super) fn commit_pair(inventory: &Inventory, desired: &Desired) -> Option<CommitPair> {
    let from =
        CommitSha::parse(&desired.current_ref).filter(|from| from.as_str() != NULL_COMMIT)?;
    let to = CommitSha::parse(&desired.values.git_ref).filter(|to| *to != from)?;
    let url = inventory.targets[desired.members[0]].repo_url.clone();
    Some(CommitPair { url, from, to })
}
