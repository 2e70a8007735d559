//! Which promotions go together: what is due and in no open merge request, in the order of how long it has been
//! eligible, first into open batches that take it in, then into new ones.
//!
//! A function of what is due, the open merge requests and the settings alone: nothing is remembered from run to run.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::branch;
use super::super::content::Content;
use super::super::create;
use super::super::desired::{Desired, Group};
use super::super::keeping::is_behind;
use super::super::labels::TAKEN_OVER_LABEL;
use super::super::message as texts;
use super::super::model::{Action, Batch, PlannedMergeRequest, Reason, Seen, Step};
use super::super::planner::{Groups, Planner};
use super::super::settings::Settings;
use super::super::trailers::BatchMark;
use super::open::Write;
use super::pipeline::PipelineState;
use super::split::SPLIT_LABEL;
use super::{BatchBy, MAX_BATCH_SIZE, scope};
use crate::inventory::TargetIx;
use crate::ports::NewMergeRequest;
use crate::snapshot::ConfigRepoFacts;

/// How long what a batch's commit declares may be, in bytes: of longer messages only the beginning is read again.
const MAX_DECLARED_BYTES: usize = 256 << 10;

/// What is opened in this run.
#[derive(Default)]
pub(in super::super) struct Composition {
    new: Vec<NewBatch>,
    /// How many merge requests it opens.
    pub(in super::super) opened: usize,
    /// Subscribers that they are about.
    pub(in super::super) placed: BTreeSet<TargetIx>,
}

/// A batch that is opened.
pub(super) struct NewBatch {
    pub(super) branch: String,
    scope: String,
    pub(super) content: Content,
    pub(super) is_sealed: bool,
    why: (Reason, String),
}

impl Composition {
    /// How many more the run may open.
    pub(super) fn left_to_open(&self, settings: &Settings) -> usize {
        settings.max_new_merge_requests.saturating_sub(self.opened)
    }

    pub(super) fn may_open(&self, settings: &Settings) -> bool {
        self.left_to_open(settings) > 0
    }

    /// A batch without members, on the lowest slot of its scope that nothing has: making its branch without force is the
    /// lock against another run.
    pub(super) fn new_batch(
        &self,
        planner: &Planner<'_>,
        scope: &str,
        why: (Reason, String),
    ) -> NewBatch {
        let is_taken = |branch: &String| {
            planner.snapshot.branches.contains_key(branch)
                || planner.snapshot.merge_requests.values().any(|mr| mr.source_branch == *branch)
                || self.new.iter().any(|new| new.branch == *branch)
        };
        let (prefix, target_branch) = (planner.settings.branches.of_new(), &planner.target_branch);
        let mut slots =
            (1_usize..).map(|slot| branch::name_of_batch(prefix, target_branch, scope, slot));
        let branch = slots.find(|branch| !is_taken(branch)).unwrap_or_default();
        let scope = scope.to_owned();
        NewBatch { branch, scope, content: Content::default(), is_sealed: false, why }
    }

    /// Opens a batch, if it has any member.
    pub(super) fn open(&mut self, batch: NewBatch) {
        if !batch.content.parts.is_empty() {
            self.opened += 1;
            self.new.push(batch);
        }
    }
}

/// Plans what is due and in no open merge request, and what open batches write.
pub(in super::super) fn compose(
    planner: &mut Planner<'_>,
    repo: Option<&ConfigRepoFacts>,
    groups: &Groups,
) {
    let mut composition = Composition::default();
    planner.admission.batches.sort_by_key(|batch| batch.existing.mr.iid);
    planner.split_batches(&mut composition);
    let open = planner.admission.batches.iter().flat_map(|batch| &batch.content.parts);
    composition.placed.extend(open.flat_map(|part| &part.members));
    let is_batching = planner.settings.batch_by != BatchBy::None;
    let deferred = match is_batching {
        true => planner.place_candidates(repo, groups, &mut composition),
        false => Vec::new(),
    };
    if let Some(repo) = repo {
        for batch in std::mem::take(&mut planner.admission.batches) {
            planner.finish_batch(repo, batch);
        }
    }
    for batch in std::mem::take(&mut composition.new) {
        let planned = planner.open_batch(repo, batch);
        planner.plan.merge_requests.push(planned);
    }
    planner.plan.merge_requests.extend(deferred);
    if !is_batching {
        create::plan(planner, repo, groups, &composition);
    }
    planner.note_known_open();
}

