//! The steps of one merge request, one after the other.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

use super::expected::Expected;
use super::outcome::{MergeRequestOutcome, Verdict};
use super::recheck::tip_changed;
use crate::domain::{CommitSha, MrIid};
use crate::plan::{PlannedMergeRequest, Step};
use crate::ports::{
    Attempt, CommitOutcome, Deadline, ForgeReader, ForgeWriter, MergeRequestChange, NewCommit,
    NewMergeRequest, OpenOutcome, Waits,
};
use crate::snapshot::Failure;

/// How often a write is sent at most.
pub(super) const MOST_ATTEMPTS: u32 = 4;

/// What is said of a merge request once its auto-merge was ended.
const AUTO_MERGE_ENDED: &str = "auto-merge was taken away, and with it any place on a merge train: set it again if GitLab is to merge \
                                it by itself";

/// Why the steps of a merge request ended early.
pub(super) enum Stop {
    SomebodyWasFirst(String),
    Failed(Failure),
    /// Refused, as every other commit of the bot would be.
    NoCommits(Failure),
    /// The run was told to end.
    Interrupted,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Writes to one merge request.
pub(super) struct Executor<'a> {
    pub(super) reader: &'a dyn ForgeReader,
    pub(super) writer: &'a dyn ForgeWriter,
    /// How long these two have waited.
    pub(super) waits: &'a Waits,
    pub(super) stop: &'a CancellationToken,
    pub(super) deadline: &'a Deadline,
    /// Was something waited for in vain, by another one perhaps?
    pub(super) gave_up_waiting: &'a AtomicBool,
}

