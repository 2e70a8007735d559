//! Taking batches apart: one that does not pass its pipeline is halved, so that the good promotions go on; one that a
//! person wants taken apart is.

use std::sync::Arc;

use super::super::content::Content;
use super::super::desired::Desired;
use super::super::model::Reason;
use super::super::planner::Planner;
use super::super::steps::is_persons_draft;
use super::compose::Composition;
use super::message;
use super::open::{OpenBatch, Write};
use super::pipeline::PipelineState;
use crate::domain::count;

/// Put on by a person: take it apart, each promotion by a merge request of its own.
pub(super) const SPLIT_LABEL: &str = "sapm/split";

/// Why a batch is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Split {
    /// Its pipeline failed.
    Failed,
    /// A person wants it.
    Asked,
}

impl<'a> Planner<'a> {
    /// Splits the open batches that are to be split, as far as the run may open merge requests.
    pub(super) fn split_batches(&mut self, composition: &mut Composition) {
        let mut batches = std::mem::take(&mut self.admission.batches);
        for batch in &mut batches {
            match self.find_split(batch) {
                Some(Split::Failed) => self.halve(batch, composition),
                Some(Split::Asked) => self.take_apart(batch, composition),
                None => {}
            }
        }
        self.admission.batches = batches;
    }

    fn find_split(&mut self, batch: &OpenBatch<'_>) -> Option<Split> {
        let mr = batch.existing.mr;
        if batch.content.parts.len() < 2 || !self.settings.allow_opening {
            return None;
        }
        if mr.labels.contains(SPLIT_LABEL) {
            return Some(Split::Asked);
        }
        let has_failed = !is_persons_draft(mr)
            && self.pipeline_of(&batch.existing) == PipelineState::Failed
            // All merge requests fail then: a broken morning must not take every batch apart.
            && !self.is_target_branch_broken();
        has_failed.then_some(Split::Failed)
    }

    /// The first half keeps the merge request. Halves, not single promotions: each takes a turn of the merge queue.
    fn halve(&mut self, batch: &mut OpenBatch<'a>, composition: &mut Composition) {
        if !composition.may_open(self.settings) {
            return postpone(batch, Reason::PipelineFailed, "its pipeline failed");
        }
        let parts = self.order_parts(batch.content.parts.clone());
        let (first, second) = parts.split_at(parts.len().div_ceil(2));
        let Some(content) = self.admit_half(batch, first) else { return };
        let body = message::split_comment((first.len(), parts.len()), &batch.existing.tip.sha);
        let marker = message::split_marker(&batch.existing.tip.sha);
        batch.comment = self.comment_once(batch.existing.mr.iid, marker.into(), body);
        let stay = first.len();
        let all = count(parts.len(), "promotion");
        let reason = format!("its pipeline failed, so it is halved: {stay} of its {all} stay");
        keep_half(batch, content, (Reason::PipelineFailed, reason));
        let origin = format!("half of {}, whose pipeline failed", batch.name());
        self.open_half(batch, second, (Reason::PipelineFailed, origin), composition);
    }

    /// The first member keeps the merge request, each other one gets its own. What the run may not open stays for the
    /// next one.
    fn take_apart(&mut self, batch: &mut OpenBatch<'a>, composition: &mut Composition) {
        let parts = self.order_parts(batch.content.parts.clone());
        let leaving = (parts.len() - 1).min(composition.left_to_open(self.settings));
        if leaving == 0 {
            return postpone(batch, Reason::SplitAsked, "it is to be taken apart");
        }
        let (staying, leaving) = parts.split_at(parts.len() - leaving);
        let Some(content) = self.admit_half(batch, staying) else { return };
        let reason = format!(
            "taken apart, as it has the label {SPLIT_LABEL}: {} of its {} stay",
            staying.len(),
            count(parts.len(), "promotion")
        );
        keep_half(batch, content, (Reason::SplitAsked, reason));
        let origin = format!("part of {}, which is taken apart", batch.name());
        for part in leaving {
            let why = (Reason::SplitAsked, origin.clone());
            self.open_half(batch, std::slice::from_ref(part), why, composition);
        }
    }

    /// The parts that keep the merge request, admitted in place of all.
    fn admit_half(&mut self, batch: &OpenBatch<'_>, parts: &[Arc<Desired>]) -> Option<Content> {
        let content = Content::of(self.inventory, self.bundle, parts.iter().cloned()).ok()?;
        let name = batch.name();
        self.admission.standing.admit_all(&name, content.changes(&name)).ok()?;
        Some(content)
    }

    /// A merge request of their own for parts that leave. What does not merge beside the others waits for them.
    fn open_half(
        &mut self,
        batch: &OpenBatch<'_>,
        parts: &[Arc<Desired>],
        (code, reason): (Reason, String),
        composition: &mut Composition,
    ) {
        let mut half = composition.new_batch(self, batch.scope(), (code, reason));
        half.is_sealed = true;
        for part in parts {
            if let Ok(more) = self.try_part(&half.branch, &half.content, part) {
                half.content = more;
                composition.placed.extend(&part.members);
            }
        }
        composition.open(half);
    }
}

fn keep_half(batch: &mut OpenBatch<'_>, content: Content, (code, reason): (Reason, String)) {
    batch.content = content;
    batch.is_sealed = true;
    batch.write = Write::Content(code, reason);
}

/// It stays whole until a run may open what leaves it.
fn postpone(batch: &mut OpenBatch<'_>, code: Reason, why: &str) {
    if let Write::Keep(..) = batch.write {
        let reason = format!("{why}: split once a run may open one more merge request");
        batch.write = Write::Keep(code, reason);
    }
}
