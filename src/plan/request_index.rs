//! Which open merge requests of the bot are about a target, and from which branches others may have come.
//! A target has one open merge request at most.

use std::collections::{BTreeMap, BTreeSet};

use super::authorship::Authorship;
use super::batch::mentioned_places;
use super::branch;
use super::conflicts::Merge;
use super::desired::Group;
use super::edits;
use super::message;
use super::planner::{Existing, Groups, Planner};
use crate::domain::{MrIid, TargetUid};
use crate::inventory::TargetIx;
use crate::snapshot::{ConfigRepoFacts, MergeRequestFact};

/// Of more targets that move as one only the places are asked for, not what each may have gone by
/// on its own: every branch is a question.
const FEW: usize = 10;

/// What the bot's open merge requests and branches say that they are about.
#[derive(Default)]
pub(super) struct Claims {
    /// Open merge requests by target, the oldest first.
    by_target: BTreeMap<TargetUid, Vec<MrIid>>,
    /// Those whose commit says nothing, as they were taken over: their branch tells.
    silent: BTreeMap<String, MrIid>,
    /// All branches by target.
    branches: BTreeMap<TargetUid, BTreeSet<String>>,
}

impl Planner<'_> {
    /// Finds them out, once it is known which branch each group has. What somebody else made of a
    /// branch says nothing of itself that could be believed.
    pub(super) fn find_claims(&mut self, repo: &ConfigRepoFacts, groups: &Groups) {
        let (snapshot, inventory) = (self.snapshot, self.inventory);
        for (name, tip) in &snapshot.branches {
            let Authorship::Ours(own) = self.authorship(groups, name, tip) else { continue };
            for target in own.trailers.targets() {
                self.index.claims.branches.entry(target.clone()).or_default().insert(name.clone());
            }
        }
        let mut group_of: BTreeMap<&TargetUid, (&Group, TargetIx)> = BTreeMap::new();
        for group in groups.values() {
            let members = group.members.iter();
            group_of.extend(members.map(|&at| (&inventory.targets[at].uid, (group, at))));
        }
        for mr in snapshot.merge_requests.values().filter(|r| repo.is_bot(r.author_id)) {
            let tip = snapshot.branches.get(&mr.source_branch);
            let author = tip.map(|tip| (tip, self.authorship(groups, &mr.source_branch, tip)));
            if self.is_for_another_branch(groups, mr, author.as_ref().map(|(_, whose)| whose)) {
                continue;
            }
            let Some((tip, Authorship::Ours(own))) = author else {
                self.index.claims.silent.entry(mr.source_branch.clone()).or_insert(mr.iid);
                for target in message::described_targets(&mr.description) {
                    self.index.claims.by_target.entry(target).or_default().push(mr.iid);
                }
                continue;
            };
            let left = |target: &TargetUid| {
                let (group, member) = group_of.get(target)?;
                (group.branch != mr.source_branch).then_some(*member)
            };
            let existing = Existing { mr, tip, own };
            // A batch is about all that it names: it says itself who leaves.
            let is_batch = existing.trailers().batch.is_some();
            for target in existing.trailers().targets() {
                let over = left(target)
                    .filter(|_| !is_batch)
                    .is_some_and(|member| self.no_longer_moves(&existing, groups, member));
                if !over {
                    self.index.claims.by_target.entry(target.clone()).or_default().push(mr.iid);
                }
            }
        }
    }

    /// Was a request made for another target branch? It takes no target from this one. (One that a person sent there is
    /// from a branch of this one.)
    fn is_for_another_branch(
        &self,
        groups: &Groups,
        mr: &MergeRequestFact,
        author: Option<&Authorship<'_>>,
    ) -> bool {
        mr.target_branch != self.target_branch
            && !groups.contains_key(&mr.source_branch)
            && matches!(author, None | Some(Authorship::OtherTargetBranch))
    }

    /// Does a merge request no longer move this target, which it names and which goes by another branch now?
    fn no_longer_moves(&self, existing: &Existing<'_>, groups: &Groups, member: TargetIx) -> bool {
        let (declared, file) = (existing.trailers().first(), existing.own.first());
        if declared.path.datafile()
            != Some(self.inventory.targets[member].declared_at.file.as_str())
        {
            return true;
        }
        let Some(group) = groups.get(&existing.mr.source_branch) else { return false };
        // The place that it left moves, and nothing else does.
        let values = &declared.values;
        let place = edits::of_place(self.inventory, self.bundle, group.members[0], values);
        place.is_some_and(|place| {
            !place.members.contains(&member)
                && self.merger.merge(file.before, &place.old_text, &file.after())
                    == Merge::Clean(place.new_text())
        })
    }

    /// Is an open merge request about this target?
    pub(super) fn is_about(&self, iid: MrIid, target: &TargetUid) -> bool {
        self.index
            .claims
            .by_target
            .get(target)
            .is_some_and(|merge_requests| merge_requests.contains(&iid))
    }

    /// Is an open batch about a group, by itself or as somebody left it? Then that merge request tells all.
    pub(super) fn is_in_batch(&self, group: &Group) -> bool {
        let claims = self.claimed(&group.members, None);
        let mr = claims.and_then(|iid| self.snapshot.merge_requests.get(&iid));
        mr.is_some_and(|mr| self.is_batch(mr))
    }

    /// Is an open merge request a batch, by its commit where that is the bot's? A merge request that somebody left tells it
    /// by its description: the name of its branch may be that of a saas file.
    pub(super) fn is_batch(&self, mr: &MergeRequestFact) -> bool {
        match self.index.authorship.get(&mr.source_branch) {
            Some(Authorship::Ours(own)) => own.trailers.batch.is_some(),
            _ => mentioned_places(&mr.description).next().is_some(),
        }
    }

    /// The targets that an open merge request is about.
    pub(super) fn claims_of(&self, iid: MrIid) -> Vec<TargetUid> {
        let about = self.index.claims.by_target.iter().filter(|(_, claims)| claims.contains(&iid));
        about.map(|(target, _)| target.clone()).collect()
    }

    /// A batch that is about a target of this merge request for one edit site, and was opened before it.
    pub(super) fn older_batch_about(&self, existing: &Existing<'_>) -> Option<MrIid> {
        let is_batch = |iid: &MrIid| {
            let mr = self.snapshot.merge_requests.get(iid);
            mr.is_some_and(|mr| self.is_batch(mr))
        };
        let claims =
            existing.trailers().targets().filter_map(|uid| self.index.claims.by_target.get(uid));
        claims.flatten().copied().find(|iid| *iid < existing.mr.iid && is_batch(iid))
    }

    /// The first open merge request but `own` that is about one of these subscribers, and stays so as far as it
    /// is planned by now.
    pub(super) fn claimed(&self, members: &[TargetIx], own: Option<MrIid>) -> Option<MrIid> {
        let goes_on = |iid: &MrIid, target: &TargetUid| {
            let mut planned = self.plan.merge_requests.iter().filter(|p| p.iid == Some(*iid));
            let mut batches = self.admission.batches.iter();
            let leaves = batches.any(|batch| batch.is(*iid) && !batch.is_about(target));
            Some(*iid) != own
                && !leaves
                && !planned.any(|planned| planned.gives_up.contains(target))
        };
        let targets = members.iter().map(|&member| &self.inventory.targets[member].uid);
        let by_target = targets.filter_map(|target| {
            let mut merge_requests = self.index.claims.by_target.get(target)?.iter();
            merge_requests.find(|iid| goes_on(iid, target)).copied()
        });
        let homes = self.homes(members);
        let silent =
            homes.iter().filter_map(|branch| self.index.claims.silent.get(branch).copied());
        by_target.chain(silent.filter(|iid| Some(*iid) != own)).min()
    }

    /// All branches from which merge requests of these subscribers may have come: what their places go by
    /// or may have gone by, and the branches that say so themselves.
    pub(super) fn homes(&self, members: &[TargetIx]) -> BTreeSet<String> {
        let mut homes = self.homes_by_name(members);
        let targets = members.iter().map(|&member| &self.inventory.targets[member].uid);
        homes.extend(
            targets.filter_map(|uid| self.index.claims.branches.get(uid)).flatten().cloned(),
        );
        homes
    }

    /// Those of them that their places tell.
    pub(super) fn homes_by_name(&self, members: &[TargetIx]) -> BTreeSet<String> {
        let inventory = self.inventory;
        let keys = members.iter().flat_map(|&member| {
            let uid = inventory.targets[member].uid.as_str();
            let place = inventory.place_key(member);
            let many = members.len() > FEW;
            inventory.place_keys(member).filter(move |key| !many || *key == place || key.key != uid)
        });
        let keys: BTreeSet<_> = keys.collect();
        let prefixes = self.settings.branches.all();
        let names = keys.into_iter().flat_map(|key| {
            prefixes.iter().map(move |prefix| branch::name(prefix, &self.target_branch, key))
        });
        names.collect()
    }
}
