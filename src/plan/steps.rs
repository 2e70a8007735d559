//! What each action writes: the steps of a merge request that is updated, held or left alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::content::Content;
use super::desired::Desired;
use super::message;
use super::model::{Action, Batch, FileEdit, PlannedMergeRequest, Reason, Seen, Step};
use super::planner::{Existing, Planner};
use super::trailers::Trailers;
use crate::domain::{CommitSha, MrIid};
use crate::inventory::TargetIx;
use crate::ports::{MergeRequestChange, NewCommit, NewFile};
use crate::snapshot::{CommitDetail, ConfigRepoFacts, MergeRequestFact, PipelineFact};

impl<'a> Planner<'a> {
    /// New content in place: a commit, then the texts for people.
    pub(super) fn update(
        &mut self,
        repo: &ConfigRepoFacts,
        existing: &Existing<'_>,
        desired: &Desired,
    ) {
        let mr = existing.mr;
        if self.left_beside_unread(existing, desired) {
            return;
        }
        if let Err(other) = self.admit_anew(existing, desired) {
            let reason = format!("its new content cannot be merged beside {other}: waits for it");
            return self.wait(existing, reason);
        }
        let declared = existing.trailers().first();
        let same_values = declared.values == desired.values;
        let (code, reason) = if same_values {
            (
                Reason::TargetBranchMoved,
                "rebuilt, as the target branch changed around it".to_owned(),
            )
        } else {
            (Reason::Changed, format!("now to {}", desired.values.git_ref))
        };
        let mut planned = self.planned(mr, Action::Update, code, reason);
        let same = same_values && declared.targets.iter().eq(&desired.targets);
        let mut change = MergeRequestChange::default();
        if !same || is_bots_description(mr) {
            change.description = Some(self.description(desired, &mr.description));
        }
        if !same || message::is_held_title(&mr.title) {
            let described = change.description.as_ref().unwrap_or(&mr.description);
            let words = self.words_of(desired).directed(described, 1);
            change.title = Some(keep_draft(mr, &self.title(&words)));
        }
        let change = message::follow(mr, change);
        self.add_content(&mut planned, repo, existing, desired, change);
        self.push_own(planned, existing);
    }

    /// A merge request that has to wait for another one: a draft, or closed if it cannot stand as it is.
    pub(super) fn wait(&mut self, existing: &Existing<'_>, reason: String) {
        if self.admit_as_it_is(existing).is_ok() {
            self.hold(existing, "another merge request", Reason::WaitsForRequest, reason);
        } else {
            self.close(existing, Reason::WaitsForRequest, reason);
        }
    }

    /// A merge request that is to take in targets waits while another open merge request is about one of them.
    pub(super) fn waits_to_take_in(&mut self, existing: &Existing<'_>, desired: &Desired) -> bool {
        let Some(iid) = self.claims_to_wait_for(existing, desired) else { return false };
        self.wait(existing, format!("{iid} is about one of its targets: waits for it"));
        true
    }

    /// Another open merge request that is about a target which this one is to take in.
    pub(super) fn claims_to_wait_for(
        &self,
        existing: &Existing<'_>,
        desired: &Desired,
    ) -> Option<MrIid> {
        let is_new = |at: &TargetIx| !existing.trailers().names(&self.inventory.targets[*at].uid);
        let new: Vec<TargetIx> = desired.members.iter().copied().filter(is_new).collect();
        self.claimed(&new, Some(existing.mr.iid))
    }

    /// Leaves a merge request as it is that could only get new content beside a change that could not be read.
    pub(super) fn left_beside_unread(
        &mut self,
        existing: &Existing<'_>,
        desired: &Desired,
    ) -> bool {
        let Some((code, reason)) = self.beside_unread(&desired.path) else { return false };
        let _ = self.admit_as_it_is(existing);
        let reason = format!("left as it is: {reason}");
        let mut planned = self.planned(existing.mr, Action::Keep, code, reason);
        planned.targets.clone_from(&desired.targets);
        self.plan.merge_requests.push(planned);
        true
    }

    /// The same for a merge request that a gate blocks: the values stay, and it stays a draft.
    pub(super) fn update_draft(
        &mut self,
        repo: &ConfigRepoFacts,
        existing: &Existing<'_>,
        desired: &Desired,
        (gate, reason): (&str, String),
    ) {
        let mr = existing.mr;
        let reason = format!("{reason}; rebuilt, as the target branch changed around it");
        let mut planned = self.planned(mr, Action::Hold, Reason::TargetBranchMoved, reason);
        let description =
            is_bots_description(mr).then(|| self.description(desired, &mr.description));
        let title = new_held_title(mr, gate);
        let change = MergeRequestChange { title, description, ..MergeRequestChange::default() };
        let change = message::follow(mr, change);
        self.add_content(&mut planned, repo, existing, desired, change);
        self.push_own(planned, existing);
    }

