//! Open merge requests from branches that no place has now.
//!
//! What a place goes by changes when its declaration does: a target file is renamed, an anchor
//! moves to another target, an alias gets a value of its own. The merge request that is open goes on
//! from the branch that it has, so its number and discussion stay, and so does what people say by
//! it. Its content is rebuilt where the declaration's new place asks for it: that is a new
//! commit, on which approvals are reset if the project is set so.

use std::collections::{BTreeMap, BTreeSet};

use super::authorship::Authorship;
use super::desired::Group;
use super::planner::{Groups, Planner};
use crate::domain::TargetUid;
use crate::inventory::TargetIx;
use crate::snapshot::{ConfigRepoFacts, MergeRequestFact};

impl Planner<'_> {
    /// Gives groups the branch of the open merge request that is about their targets, the oldest one
    /// first; not one that has a merge request from its own branch.
    pub(super) fn adopt(&mut self, repo: &ConfigRepoFacts, groups: Groups) -> Groups {
        let of_no_group = |mr: &&MergeRequestFact| !groups.contains_key(&mr.source_branch);
        let merge_requests = self.snapshot.merge_requests.values().filter(of_no_group);
        let candidates: Vec<_> = merge_requests
            .filter_map(|mr| Some((mr, self.targets_of(repo, &groups, mr)?)))
            .collect();
        if candidates.is_empty() {
            return groups;
        }
        let subscribers = self.inventory.subscribers();
        let known: BTreeMap<&TargetUid, TargetIx> =
            subscribers.map(|(index, target)| (&target.uid, index)).collect();
        let mut group_of: BTreeMap<TargetIx, &str> = BTreeMap::new();
        for group in groups.values() {
            group_of.extend(group.members.iter().map(|&member| (member, group.branch.as_str())));
        }
        let mut adopted: BTreeMap<String, String> = BTreeMap::new();
        for (mr, targets) in candidates {
            // The first of its targets decides, as it does between nodes.
            let first = targets.iter().find_map(|uid| known.get(uid).copied());
            let Some(branch) = first.and_then(|index| group_of.get(&index).copied()) else {
                continue;
            };
            if !adopted.contains_key(branch) && !self.has_own_mr(repo, branch) {
                adopted.insert(branch.to_owned(), mr.source_branch.clone());
            }
        }
        groups
            .into_iter()
            .map(|(own, group)| match adopted.remove(&own) {
                Some(branch) => (branch.clone(), Group { branch, ..group }),
                None => (own, group),
            })
            .collect()
    }

    /// What an open merge request of the bot into the target branch promotes; `None` if it is another
    /// node's, or somebody else's content.
    fn targets_of(
        &mut self,
        repo: &ConfigRepoFacts,
        groups: &Groups,
        mr: &MergeRequestFact,
    ) -> Option<BTreeSet<TargetUid>> {
        if !repo.is_bot(mr.author_id) || mr.target_branch != self.target_branch {
            return None;
        }
        let tip = self.snapshot.branches.get(&mr.source_branch)?;
        if self.is_elsewhere(&mr.source_branch, Some(tip)) {
            return None;
        }
        match self.authorship(groups, &mr.source_branch, tip) {
            // A batch keeps the branch that it has, and is no edit site's.
            Authorship::Ours(own) if own.trailers.batch.is_none() => {
                Some(own.trailers.targets().cloned().collect())
            }
            _ => None,
        }
    }

    /// Is a merge request of the bot from this branch open, wherever it goes to?
    pub(super) fn has_own_mr(&self, repo: &ConfigRepoFacts, branch: &str) -> bool {
        let mut merge_requests = self.snapshot.merge_requests.values();
        merge_requests.any(|mr| mr.source_branch == branch && repo.is_bot(mr.author_id))
    }
}
