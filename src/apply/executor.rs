//! The steps of a plan, one after the other.

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use super::expected::Expected;
use super::outcome::{Outcomes, RequestOutcome, Verdict};
use super::recheck::changed_meanwhile;
use crate::domain::{CommitSha, Problem, TargetUid};
use crate::observe::ports::{
    Attempt, CommitOutcome, ForgeReader, ForgeWriter, NewCommit, NewRequest, OpenOutcome,
    RequestChange,
};
use crate::plan::{Action, Plan, PlannedRequest, Step};
use crate::snapshot::Failure;

/// How often a write is sent at most.
pub(super) const MOST_ATTEMPTS: u32 = 4;

/// Why the steps of a request ended early.
pub(super) enum Stop {
    SomebodyWasFirst(String),
    Failed(Failure),
    /// The run was told to end.
    Interrupted,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Carries out a plan: closes first, so that what takes their place fits.
///
/// Once `stop` is cancelled, the write under way is finished and no other is started.
pub async fn apply(
    plan: &Plan,
    reader: &dyn ForgeReader,
    writer: &dyn ForgeWriter,
    stop: &CancellationToken,
) -> Outcomes {
    let executor = Executor { reader, writer, stop };
    let mut outcomes = Outcomes::default();
    let closes = |request: &&PlannedRequest| request.action == Action::Close;
    let others = |request: &&PlannedRequest| request.action != Action::Close;
    let mut left_open: BTreeSet<&TargetUid> = BTreeSet::new();
    for request in plan.requests.iter().filter(closes).chain(plan.requests.iter().filter(others)) {
        let in_the_way =
            promotes(request) && request.targets.iter().any(|target| left_open.contains(target));
        let outcome =
            if in_the_way { waits_for_other(request) } else { executor.request(request).await };
        if outcome.outcome != Verdict::Done {
            left_open.extend(&request.gives_up);
        }
        if outcome.outcome == Verdict::Failed {
            outcomes.problems.push(refused(request, &outcome));
        }
        outcomes.requests.insert(request.branch.clone(), outcome);
    }
    for step in &plan.leftovers {
        let Step::DeleteBranch { branch, expected_tip } = step else { continue };
        match executor.deleted(branch, expected_tip).await {
            Ok(()) => outcomes.deleted_branches += 1,
            Err(Stop::Interrupted) => break,
            Err(Stop::SomebodyWasFirst(message)) => tracing::info!(branch, "{message}"),
            Err(Stop::Failed(failure)) => outcomes.problems.push(
                Problem::error(
                    "write_refused",
                    format!("branch {branch} could not be deleted: {}", failure.error),
                )
                .at(branch),
            ),
        }
    }
    outcomes
}

/// Is its content to promote what it did not before, perhaps?
fn promotes(request: &PlannedRequest) -> bool {
    request.steps.iter().any(|step| matches!(step, Step::Commit(_) | Step::Open(_)))
}

/// A target never has two open requests: not promoted while another one still does it.
fn waits_for_other(request: &PlannedRequest) -> RequestOutcome {
    RequestOutcome {
        outcome: Verdict::SomebodyWasFirst,
        message: Some(
            "the request that promotes it now could not be changed; the next run looks again"
                .to_owned(),
        ),
        iid: request.iid,
        web_url: request.web_url.clone(),
    }
}

fn refused(request: &PlannedRequest, outcome: &RequestOutcome) -> Problem {
    let message = outcome.message.clone().unwrap_or_default();
    let what = match request.iid {
        Some(iid) => format!("merge request !{iid}"),
        None => format!("a merge request from {}", request.branch),
    };
    let problem =
        Problem::error("write_refused", format!("{what} could not be written: {message}"))
            .at(&request.branch);
    match request.files.first().and_then(|file| file.path.strip_prefix("data")) {
        Some(file) => problem.in_file(file),
        None => problem,
    }
}

pub(super) struct Executor<'a> {
    pub(super) reader: &'a dyn ForgeReader,
    pub(super) writer: &'a dyn ForgeWriter,
    stop: &'a CancellationToken,
}

