//! The passes of planning, one after the other.
//!
//! 1. Index what is open: which merge requests and branches are the bot's, and which targets they are about.
//! 2. [`transition`]: what is to become of each open merge request, by itself.
//! 3. Admission: in a fixed order, what merges beside what stands already.
//! 4. Steps: the writes of what was admitted. Then what is due and not open is created, and branches that are left are
//!    deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::authorship::{Authorship, OwnChange};
use super::batch::{self, OpenBatch};
use super::comparisons::Comparisons;
use super::conflicts::{MergeTexts, Standing};
use super::desired::{DesiredStates, EditSiteState, Group};
use super::model::{MissingFacts, Plan, Reason, Step};
use super::request_index::Claims;
use super::reviewers::Reviewers;
use super::settings::{MAX_UNWRITTEN_BYTES, Settings};
use super::sharding::Owners;
use super::trailers::Trailers;
use super::transition::{DesiredState, Mark, OpenMember, OpenState, Transition, transition};
use crate::app_interface::Bundle;
use crate::decide::Decisions;
use crate::domain::{MrIid, RepoPath, TargetUid};
use crate::inventory::Inventory;
use crate::snapshot::{CommitDetail, ConfigRepoFacts, MergeRequestFact, Snapshot};

/// Plans all merge requests, and names the facts that were missing.
///
/// These are taken as if there was nothing: observe them and plan again, on the same desired states.
pub fn plan(
    inventory: &Inventory,
    bundle: &Bundle,
    decisions: &Decisions,
    desired_states: &DesiredStates<'_>,
    snapshot: &Snapshot,
    settings: &Settings,
    merger: &dyn MergeTexts,
) -> (Plan, MissingFacts) {
    let repo = snapshot.config_repo.as_ref();
    let target_branch =
        repo.map_or(settings.target_branch.as_str(), |repo| repo.target_branch.as_str());
    let mut planner = Planner {
        inventory,
        bundle,
        decisions,
        snapshot,
        settings,
        merger,
        target_branch: target_branch.to_owned(),
        owners: Owners::new(inventory, settings.filter.share, target_branch),
        index: Index::default(),
        admission: Admission::new(merger),
        comparisons: Comparisons::new(&snapshot.comparisons, settings),
        reviewers: Reviewers::new(snapshot),
        unwritten_bytes: MAX_UNWRITTEN_BYTES,
        plan: Plan::default(),
        missing: MissingFacts::default(),
    };
    let groups =
        planner.index_open(repo, desired_states.groups(settings.branches.of_new(), target_branch));
    if let Some(repo) = repo {
        let open = planner.transitions(repo, &groups);
        planner.admit(repo, &groups, open);
    }
    batch::compose(&mut planner, repo, &groups);
    if let Some(repo) = repo {
        planner.delete_leftovers(&groups);
        planner.warn_of_gone_target_branches(repo);
    }
    // Other facts may show that nothing is written: then nobody needs to know.
    if planner.missing.is_empty() {
        planner.missing.comparisons = planner.comparisons.take_missing();
        planner.missing.people = planner.reviewers.take_missing();
    }
    planner.report_reviewers();
    (planner.plan, planner.missing)
}

/// What the first pass finds out: whose branches are, and what is open for which targets.
#[derive(Default)]
pub(super) struct Index<'a> {
    /// Whose branches are, as far as it was found out.
    pub(super) authorship: BTreeMap<String, Authorship<'a>>,
    /// Branches without an edit site or a merge request that were looked into.
    pub(super) strays: usize,
    pub(super) claims: Claims,
    /// Files that an open merge request changes in a way that could not be read, with its number.
    pub(super) unread: BTreeMap<RepoPath, MrIid>,
    /// Groups of all that was decided on, also where the run is not about it: of what batches are about.
    pub(super) all_groups: Groups,
}

/// What is admitted so far.
pub(super) struct Admission<'a> {
    /// What is open after the run.
    pub(super) standing: Standing<'a>,
    /// Merge requests that are rebuilt because they are behind the target branch.
    pub(super) rebuilt: usize,
    /// Open batches, until it is known what they take in.
    pub(super) batches: Vec<OpenBatch<'a>>,
    /// Edit sites whose mentions in descriptions were looked up.
    pub(super) mentions_looked_up: usize,
}