impl Planner<'_> {
    /// Puts what is due into batches; what cannot be opened is deferred.
    fn place_candidates(
        &mut self,
        repo: Option<&ConfigRepoFacts>,
        groups: &Groups,
        composition: &mut Composition,
    ) -> Vec<PlannedMergeRequest> {
        let mut deferred = Vec::new();
        for (group, desired) in create::due(self, repo, groups, &composition.placed) {
            if self.is_in_batch(group) {
                continue;
            }
            let Err((code, reason)) = self.place(repo, group, desired, composition) else {
                continue;
            };
            let mut planned = create::new_row(self, group, desired);
            (planned.action, planned.reason_code) = (Action::Defer, code);
            planned.reason = reason;
            self.report_suppressed(group, planned.reason_code, &planned.reason);
            planned.files = self.unwritten_file(desired);
            deferred.push(planned);
        }
        deferred
    }

    /// Puts one promotion into a batch.
    ///
    /// # Errors
    /// Why it is not opened in this run.
    fn place(
        &mut self,
        repo: Option<&ConfigRepoFacts>,
        group: &Group,
        desired: &Arc<Desired>,
        composition: &mut Composition,
    ) -> Result<(), (Reason, String)> {
        create::find_obstacle(self, group)?;
        let scope = self.scope_of(desired);
        let repo_of_open = repo.filter(|_| !self.admission.batches.is_empty());
        let open: Vec<usize> = (0..self.admission.batches.len())
            .filter(|&at| repo_of_open.is_some_and(|repo| self.takes_in(repo, at, &scope)))
            .collect();
        let size = self.settings.batch_size.clamp(1, MAX_BATCH_SIZE);
        let has_room =
            |new: &NewBatch| new.scope == scope && !new.is_sealed && new.content.parts.len() < size;
        let new: Vec<usize> =
            (0..composition.new.len()).filter(|&at| has_room(&composition.new[at])).collect();
        if open.is_empty() && new.is_empty() && !composition.may_open(self.settings) {
            return Err(create::run_limit(self.settings));
        }
        create::find_rejection(self, repo, group, desired)?;
        let mut reason = None;
        for at in open {
            let (name, content) =
                (self.admission.batches[at].name(), self.admission.batches[at].content.clone());
            match self.try_member(&name, &content, desired) {
                Ok(more) => {
                    self.admission.batches[at].content = more;
                    self.admission.batches[at].taken_in += 1;
                    return Ok(());
                }
                Err(why) => reason = Some(why),
            }
        }
        for at in new {
            let batch = &composition.new[at];
            let (name, content) = (batch.branch.clone(), batch.content.clone());
            match self.try_member(&name, &content, desired) {
                Ok(more) => {
                    composition.new[at].content = more;
                    return Ok(());
                }
                Err(why) => reason = Some(why),
            }
        }
        if !composition.may_open(self.settings) {
            let waits = reason.map(|reason| (Reason::WaitsForRequest, reason));
            return Err(waits.unwrap_or_else(|| create::run_limit(self.settings)));
        }
        let why = (Reason::Due, "due, and every gate passes".to_owned());
        let mut batch = composition.new_batch(self, &scope, why);
        batch.content = self
            .try_member(&batch.branch, &batch.content, desired)
            .map_err(|reason| (Reason::WaitsForRequest, reason))?;
        composition.open(batch);
        Ok(())
    }

    /// Content with one more member, admitted, as long as its commit can declare it.
    fn try_member(
        &mut self,
        name: &str,
        content: &Content,
        part: &Arc<Desired>,
    ) -> Result<Content, String> {
        let is_long = content.declared_bytes() + part.declared_bytes() > MAX_DECLARED_BYTES;
        if is_long && !content.parts.is_empty() {
            return Err("its targets are too many for the batches that are open".to_owned());
        }
        self.try_part(name, content, part)
    }

    fn scope_of(&self, desired: &Desired) -> String {
        let app = &self.inventory.targets[desired.members[0]].app.name;
        scope(self.settings.batch_by, app, self.settings.filter.share)
    }

    /// Does an open batch take in promotions of this scope?
    ///
    /// Never one that could be merged as it is: a push would take the green light away. What is behind the target
    /// branch is tested again anyway.
    fn takes_in(&mut self, repo: &ConfigRepoFacts, at: usize, wanted: &str) -> bool {
        let size = self.settings.batch_size.clamp(1, MAX_BATCH_SIZE);
        let batch = &self.admission.batches[at];
        let mr = batch.existing.mr;
        let is_open_for_more = batch.scope() == wanted
            && batch.content.parts.len() < size
            && !batch.is_sealed
            && !mr.draft
            && !mr.auto_merge
            && ![SPLIT_LABEL, TAKEN_OVER_LABEL].iter().any(|label| mr.labels.contains(*label));
        if !is_open_for_more {
            return false;
        }
        let existing = batch.existing.clone();
        let is_kept = matches!(batch.write, Write::Keep(..));
        match self.pipeline_of(&existing) {
            PipelineState::Failed | PipelineState::Unknown => false,
            PipelineState::Succeeded => !is_kept || is_behind(repo, existing.tip),
            PipelineState::None | PipelineState::Other => true,
        }
    }

    /// What opening a batch writes.
    fn open_batch(
        &mut self,
        repo: Option<&ConfigRepoFacts>,
        batch: NewBatch,
    ) -> PlannedMergeRequest {
        let NewBatch { branch, scope, content, is_sealed, why: (code, reason) } = batch;
        let words = self.words_of_batch(&content);
        let title = self.title(&words);
        let files = content.file_edits();
        let mut planned = create::empty_row(self, branch.clone(), title);
        (planned.reason_code, planned.reason) = (code, reason);
        planned.targets = content.targets();
        planned.promotable_since =
            content.parts.iter().filter_map(|part| part.promotable_since).min();
        let mark = BatchMark { scope, is_sealed };
        planned.batch = Some(Batch::new(&mark, content.members(), None));
        if let Some(repo) = repo {
            let trailers = content.trailers(&self.target_branch, &self.settings.labels, Some(mark));
            // The slot may have had other merge requests before.
            let newest = create::fetch_newest(self, &branch);
            planned.seen = Some(Seen::Branch { newest, tip: None, bots: repo.bot_ids() });
            let description = self.batch_description(&content, "");
            planned.steps = vec![
                self.commit_step(
                    repo,
                    self.commit_message(&words, &trailers),
                    &files,
                    &branch,
                    None,
                ),
                Step::Open(NewMergeRequest {
                    source_branch: branch,
                    target_branch: self.target_branch.clone(),
                    title: self.title(&words.directed(&description, content.parts.len())),
                    labels: texts::directed_labels(&self.settings.labels, &description),
                    reviewers: Vec::new(),
                    description,
                }),
            ];
            planned.open_as_described();
        }
        let parts: Vec<&Desired> = content.parts.iter().map(|part| &**part).collect();
        self.ask_reviewers(&mut planned, &parts);
        planned.files = files;
        planned
    }
}
