//! What merges: a serial queue that rebases, as qontract-reconcile's `gitlab_housekeeping`, or a merge train.

use crate::load::Time;

/// How merge requests get into the target branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// In each round the first one is merged that stands on the target branch's tip and whose pipeline succeeded; if
    /// there is none, so many are rebased.
    Serial {
        /// `rebase_limit`.
        rebases: usize,
    },
    /// GitLab's merge trains: each request is tested together with those before it.
    Train {
        /// Pipelines that run at once.
        parallel: usize,
    },
}

/// Whose a merge request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// The bot's, with its number.
    Bot(u64),
    /// Somebody's, with the number of the arrival.
    Person(usize),
}

/// How a merge request's newest pipeline stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pipeline {
    Running,
    Passed,
    Failed,
}

impl Pipeline {
    /// GitLab's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Passed => "success",
            Self::Failed => "failed",
        }
    }
}

/// A merge request that waits to be merged.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub who: Who,
    /// The place of its label among all, and since when it has it.
    pub since: (u8, Time),
    /// The state of the target branch that it stands on, counted in merges.
    pub based_on: u64,
    pub pipeline: Pipeline,
    /// The pipeline's number: an older one's end says nothing any more.
    pub run: u64,
    /// Failed pipelines in a row.
    pub failures: u32,
}

/// After this many failed pipelines in a row it is left alone.
const MOST_FAILURES: u32 = 3;

/// What a round of the queue does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Round {
    Merge(Who),
    /// They stand on the target branch's tip from now on, and get a new pipeline.
    Rebase(Vec<Who>),
}

/// A round of a serial queue, where the target branch has seen so many merges.
pub(crate) fn serial(waiting: &[Waiting], merges: u64, rebases: usize) -> Round {
    let mut queue: Vec<&Waiting> =
        waiting.iter().filter(|mr| mr.failures < MOST_FAILURES).collect();
    queue.sort_by_key(|mr| (mr.since, mr.who));
    let is_ready = |mr: &&&Waiting| mr.based_on == merges && mr.pipeline == Pipeline::Passed;
    if let Some(ready) = queue.iter().find(is_ready) {
        return Round::Merge(ready.who);
    }
    let behind = queue.iter().filter(|mr| mr.based_on < merges);
    Round::Rebase(behind.take(rebases).map(|mr| mr.who).collect())
}

/// A merge request on a merge train.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Car {
    pub who: Who,
    /// When its pipeline ends, once it has begun.
    pub ends: Option<Time>,
    /// Will that fail?
    pub fails: bool,
}

/// What happens on a merge train at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    Merge(Who),
    /// Its pipeline failed: those behind it begin again.
    Remove(Who),
}

/// The next thing that happens on a train, if it is time for it.
pub(crate) fn next_stop(train: &mut Vec<Car>, now: Time) -> Option<Stop> {
    let failed = train.iter().position(|car| car.fails && car.ends.is_some_and(|ends| ends <= now));
    if let Some(at) = failed {
        let car = train.remove(at);
        train[at..].iter_mut().for_each(|behind| behind.ends = None);
        return Some(Stop::Remove(car.who));
    }
    let is_over = train.first().is_some_and(|car| car.ends.is_some_and(|ends| ends <= now));
    is_over.then(|| Stop::Merge(train.remove(0).who))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(iid: u64, since: (u8, Time), based_on: u64, pipeline: Pipeline) -> Waiting {
        Waiting { who: Who::Bot(iid), since, based_on, pipeline, run: 0, failures: 0 }
    }

    #[test]
    fn the_first_ready_one_is_merged_and_else_the_first_behind_are_rebased() {
        use Pipeline::*;
        let mut queue = vec![
            waiting(1, (7, 10), 3, Passed),
            waiting(2, (3, 30), 2, Passed),
            waiting(3, (3, 20), 2, Failed),
            waiting(4, (7, 40), 2, Passed),
        ];
        assert_eq!(serial(&queue, 3, 2), Round::Merge(Who::Bot(1)));
        queue[0].pipeline = Running;
        assert_eq!(serial(&queue, 3, 2), Round::Rebase(vec![Who::Bot(3), Who::Bot(2)]));
        queue[2].failures = 3;
        assert_eq!(serial(&queue, 3, 2), Round::Rebase(vec![Who::Bot(2), Who::Bot(4)]));
    }

    #[test]
    fn a_failure_on_a_train_restarts_those_behind() {
        let car = |iid, ends, fails| Car { who: Who::Bot(iid), ends: Some(ends), fails };
        let mut train = vec![car(1, 9, false), car(2, 5, true), car(3, 5, false)];
        assert_eq!(next_stop(&mut train, 4), None);
        assert_eq!(next_stop(&mut train, 5), Some(Stop::Remove(Who::Bot(2))));
        assert_eq!(next_stop(&mut train, 9), Some(Stop::Merge(Who::Bot(1))));
        assert_eq!(train, [Car { who: Who::Bot(3), ends: None, fails: false }]);
    }
}