impl<'a> Admission<'a> {
    fn new(merger: &'a dyn MergeTexts) -> Self {
        let standing = Standing::new(merger);
        Self { standing, rebuilt: 0, batches: Vec::new(), mentions_looked_up: 0 }
    }
}

/// Everything at hand while planning: the inputs, a value for each pass, and the result.
pub(super) struct Planner<'a> {
    pub(super) inventory: &'a Inventory,
    pub(super) bundle: &'a Bundle,
    pub(super) decisions: &'a Decisions,
    pub(super) snapshot: &'a Snapshot,
    pub(super) settings: &'a Settings,
    pub(super) merger: &'a dyn MergeTexts,
    pub(super) target_branch: String,
    pub(super) owners: Owners<'a>,

    /// Of the first pass.
    pub(super) index: Index<'a>,
    /// Of the third one.
    pub(super) admission: Admission<'a>,

    /// Of the code, for descriptions.
    pub(super) comparisons: Comparisons<'a>,
    /// Of people, for merge requests that are opened.
    pub(super) reviewers: Reviewers<'a>,
    /// How much text of what is not written may still be kept.
    pub(super) unwritten_bytes: usize,
    pub(super) plan: Plan,
    /// Of all passes.
    pub(super) missing: MissingFacts,
}

/// An open merge request of the bot with whose branch it is.
#[derive(Clone)]
pub(super) struct Existing<'a> {
    pub(super) mr: &'a MergeRequestFact,
    pub(super) tip: &'a CommitDetail,
    pub(super) own: Arc<OwnChange<'a>>,
}

impl Existing<'_> {
    /// What its commit declares.
    pub(super) fn trailers(&self) -> &Trailers {
        &self.own.trailers
    }

    /// The subscribers that it promotes, sorted.
    pub(super) fn targets(&self) -> Vec<TargetUid> {
        let mut targets: Vec<TargetUid> = self.trailers().targets().cloned().collect();
        targets.sort();
        targets
    }
}

/// An open merge request from a branch with the bot's prefix, and what is to become of it.
pub(super) struct Open<'a> {
    pub(super) mr: &'a MergeRequestFact,
    pub(super) tip: Option<&'a CommitDetail>,
    /// Its content, where it is the bot's.
    pub(super) existing: Option<Existing<'a>>,
    pub(super) transition: Transition,
}

pub(super) type Groups = BTreeMap<String, Group>;

impl<'a> Planner<'a> {
    /// Finds out whose branches and merge requests are and which targets they are about, and gives the places that the
    /// run is about their branches.
    fn index_open(&mut self, repo: Option<&ConfigRepoFacts>, groups: Groups) -> Groups {
        let mut groups = groups;
        if let Some(repo) = repo {
            groups = self.adopt(repo, groups);
            // What was found out by the groups of before may lack one's wish.
            self.index.authorship.clear();
            self.find_claims(repo, &groups);
        }
        if self.snapshot.merge_requests.values().any(|mr| self.is_batch(mr)) {
            self.index.all_groups.clone_from(&groups);
        }
        let (inventory, filter) = (self.inventory, &self.settings.filter);
        groups.retain(|_, group| {
            group.members.iter().any(|&member| filter.includes(&inventory.targets[member]))
        });
        groups
    }

