//! How long the reads and writes of one merge request have waited.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long the reads and writes that note their waits here have waited so far: for places in limits, because GitLab
/// asked for it, and before they were repeated. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Waits(Arc<AtomicU64>);

impl Waits {
    /// Notes a wait.
    pub fn add(&self, wait: Duration) {
        let micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        self.0.fetch_add(micros, Ordering::Relaxed);
    }

    /// All of them together.
    pub fn so_far(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}
