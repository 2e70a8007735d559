//! The steps of a plan: which are written side by side, and which wait for others.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use futures_util::future::join_all;
use tokio::sync::{Mutex, MutexGuard, Semaphore, SetOnce};
use tokio_util::sync::CancellationToken;

use super::causes::Causes;
use super::executor::{Executor, Stop};
use super::outcome::{MergeRequestOutcome, Outcomes, Verdict};
use super::refusals::Refusals;
use crate::domain::TargetUid;
use crate::plan::{Action, Plan, PlannedMergeRequest, Step};
use crate::ports::{Deadline, ForgeReader, ForgeWriter, Progress, Waits};

/// How many merge requests are written to at once. GitLab answers a commit or an opened merge request in a second or
/// so: with these, a run's merge requests are still far below its limits by the minute.
pub const WRITES_AT_ONCE: usize = 8;

/// What bounds the writing.
pub struct Bounds<'a> {
    /// Once it is cancelled, the writes under way are finished and no other is started.
    pub stop: &'a CancellationToken,
    /// Until when is waited for what GitLab does not see yet.
    pub deadline: &'a Deadline,
    /// How many merge requests are written to at once: [`WRITES_AT_ONCE`], or one after the other.
    pub at_once: usize,
}

/// Carries out a plan: closes first, so that what takes their place fits.
///
/// What is about different branches is written side by side. What takes over targets of another merge request waits
/// for all steps of that one, and the outcome does not depend on which of several writes was over first.
pub async fn apply(
    plan: &Plan,
    reader: &dyn ForgeReader,
    writer: &dyn ForgeWriter,
    bounds: Bounds<'_>,
    progress: &dyn Progress,
) -> Outcomes {
    let closes = |mr: &&PlannedMergeRequest| mr.action == Action::Close;
    let others = |mr: &&PlannedMergeRequest| mr.action != Action::Close;
    let merge_requests: Vec<&PlannedMergeRequest> = plan
        .merge_requests
        .iter()
        .filter(closes)
        .chain(plan.merge_requests.iter().filter(others))
        .collect();
    let written = merge_requests.iter().filter(|mr| !mr.steps.is_empty()).count();
    let stage = progress.begin("writing merge requests", Some(written));
    let writing = Writing {
        reader,
        writer,
        places: Semaphore::new(bounds.at_once.max(1)),
        bounds,
        gave_up_waiting: AtomicBool::new(false),
        causes: Causes::default(),
        trial: Trial::default(),
        ended: merge_requests.iter().map(|_| SetOnce::new()).collect(),
    };
    let waits_for = dependencies(&merge_requests);
    let results = join_all(merge_requests.iter().zip(&waits_for).enumerate().map(
        async |(at, (mr, waits_for))| {
            let ended = writing.mr(mr, waits_for).await;
            let _ = writing.ended[at].set(ended.outcome.outcome);
            if !mr.steps.is_empty() {
                stage.step();
            }
            ended
        },
    ))
    .await;
    let leftovers: Vec<(&str, Deletion)> =
        join_all(plan.leftovers.iter().filter_map(|step| writing.leftover(step))).await;
    collect(merge_requests.into_iter().zip(results).collect(), leftovers)
}

/// All that became of a plan, in its order.
fn collect(
    merge_requests: Vec<(&PlannedMergeRequest, Ended)>,
    leftovers: Vec<(&str, Deletion)>,
) -> Outcomes {
    let mut outcomes = Outcomes::default();
    let mut refusals = Refusals::default();
    for (mr, ended) in &merge_requests {
        if let Why::Stopped(stop) = &ended.why {
            refusals.note_mr(mr, stop);
        }
    }
    for (mr, ended) in merge_requests {
        if let Why::Unattempted(cause) = &ended.why {
            refusals.note_unattempted(mr, cause);
        }
        outcomes.merge_requests.insert(mr.branch.clone(), ended.outcome);
    }
    for (branch, deletion) in leftovers {
        match deletion {
            Ok(true) => outcomes.deleted_branches += 1,
            Ok(false) | Err(Stop::Interrupted) => {}
            Err(Stop::SomebodyWasFirst(message)) => tracing::info!(branch, "{message}"),
            Err(failed) => refusals.note_branch(branch, &failed),
        }
    }
    outcomes.problems = refusals.into_problems();
    outcomes.problems.extend(outcomes.labels_not_set());
    outcomes
}

/// What one merge request waits for: an earlier one, and whether that has to be done as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct WaitsFor {
    earlier: usize,
    /// It gives up a target that this one promotes: a target never has two open merge requests.
    to_be_done: bool,
}

/// For each request the earlier ones that it waits for: those that give up its targets, and those from its branch.
fn dependencies(merge_requests: &[&PlannedMergeRequest]) -> Vec<Vec<WaitsFor>> {
    let mut given_up: BTreeMap<&TargetUid, Vec<usize>> = BTreeMap::new();
    let mut from: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut found = Vec::with_capacity(merge_requests.len());
    for (at, mr) in merge_requests.iter().enumerate() {
        let targets = mr.targets.iter().filter(|_| promotes(mr));
        let by_targets = targets.filter_map(|target| given_up.get(target)).flatten();
        let same_branch = from.entry(&mr.branch).or_default();
        let waits = |to_be_done| move |&earlier: &usize| WaitsFor { earlier, to_be_done };
        let mut waits_for: Vec<WaitsFor> =
            by_targets.map(waits(true)).chain(same_branch.iter().map(waits(false))).collect();
        waits_for.sort_unstable();
        waits_for.dedup();
        found.push(waits_for);
        same_branch.push(at);
        for target in &mr.gives_up {
            given_up.entry(target).or_default().push(at);
        }
    }
    found
}