impl Executor<'_> {
    /// Waits and look-ups end when the run is told to.
    async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        self.stop.run_until_cancelled(work).await.ok_or(Stop::Interrupted)
    }

    /// For one write: there is none after the run was told to end. A write that was sent is never dropped, as
    /// nobody could tell what became of it.
    fn writer(&self) -> Result<&dyn ForgeWriter, Stop> {
        if self.stop.is_cancelled() { Err(Stop::Interrupted) } else { Ok(self.writer) }
    }

    async fn request(&self, request: &PlannedRequest) -> RequestOutcome {
        let mut outcome = RequestOutcome {
            outcome: Verdict::Unchanged,
            message: None,
            iid: request.iid,
            web_url: request.web_url.clone(),
        };
        match self.steps(request, &mut outcome).await {
            Ok(()) => {}
            Err(Stop::SomebodyWasFirst(message)) => {
                tracing::info!(branch = request.branch, "{message}");
                outcome.outcome = Verdict::SomebodyWasFirst;
                outcome.message = Some(message);
            }
            Err(Stop::Interrupted) => {
                outcome.outcome = Verdict::Interrupted;
                outcome.message = Some("the run was told to end; the next run goes on".to_owned());
            }
            Err(Stop::Failed(failure)) => {
                outcome.outcome = Verdict::Failed;
                outcome.message = Some(failure.error);
            }
        }
        outcome
    }

    async fn steps(
        &self,
        request: &PlannedRequest,
        outcome: &mut RequestOutcome,
    ) -> Result<(), Stop> {
        let mut expected = Expected { seen: request.seen.clone(), looked: None };
        for step in &request.steps {
            let mut repeated = false;
            for attempt in 1.. {
                match self.attempt(request, step, repeated, &mut expected, outcome).await? {
                    Attempt::Done(()) => break,
                    Attempt::Again { failure, unclear } => {
                        self.back_off(attempt, failure).await?;
                        repeated |= unclear;
                    }
                }
                expected.looked = None;
            }
            expected.after(step);
            outcome.outcome = Verdict::Done;
        }
        Ok(())
    }

    /// Waits before the next attempt, if there is to be one.
    async fn back_off(&self, attempts: u32, failure: Failure) -> Result<(), Stop> {
        if attempts == MOST_ATTEMPTS {
            return Err(failure.into());
        }
        self.unless_stopped(self.writer.back_off(attempts)).await
    }

    /// One attempt: it waits first, then it is looked at what is written to, then it is written.
    async fn attempt(
        &self,
        request: &PlannedRequest,
        step: &Step,
        repeated: bool,
        expected: &mut Expected,
        outcome: &mut RequestOutcome,
    ) -> Result<Attempt<()>, Stop> {
        if !self.unless_stopped(self.prepare(request, step, expected)).await?? {
            return Ok(Attempt::Done(()));
        }
        match step {
            Step::Commit(commit) => self.commit(commit, repeated, expected).await,
            Step::Open(request) => self.open(request, repeated, expected.tip(), outcome).await,
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
        let what = match self.writer()?.commit(commit, repeated).await? {
            Attempt::Again { failure, unclear } => return Ok(Attempt::Again { failure, unclear }),
            Attempt::Done(CommitOutcome::Done(sha)) => {
                expected.after_commit(sha);
                return Ok(Attempt::Done(()));
            }
            Attempt::Done(CommitOutcome::TipMoved) => "pushed to",
            // Also if it is the same commit: whose it is opens the request, and perhaps it is over already.
            Attempt::Done(CommitOutcome::BranchExists) => "made",
        };
        Err(Stop::SomebodyWasFirst(format!(
            "somebody else {what} the branch {} meanwhile; the next run looks again",
            commit.branch
        )))
    }

    async fn open(
        &self,
        request: &NewRequest,
        repeated: bool,
        tip: Option<CommitSha>,
        outcome: &mut RequestOutcome,
    ) -> Result<Attempt<()>, Stop> {
        match self.writer()?.open(request, repeated).await? {
            Attempt::Again { failure, unclear } => Ok(Attempt::Again { failure, unclear }),
            Attempt::Done(OpenOutcome::Opened { iid, web_url, sha }) => {
                outcome.iid = Some(iid);
                outcome.web_url = Some(web_url);
                if sha.is_none() || sha == tip {
                    return Ok(Attempt::Done(()));
                }
                // Somebody pushed in the one moment that cannot be looked at.
                self.take_labels_off(iid, request).await?;
                Err(changed_meanwhile(&request.source_branch))
            }
            Attempt::Done(OpenOutcome::BranchGone) => Err(Stop::SomebodyWasFirst(format!(
                "the branch {} is gone: somebody else deleted it meanwhile; the next run looks again",
                request.source_branch
            ))),
            Attempt::Done(OpenOutcome::AlreadyOpen(iid)) => {
                outcome.iid = iid;
                Err(Stop::SomebodyWasFirst(format!(
                    "a request from {} was opened by somebody else meanwhile",
                    request.source_branch
                )))
            }
        }
    }

    /// The next run tells by the branch what has become of it. This ends the opening, so it is done also when the run is
    /// told to end: a label may let GitLab merge what somebody else pushed.
    async fn take_labels_off(&self, iid: u64, request: &NewRequest) -> Result<(), Stop> {
        let remove_labels = request.labels.clone();
        let change = RequestChange { remove_labels, ..RequestChange::default() };
        for attempt in 1.. {
            match self.writer.change(iid, &change).await? {
                Attempt::Again { failure, .. } if attempt == MOST_ATTEMPTS => {
                    return Err(failure.into());
                }
                Attempt::Again { .. } => self.writer.back_off(attempt).await,
                Attempt::Done(()) => break,
            }
        }
        Ok(())
    }

    async fn deleted(&self, branch: &str, expected: &CommitSha) -> Result<(), Stop> {
        for attempt in 1.. {
            match self.delete(branch, expected).await? {
                Attempt::Again { failure, .. } => self.back_off(attempt, failure).await?,
                Attempt::Done(()) => break,
            }
        }
        Ok(())
    }

    /// Deleting a branch closes its requests: one that was opened or reopened meanwhile stays.
    async fn delete(&self, branch: &str, expected: &CommitSha) -> Result<Attempt<()>, Stop> {
        if !self.unless_stopped(self.is_still_left(branch, expected)).await?? {
            return Ok(Attempt::Done(()));
        }
        Ok(self.writer()?.delete_branch(branch).await?)
    }
}
