//! Which node a branch belongs to, when several share the work.
//!
//! A function of the config repo and of the branch's own name and trailers, so
//! every node comes to the same answer: exactly one of them closes what is no
//! longer wanted.

use std::collections::{BTreeMap, BTreeSet};

use super::authorship::Authorship;
use super::branch;
use super::desired::EditSiteState;
use super::planner::{Existing, Groups, Planner};
use super::trailers::Trailers;
use crate::domain::{Shard, TargetUid};
use crate::inventory::Inventory;
use crate::snapshot::{CommitDetail, MergeRequestFact, Snapshot};

/// The files that branches go by.
pub(super) struct Owners<'a> {
    share: Option<Shard>,
    /// By the digest of the branches that the places of today have.
    by_branch: BTreeMap<String, &'a str>,
    /// By subscriber.
    by_target: BTreeMap<&'a TargetUid, &'a str>,
}

impl<'a> Owners<'a> {
    pub(super) fn new(inventory: &'a Inventory, share: Option<Shard>, target_branch: &str) -> Self {
        let mut owners = Self { share, by_branch: BTreeMap::new(), by_target: BTreeMap::new() };
        if share.is_none() {
            return owners;
        }
        for (index, target) in inventory.subscribers() {
            let file = target.declared_at.file.as_str();
            owners.by_target.insert(&target.uid, file);
            for place in inventory.place_keys(index) {
                owners.by_branch.insert(branch::digest(target_branch, &place.key), file);
            }
        }
        // What goes by a key now comes before what may have gone by it.
        for (index, target) in inventory.subscribers() {
            let digest = branch::digest(target_branch, &inventory.place_key(index).key);
            owners.by_branch.insert(digest, &target.declared_at.file);
        }
        owners
    }

    /// Is this node the one that looks after a branch?
    ///
    /// The file decides that the branch's place is in; where there is no such place any more, the
    /// file that the first of its targets is in now; where they are all gone, the file that it
    /// changes. A branch that says nothing of itself is the first node's.
    pub(super) fn is_ours(&self, branch: &str, trailers: Option<&Trailers>) -> bool {
        let Some(share) = self.share else { return true };
        let by_place = || self.by_branch.get(branch::digest_in(branch)).copied();
        let by_target = || trailers?.targets().find_map(|uid| self.by_target.get(uid).copied());
        let by_path = || trailers?.first().path.datafile();
        match by_place().or_else(by_target).or_else(by_path) {
            Some(file) => share.has(file),
            None => share.is_first(),
        }
    }
}

/// Subscribers that other nodes look after, but that a branch of this node is about as well: what
/// becomes of it depends on the decisions on all of them.
pub(super) fn beside(
    inventory: &Inventory,
    snapshot: &Snapshot,
    share: Option<Shard>,
) -> BTreeSet<TargetUid> {
    let (Some(share), Some(repo)) = (share, &snapshot.config_repo) else { return BTreeSet::new() };
    let owners = Owners::new(inventory, Some(share), &repo.target_branch);
    let mut beside = BTreeSet::new();
    for (branch, tip) in &snapshot.branches {
        let Some(trailers) = Trailers::parse(&tip.message) else { continue };
        if owners.is_ours(branch, Some(&trailers)) {
            let known = trailers.targets().filter_map(|uid| {
                let file = owners.by_target.get(uid)?;
                (!share.has(file)).then(|| uid.clone())
            });
            beside.extend(known);
        }
    }
    beside
}

impl<'a> Planner<'a> {
    /// Does another node look after this branch?
    pub(super) fn is_elsewhere(&self, branch: &str, tip: Option<&CommitDetail>) -> bool {
        let trailers = || tip.and_then(|tip| Trailers::parse(&tip.message));
        self.owners.share.is_some() && !self.owners.is_ours(branch, trailers().as_ref())
    }

    /// A merge request that this run leaves alone stands where it stands: where it changes a file that the
    /// run may open merge requests for, those have to fit beside it.
    pub(super) fn stand_beside(
        &mut self,
        mr: &'a MergeRequestFact,
        tip: Option<&'a CommitDetail>,
        groups: &Groups,
    ) {
        let Some(tip) = tip else { return };
        let Some(trailers) = Trailers::parse(&tip.message) else { return };
        let paths = trailers.paths();
        let matters = groups.values().any(
            |group| matches!(&group.state, EditSiteState::Promote(desired) if paths.contains(&desired.path)),
        );
        if !matters {
            return;
        }
        match self.authorship(groups, &mr.source_branch, tip) {
            Authorship::Ours(own) => {
                // One that does not merge as it is stands in nobody's way.
                let _ = self.admit_as_it_is(&Existing { mr, tip, own });
            }
            Authorship::Unknown(_) => self.note_unread(mr, tip),
            Authorship::Foreign | Authorship::OtherTargetBranch => {}
        }
    }
}
