//! How far observing has come, for people who wait.

/// Told how far a stage has come; shown on a terminal, quiet in a log.
pub trait Progress: Send + Sync {
    /// A stage begins: so many look-ups.
    fn begin(&self, stage: &'static str, total: usize);
    /// One of them is done.
    fn step(&self);
    /// The stage is over.
    fn end(&self);
}

/// Shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _stage: &'static str, _total: usize) {}
    fn step(&self) {}
    fn end(&self) {}
}
