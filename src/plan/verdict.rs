//! What is to become of an open request of the bot, by what is decided for its targets.

use std::sync::Arc;

use super::desired::{self, Desired, Group, Wish};
use super::lifecycle::{Existing, Planner};
use super::model::{Reason, Step};
use super::trailers::Trailers;
use crate::decide::{Decision, GateName, Outcome, gates};
use crate::domain::CommitSha;
use crate::inventory::Target;
use crate::snapshot::{MergeRequestFact, RequestState};

/// Leave this request alone.
const HOLD_LABEL: &str = "sapm/hold";

/// What is to become of an open request, before it is tried beside the others.
pub(super) enum Verdict {
    /// Leave it as it is.
    Leave(Reason, String, Vec<Step>),
    Close(Reason, String),
    Hold(GateName, String),
    Wanted(Arc<Desired>),
}

impl Planner<'_> {
    /// What is wanted of a request; `None` if this run is not about it.
    pub(super) fn verdict(
        &self,
        existing: &Existing<'_>,
        group: Option<&Group>,
    ) -> Option<Verdict> {
        let trailers = existing.trailers();
        let Some(group) = group else { return self.without_group(existing) };
        let own = |outcome| self.own(trailers, group).find(|own| own.outcome == outcome);
        let held = |(gate, reason)| self.held(trailers, &group.members, gate, reason);
        Some(match &group.wish {
            Wish::Promote(desired) => Verdict::Wanted(Arc::clone(desired)),
            Wish::NothingDue => self.nothing_due_here(trailers, group),
            Wish::Error(message) if own(Outcome::Error).is_some() => missing_facts(message),
            // Others share its place: what is decided for its own targets comes first.
            Wish::Hold { .. } | Wish::Error(_) if self.is_done(trailers, group) => {
                self.nothing_due_here(trailers, group)
            }
            Wish::Hold { gate, reason } => {
                let own = own(Outcome::Hold).map(desired::holding);
                held(own.unwrap_or_else(|| (*gate, reason.clone())))
            }
            Wish::Error(message) => match own(Outcome::Hold).map(desired::holding) {
                Some(own) => held(own),
                None => missing_facts(message),
            },
        })
    }

    /// What is decided for the targets that a request is about. They may share their place with others.
    fn own<'d>(
        &'d self,
        trailers: &'d Trailers,
        group: &'d Group,
    ) -> impl Iterator<Item = &'d Decision> {
        let own = group
            .members
            .iter()
            .filter(|member| trailers.targets.contains(&self.inventory.targets[**member].uid));
        own.filter_map(|member| self.decisions.subscribers.get(member))
    }

    /// Is nothing due for any of them?
    fn is_done(&self, trailers: &Trailers, group: &Group) -> bool {
        let mut own = self.own(trailers, group).peekable();
        own.peek().is_some() && own.all(|decision| decision.outcome == Outcome::UpToDate)
    }

    /// Nothing is due for those who are at its place; another one of its targets may have left it.
    fn nothing_due_here(&self, trailers: &Trailers, group: &Group) -> Verdict {
        let left = self.decisions.subscribers.values().find(|decision| {
            decision.outcome == Outcome::Promote
                && trailers.targets.contains(&self.inventory.targets[decision.target].uid)
                && !group.members.contains(&decision.target)
        });
        left.map_or_else(nothing_due, |left| superseded(&self.inventory.targets[left.target]))
    }

    /// A held request becomes a draft; one whose commit is blocked will never be right again.
    fn held(
        &self,
        trailers: &Trailers,
        members: &[usize],
        gate: GateName,
        reason: String,
    ) -> Verdict {
        let blocked = CommitSha::parse(&trailers.values.git_ref).is_some_and(|commit| {
            members
                .iter()
                .any(|&member| gates::is_blocked(&self.inventory.targets[member], &commit))
        });
        if blocked {
            let reason = format!("its commit {} is blocked now", trailers.values.git_ref);
            return Verdict::Close(Reason::CommitBlocked, reason);
        }
        Verdict::Hold(gate, reason)
    }

    /// A request that no group has: its target is gone, another request is about it, or this run
    /// is not about it.
    fn without_group(&self, existing: &Existing<'_>) -> Option<Verdict> {
        let trailers = existing.trailers();
        let known: Vec<_> = self
            .inventory
            .subscribers()
            .filter(|(_, target)| trailers.targets.contains(&target.uid))
            .collect();
        if let Some((_, target)) = known.first() {
            let included = known.iter().any(|(_, target)| self.settings.narrowing.names(target));
            let decided: Option<Vec<_>> =
                known.iter().map(|(index, _)| self.decisions.subscribers.get(index)).collect();
            return decided.filter(|_| included).map(|decided| {
                let members: Vec<usize> = known.iter().map(|(index, _)| *index).collect();
                self.elsewhere(existing, &members, &decided, target)
            });
        }
        if !self.settings.narrowing.is_everything() {
            return None;
        }
        Some(match self.hiding_place(trailers) {
            Some(file) => Verdict::Leave(
                Reason::FactsMissing,
                format!("left as it is: its target may be in {file}, which cannot be read in full"),
                Vec::new(),
            ),
            None => Verdict::Close(
                Reason::TargetGone,
                "its target is gone, disabled, or no longer promoted automatically".to_owned(),
            ),
        })
    }

    /// Another request is about its target: while that is not known, or the target is held, this
    /// one stays; not for a target that it does not move any more.
    fn elsewhere(
        &self,
        existing: &Existing<'_>,
        members: &[usize],
        decided: &[&Decision],
        first: &Target,
    ) -> Verdict {
        if let Some(error) = decided.iter().find(|d| d.outcome == Outcome::Error) {
            return missing_facts(error.errors.first().map_or("", String::as_str));
        }
        let is_about =
            |at: usize| self.is_about(existing.request.iid, &self.inventory.targets[at].uid);
        let held = |decision: &&&Decision| decision.outcome == Outcome::Hold;
        match decided.iter().filter(held).find(|decision| is_about(decision.target)) {
            Some(decision) => {
                let (gate, reason) = desired::holding(decision);
                self.held(existing.trailers(), members, gate, reason)
            }
            None => superseded(first),
        }
    }

    /// A broken datafile that may hide the targets of a request.
    pub(super) fn hiding_place<'t>(&self, trailers: &'t Trailers) -> Option<&'t String> {
        trailers.depends_on.iter().find(|file| self.bundle.is_broken(file))
    }
}

fn superseded(target: &Target) -> Verdict {
    Verdict::Close(Reason::Superseded, format!("{} goes by another branch now", target.label()))
}

fn nothing_due() -> Verdict {
    let reason = "nothing is due any more: the target has what its publishers have";
    Verdict::Close(Reason::NothingDue, reason.to_owned())
}

fn missing_facts(message: &str) -> Verdict {
    let reason = format!("left as it is, as facts are missing: {message}");
    Verdict::Leave(Reason::FactsMissing, reason, Vec::new())
}

/// What GitLab is merging is nobody's to change, and what a person marked is theirs.
pub(super) fn to_be_left_alone(request: &MergeRequestFact) -> Option<(Reason, String)> {
    if request.state == RequestState::Locked {
        return Some((Reason::BeingMerged, "GitLab is merging it".to_owned()));
    }
    let held = request.labels.contains(HOLD_LABEL);
    held.then(|| (Reason::HoldLabel, format!("left alone, as it has the label {HOLD_LABEL}")))
}