impl Executor<'_> {
    /// Waits and lookups end when the run is told to.
    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        self.stop.run_until_cancelled(work).await.ok_or(Stop::Interrupted)
    }

    /// For one write: there is none after the run was told to end. A write that was sent is never dropped, as
    /// nobody could tell what became of it.
    fn writer(&self) -> Result<&dyn ForgeWriter, Stop> {
        if self.stop.is_cancelled() { Err(Stop::Interrupted) } else { Ok(self.writer) }
    }

    /// Writes all steps, or says why it ended before.
    pub(super) async fn mr(&self, mr: &PlannedMergeRequest) -> (MergeRequestOutcome, Option<Stop>) {
        let mut outcome = MergeRequestOutcome::of(mr, Verdict::Unchanged, None);
        let Err(stop) = self.steps(mr, &mut outcome).await else { return (outcome, None) };
        let (verdict, message) = match &stop {
            Stop::SomebodyWasFirst(message) => {
                tracing::info!(branch = mr.branch, "{message}");
                (Verdict::SomebodyWasFirst, message.clone())
            }
            Stop::Interrupted => {
                let message = "the run was told to end; the next run goes on";
                (Verdict::Interrupted, message.to_owned())
            }
            Stop::Failed(failure) | Stop::NoCommits(failure) => {
                (Verdict::Failed, failure.error.clone())
            }
        };
        let before = outcome.message.take().map(|said| format!("; {said}")).unwrap_or_default();
        let message = Some(message + &before);
        (MergeRequestOutcome { outcome: verdict, message, ..outcome }, Some(stop))
    }

    async fn steps(
        &self,
        mr: &PlannedMergeRequest,
        outcome: &mut MergeRequestOutcome,
    ) -> Result<(), Stop> {
        let mut expected = Expected { seen: mr.seen.clone(), looked: None };
        for step in &mr.steps {
            let (mut repeated, mut failures, mut waits) = (false, 0, 0);
            loop {
                match self.attempt(mr, step, repeated, &mut expected, outcome).await? {
                    Attempt::Done(()) => break,
                    Attempt::Again { failure, unclear } => {
                        failures += 1;
                        self.back_off(failures, failure).await?;
                        repeated |= unclear;
                    }
                    Attempt::NotYet(failure) => {
                        waits += 1;
                        self.wait_until_seen(waits, failure).await?;
                    }
                    Attempt::NoCommits(failure) => return Err(Stop::NoCommits(failure)),
                }
                expected.looked = None;
            }
            expected.after(step);
            outcome.outcome = Verdict::Done;
            if matches!(step, Step::Commit(_)) {
                outcome.sha = expected.tip();
            }
            if expected.had_auto_merge() && step.ends_auto_merge() {
                outcome.message = Some(AUTO_MERGE_ENDED.to_owned());
            }
        }
        Ok(())
    }

    /// Waits for what GitLab does not see yet, as long as the run has time, and for some attempts at least. Once that
    /// was in vain, nothing else is waited for: a run with many merge requests would not end.
    async fn wait_until_seen(&self, waits: u32, failure: Failure) -> Result<(), Stop> {
        let over = self.deadline.left().is_none_or(|left| left.is_zero());
        if self.gave_up_waiting.load(Ordering::Relaxed) || (over && waits >= MOST_ATTEMPTS) {
            self.gave_up_waiting.store(true, Ordering::Relaxed);
            return Err(failure.into());
        }
        self.unless_stopped(self.writer.back_off(waits)).await
    }

    /// Waits before the next attempt, if there is to be one.
    async fn back_off(&self, attempts: u32, failure: Failure) -> Result<(), Stop> {
        if attempts >= MOST_ATTEMPTS {
            return Err(failure.into());
        }
        self.unless_stopped(self.writer.back_off(attempts)).await
    }

    /// One attempt: it waits first, then it is looked at what is written to, then it is written.
    async fn attempt(
        &self,
        mr: &PlannedMergeRequest,
        step: &Step,
        repeated: bool,
        expected: &mut Expected,
        outcome: &mut MergeRequestOutcome,
    ) -> Result<Attempt<()>, Stop> {
        let prepared = self.unless_stopped(self.prepare(mr, step, expected)).await??;
        let Some(_place) = prepared else { return Ok(Attempt::Done(())) };
        match step {
            Step::Commit(commit) => self.commit(commit, repeated, expected).await,
            Step::Open(mr) => self.open(mr, repeated, expected.tip(), outcome).await,
            Step::Change { iid, change } => Ok(self.writer()?.change(*iid, change).await?),
            Step::Comment { iid, body, .. } => Ok(self.writer()?.comment(*iid, body).await?),
            Step::DeleteBranch { branch, expected_tip } => self.delete(branch, expected_tip).await,
        }
    }

    async fn commit(
        &self,
        commit: &NewCommit,
        repeated: bool,
        expected: &mut Expected,
    ) -> Result<Attempt<()>, Stop> {
        match self.writer()?.commit(commit, repeated).await? {
            Attempt::Again { failure, unclear } => Ok(Attempt::Again { failure, unclear }),
            Attempt::NotYet(failure) => Ok(Attempt::NotYet(failure)),
            Attempt::NoCommits(failure) => Ok(Attempt::NoCommits(failure)),
            Attempt::Done(CommitOutcome::Done(sha)) => {
                expected.after_commit(sha);
                Ok(Attempt::Done(()))
            }
            // Also if it is the same commit: whose it is opens the merge request, and perhaps it is over already.
            Attempt::Done(CommitOutcome::BranchExists) => Err(Stop::SomebodyWasFirst(format!(
                "somebody else made the branch {} meanwhile; the next run looks again",
                commit.branch
            ))),
        }
    }

    async fn open(
        &self,
        mr: &NewMergeRequest,
        repeated: bool,
        tip: Option<CommitSha>,
        outcome: &mut MergeRequestOutcome,
    ) -> Result<Attempt<()>, Stop> {
        match self.writer()?.open(mr, repeated).await? {
            Attempt::Again { failure, unclear } => Ok(Attempt::Again { failure, unclear }),
            Attempt::NotYet(failure) => Ok(Attempt::NotYet(failure)),
            Attempt::NoCommits(failure) => Ok(Attempt::NoCommits(failure)),
            Attempt::Done(OpenOutcome::Opened { iid, web_url, sha, labels }) => {
                outcome.iid = Some(iid);
                outcome.web_url = Some(web_url);
                if sha.is_none() || sha == tip {
                    outcome.labels_not_set = mr.labels.difference(&labels).cloned().collect();
                    return Ok(Attempt::Done(()));
                }
                // Somebody pushed in the one moment that cannot be looked at.
                self.take_labels_off(iid, mr).await?;
                Err(tip_changed(&mr.source_branch))
            }
            Attempt::Done(OpenOutcome::BranchGone) => Err(Stop::SomebodyWasFirst(format!(
                "the branch {} is gone: somebody else deleted it meanwhile; the next run looks again",
                mr.source_branch
            ))),
            Attempt::Done(OpenOutcome::AlreadyOpen(iid)) => {
                outcome.iid = Some(iid);
                Err(Stop::SomebodyWasFirst(format!(
                    "a merge request from {} was opened by somebody else meanwhile",
                    mr.source_branch
                )))
            }
        }
    }

    /// The next run tells by the branch what has become of it. This ends the opening, so it is done also when the run
    /// is told to end: a label may let GitLab merge what somebody else pushed.
    async fn take_labels_off(&self, iid: MrIid, mr: &NewMergeRequest) -> Result<(), Stop> {
        let remove_labels = mr.labels.clone();
        let change = MergeRequestChange { remove_labels, ..MergeRequestChange::default() };
        for attempt in 1.. {
            match self.writer.change(iid, &change).await? {
                Attempt::Done(()) => break,
                Attempt::Again { .. } if attempt < MOST_ATTEMPTS => {
                    self.writer.back_off(attempt).await;
                }
                Attempt::Again { failure, .. }
                | Attempt::NotYet(failure)
                | Attempt::NoCommits(failure) => return Err(failure.into()),
            }
        }
        Ok(())
    }

    /// Deletes a branch that nothing needs any more.
    pub(super) async fn deleted(&self, branch: &str, expected: &CommitSha) -> Result<(), Stop> {
        for attempt in 1.. {
            match self.delete(branch, expected).await? {
                Attempt::Done(()) => break,
                Attempt::Again { failure, .. } | Attempt::NotYet(failure) => {
                    self.back_off(attempt, failure).await?;
                }
                Attempt::NoCommits(failure) => return Err(failure.into()),
            }
        }
        Ok(())
    }

    /// Deleting a branch closes its merge requests: one that was opened or reopened meanwhile stays.
    async fn delete(&self, branch: &str, expected: &CommitSha) -> Result<Attempt<()>, Stop> {
        if !self.unless_stopped(self.is_still_left(branch, expected)).await?? {
            return Ok(Attempt::Done(()));
        }
        Ok(self.writer()?.delete_branch(branch).await?)
    }
}
