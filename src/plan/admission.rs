//! Which open merge requests keep, get or lose their content: they are admitted in a fixed order, each only if it
//! merges beside those that were admitted before it.

use std::sync::Arc;

use super::batch::{BatchContent, HeldBatch};
use super::desired::Desired;
use super::model::Reason;
use super::planner::{Existing, Groups, Open, Planner};
use super::transition::{Fit, Transition};
use crate::decide::Gate;
use crate::snapshot::ConfigRepoFacts;

/// When a merge request is admitted. Within a turn the oldest one comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// What nobody may change stands where it stands, and what is closed stands in nobody's way.
    Settled,
    /// A push would end auto-merge.
    AutoMerge,
    /// Held ones keep their place, as they become ready again by themselves.
    Draft,
    /// What may be merged now.
    Due,
}

impl Transition {
    fn turn(&self) -> Turn {
        match self {
            Self::Ignore
            | Self::StandBeside
            | Self::Refuse
            | Self::Leave(..)
            | Self::Disown(..)
            | Self::Close(..) => Turn::Settled,
            Self::Keep(_, Reason::AutoMerge, _) => Turn::AutoMerge,
            Self::Batch(batch) if matches!(batch.fit, Fit::AutoMerge { .. }) => Turn::AutoMerge,
            Self::Draft(..) | Self::DraftBatch(_) => Turn::Draft,
            Self::Keep(..) | Self::Rebuild(_) | Self::Update(_) | Self::Batch(_) => Turn::Due,
        }
    }
}

