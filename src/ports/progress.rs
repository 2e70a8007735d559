//! How far a run has come, for people who wait.

use std::future::Future;

/// Shows the stages of a run; several can be under way at the same time.
pub trait Progress: Send + Sync {
    /// A stage begins. `total`: how many steps it has, if that is known; a stage of none is not shown.
    /// The stage is over when what this returns is dropped.
    fn begin(&self, name: &'static str, total: Option<usize>) -> Box<dyn Stage>;
}

/// A stage that is under way.
pub trait Stage: Send + Sync {
    /// One of its steps is done.
    fn step(&self);
}

/// Shows a stage for as long as `work` takes.
pub async fn waiting_for<T>(
    progress: &dyn Progress,
    name: &'static str,
    work: impl Future<Output = T>,
) -> T {
    let _stage = progress.begin(name, None);
    work.await
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _name: &'static str, _total: Option<usize>) -> Box<dyn Stage> {
        Box::new(Self)
    }
}

impl Stage for NoProgress {
    fn step(&self) {}
}
