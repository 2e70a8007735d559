//! What happens to each merge request: the life of a request, in one place.
//!
//! | an open request of the bot … | action |
//! | --- | --- |
//! | that is being merged, with the label `sapm/hold`, or whose facts are missing | keep, untouched |
//! | whose branch holds anything else than it declares | keep: taken over, its labels go |
//! | whose target is gone, or nothing is due; that never had a branch | close |
//! | whose target a gate holds | hold: a draft, made anew where the target branch changed around it (close, if its commit is blocked) |
//! | with the wanted content that merges cleanly | keep; where the project merges nothing that is behind, rebuilt on the tip |
//! | the same with auto-merge set | keep, and others have to fit beside it |
//! | with other content | update in place |
//!
//! What is due and has no open request is opened: see `openings`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::authorship::{Authorship, OwnChange};
use super::claims::Claims;
use super::conflicts::{MergeTexts, Standing};
use super::desired::{Desired, Group, Wish, Wishes};
use super::model::{MAX_UNWRITTEN_BYTES, Needs, Plan, Reason, Settings, Step};
use super::openings;
use super::owners::Owners;
use super::trailers::Trailers;
use super::verdict::{Verdict, to_be_left_alone};
use crate::app_interface::Bundle;
use crate::decide::{Decisions, GateName};
use crate::inventory::Inventory;
use crate::snapshot::{CommitDetail, ConfigRepoFacts, MergeRequestFact, Snapshot};

/// Plans all merge requests.
///
/// Facts that are missing are named in [`Plan::needs`], and taken as if there
/// was nothing: observe them and plan again, on the same wishes.
pub fn plan(
    inventory: &Inventory,
    bundle: &Bundle,
    decisions: &Decisions,
    wishes: &Wishes<'_>,
    snapshot: &Snapshot,
    settings: &Settings,
    merger: &dyn MergeTexts,
) -> Plan {
    let plan = Plan::default();
    let repo = snapshot.config_repo.as_ref();
    let target_branch =
        repo.map_or(settings.target_branch.as_str(), |repo| repo.target_branch.as_str());
    let mut groups = wishes.groups(target_branch);
    let mut planner = Planner {
        inventory,
        bundle,
        decisions,
        snapshot,
        settings,
        merger,
        target_branch: target_branch.to_owned(),
        standing: Standing::new(merger),
        owners: Owners::new(inventory, settings.narrowing.share, target_branch),
        unread: BTreeMap::new(),
        authorship: BTreeMap::new(),
        strays: 0,
        rebuilt: 0,
        claims: Claims::default(),
        unwritten_bytes: MAX_UNWRITTEN_BYTES,
        plan,
    };
    if let Some(repo) = repo {
        groups = planner.adopt(repo, groups);
        // What was found out by the groups of before may lack one's wish.
        planner.authorship.clear();
        planner.find_claims(repo, &groups);
    }
    groups.retain(|_, group| {
        group.members.iter().any(|&member| settings.narrowing.includes(&inventory.targets[member]))
    });
    let mut used = BTreeSet::new();
    if let Some(repo) = repo {
        planner.existing(repo, &groups, &mut used);
    }
    openings::plan(&mut planner, repo, &groups, &mut used);
    if let Some(repo) = repo {
        planner.leftovers(&groups, &used);
        planner.warn_of_gone_target_branches(repo);
    }
    planner.plan
}

/// Everything at hand while planning.
pub(super) struct Planner<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) bundle: &'a Bundle,
    pub(super) decisions: &'a Decisions,
    pub(super) snapshot: &'a Snapshot,
    pub(super) settings: &'a Settings,
    pub(super) merger: &'a dyn MergeTexts,
    pub(super) target_branch: String,
    pub(super) standing: Standing<'a>,
    pub(super) owners: Owners<'a>,
    /// Files that an open request changes in a way that could not be read, with its number.
    pub(super) unread: BTreeMap<String, u64>,
    /// Whose branches are, as far as it was found out.
    pub(super) authorship: BTreeMap<String, Authorship<'a>>,
    /// Branches without a place or a request that were looked into.
    pub(super) strays: usize,
    /// Requests that are rebuilt as they are behind the target branch.
    pub(super) rebuilt: usize,
    pub(super) claims: Claims,
    /// How much text of what is not written may still be kept.
    pub(super) unwritten_bytes: usize,
    pub(super) plan: Plan,
}

