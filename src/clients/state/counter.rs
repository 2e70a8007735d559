//! What talking to the bucket costs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

/// What talking to the bucket has cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct S3Stats {
    /// Operations (GET, PUT) that were begun.
    pub requests: u64,
    /// Attempts beyond the first of each operation.
    pub retries: u64,
    /// Bytes of objects that were read.
    pub bytes_read: u64,
    /// Bytes of objects that were written.
    pub bytes_written: u64,
}

/// Counts, shared by the client's hooks and the store.
#[derive(Debug, Clone, Default)]
pub(super) struct Counter(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    operations: AtomicU64,
    attempts: AtomicU64,
    read: AtomicU64,
    written: AtomicU64,
    endpoint: OnceLock<String>,
}

impl Counter {
    pub(super) fn operation(&self) {
        self.0.operations.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self, bytes: usize) {
        self.0.read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn written(&self, bytes: usize) {
        self.0.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn note_endpoint(&self, endpoint: &str) {
        self.0.endpoint.get_or_init(|| endpoint.to_owned());
    }

    /// The endpoint that is set, `None` for AWS itself.
    pub(super) fn endpoint(&self) -> Option<&str> {
        self.0.endpoint.get().map(String::as_str)
    }

    pub(super) fn stats(&self) -> S3Stats {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let requests = get(&self.0.operations);
        S3Stats {
            requests,
            retries: get(&self.0.attempts).saturating_sub(requests),
            bytes_read: get(&self.0.read),
            bytes_written: get(&self.0.written),
        }
    }
}

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "Counter"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.attempts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
