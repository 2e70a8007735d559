//! The steps of a plan, one after the other.

use std::collections::BTreeSet;

use super::expected::Expected;
use super::outcome::{Outcomes, RequestOutcome, Verdict};
use crate::domain::{CommitSha, Problem, TargetUid};
use crate::observe::ports::{
    Attempt, CommitOutcome, Counted, ForgeReader, ForgeWriter, NewCommit, NewRequest, OpenOutcome,
    RequestChange,
};
use crate::plan::{Action, Plan, PlannedRequest, Seen, Step, has_said};
use crate::snapshot::{Failure, RequestState};

/// How often a write is sent at most.
const MOST_ATTEMPTS: u32 = 4;

/// Why the steps of a request ended early.
enum Stop {
    SomebodyWasFirst(String),
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Carries out a plan: closes first, so that what takes their place fits.
pub async fn apply(plan: &Plan, reader: &dyn ForgeReader, writer: &dyn ForgeWriter) -> Outcomes {
    let executor = Executor { reader, writer };
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

/// What GitLab counts of a step.
fn counted(step: &Step) -> Option<Counted> {
    match step {
        Step::Commit(commit) => commit.replaces.as_ref().map(|_| Counted::Pipeline),
        Step::Open(_) => Some(Counted::Pipeline),
        Step::Comment { .. } => Some(Counted::Comment),
        Step::Change { .. } | Step::DeleteBranch { .. } => None,
    }
}

fn changed_meanwhile(what: &str) -> Stop {
    Stop::SomebodyWasFirst(format!(
        "somebody else changed {what} meanwhile; the next run looks again"
    ))
}

struct Executor<'a> {
    reader: &'a dyn ForgeReader,
    writer: &'a dyn ForgeWriter,
}

impl Executor<'_> {
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
        self.writer.back_off(attempts).await;
        Ok(())
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
        if let Some(counted) = counted(step) {
            self.writer.wait_for(counted).await;
        }
        // What is deleted is looked at anyway.
        let looked = expected.looked;
        if !matches!(step, Step::DeleteBranch { .. }) {
            self.look(request, expected).await?;
        }
        // What a request vouches for is looked at right before it is opened, also if nothing waited.
        if matches!(step, Step::Open(_))
            && expected.looked == looked
            && !self.has_tip(&request.branch, expected.tip().as_ref()).await?
        {
            return Err(changed_meanwhile(&request.branch));
        }
        match step {
            Step::Commit(commit) => self.commit(commit, repeated, expected).await,
            Step::Open(request) => self.open(request, repeated, expected.tip(), outcome).await,
            Step::Change { iid, change } => Ok(self.writer.change(*iid, change).await?),
            Step::Comment { iid, body, marker, bot_id } => {
                let notes = self.reader.notes_of(*iid, *bot_id).await?;
                if has_said(&notes, marker, body) {
                    return Ok(Attempt::Done(()));
                }
                self.look(request, expected).await?;
                Ok(self.writer.comment(*iid, body).await?)
            }
            Step::DeleteBranch { branch, expected_tip } => self.delete(branch, expected_tip).await,
        }
    }

    /// People win: what they did since it was looked at is planned on first. Looked at before the
    /// first write, and again whenever something waited since.
    async fn look(&self, request: &PlannedRequest, expected: &mut Expected) -> Result<(), Stop> {
        for _ in 0..MOST_ATTEMPTS {
            let waited = self.writer.waited();
            if expected.looked == Some(waited) {
                break;
            }
            expected.looked = Some(waited);
            self.unchanged(request, expected).await?;
        }
        Ok(())
    }

    async fn unchanged(&self, request: &PlannedRequest, expected: &Expected) -> Result<(), Stop> {
        match (&expected.seen, request.iid) {
            (Some(Seen::Request { title, labels, target_branch, tip }), Some(iid)) => {
                let now = self.reader.request(iid).await?;
                let same = now.state == RequestState::Opened
                    && (&now.title, &now.labels, &now.target_branch)
                        == (title, labels, target_branch)
                    && self.has_tip(&request.branch, tip.as_ref()).await?;
                if same { Ok(()) } else { Err(changed_meanwhile(&format!("!{iid}"))) }
            }
            // A branch that is yet to be made needs no look: making it fails if there is one.
            (Some(Seen::Branch { newest, tip, bot_id }), _) => {
                let now = self.reader.newest_request(&request.branch, *bot_id).await?;
                let same = now == *newest
                    && (tip.is_none() || self.has_tip(&request.branch, tip.as_ref()).await?);
                if same { Ok(()) } else { Err(changed_meanwhile(&request.branch)) }
            }
            _ => Ok(()),
        }
    }

    async fn has_tip(&self, branch: &str, tip: Option<&CommitSha>) -> Result<bool, Failure> {
        let now = self.reader.branch_tip(branch).await?;
        Ok(now.as_ref().map(|now| &now.sha) == tip)
    }

    async fn commit(
        &self,
        commit: &NewCommit,
        repeated: bool,
        expected: &mut Expected,
    ) -> Result<Attempt<()>, Stop> {
        let what = match self.writer.commit(commit, repeated).await? {
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
        match self.writer.open(request, repeated).await? {
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
            Attempt::Done(OpenOutcome::AlreadyOpen(iid)) => {
                outcome.iid = iid;
                Err(Stop::SomebodyWasFirst(format!(
                    "a request from {} was opened by somebody else meanwhile",
                    request.source_branch
                )))
            }
        }
    }

    /// The next run tells by the branch what has become of it.
    async fn take_labels_off(&self, iid: u64, request: &NewRequest) -> Result<(), Stop> {
        let remove_labels = request.labels.clone();
        let change = RequestChange { remove_labels, ..RequestChange::default() };
        for attempt in 1.. {
            match self.writer.change(iid, &change).await? {
                Attempt::Again { failure, .. } => self.back_off(attempt, failure).await?,
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
        let Some(tip) = self.reader.branch_tip(branch).await? else {
            return Ok(Attempt::Done(()));
        };
        if tip.sha != *expected {
            return Err(Stop::SomebodyWasFirst(format!(
                "somebody else pushed to {branch} meanwhile: it is not deleted"
            )));
        }
        if self.reader.has_open_request(branch).await? {
            return Err(Stop::SomebodyWasFirst(format!(
                "a request from {branch} was opened meanwhile: it is not deleted"
            )));
        }
        Ok(self.writer.delete_branch(branch).await?)
    }
}