    /// The writes that give a merge request new content.
    pub(super) fn add_content(
        &self,
        planned: &mut PlannedMergeRequest,
        repo: &ConfigRepoFacts,
        existing: &Existing<'_>,
        desired: &Desired,
        change: MergeRequestChange,
    ) {
        let file = desired.file();
        let message = self.commit_message(&self.words_of(desired), &self.trailers_of(desired));
        let (branch, files) = (&existing.mr.source_branch, std::slice::from_ref(&file));
        let commit = self.commit_step(repo, message, files, branch, Some(existing.tip));
        let same = existing.trailers().first().values == desired.values;
        self.add_steps(planned, existing, same, commit, change);
        planned.gives_up = existing.targets();
        planned.gives_up.retain(|target| !desired.targets.contains(target));
        planned.targets.clone_from(&desired.targets);
        planned.files = vec![file];
        planned.promotable_since = desired.promotable_since;
    }

    /// A commit with the texts for people. Those about other values come after it, of the same values before it: if the
    /// run ends in between, the next one sees by the branch that something is left to do. But a draft mark is taken away
    /// last, as nobody is to merge the old content; that the next run sees by the title.
    pub(super) fn add_steps(
        &self,
        planned: &mut PlannedMergeRequest,
        existing: &Existing<'_>,
        has_same_values: bool,
        commit: Step,
        mut change: MergeRequestChange,
    ) {
        let mr = existing.mr;
        if let Some(title) = &change.title {
            planned.title.clone_from(title);
        }
        let mut before = MergeRequestChange::default();
        if has_same_values {
            let held = |title: &mut String| message::is_held_title(title);
            let makes_ready = message::is_held_title(&mr.title);
            before.title = change.title.take_if(|title| !makes_ready || held(title));
            before.description = change.description.take();
            before.add_labels = std::mem::take(&mut change.add_labels);
            before.remove_labels = std::mem::take(&mut change.remove_labels);
        }
        let step = |change: MergeRequestChange| {
            let iid = mr.iid;
            (change != MergeRequestChange::default()).then_some(Step::Change { iid, change })
        };
        planned.steps.extend(step(before));
        planned.steps.push(commit);
        planned.steps.extend(step(change));
    }

    /// What a merge request changes that gets no new content in this run; nothing once a plan has enough of such texts.
    pub(super) fn unwritten_file(&mut self, desired: &Desired) -> Vec<FileEdit> {
        // The diff has lines of both texts.
        let most = 3 * (desired.old_text.len() + desired.patch.added_bytes());
        self.unwritten(most, || vec![desired.file()])
    }

    /// The same for a batch.
    pub(super) fn unwritten_files(&mut self, content: &Content) -> Vec<FileEdit> {
        self.unwritten(content.estimate_size(), || content.file_edits())
    }

    fn unwritten(&mut self, most: usize, files: impl FnOnce() -> Vec<FileEdit>) -> Vec<FileEdit> {
        if self.unwritten_bytes < most {
            return Vec::new();
        }
        let files = files();
        let used: usize = files.iter().map(|file| file.content.len() + file.diff.len()).sum();
        self.unwritten_bytes = self.unwritten_bytes.saturating_sub(used);
        files
    }

    pub(super) fn hold(
        &mut self,
        existing: &Existing<'_>,
        gate: &str,
        code: Reason,
        reason: String,
    ) {
        let mr = existing.mr;
        let mut planned = self.planned(mr, Action::Hold, code, reason);
        planned.targets = existing.targets();
        if let Some(title) = new_held_title(mr, gate) {
            planned.title.clone_from(&title);
            let description = self.held_description(&mr.description, gate, &planned.reason);
            let change = MergeRequestChange {
                title: Some(title),
                description,
                ..MergeRequestChange::default()
            };
            planned.steps.push(Step::Change { iid: mr.iid, change });
        }
        self.push_own(planned, existing);
    }

    /// Plans a merge request whose branch is the bot's; if it was taken over before, it is handed back.
    pub(super) fn push_own(&mut self, mut planned: PlannedMergeRequest, existing: &Existing<'_>) {
        let mr = existing.mr;
        planned.batch = planned.batch.or_else(|| self.batch_of(existing));
        // As it will be: another write of this plan may change it.
        let changed = planned.steps.iter().rev().find_map(|step| match step {
            Step::Change { change, .. } => change.description.clone(),
            _ => None,
        });
        let description = changed.unwrap_or_else(|| mr.description.clone());
        let is_held = message::is_held_title(&planned.title);
        if let Some(restored) = self.restore_labels(mr, &description, is_held) {
            if planned.action == Action::Keep {
                (planned.action, planned.reason_code) = (Action::Update, Reason::HandedBack);
                planned.reason = "handed back: its branch holds what it declares again".to_owned();
            }
            planned.steps.push(restored);
        } else {
            let is_new = planned.steps.iter().any(|step| matches!(step, Step::Commit(_)));
            if let Some(followed) = self.follow_labels(existing, &description, is_new) {
                if planned.action == Action::Keep {
                    (planned.action, planned.reason_code) = (Action::Update, Reason::LabelsChanged);
                    planned.reason = "its labels follow the configuration".to_owned();
                }
                planned.steps.push(followed);
            }
        }
        if mr.auto_merge && planned.steps.iter().any(Step::ends_auto_merge) {
            planned.reason +=
                "; this takes auto-merge away, and with it any place on a merge train";
        }
        self.plan.merge_requests.push(planned);
    }

