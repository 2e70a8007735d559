//! What is read right before a write: has somebody changed what it writes to?

use super::executor::{Executor, MOST_ATTEMPTS, Stop};
use super::expected::Expected;
use crate::domain::CommitSha;
use crate::plan::{PlannedMergeRequest, Seen, Step, branch, has_said};
use crate::ports::{Counted, LimitSlot};
use crate::snapshot::{Failure, MergeRequestFact, MrState};

/// What GitLab counts of a step.
fn counted(step: &Step) -> Option<Counted> {
    match step {
        Step::Commit(commit) => commit.replaces.as_ref().map(|_| Counted::Pipeline),
        Step::Open(_) => Some(Counted::Pipeline),
        Step::Comment { .. } => Some(Counted::Comment),
        Step::Change { .. } | Step::DeleteBranch { .. } => None,
    }
}

/// Does a step replace the content of a branch, or vouch for it?
fn needs_tip(step: &Step) -> bool {
    match step {
        Step::Commit(commit) => commit.replaces.is_some(),
        Step::Open(_) => true,
        Step::Change { .. } | Step::Comment { .. } | Step::DeleteBranch { .. } => false,
    }
}

fn changed_meanwhile(what: &str) -> Stop {
    Stop::SomebodyWasFirst(format!(
        "somebody else changed {what} meanwhile; the next run looks again"
    ))
}

pub(super) fn tip_changed(branch: &str) -> Stop {
    changed_meanwhile(&format!("the branch {branch}"))
}

impl Executor<'_> {
    /// What comes before a write; its place in GitLab's limit, unless there is nothing to be written any more.
    pub(super) async fn prepare(
        &self,
        mr: &PlannedMergeRequest,
        step: &Step,
        expected: &mut Expected,
    ) -> Result<Option<LimitSlot>, Stop> {
        let place = match counted(step) {
            Some(counted) => self.writer.wait_for(counted).await,
            None => LimitSlot::NOT_COUNTED,
        };
        if matches!(step, Step::Commit(_)) {
            self.recheck_open(mr).await?;
        }
        // What is deleted is looked at anyway.
        let looked = expected.looked;
        if !matches!(step, Step::DeleteBranch { .. }) {
            self.look(mr, expected).await?;
        }
        // GitLab has no compare-and-swap for branches. So the tip that a write replaces, or vouches for, is looked at
        // right before it, also if nothing waited since the last look.
        if needs_tip(step) && expected.looked == looked {
            if !self.has_tip(&mr.branch, expected.tip().as_ref()).await? {
                return Err(tip_changed(&mr.branch));
            }
            self.look(mr, expected).await?;
        }
        if let Step::Comment { iid, body, marker, bots } = step {
            let notes = self.reader.notes_of(*iid, bots).await?;
            if has_said(&notes, marker, body) {
                return Ok(None);
            }
            self.look(mr, expected).await?;
        }
        Ok(Some(place))
    }

    /// Before a merge request gets new targets: has another run opened or changed one meanwhile? It may be about the same
    /// targets from another branch.
    async fn recheck_open(&self, mr: &PlannedMergeRequest) -> Result<(), Stop> {
        let Some(known) = &mr.known_open else { return Ok(()) };
        let mut open = self.reader.open_merge_requests().await?;
        open.retain(|now| branch::has_digest(&now.source_branch));
        let is_known = |now: &MergeRequestFact| {
            let tip = known.get(&now.source_branch);
            tip.is_some_and(|tip| tip.is_none() || *tip == now.sha)
        };
        match open.iter().find(|now| !is_known(now)) {
            None => Ok(()),
            Some(now) => Err(Stop::SomebodyWasFirst(format!(
                "{} was opened or changed meanwhile, perhaps for the same target; the next run looks again",
                now.iid
            ))),
        }
    }

    /// People win: what they did since it was looked at is planned on first. Looked at before the
    /// first write, and again whenever something waited since.
    async fn look(&self, mr: &PlannedMergeRequest, expected: &mut Expected) -> Result<(), Stop> {
        for _ in 0..MOST_ATTEMPTS {
            let waited = self.waits.so_far();
            if expected.looked == Some(waited) {
                break;
            }
            expected.looked = Some(waited);
            self.unchanged(mr, expected).await?;
        }
        Ok(())
    }

    async fn unchanged(&self, mr: &PlannedMergeRequest, expected: &Expected) -> Result<(), Stop> {
        let branch = mr.branch.as_str();
        let has_tip = match (&expected.seen, mr.iid) {
            (Some(Seen::Request { title, labels, target_branch, auto_merge, tip }), Some(iid)) => {
                let has_tip = self.has_tip(branch, tip.as_ref());
                let (now, has_tip) = tokio::join!(self.reader.mr(iid), has_tip);
                let now = now?;
                let same = now.state == MrState::Opened
                    && (&now.title, &now.labels, &now.target_branch)
                        == (title, labels, target_branch)
                    // Where it is gone, by a write of this run perhaps, nothing is lost.
                    && (*auto_merge || !now.auto_merge);
                if !same {
                    return Err(changed_meanwhile(&iid.to_string()));
                }
                has_tip?
            }
            (Some(Seen::Branch { newest, tip, bots }), _) => {
                let has_tip = async {
                    // A branch that is yet to be made needs no look: making it fails if there is one.
                    if tip.is_none() { Ok(true) } else { self.has_tip(branch, tip.as_ref()).await }
                };
                let (now, has_tip) = tokio::join!(self.reader.newest_mr(branch, bots), has_tip);
                if now? != *newest {
                    return Err(changed_meanwhile(branch));
                }
                has_tip?
            }
            _ => true,
        };
        if has_tip { Ok(()) } else { Err(tip_changed(branch)) }
    }

    async fn has_tip(&self, branch: &str, tip: Option<&CommitSha>) -> Result<bool, Failure> {
        let now = self.reader.branch_tip(branch).await?;
        Ok(now.as_ref().map(|now| &now.sha) == tip)
    }

    pub(super) async fn is_still_left(
        &self,
        branch: &str,
        expected: &CommitSha,
    ) -> Result<bool, Stop> {
        let Some(tip) = self.reader.branch_tip(branch).await? else { return Ok(false) };
        if tip.sha != *expected {
            return Err(Stop::SomebodyWasFirst(format!(
                "somebody else pushed to {branch} meanwhile: it is not deleted"
            )));
        }
        if self.reader.has_open_mr(branch).await? {
            return Err(Stop::SomebodyWasFirst(format!(
                "a merge request from {branch} was opened meanwhile: it is not deleted"
            )));
        }
        Ok(true)
    }
}
