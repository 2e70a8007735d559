//! Causes that meet every other write as well: once one is known, nothing is tried that it would meet.

use std::sync::{Mutex, PoisonError};

use super::executor::Stop;
use crate::plan::{PlannedMergeRequest, Step};

/// What was learned so far, by all that is written side by side.
#[derive(Default)]
pub(super) struct Causes(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// Why no write is worth trying any more.
    all_writes: Option<String>,
    /// Why no commit is.
    commits: Option<String>,
}

impl Causes {
    fn with<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The cause that the writes of this merge request would meet, too.
    pub fn stops(&self, mr: &PlannedMergeRequest) -> Option<String> {
        let commits = mr.steps.iter().any(|step| matches!(step, Step::Commit(_)));
        self.with(|known| {
            known.all_writes.clone().or_else(|| known.commits.clone().filter(|_| commits))
        })
    }

    /// Is no write worth trying any more?
    pub fn stops_all(&self) -> bool {
        self.with(|known| known.all_writes.is_some())
    }

    /// Notes why writes ended, if others would end in the same way.
    pub fn learn(&self, stop: &Stop) {
        self.with(|known| {
            let (place, failure) = match stop {
                Stop::Failed(failure) => (&mut known.all_writes, failure),
                Stop::NoCommits(failure) => (&mut known.commits, failure),
                Stop::SomebodyWasFirst(_) | Stop::Interrupted => return,
            };
            if place.is_none() {
                place.clone_from(&failure.shared_cause);
            }
        });
    }
}