/// Is its content to promote what it did not before, perhaps?
fn promotes(mr: &PlannedMergeRequest) -> bool {
    mr.steps.iter().any(|step| matches!(step, Step::Commit(_) | Step::Open(_)))
}

/// How the writing of one merge request ended.
struct Ended {
    outcome: MergeRequestOutcome,
    why: Why,
}

enum Why {
    /// By itself: all is written, or nothing had to be.
    Over,
    Stopped(Stop),
    /// Nothing was tried, for a cause that would have met it.
    Unattempted(String),
}

/// Was it deleted? Or was that not tried?
type Deletion = Result<bool, Stop>;

fn unwritten(mr: &PlannedMergeRequest, verdict: Verdict, message: String) -> Ended {
    let outcome = MergeRequestOutcome::of(mr, verdict, Some(message));
    Ended { outcome, why: Why::Over }
}

/// A plan that is being carried out.
struct Writing<'a> {
    reader: &'a dyn ForgeReader,
    writer: &'a dyn ForgeWriter,
    places: Semaphore,
    bounds: Bounds<'a>,
    /// What was waited for in vain: the time that it took is not spent on others again.
    gave_up_waiting: AtomicBool,
    causes: Causes,
    trial: Trial,
    /// By place in the order of the merge requests.
    ended: Vec<SetOnce<Verdict>>,
}

impl Writing<'_> {
    async fn mr(&self, mr: &PlannedMergeRequest, waits_for: &[WaitsFor]) -> Ended {
        let mut in_the_way = false;
        for WaitsFor { earlier, to_be_done } in waits_for {
            let verdict = self.ended[*earlier].wait().await;
            in_the_way |= *to_be_done && *verdict != Verdict::Done;
        }
        if in_the_way {
            let message = "the merge request that promotes it now could not be changed; the next run looks again";
            return unwritten(mr, Verdict::SomebodyWasFirst, message.to_owned());
        }
        if mr.steps.is_empty() {
            let outcome = MergeRequestOutcome::of(mr, Verdict::Unchanged, None);
            return Ended { outcome, why: Why::Over };
        }
        // The semaphore is never closed.
        let _place = self.places.acquire().await;
        let turn = self.trial.turn(Taken::by(mr)).await;
        if let Some(cause) = self.causes.stops(mr) {
            let ended = unwritten(mr, Verdict::NotAttempted, cause.clone());
            return Ended { why: Why::Unattempted(cause), ..ended };
        }
        let (outcome, stop) = self.with_executor(async |executor| executor.mr(mr).await).await;
        if outcome.outcome == Verdict::Done {
            self.trial.passed(Taken::by(mr));
        }
        if let Some(stop) = &stop {
            self.causes.learn(stop);
        }
        drop(turn);
        Ended { outcome, why: stop.map_or(Why::Over, Why::Stopped) }
    }

    fn leftover<'s>(
        &'s self,
        step: &'s Step,
    ) -> Option<impl Future<Output = (&'s str, Deletion)> + 's> {
        let Step::DeleteBranch { branch, expected_tip } = step else { return None };
        Some(async move {
            let _place = self.places.acquire().await;
            let turn = self.trial.turn(Taken::Anything).await;
            if self.causes.stops_all() {
                return (branch.as_str(), Ok(false));
            }
            let delete =
                async |executor: &Executor<'_>| executor.deleted(branch, expected_tip).await;
            let deletion = self.with_executor(delete).await;
            match &deletion {
                Ok(()) => self.trial.passed(Taken::Anything),
                Err(stop) => self.causes.learn(stop),
            }
            drop(turn);
            (branch.as_str(), deletion.map(|()| true))
        })
    }

    /// Writes by an executor that knows of its own waits alone: what another merge request waits for makes nothing here
    /// old.
    async fn with_executor<T>(&self, work: impl AsyncFnOnce(&Executor<'_>) -> T) -> T {
        let waits = Waits::default();
        let (reader, writer) = (self.reader.noting(&waits), self.writer.noting(&waits));
        let executor = Executor {
            reader: &*reader,
            writer: &*writer,
            waits: &waits,
            stop: self.bounds.stop,
            deadline: self.bounds.deadline,
            gave_up_waiting: &self.gave_up_waiting,
        };
        work(&executor).await
    }
}

/// What GitLab has taken of the bot in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Taken {
    Nothing,
    /// Writes, but for commits.
    Anything,
    Commits,
}

impl Taken {
    /// What GitLab takes when it takes all steps of a merge request.
    fn by(mr: &PlannedMergeRequest) -> Self {
        let commits = mr.steps.iter().any(|step| matches!(step, Step::Commit(_)));
        if commits { Self::Commits } else { Self::Anything }
    }
}

/// Until GitLab has taken one, writes go one after the other: a cause that meets them all, as maintenance or a push
/// rule, is met once.
struct Trial {
    taken: AtomicU8,
    turn: Mutex<()>,
}

impl Default for Trial {
    fn default() -> Self {
        Self { taken: AtomicU8::new(Taken::Nothing as u8), turn: Mutex::default() }
    }
}

impl Trial {
    /// Waits for the turn of a write; none is needed where GitLab took such a one before.
    async fn turn(&self, needs: Taken) -> Option<MutexGuard<'_, ()>> {
        if self.has_passed(needs) {
            return None;
        }
        let turn = self.turn.lock().await;
        (!self.has_passed(needs)).then_some(turn)
    }

    fn has_passed(&self, needs: Taken) -> bool {
        self.taken.load(Ordering::Relaxed) >= needs as u8
    }

    fn passed(&self, taken: Taken) {
        self.taken.fetch_max(taken as u8, Ordering::Relaxed);
    }
}
