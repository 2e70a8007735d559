//! State shared by the servers and the tests' handles.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard};

use crate::fault::Faults;
use crate::log::{Entry, Log};
use crate::state::State;

pub(crate) struct Shared {
    pub state: Mutex<State>,
    pub log: Mutex<Log>,
    pub faults: Mutex<Faults>,
    pub latency_micros: AtomicU64,
    /// Bare repositories of GitLab's projects.
    pub gitlab_dir: PathBuf,
    /// Buckets, a folder each.
    pub s3_dir: PathBuf,
    pub s3: s3s::service::S3Service,
    /// Writes to buckets exclude each other and reads.
    pub s3_access: tokio::sync::RwLock<()>,
    pub urls: Urls,
}

/// The servers' URLs, without a slash at the end.
#[derive(Clone)]
pub(crate) struct Urls {
    pub gitlab: String,
    pub github: String,
    pub s3: String,
    pub prometheus: String,
    pub git: String,
}

impl Shared {
    /// The state. A test that panicked while holding the lock must not make others fail with a poisoned one.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Changes a log entry unless the log was cleared meanwhile.
    pub fn entry(&self, number: u64, epoch: u64, change: impl FnOnce(&mut Entry)) {
        let mut log = self.log.lock().unwrap();
        if log.epoch == epoch
            && let Some(entry) = log.entries.get_mut(number as usize - 1)
        {
            change(entry);
        }
    }
}
