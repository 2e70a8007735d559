//! The tests' handle: actions of people, and the visible state.

mod checkpoint;
mod extras;
mod others;
mod people;
mod project;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::fault::{Fault, RequestInfo};
use crate::gitlab::model::{Mention, QuickAction, Reference};
use crate::log::Entry;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::state::Clock;

pub use checkpoint::Checkpoint;
pub use project::ProjectHandle;

/// A handle on the running fakes. Clones share the world.
#[derive(Clone)]
pub struct World {
    pub(crate) shared: Arc<Shared>,
}

impl World {
    /// GitLab's URL.
    pub fn gitlab_url(&self) -> String {
        self.shared.urls.gitlab.clone()
    }

    /// GitHub's REST URL (`/api/v3` may be appended).
    pub fn github_url(&self) -> String {
        self.shared.urls.github.clone()
    }

    /// S3's URL, for path style.
    pub fn s3_endpoint(&self) -> String {
        self.shared.urls.s3.clone()
    }

    /// Prometheus's URL; any path prefix may be appended.
    pub fn prometheus_url(&self) -> String {
        self.shared.urls.prometheus.clone()
    }

    /// URL of a repository on the host without an API.
    pub fn git_url(&self, path: &str) -> String {
        format!("{}/{path}", self.shared.urls.git)
    }

    /// Changes GitLab's settings.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.state().settings);
    }

    /// Sets the delay of every response.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.latency_micros.store(latency.as_micros() as u64, Ordering::Relaxed);
    }

    /// The forge's time.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.state().now()
    }

    /// Stops the clock at a time.
    pub fn set_time(&self, time: DateTime<Utc>) {
        self.shared.state().clock = Clock::Fixed(time);
    }

    /// Uses the machine's clock.
    pub fn start_clock(&self) {
        self.shared.state().clock = Clock::Real;
    }

    /// Advances the clock; it stands still from then on.
    pub fn advance(&self, by: chrono::Duration) {
        let mut state = self.shared.state();
        let now = state.now();
        state.clock = Clock::Fixed(now + by);
    }

    /// Runs all of GitLab's background tasks, and lets every merge check complete at its next read.
    pub fn settle(&self) {
        self.shared.state().settle();
    }

    /// All requests, in order.
    pub fn log(&self) -> Vec<Entry> {
        self.shared.log.lock().unwrap().entries.clone()
    }

    /// The number of requests.
    pub fn request_count(&self) -> u64 {
        self.shared.log.lock().unwrap().entries.len() as u64
    }

    /// The writes: requests to GitLab other than GET, HEAD, a fetch or a GraphQL query, and git pushes.
    pub fn writes(&self) -> Vec<Entry> {
        self.log().into_iter().filter(Entry::is_write).collect()
    }

    /// Clears the log; numbers start with 1 again.
    pub fn clear_log(&self) {
        let mut log = self.shared.log.lock().unwrap();
        log.entries.clear();
        log.epoch += 1;
    }

    /// Fails if a request had a route that no fake has.
    #[track_caller]
    pub fn assert_no_unknown_routes(&self) {
        let unknown: Vec<String> = self
            .log()
            .into_iter()
            .filter(|entry| entry.unknown_route)
            .map(|entry| format!("{:?} {} {}", entry.service, entry.method, entry.path))
            .collect();
        assert!(unknown.is_empty(), "forge: unknown routes: {unknown:#?}");
    }

    /// Sets a fault rule; it counts requests from now on.
    pub fn fault(&self, fault: Fault) {
        self.shared.faults.lock().unwrap().add(fault);
    }

    /// Removes all fault rules and hooks.
    pub fn clear_faults(&self) {
        let gone = std::mem::take(&mut *self.shared.faults.lock().unwrap());
        drop(gone);
    }

    /// How many requests fault rules have affected since they were set.
    pub fn faults_played(&self) -> u64 {
        self.shared.faults.lock().unwrap().strikes()
    }

    /// Runs code when the nth request of the log arrives, before it takes effect.
    pub fn on_request(&self, number: u64, hook: impl FnOnce(&RequestInfo) + Send + 'static) {
        self.shared.faults.lock().unwrap().add_hook(number, false, Box::new(hook));
    }

    /// Runs code after the nth request of the log took effect, before its response.
    pub fn after_request(&self, number: u64, hook: impl FnOnce(&RequestInfo) + Send + 'static) {
        self.shared.faults.lock().unwrap().add_hook(number, true, Box::new(hook));
    }

    /// Every quick action in a text.
    pub fn quick_actions(&self) -> Vec<QuickAction> {
        self.shared.state().quick_actions.clone()
    }

    /// Everybody who was mentioned.
    pub fn mentions(&self) -> Vec<Mention> {
        self.shared.state().mentions.clone()
    }

    /// Every issue and merge request that a text referred to or closes.
    pub fn references(&self) -> Vec<Reference> {
        self.shared.state().references.clone()
    }
}