    /// What the commit of one promotion says of itself.
    pub(super) fn trailers_of(&self, desired: &Desired) -> Trailers {
        Trailers {
            members: vec![desired.member()],
            target_branch: self.target_branch.clone(),
            depends_on: desired.depends_on.iter().cloned().collect(),
            labels: self.settings.labels.clone(),
            batch: None,
        }
    }

    pub(super) fn commit_step(
        &self,
        repo: &ConfigRepoFacts,
        message: String,
        files: &[FileEdit],
        branch: &str,
        tip: Option<&CommitDetail>,
    ) -> Step {
        let file = |file: &FileEdit| NewFile {
            path: file.path.clone(),
            content: Arc::clone(&file.content),
        };
        Step::Commit(NewCommit {
            branch: branch.to_owned(),
            start: repo.base_commit.clone(),
            replaces: tip.map(|tip| tip.sha.clone()),
            message,
            files: files.iter().map(file).collect(),
        })
    }

    /// What makes an open merge request a batch, as it is.
    pub(super) fn batch_of(&self, existing: &Existing<'_>) -> Option<Batch> {
        let trailers = existing.trailers();
        let mark = trailers.batch.as_ref()?;
        let pipeline = self.known_pipeline(existing.mr.iid);
        Some(Batch::new(mark, trailers.members.clone(), pipeline))
    }

    /// The newest pipeline of a merge request, where it was looked up.
    pub(super) fn known_pipeline(&self, iid: MrIid) -> Option<PipelineFact> {
        self.snapshot.pipelines.get(&iid)?.as_result().ok()?.clone()
    }

    /// Notes beside all writes that add targets to a merge request which merge requests are known to be open: another
    /// run may have opened one for the same target, from another branch, while this one planned.
    pub(super) fn note_known_open(&mut self) {
        let adds = |planned: &PlannedMergeRequest| {
            planned.batch.as_ref().is_some_and(|batch| {
                batch.taken_in > 0 || (planned.action == Action::Create && planned.seen.is_some())
            })
        };
        if !self.plan.merge_requests.iter().any(adds) {
            return;
        }
        let open = self.snapshot.merge_requests.values();
        let mut known: BTreeMap<String, Option<CommitSha>> =
            open.map(|mr| (mr.source_branch.clone(), mr.sha.clone())).collect();
        let written = self.plan.merge_requests.iter().filter(|mr| !mr.steps.is_empty());
        known.extend(written.map(|mr| (mr.branch.clone(), None)));
        let known = Arc::new(known);
        for planned in self.plan.merge_requests.iter_mut().filter(|planned| adds(planned)) {
            planned.known_open = Some(Arc::clone(&known));
        }
    }

    pub(super) fn planned(
        &self,
        mr: &MergeRequestFact,
        action: Action,
        reason_code: Reason,
        reason: String,
    ) -> PlannedMergeRequest {
        PlannedMergeRequest {
            action,
            reason_code,
            reason,
            branch: mr.source_branch.clone(),
            iid: Some(mr.iid),
            web_url: Some(mr.web_url.clone()),
            title: mr.title.clone(),
            labels: mr.labels.clone(),
            reviewers: Vec::new(),
            targets: Vec::new(),
            gives_up: Vec::new(),
            files: Vec::new(),
            promotable_since: None,
            opened_at: Some(mr.created_at),
            persons_draft: is_persons_draft(mr),
            batch: None,
            known_open: None,
            seen: Some(Seen::Request {
                title: mr.title.clone(),
                labels: mr.labels.clone(),
                target_branch: mr.target_branch.clone(),
                auto_merge: mr.auto_merge,
                tip: self.snapshot.branches.get(&mr.source_branch).map(|tip| tip.sha.clone()),
            }),
            steps: Vec::new(),
        }
    }
}

/// The title that tells which gate holds, unless it does already. A draft that a person made stays theirs.
pub(super) fn new_held_title(mr: &MergeRequestFact, gate: &str) -> Option<String> {
    let title = message::held_title(gate, &message::ready_part(&mr.title));
    (!is_persons_draft(mr) && mr.title != title).then_some(title)
}

pub(super) fn is_persons_draft(mr: &MergeRequestFact) -> bool {
    mr.draft && !message::is_held_title(&mr.title)
}

/// Is the description still the bot's, as its marker tells?
pub(super) fn is_bots_description(mr: &MergeRequestFact) -> bool {
    message::described_values(&mr.description).is_some()
}

/// A draft that a person made stays one.
pub(super) fn keep_draft(mr: &MergeRequestFact, title: &str) -> String {
    if is_persons_draft(mr) { format!("Draft: {title}") } else { title.to_owned() }
}
