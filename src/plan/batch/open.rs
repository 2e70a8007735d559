//! Open batches: admitted beside the other merge requests, and what each of them writes.

use std::sync::Arc;

use super::super::content::Content;
use super::super::desired::Desired;
use super::super::keeping::REBUILT;
use super::super::message as texts;
use super::super::model::{Action, Batch, PlannedMergeRequest, Reason, Step};
use super::super::planner::{Existing, Planner};
use super::super::steps::{is_bots_description, keep_draft, new_held_title};
use super::super::trailers::BatchMark;
use super::super::transition::Fit;
use super::members::{BatchContent, HeldBatch, Left, describe_left};
use super::message;
use crate::domain::{MrIid, TargetUid, count};
use crate::ports::MergeRequestChange;
use crate::snapshot::{ConfigRepoFacts, MergeRequestFact};

/// An open batch that is admitted, until it is known what it takes in.
pub(in super::super) struct OpenBatch<'a> {
    pub(super) existing: Existing<'a>,
    pub(super) content: Content,
    pub(super) write: Write,
    pub(super) is_sealed: bool,
    /// Promotions that it takes in.
    pub(super) taken_in: usize,
    /// What a person is told about a split.
    pub(super) comment: Option<Step>,
}

/// Does an open batch get a commit?
pub(super) enum Write {
    Keep(Reason, String),
    Content(Reason, String),
}

impl OpenBatch<'_> {
    /// How people call it.
    pub(super) fn name(&self) -> String {
        self.existing.mr.iid.to_string()
    }

    pub(in super::super) fn is(&self, iid: MrIid) -> bool {
        self.existing.mr.iid == iid
    }

    /// Does it promote this target when the run is over?
    pub(in super::super) fn is_about(&self, target: &TargetUid) -> bool {
        self.content.parts.iter().any(|part| part.targets.contains(target))
    }

    pub(super) fn scope(&self) -> &str {
        self.existing.trailers().batch.as_ref().map_or("", |batch| &batch.scope)
    }
}

impl<'a> Planner<'a> {
    /// Admits an open batch as it is, where it can stay so; `false` where it needs other content.
    pub(in super::super) fn admit_batch(
        &mut self,
        existing: &Existing<'a>,
        batch: &BatchContent,
    ) -> bool {
        let (code, reason) = match batch.fit {
            Fit::Other => return false,
            Fit::Right => (Reason::AsWanted, "open, with the desired content".to_owned()),
            Fit::AutoMerge { .. } => (
                Reason::AutoMerge,
                "auto-merge is set, and it has the desired content: left as it is".to_owned(),
            ),
            Fit::RightAndBehind => match self.rebuild_batch(existing, &batch.content) {
                Ok(()) => {
                    let write = Write::Content(Reason::BehindTargetBranch, REBUILT.to_owned());
                    self.push_batch(existing, batch.content.clone(), write);
                    return true;
                }
                Err(reason) => (
                    Reason::BehindTargetBranch,
                    format!(
                        "behind the target branch, so this project does not merge it before it is rebuilt: {reason}"
                    ),
                ),
            },
        };
        // A push would end auto-merge.
        if self.admit_as_it_is(existing).is_err() && code != Reason::AutoMerge {
            return false;
        }
        self.push_batch(existing, batch.content.clone(), Write::Keep(code, reason));
        true
    }

    fn rebuild_batch(&mut self, existing: &Existing<'_>, content: &Content) -> Result<(), String> {
        let unread = self.content_beside_unread(content);
        let name = existing.mr.iid.to_string();
        self.count_rebuilt(unread, |planner| {
            planner.admission.standing.admit_all(&name, content.changes(&name))
        })
    }

    pub(super) fn content_beside_unread(&self, content: &Content) -> Option<(Reason, String)> {
        content.patches().find_map(|(path, ..)| self.beside_unread(path))
    }

    fn push_batch(&mut self, existing: &Existing<'a>, content: Content, write: Write) {
        let is_sealed = existing.trailers().batch.as_ref().is_some_and(|batch| batch.is_sealed);
        self.admission.batches.push(OpenBatch {
            existing: existing.clone(),
            content,
            write,
            is_sealed,
            taken_in: 0,
            comment: None,
        });
    }