/// An open request of the bot with whose branch it is.
pub(super) struct Existing<'a> {
    pub(super) request: &'a MergeRequestFact,
    pub(super) tip: &'a CommitDetail,
    pub(super) own: Arc<OwnChange<'a>>,
}

impl Existing<'_> {
    /// What its commit declares.
    pub(super) fn trailers(&self) -> &Trailers {
        &self.own.trailers
    }
}

pub(super) type Groups = BTreeMap<String, Group>;

impl<'a> Planner<'a> {
    /// All open requests from branches with the bot's prefix.
    fn existing(
        &mut self,
        repo: &'a ConfigRepoFacts,
        groups: &Groups,
        used: &mut BTreeSet<String>,
    ) {
        let (mut held, mut wanted) = (Vec::new(), Vec::new());
        for request in self.snapshot.merge_requests.values() {
            let group = groups.get(&request.source_branch);
            used.insert(request.source_branch.clone());
            let Some(existing) = self.content_of(repo, groups, request) else { continue };
            let verdict = match to_be_left_alone(request) {
                Some((code, reason)) => Some(Verdict::Leave(code, reason, Vec::new())),
                None => self.verdict(&existing, group),
            };
            match verdict {
                None => self.stand_beside(request, Some(existing.tip), groups),
                Some(Verdict::Wanted(desired)) => {
                    wanted.extend(self.keep_for_auto_merge(repo, existing, desired));
                }
                Some(verdict @ Verdict::Hold(..)) => held.push((existing, verdict, group)),
                Some(verdict) => {
                    self.settle(&existing, verdict, group);
                }
            }
        }
        // What nobody may change stands first, then what is only to be held.
        let mut clashing = Vec::new();
        for (existing, verdict, group) in held {
            if let Some(gate) = self.settle(&existing, verdict, group) {
                clashing.push((existing, gate, group));
            }
        }
        let stale: Vec<_> = wanted
            .into_iter()
            .filter_map(|(existing, desired)| {
                let waits = self.waits_to_take_in(&existing, &desired);
                if waits { None } else { self.keep_if_right(repo, existing, desired) }
            })
            .collect();
        for (existing, desired) in stale {
            self.refresh(repo, &existing, &desired);
        }
        // Last, as what may be merged now comes first.
        for (existing, gate, group) in clashing {
            self.hold_anew(repo, &existing, gate, group);
        }
    }

