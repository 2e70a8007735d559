//! Open requests from branches that no place has now.
//!
//! What a place goes by changes when its declaration does: a target file is renamed, an anchor
//! moves to another target, an alias gets a value of its own. The request that is open goes on
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
    /// Gives groups the branch of the open request that is about their targets, the oldest one
    /// first; not one that has a request from its own branch.
    pub(super) fn adopt(&mut self, repo: &ConfigRepoFacts, groups: Groups) -> Groups {
        let of_no_group =
            |request: &&MergeRequestFact| !groups.contains_key(&request.source_branch);
        let requests = self.snapshot.merge_requests.values().filter(of_no_group);
        let candidates: Vec<_> = requests
            .filter_map(|request| Some((request, self.targets_of(repo, &groups, request)?)))
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
        for (request, targets) in candidates {
            // The first of its targets decides, as it does between nodes.
            let first = targets.iter().find_map(|uid| known.get(uid).copied());
            let Some(branch) = first.and_then(|index| group_of.get(&index).copied()) else {
                continue;
            };
            if !adopted.contains_key(branch) && !self.has_own_request(repo, branch) {
                adopted.insert(branch.to_owned(), request.source_branch.clone());
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

    /// What an open request of the bot into the target branch promotes; `None` if it is another
    /// node's, or somebody else's content.
    fn targets_of(
        &mut self,
        repo: &ConfigRepoFacts,
        groups: &Groups,
        request: &MergeRequestFact,
    ) -> Option<BTreeSet<TargetUid>> {
        if !repo.is_bot(request.author_id) || request.target_branch != self.target_branch {
            return None;
        }
        let tip = self.snapshot.branches.get(&request.source_branch)?;
        if self.is_elsewhere(&request.source_branch, Some(tip)) {
            return None;
        }
        match self.authorship(groups, &request.source_branch, tip) {
            Authorship::Ours(own) => Some(own.trailers.targets.clone()),
            _ => None,
        }
    }

    /// Is a request of the bot from this branch open, wherever it goes to?
    pub(super) fn has_own_request(&self, repo: &ConfigRepoFacts, branch: &str) -> bool {
        let mut requests = self.snapshot.merge_requests.values();
        requests.any(|request| request.source_branch == branch && repo.is_bot(request.author_id))
    }
}