    /// What is to become of each open merge request by itself, by number.
    fn transitions(&mut self, repo: &'a ConfigRepoFacts, groups: &Groups) -> Vec<Open<'a>> {
        let merge_requests = self.snapshot.merge_requests.values();
        merge_requests.map(|mr| self.transition_of(repo, groups, mr)).collect()
    }

    fn transition_of(
        &mut self,
        repo: &ConfigRepoFacts,
        groups: &Groups,
        mr: &'a MergeRequestFact,
    ) -> Open<'a> {
        let group = groups.get(&mr.source_branch);
        let tip = self.snapshot.branches.get(&mr.source_branch);
        let (state, existing) = self.open_state(repo, groups, mr, tip);
        let mark = Mark::of(mr);
        if let (Some(existing), None) = (&existing, mark)
            && existing.trailers().batch.is_some()
        {
            let transition = self.batch_transition(repo, existing);
            return Open { mr, tip, existing: Some(existing.clone()), transition };
        }
        if let (Some(existing), None) = (&existing, mark)
            && let Some(iid) = self.older_batch_about(existing)
        {
            // Two runs at once may open one each, as these have different branches.
            let reason = format!("{iid} is older and about the same target");
            let transition = Transition::Close(Reason::WaitsForRequest, reason);
            return Open { mr, tip, existing: Some(existing.clone()), transition };
        }
        let desired = match (&existing, mark) {
            (Some(existing), None) => self.desired_alone(repo, existing, group),
            _ if group.is_some() || self.settings.filter.is_everything() => {
                DesiredState::TargetGone
            }
            _ => DesiredState::OutOfScope,
        };
        Open { mr, tip, existing, transition: transition(state, mark, desired) }
    }

    /// What the decisions ask of an open merge request for one edit site.
    fn desired_alone(
        &self,
        repo: &ConfigRepoFacts,
        existing: &Existing<'_>,
        group: Option<&Group>,
    ) -> DesiredState {
        let trailers = existing.trailers();
        let (iid, depends_on) = (existing.mr.iid, &trailers.depends_on);
        let open = OpenMember { iid, declared: trailers.first(), depends_on };
        self.desired_state(open, group, |desired| self.fit(repo, existing, desired))
    }

    /// What an open merge request is, with its content where that is the bot's.
    fn open_state(
        &mut self,
        repo: &ConfigRepoFacts,
        groups: &Groups,
        mr: &'a MergeRequestFact,
        tip: Option<&'a CommitDetail>,
    ) -> (OpenState, Option<Existing<'a>>) {
        let is_bot = repo.is_bot(mr.author_id);
        if mr.target_branch != self.target_branch {
            let has_place = is_bot && groups.contains_key(&mr.source_branch);
            let (to, from) = (mr.target_branch.clone(), self.target_branch.clone());
            return (OpenState::Retargeted { to, from, has_place }, None);
        }
        if !is_bot {
            return (OpenState::OpenedByOther, None);
        }
        if self.is_elsewhere(&mr.source_branch, tip) {
            return (OpenState::OtherShard, None);
        }
        let Some(tip) = tip else {
            return (OpenState::WithoutBranch { had_commit: mr.sha.is_some() }, None);
        };
        match self.authorship(groups, &mr.source_branch, tip) {
            Authorship::Ours(own) => (OpenState::Own, Some(Existing { mr, tip, own })),
            Authorship::Foreign | Authorship::OtherTargetBranch => (OpenState::Foreign, None),
            Authorship::Unknown(error) => {
                self.note_unread(mr, tip);
                (OpenState::Unverified(error), None)
            }
        }
    }

    /// Branches without an open merge request: orphans of a crash, and what a merge left behind.
    fn delete_leftovers(&mut self, groups: &Groups) {
        if !self.settings.allow_closing {
            return;
        }
        let planned = self.plan.merge_requests.iter().filter(|planned| !planned.steps.is_empty());
        let open = self.snapshot.merge_requests.values().map(|mr| &mr.source_branch);
        let used: BTreeSet<String> =
            planned.map(|planned| &planned.branch).chain(open).cloned().collect();
        for (branch, tip) in &self.snapshot.branches {
            if used.contains(branch) || self.is_elsewhere(branch, Some(tip)) {
                continue;
            }
            let Authorship::Ours(own) = self.authorship(groups, branch, tip) else { continue };
            let trailers = &own.trailers;
            let unwanted = match groups.get(branch) {
                Some(group) => !matches!(group.state, EditSiteState::Error(_)),
                None => {
                    self.settings.filter.is_everything()
                        && self.hiding_place(&trailers.depends_on).is_none()
                        && !self.keeps_a_rejection(branch, trailers)
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
}