    /// An open request with a branch that is the bot's content; what becomes of any other one is planned here.
    fn content_of(
        &mut self,
        repo: &ConfigRepoFacts,
        groups: &Groups,
        request: &'a MergeRequestFact,
    ) -> Option<Existing<'a>> {
        let group = groups.get(&request.source_branch);
        if request.target_branch != self.target_branch {
            self.sent_elsewhere(repo, group, request);
            return None;
        }
        if !repo.is_bot(request.author_id) {
            self.opened_by_other(group, request);
            return None;
        }
        let tip = self.snapshot.branches.get(&request.source_branch);
        if self.is_elsewhere(&request.source_branch, tip) {
            self.stand_beside(request, tip, groups);
            return None;
        }
        let Some(tip) = tip else {
            self.without_branch(group, request);
            return None;
        };
        let author = self.authorship(groups, &request.source_branch, tip);
        if let Authorship::Unknown(_) = author {
            self.note_unread(request, tip);
        }
        match (author, to_be_left_alone(request)) {
            (Authorship::Ours(own), _) => return Some(Existing { request, tip, own }),
            (Authorship::Foreign | Authorship::OtherTargetBranch, alone) => {
                self.taken_over(group, request, alone);
            }
            (Authorship::Unknown(_), Some((code, reason))) => {
                self.leave(group, request, code, reason, Vec::new());
            }
            (Authorship::Unknown(error), None) => {
                let reason = format!("whose its branch is could not be found out: {error}");
                self.leave(group, request, Reason::FactsMissing, reason, Vec::new());
            }
        }
        None
    }

    /// Plans a request that keeps its content, or is closed; gives a held one back that has to be
    /// made anew.
    fn settle(
        &mut self,
        existing: &Existing<'_>,
        verdict: Verdict,
        group: Option<&Group>,
    ) -> Option<(GateName, String)> {
        let request = existing.request;
        match verdict {
            Verdict::Wanted(_) => {}
            Verdict::Leave(code, reason, steps) => {
                // It stands where it stands: others have to fit beside it.
                let _ = self.admit_as_it_is(existing);
                self.leave(group, request, code, reason, steps);
            }
            Verdict::Close(code, reason) => self.close(existing, code, reason),
            Verdict::Hold(gate, reason) => {
                let reason = format!("held by {}: {reason}", gate.as_str());
                if self.admit_as_it_is(existing).is_err() {
                    return Some((gate, reason));
                }
                self.hold(existing, gate.as_str(), Reason::HeldByGate, reason);
            }
        }
        None
    }

    /// Held is not unwanted: what does not merge any more is made anew, with the values that it has.
    fn hold_anew(
        &mut self,
        repo: &ConfigRepoFacts,
        existing: &Existing<'_>,
        (gate, reason): (GateName, String),
        group: Option<&Group>,
    ) {
        let anew = self
            .with_values(group, existing.trailers())
            .filter(|desired| !desired.patch.is_empty());
        let Some(desired) = anew else {
            let reason =
                "it no longer merges into the target branch, and cannot be made anew on it";
            return self.close(existing, Reason::TargetBranchMoved, reason.to_owned());
        };
        if self.left_beside_unread(existing, &desired) {
            return;
        }
        if let Err(other) = self.admit_anew(existing, &desired) {
            let reason = format!("it can no longer be merged beside {other}");
            return self.close(existing, Reason::TargetBranchMoved, reason);
        }
        self.refresh_held(repo, existing, &desired, (gate.as_str(), reason));
    }

    /// Takes an open request in with the content that it is to get.
    pub(super) fn admit_anew(
        &mut self,
        existing: &Existing<'_>,
        desired: &Desired,
    ) -> Result<(), String> {
        let change = desired.change(format!("!{}", existing.request.iid));
        self.standing.admit(&desired.old_text, change)
    }

    /// Branches without an open request: orphans of a crash, and what a merge left behind.
    fn leftovers(&mut self, groups: &Groups, used: &BTreeSet<String>) {
        if !self.settings.allow_closing {
            return;
        }
        for (branch, tip) in &self.snapshot.branches {
            if used.contains(branch) || self.is_elsewhere(branch, Some(tip)) {
                continue;
            }
            let Authorship::Ours(own) = self.authorship(groups, branch, tip) else { continue };
            let trailers = &own.trailers;
            let unwanted = match groups.get(branch) {
                Some(group) => !matches!(group.wish, Wish::Error(_)),
                None => {
                    self.settings.narrowing.is_everything()
                        && self.hiding_place(trailers).is_none()
                        && !self.keeps_a_word(branch, trailers)
                }
            };
            if unwanted {
                let expected_tip = tip.sha.clone();
                self.plan
                    .leftovers
                    .push(Step::DeleteBranch { branch: branch.clone(), expected_tip });
            }
        }
    }

    pub(super) fn needs(&mut self) -> &mut Needs {
        &mut self.plan.needs
    }
}