/// What cannot keep its content: rebuilt once everything that keeps its content is admitted.
#[derive(Default)]
struct Waiting<'a> {
    updates: Vec<(Existing<'a>, Arc<Desired>)>,
    batches: Vec<(Existing<'a>, BatchContent)>,
    /// Last, as what may be merged now comes first.
    drafts: Vec<(Existing<'a>, Gate, String)>,
    draft_batches: Vec<(Existing<'a>, HeldBatch)>,
}

impl<'a> Planner<'a> {
    /// Plans all open merge requests.
    pub(super) fn admit(
        &mut self,
        repo: &ConfigRepoFacts,
        groups: &Groups,
        mut open: Vec<Open<'a>>,
    ) {
        open.sort_by_key(|open| (open.transition.turn(), open.mr.iid));
        let mut waiting = Waiting::default();
        for open in open {
            self.admit_one(repo, groups, open, &mut waiting);
        }
        for (existing, desired) in waiting.updates {
            self.update(repo, &existing, &desired);
        }
        for (existing, batch) in waiting.batches {
            self.update_batch(&existing, batch);
        }
        for (existing, gate, reason) in waiting.drafts {
            self.rebuild_draft(repo, groups, &existing, (gate, reason));
        }
        for (existing, held) in waiting.draft_batches {
            self.rebuild_draft_batch(repo, &existing, held);
        }
    }

    fn admit_one(
        &mut self,
        repo: &ConfigRepoFacts,
        groups: &Groups,
        open: Open<'a>,
        waiting: &mut Waiting<'a>,
    ) {
        let Open { mr, tip, existing, transition } = open;
        let group = groups.get(&mr.source_branch);
        match (transition, existing) {
            (Transition::Ignore, _) => {}
            (Transition::StandBeside, _) => self.stand_beside(mr, tip, groups),
            (Transition::Refuse, _) => self.opened_by_other(group, mr),
            (Transition::Disown(code, reason), _) => self.disown(group, mr, code, reason),
            (Transition::Leave(code, reason), existing) => {
                if let Some(existing) = &existing {
                    // It stands where it stands: others have to fit beside it.
                    let _ = self.admit_as_it_is(existing);
                }
                let batch = existing.as_ref().and_then(|existing| self.batch_of(existing));
                self.leave(group, mr, code, reason, Vec::new());
                if let Some(planned) = self.plan.merge_requests.last_mut() {
                    planned.batch = batch;
                }
            }
            (Transition::Close(code, reason), Some(existing)) => {
                self.close(&existing, code, reason);
            }
            (Transition::Close(code, reason), None) => {
                self.close_without_branch(group, mr, code, reason);
            }
            (Transition::Draft(gate, reason), Some(existing)) => {
                if self.admit_as_it_is(&existing).is_ok() {
                    self.hold(&existing, gate.as_str(), Reason::HeldByGate, reason);
                } else {
                    waiting.drafts.push((existing, gate, reason));
                }
            }
            (Transition::Keep(desired, code, reason), Some(existing)) => {
                let why = (code, reason.to_owned());
                self.admit_kept(existing, desired, why, waiting);
            }
            (Transition::Rebuild(desired), Some(existing)) => {
                self.admit_rebuilt(repo, existing, desired, waiting);
            }
            (Transition::Update(desired), Some(existing)) => {
                if !self.waits_to_take_in(&existing, &desired) {
                    waiting.updates.push((existing, desired));
                }
            }
            (Transition::Batch(batch), Some(existing)) => {
                if !self.admit_batch(&existing, &batch) {
                    waiting.batches.push((existing, batch));
                }
            }
            (Transition::DraftBatch(held), Some(existing)) => {
                if !self.draft_batch(&existing, &held) {
                    waiting.draft_batches.push((existing, held));
                }
            }
            // Only what is the bot's gets content.
            (
                Transition::Batch(_)
                | Transition::DraftBatch(_)
                | Transition::Draft(..)
                | Transition::Keep(..)
                | Transition::Rebuild(_)
                | Transition::Update(_),
                None,
            ) => {}
        }
    }

    /// A merge request that has the desired content already.
    fn admit_kept(
        &mut self,
        existing: Existing<'a>,
        desired: Arc<Desired>,
        why: (Reason, String),
        waiting: &mut Waiting<'a>,
    ) {
        if self.waits_to_take_in(&existing, &desired) {
            return;
        }
        let fits = self.admit_as_it_is(&existing).is_ok();
        // Beside the others its change may fit when it is made on the tip; but a push would end auto-merge.
        if fits || why.0 == Reason::AutoMerge {
            self.keep(&existing, &desired, why);
        } else {
            waiting.updates.push((existing, desired));
        }
    }

    /// A merge request that is right, in a project that merges nothing that is behind.
    fn admit_rebuilt(
        &mut self,
        repo: &ConfigRepoFacts,
        existing: Existing<'a>,
        desired: Arc<Desired>,
        waiting: &mut Waiting<'a>,
    ) {
        if self.waits_to_take_in(&existing, &desired) {
            return;
        }
        let Err(reason) = self.rebuild(repo, &existing, &desired) else { return };
        let reason = format!(
            "behind the target branch, so this project does not merge it before it is rebuilt: {reason}"
        );
        if self.admit_as_it_is(&existing).is_ok() {
            self.keep(&existing, &desired, (Reason::BehindTargetBranch, reason));
        } else {
            waiting.updates.push((existing, desired));
        }
    }

    /// Held is not unwanted: what does not merge any more is rebuilt, with the values that it has.
    fn rebuild_draft(
        &mut self,
        repo: &ConfigRepoFacts,
        groups: &Groups,
        existing: &Existing<'_>,
        (gate, reason): (Gate, String),
    ) {
        let group = groups.get(&existing.mr.source_branch);
        let desired = self
            .with_values(group, existing.trailers().first())
            .filter(|desired| !desired.patch.is_empty());
        let Some(desired) = desired else {
            let reason = "it no longer merges into the target branch, and cannot be rebuilt on it";
            return self.close(existing, Reason::TargetBranchMoved, reason.to_owned());
        };
        if self.left_beside_unread(existing, &desired) {
            return;
        }
        if let Err(other) = self.admit_anew(existing, &desired) {
            let reason = format!("it can no longer be merged beside {other}");
            return self.close(existing, Reason::TargetBranchMoved, reason);
        }
        self.update_draft(repo, existing, &desired, (gate.as_str(), reason));
    }

    /// Takes an open merge request in with the content that it is to get.
    ///
    /// # Errors
    /// The name of the merge request that it does not merge beside.
    pub(super) fn admit_anew(
        &mut self,
        existing: &Existing<'_>,
        desired: &Desired,
    ) -> Result<(), String> {
        let change = desired.change(existing.mr.iid.to_string());
        self.admission.standing.admit(&desired.old_text, change)
    }
}
