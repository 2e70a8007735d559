//! What happens to an open merge request, as one table: [`transition`].
//!
//! What a run does about merge requests that are due and not open is in `create`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::batch::{BatchContent, HeldBatch};
use super::desired::{self, Desired, EditSiteState, Group};
use super::model::Reason;
use super::planner::{Existing, Planner};
use super::trailers::Member;
use crate::decide::{Gate, Outcome, SubscriberDecision, gates};
use crate::domain::{CommitSha, MrIid};
use crate::inventory::{Target, TargetIx};
use crate::snapshot::{MergeRequestFact, MrState};

/// Leave this merge request alone.
const HOLD_LABEL: &str = "sapm/hold";

/// What an open merge request from a branch with the bot's prefix is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OpenState {
    /// It goes to another target branch than the run is about. `has_place`: it is the bot's, from a branch that a place
    /// of this one has.
    Retargeted { from: String, to: String, has_place: bool },
    /// Another user opened it.
    OpenedByOther,
    /// Another shard handles it.
    OtherShard,
    /// GitLab lists no such branch. `had_commit`: GitLab showed one once.
    WithoutBranch { had_commit: bool },
    /// The branch holds something other than it declares.
    Foreign,
    /// Whose the branch is could not be found out: why.
    Unverified(String),
    /// The branch holds what it declares.
    Own,
}

/// Why nobody but a person or GitLab may change a merge request now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    BeingMerged,
    HoldLabel,
}

/// What an open merge request of the bot declares for one edit site.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenMember<'t> {
    pub(super) iid: MrIid,
    pub(super) declared: &'t Member,
    /// Datafiles in which its targets would be hidden if they were broken.
    pub(super) depends_on: &'t BTreeSet<String>,
}

impl<'t> OpenMember<'t> {
    /// Each edit site of a merge request: one but for a batch.
    pub(super) fn all(existing: &'t Existing<'_>) -> impl Iterator<Item = Self> {
        let (iid, trailers) = (existing.mr.iid, existing.trailers());
        let depends_on = &trailers.depends_on;
        trailers.members.iter().map(move |declared| Self { iid, declared, depends_on })
    }
}

/// What the decisions ask of an open merge request.
#[derive(Debug, Clone)]
pub(super) enum DesiredState {
    /// The run is not about it.
    OutOfScope,
    /// Its target is gone.
    TargetGone,
    /// Its target may be in a datafile that cannot be read: which.
    TargetHidden(String),
    /// A fact is missing: which.
    FactsMissing(String),
    /// The target has what its publishers have.
    NothingDue,
    /// Another branch is this target's now: its label.
    Superseded(String),
    /// Its commit must not be deployed: which.
    Blocked(String),
    /// A gate blocks the promotion: which, and why.
    Held(Gate, String),
    /// A promotion is due.
    Promote(Arc<Desired>, Fit),
}

/// How an open merge request fits what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It has other content, or does not merge.
    Other,
    /// Merging it gives exactly the desired text.
    Right,
    /// The same, but the project merges nothing that is behind.
    RightAndBehind,
    /// It is right, and GitLab is to merge it by itself.
    AutoMerge { is_behind: bool },
}