    /// New content for a batch, of as many of its members as merge beside what stands already.
    pub(in super::super) fn update_batch(&mut self, existing: &Existing<'a>, batch: BatchContent) {
        let BatchContent { content, mut left, .. } = batch;
        if let Some((code, reason)) = self.content_beside_unread(&content) {
            let _ = self.admit_as_it_is(existing);
            let mut planned =
                self.planned(existing.mr, Action::Keep, code, format!("left as it is: {reason}"));
            planned.targets = existing.targets();
            self.plan.merge_requests.push(planned);
            return;
        }
        let name = existing.mr.iid.to_string();
        let content = match self.admission.standing.admit_all(&name, content.changes(&name)) {
            Ok(()) => content,
            Err(_) => self.admit_members(&name, content.parts, &mut left),
        };
        if content.parts.is_empty() {
            let reason = left.into_iter().next_back().map(|left| left.reason).unwrap_or_default();
            return self.wait(existing, reason);
        }
        let (code, reason) = describe_write(existing, &content, &left);
        self.push_batch(existing, content, Write::Content(code, reason));
    }

    /// Admits what merges beside the rest, in the order of candidates; the others leave.
    fn admit_members(
        &mut self,
        name: &str,
        parts: Vec<Arc<Desired>>,
        left: &mut Vec<Left>,
    ) -> Content {
        let mut content = Content::default();
        for part in self.order_parts(parts) {
            match self.try_part(name, &content, &part) {
                Ok(more) => content = more,
                Err(reason) => left.push(Left { code: Reason::WaitsForRequest, reason }),
            }
        }
        content
    }

    /// Content with one more part, admitted in place of what the merge request `name` had by now.
    ///
    /// # Errors
    /// Why it cannot be, for people; then nothing has changed.
    pub(super) fn try_part(
        &mut self,
        name: &str,
        content: &Content,
        part: &Arc<Desired>,
    ) -> Result<Content, String> {
        let more = content.with(self.inventory, self.bundle, part)?;
        self.admission
            .standing
            .admit_all(name, more.changes(name))
            .map_err(|other| format!("cannot be merged beside {other}: waits for it"))?;
        Ok(more)
    }

    /// A batch all of whose members are held: a draft, as one that is held has to stay open where people look for it.
    /// `false` where it does not merge any more as it is.
    pub(in super::super) fn draft_batch(
        &mut self,
        existing: &Existing<'a>,
        held: &HeldBatch,
    ) -> bool {
        if !held.is_whole || self.admit_as_it_is(existing).is_err() {
            return false;
        }
        let gate = held.gate.as_str();
        self.hold(existing, gate, Reason::HeldByGate, held.reason.clone());
        true
    }

    /// The same on the target branch as it is, with the values that it has.
    pub(in super::super) fn rebuild_draft_batch(
        &mut self,
        repo: &ConfigRepoFacts,
        existing: &Existing<'a>,
        held: HeldBatch,
    ) {
        let Some(content) = held.content.filter(|content| !content.is_empty()) else {
            let reason = "it no longer merges into the target branch, and cannot be rebuilt on it";
            return self.close(existing, Reason::TargetBranchMoved, reason.to_owned());
        };
        if let Some((code, reason)) = self.content_beside_unread(&content) {
            let _ = self.admit_as_it_is(existing);
            return self.leave(None, existing.mr, code, reason, Vec::new());
        }
        let name = existing.mr.iid.to_string();
        if let Err(other) = self.admission.standing.admit_all(&name, content.changes(&name)) {
            let reason = format!("it can no longer be merged beside {other}");
            return self.close(existing, Reason::TargetBranchMoved, reason);
        }
        let mr = existing.mr;
        let reason = format!("{}; rebuilt without what is not held", held.reason);
        let mut planned = self.planned(mr, Action::Hold, Reason::TargetBranchMoved, reason);
        let description =
            is_bots_description(mr).then(|| self.batch_description(&content, &mr.description));
        let title = new_held_title(mr, held.gate.as_str());
        let change = MergeRequestChange { title, description, ..MergeRequestChange::default() };
        let change = texts::follow(mr, change);
        let is_sealed = existing.trailers().batch.as_ref().is_some_and(|batch| batch.is_sealed);
        self.add_batch_content(&mut planned, repo, existing, (&content, is_sealed), change);
        self.push_own(planned, existing);
    }

    /// Writes down what an open batch writes, once it is known what it takes in.
    pub(super) fn finish_batch(&mut self, repo: &ConfigRepoFacts, batch: OpenBatch<'a>) {
        let OpenBatch { existing, content, write, is_sealed, taken_in, comment } = batch;
        let (code, reason) = match (write, taken_in) {
            (Write::Keep(code, reason), 0) => {
                return self.keep_batch(&existing, &content, (code, reason));
            }
            (Write::Keep(..), more) => {
                (Reason::TakesIn, format!("takes in {}", count(more, "promotion")))
            }
            (Write::Content(code, reason), 0) => (code, reason),
            (Write::Content(code, reason), more) => {
                (code, format!("{reason}; takes in {}", count(more, "promotion")))
            }
        };
        let mr = existing.mr;
        let mut planned = self.planned(mr, Action::Update, code, reason);
        let same = existing.trailers().members == content.members();
        let description = (!same || is_bots_description(mr))
            .then(|| self.batch_description(&content, &mr.description));
        let title = (!same || texts::is_held_title(&mr.title))
            .then(|| self.described_title(mr, &content, description.as_ref()));
        let change = MergeRequestChange { title, description, ..MergeRequestChange::default() };
        let change = texts::follow(mr, change);
        self.add_batch_content(&mut planned, repo, &existing, (&content, is_sealed), change);
        if let Some(batch) = &mut planned.batch {
            batch.taken_in = taken_in;
        }
        planned.steps.extend(comment);
        self.push_own(planned, &existing);
    }

