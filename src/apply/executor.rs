//! The steps of a plan, one after the other.

use std::collections::BTreeSet;

use super::outcome::{Outcomes, RequestOutcome, Verdict};
use crate::domain::{CommitSha, Problem, TargetUid};
use crate::observe::ports::{
    CommitOutcome, ForgeReader, ForgeWriter, NewCommit, NewRequest, OpenOutcome,
};
use crate::plan::{Action, Plan, PlannedRequest, Seen, Step};
use crate::snapshot::{Failure, RequestState};

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
        let in_the_way = request.action == Action::Create
            && request.targets.iter().any(|target| left_open.contains(target));
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
        match executor.delete(branch, expected_tip).await {
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

/// A target never has two open requests: not opened while another one still promotes it.
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
        if !request.steps.is_empty() {
            self.unchanged(request).await?;
        }
        for step in &request.steps {
            self.step(step, outcome).await?;
            outcome.outcome = Verdict::Done;
        }
        Ok(())
    }

    /// People win: what they did to an open request since it was looked at is planned on first.
    async fn unchanged(&self, request: &PlannedRequest) -> Result<(), Stop> {
        let (Some(iid), Some(seen)) = (request.iid, &request.seen) else { return Ok(()) };
        let now = self.reader.request(iid).await?;
        let tip = self.reader.branch_tip(&request.branch).await?.map(|tip| tip.sha);
        let now_seen = Seen { title: now.title, labels: now.labels, tip };
        if now.state == RequestState::Opened && now_seen == *seen {
            return Ok(());
        }
        Err(Stop::SomebodyWasFirst(format!(
            "somebody else changed !{iid} meanwhile; the next run looks again"
        )))
    }

    async fn step(&self, step: &Step, outcome: &mut RequestOutcome) -> Result<(), Stop> {
        match step {
            Step::Commit(commit) => self.commit(commit).await?,
            Step::Open(request) => self.open(request, outcome).await?,
            Step::Change { iid, change } => self.writer.change(*iid, change).await?,
            Step::Comment { iid, body, marker, bot_id } => {
                let notes = self.reader.notes_of(*iid, *bot_id).await?;
                if !notes.iter().any(|note| note.trim_end().ends_with(marker)) {
                    self.writer.comment(*iid, body).await?;
                }
            }
            Step::DeleteBranch { branch, expected_tip } => {
                self.delete(branch, expected_tip).await?
            }
        }
        Ok(())
    }

    async fn commit(&self, commit: &NewCommit) -> Result<(), Stop> {
        match self.writer.commit(commit).await? {
            CommitOutcome::Done(_) => Ok(()),
            CommitOutcome::TipMoved => Err(Stop::SomebodyWasFirst(format!(
                "somebody else pushed to {} meanwhile; the next run looks again",
                commit.branch
            ))),
            CommitOutcome::BranchExists => {
                // Another run made the same commit, or something else: only the same one is ours to go on with.
                let tip = self.reader.branch_tip(&commit.branch).await?;
                match tip {
                    Some(tip)
                        if tip.message.trim() == commit.message.trim()
                            && tip.parents == [commit.start.clone()] =>
                    {
                        Ok(())
                    }
                    _ => Err(Stop::SomebodyWasFirst(format!(
                        "the branch {} was made by somebody else meanwhile; the next run looks again",
                        commit.branch
                    ))),
                }
            }
        }
    }

    async fn open(&self, request: &NewRequest, outcome: &mut RequestOutcome) -> Result<(), Stop> {
        match self.writer.open(request).await? {
            OpenOutcome::Opened { iid, web_url, .. } => {
                outcome.iid = Some(iid);
                outcome.web_url = Some(web_url);
                Ok(())
            }
            OpenOutcome::AlreadyOpen(iid) => {
                outcome.iid = iid;
                Err(Stop::SomebodyWasFirst(format!(
                    "a request from {} was opened by somebody else meanwhile",
                    request.source_branch
                )))
            }
        }
    }

    /// Deleting a branch closes its requests: one that was opened or reopened meanwhile stays.
    async fn delete(&self, branch: &str, expected: &CommitSha) -> Result<(), Stop> {
        let Some(tip) = self.reader.branch_tip(branch).await? else { return Ok(()) };
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