/// What happens to it. What merges beside what is decided in `admission`.
#[derive(Debug, Clone)]
pub(super) enum Transition {
    /// Nothing is planned.
    Ignore,
    /// Nothing is planned, and what the run opens has to merge beside it.
    StandBeside,
    /// Nothing is planned, and a problem says that its branch is not the bot's to use.
    Refuse,
    /// It stays as it is.
    Leave(Reason, String),
    /// The bot's labels go, as the bot does not vouch for the content.
    Disown(Reason, String),
    Close(Reason, String),
    /// It becomes a draft, rebuilt if it does not merge any more.
    Draft(Gate, String),
    Keep(Arc<Desired>, Reason, &'static str),
    /// The same content on the tip of the target branch.
    Rebuild(Arc<Desired>),
    Update(Arc<Desired>),
    /// A batch keeps some of its members, or takes their new values.
    Batch(BatchContent),
    /// Gates hold all of what a batch keeps.
    DraftBatch(HeldBatch),
}

/// The table. `mark` protects a merge request from everything but the end of the bot's vouching.
pub(super) fn transition(open: OpenState, mark: Option<Mark>, desired: DesiredState) -> Transition {
    use DesiredState as D;
    use OpenState as O;
    use Transition as T;
    match (open, mark, desired) {
        // The target branch is part of a branch's name, so only a person can have sent it elsewhere. One without a
        // place is another job's, for another target branch.
        (O::Retargeted { has_place: false, .. }, ..) => T::Ignore,
        (O::Retargeted { from, to, .. }, ..) => T::Disown(
            Reason::TakenOver,
            format!(
                "taken over: somebody sent it to the branch {to}; send it back to {from} to hand it back"
            ),
        ),
        (O::OpenedByOther, ..) => T::Refuse,
        (O::OtherShard, ..) => T::StandBeside,
        // GitLab makes no other merge request from its branch while this one is open.
        (O::WithoutBranch { had_commit: false }, None, D::OutOfScope) => T::Leave(
            Reason::FactsMissing,
            "its branch is gone; a run about all targets closes it".to_owned(),
        ),
        (O::WithoutBranch { had_commit: false }, None, _) => {
            T::Close(Reason::BranchGone, "its branch is gone".to_owned())
        }
        (O::WithoutBranch { had_commit: true }, None, _) => T::Leave(
            Reason::FactsMissing,
            "its branch is not in GitLab's list of branches, which may be 30 s old; if it was deleted, GitLab closes \
             the merge request in the background: close it if it stays open"
                .to_owned(),
        ),
        // The bot's labels vouch for the content, also where a person wants the bot to leave it alone.
        (O::Foreign, mark, _) => {
            let taken_over =
                "taken over: its branch holds something other than the promotion that it declares";
            let (code, reason) =
                mark.map_or((Reason::TakenOver, taken_over.to_owned()), Mark::describe);
            T::Disown(code, reason)
        }
        (_, Some(mark), _) => {
            let (code, reason) = mark.describe();
            T::Leave(code, reason)
        }
        (O::Unverified(error), None, _) => T::Leave(
            Reason::FactsMissing,
            format!("whose its branch is could not be found out: {error}"),
        ),
        (O::Own, None, D::OutOfScope) => T::StandBeside,
        // An unreadable datafile says nothing about its targets.
        (O::Own, None, D::TargetHidden(file)) => T::Leave(
            Reason::FactsMissing,
            format!("left as it is: its target may be in {file}, which cannot be read in full"),
        ),
        (O::Own, None, D::FactsMissing(message)) => T::Leave(
            Reason::FactsMissing,
            format!("left as it is, as facts are missing: {message}"),
        ),
        (O::Own, None, D::TargetGone) => T::Close(
            Reason::TargetGone,
            "its target is gone, disabled, or no longer promoted automatically".to_owned(),
        ),
        (O::Own, None, D::NothingDue) => T::Close(
            Reason::NothingDue,
            "nothing is due any more: the target has what its publishers have".to_owned(),
        ),
        (O::Own, None, D::Superseded(label)) => {
            T::Close(Reason::Superseded, format!("{label} goes by another branch now"))
        }
        // A draft would become ready for a commit that never will be.
        (O::Own, None, D::Blocked(commit)) => {
            T::Close(Reason::CommitBlocked, format!("its commit {commit} is blocked now"))
        }
        (O::Own, None, D::Held(gate, reason)) => {
            T::Draft(gate, format!("held by {}: {reason}", gate.as_str()))
        }
        (O::Own, None, D::Promote(desired, fit)) => match fit {
            // A push would take auto-merge away.
            Fit::AutoMerge { is_behind: false } => T::Keep(
                desired,
                Reason::AutoMerge,
                "auto-merge is set, and it has the desired content: left as it is as long as it merges",
            ),
            Fit::AutoMerge { is_behind: true } => T::Keep(
                desired,
                Reason::AutoMerge,
                "auto-merge is set, so it is not rebuilt, though it is behind the target branch: outside of a merge \
                 train GitLab merges it only once somebody rebases it, or cancels auto-merge so that the next run does",
            ),
            Fit::Right => T::Keep(desired, Reason::AsWanted, "open, with the desired content"),
            Fit::RightAndBehind => T::Rebuild(desired),
            Fit::Other => T::Update(desired),
        },
    }
}

impl Mark {
    /// The mark of a merge request: what GitLab is merging is nobody's to change, and what a person marked is theirs.
    pub(super) fn of(mr: &MergeRequestFact) -> Option<Self> {
        if mr.state == MrState::Locked {
            return Some(Self::BeingMerged);
        }
        mr.labels.contains(HOLD_LABEL).then_some(Self::HoldLabel)
    }

    pub(super) fn describe(self) -> (Reason, String) {
        match self {
            Self::BeingMerged => (Reason::BeingMerged, "GitLab is merging it".to_owned()),
            Self::HoldLabel => {
                (Reason::HoldLabel, format!("left alone, as it has the label {HOLD_LABEL}"))
            }
        }
    }
}

impl Planner<'_> {
    /// What is decided for the targets that an open merge request of the bot declares for one edit site. `fit` tells how
    /// it fits what is due.
    pub(super) fn desired_state(
        &self,
        open: OpenMember<'_>,
        group: Option<&Group>,
        fit: impl FnOnce(&Desired) -> Fit,
    ) -> DesiredState {
        let declared = open.declared;
        let Some(group) = group else { return self.desired_without_place(open) };
        let own = |outcome| self.own(declared, group).find(|own| own.outcome() == outcome);
        let held = |(gate, reason)| self.held_or_blocked(declared, &group.members, gate, reason);
        match &group.state {
            EditSiteState::Promote(desired) => {
                DesiredState::Promote(Arc::clone(desired), fit(desired))
            }
            EditSiteState::NothingDue => self.nothing_due_here(declared, group),
            EditSiteState::Error(message) if own(Outcome::Error).is_some() => {
                DesiredState::FactsMissing(message.clone())
            }
            // Others share its place: what is decided for its own targets comes first.
            EditSiteState::Hold { .. } | EditSiteState::Error(_)
                if self.is_done(declared, group) =>
            {
                self.nothing_due_here(declared, group)
            }
            EditSiteState::Hold { gate, reason } => {
                let own = own(Outcome::Hold).map(desired::holding);
                held(own.unwrap_or_else(|| (*gate, reason.clone())))
            }
            EditSiteState::Error(message) => match own(Outcome::Hold).map(desired::holding) {
                Some(own) => held(own),
                None => DesiredState::FactsMissing(message.clone()),
            },
        }
    }