    /// Keeps the content of a batch; its texts are written where they are about another one.
    fn keep_batch(&mut self, existing: &Existing<'_>, content: &Content, why: (Reason, String)) {
        let mr = existing.mr;
        let mut planned = self.planned(mr, Action::Keep, why.0, why.1);
        self.describe_content(&mut planned, existing, content);
        planned.files = self.unwritten_files(content);
        let is_stale = texts::described_values(&mr.description)
            .is_some_and(|described| described != message::values_digest(content));
        let is_held = texts::is_held_title(&mr.title);
        let description = match is_stale {
            true => Some(self.batch_description(content, &mr.description)),
            false if is_held => self.ready_description(&mr.description),
            false => None,
        };
        if is_stale || is_held {
            let title = self.described_title(mr, content, description.as_ref());
            planned.action = Action::Update;
            (planned.reason_code, planned.reason) = if is_stale {
                (Reason::Changed, "its title and description are about other values".to_owned())
            } else {
                (Reason::ReadyAgain, "every gate passes again: ready to merge".to_owned())
            };
            planned.title.clone_from(&title);
            let title = Some(title);
            let change = MergeRequestChange { title, description, ..MergeRequestChange::default() };
            let change = texts::follow(mr, change);
            planned.steps = vec![Step::Change { iid: mr.iid, change }];
        }
        self.push_own(planned, existing);
    }

    /// The writes that give an open batch new content; see [`Planner::add_content`] for their order.
    fn add_batch_content(
        &self,
        planned: &mut PlannedMergeRequest,
        repo: &ConfigRepoFacts,
        existing: &Existing<'_>,
        (content, is_sealed): (&Content, bool),
        change: MergeRequestChange,
    ) {
        let same = existing.trailers().members == content.members();
        let files = content.file_edits();
        let mark = existing.trailers().batch.clone().map(|mark| BatchMark { is_sealed, ..mark });
        let trailers = content.trailers(&self.target_branch, &self.settings.labels, mark);
        let message = self.commit_message(&self.words_of_batch(content), &trailers);
        let branch = &existing.mr.source_branch;
        let commit = self.commit_step(repo, message, &files, branch, Some(existing.tip));
        self.add_steps(planned, existing, same, commit, change);
        self.describe_content(planned, existing, content);
        if let Some(batch) = &mut planned.batch {
            batch.is_sealed = is_sealed;
        }
        planned.files = files;
    }

    fn describe_content(
        &self,
        planned: &mut PlannedMergeRequest,
        existing: &Existing<'_>,
        content: &Content,
    ) {
        planned.targets = content.targets();
        planned.gives_up = existing.targets();
        planned.gives_up.retain(|target| !planned.targets.contains(target));
        planned.promotable_since =
            content.parts.iter().filter_map(|part| part.promotable_since).min();
        let mark = existing.trailers().batch.clone().unwrap_or_default();
        let pipeline = self.known_pipeline(existing.mr.iid);
        planned.batch = Some(Batch::new(&mark, content.members(), pipeline));
    }

    /// The title of a batch that may be merged, by its description as it will be.
    fn described_title(
        &self,
        mr: &MergeRequestFact,
        content: &Content,
        description: Option<&String>,
    ) -> String {
        let description = description.unwrap_or(&mr.description);
        let words = self.words_of_batch(content).directed(description, content.parts.len());
        keep_draft(mr, &self.title(&words))
    }

    pub(super) fn batch_description(&self, content: &Content, described: &str) -> String {
        message::description(self, content, described)
    }
}

/// Why a batch gets new content.
fn describe_write(existing: &Existing<'_>, content: &Content, left: &[Left]) -> (Reason, String) {
    if let Some(reason) = describe_left(left) {
        return (Reason::MemberLeft, reason);
    }
    if existing.trailers().members == content.members() {
        let reason = "rebuilt, as the target branch changed around it";
        return (Reason::TargetBranchMoved, reason.to_owned());
    }
    (Reason::Changed, "the values of its promotions changed".to_owned())
}