    /// What is decided for the targets that a merge request is about. They may share their place with others.
    fn own<'d>(
        &'d self,
        declared: &'d Member,
        group: &'d Group,
    ) -> impl Iterator<Item = &'d SubscriberDecision> {
        let own = group
            .members
            .iter()
            .filter(|member| declared.targets.contains(&self.inventory.targets[**member].uid));
        own.filter_map(|member| self.decisions.subscribers.get(member))
    }

    /// Is nothing due for any of them?
    fn is_done(&self, declared: &Member, group: &Group) -> bool {
        let mut own = self.own(declared, group).peekable();
        own.peek().is_some() && own.all(|decision| decision.outcome() == Outcome::UpToDate)
    }

    /// Nothing is due for those who are at its place; another one of its targets may have left it.
    fn nothing_due_here(&self, declared: &Member, group: &Group) -> DesiredState {
        let left = self.decisions.subscribers.values().find(|decision| {
            decision.promotes()
                && declared.targets.contains(&self.inventory.targets[decision.target].uid)
                && !group.members.contains(&decision.target)
        });
        left.map_or(DesiredState::NothingDue, |left| {
            DesiredState::Superseded(self.inventory.targets[left.target].label())
        })
    }

    fn held_or_blocked(
        &self,
        declared: &Member,
        members: &[TargetIx],
        gate: Gate,
        reason: String,
    ) -> DesiredState {
        let blocked = CommitSha::parse(&declared.values.git_ref).is_some_and(|commit| {
            members
                .iter()
                .any(|&member| gates::is_blocked(&self.inventory.targets[member], &commit))
        });
        if blocked {
            return DesiredState::Blocked(declared.values.git_ref.clone());
        }
        DesiredState::Held(gate, reason)
    }

    /// For a merge request that no place has: its target is gone, another merge request is about it, or this run
    /// is not about it.
    fn desired_without_place(&self, open: OpenMember<'_>) -> DesiredState {
        let declared = open.declared;
        let known: Vec<_> = self
            .inventory
            .subscribers()
            .filter(|(_, target)| declared.targets.contains(&target.uid))
            .collect();
        if let Some((_, target)) = known.first() {
            let included = known.iter().any(|(_, target)| self.settings.filter.names(target));
            let decided: Option<Vec<_>> =
                known.iter().map(|(index, _)| self.decisions.subscribers.get(index)).collect();
            return decided.filter(|_| included).map_or(DesiredState::OutOfScope, |decided| {
                let members: Vec<TargetIx> = known.iter().map(|(index, _)| *index).collect();
                self.desired_elsewhere(open, &members, &decided, target)
            });
        }
        if !self.settings.filter.is_everything() {
            return DesiredState::OutOfScope;
        }
        match self.hiding_place(open.depends_on) {
            Some(file) => DesiredState::TargetHidden(file.clone()),
            None => DesiredState::TargetGone,
        }
    }

    /// Another merge request is about its target: while that is not known, or the target is held, this
    /// one stays; not for a target that it does not move any more.
    fn desired_elsewhere(
        &self,
        open: OpenMember<'_>,
        members: &[TargetIx],
        decided: &[&SubscriberDecision],
        first: &Target,
    ) -> DesiredState {
        if let Some(error) = decided.iter().find(|d| d.outcome() == Outcome::Error) {
            return DesiredState::FactsMissing(error.errors().first().cloned().unwrap_or_default());
        }
        let is_about = |at: TargetIx| self.is_about(open.iid, &self.inventory.targets[at].uid);
        let held = |decision: &&&SubscriberDecision| decision.outcome() == Outcome::Hold;
        match decided.iter().filter(held).find(|decision| is_about(decision.target)) {
            Some(decision) => {
                let (gate, reason) = desired::holding(decision);
                self.held_or_blocked(open.declared, members, gate, reason)
            }
            None => DesiredState::Superseded(first.label()),
        }
    }

    /// A broken datafile that may hide the targets of a merge request.
    pub(super) fn hiding_place<'t>(&self, depends_on: &'t BTreeSet<String>) -> Option<&'t String> {
        depends_on.iter().find(|file| self.bundle.is_broken(file))
    }
}
