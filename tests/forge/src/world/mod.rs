//! The handle of tests: what the people do and what can be seen afterwards.

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

/// A handle on the running fakes. Clones are the same world.
#[derive(Clone)]
pub struct World {
    pub(crate) shared: Arc<Shared>,
}

impl World {
    /// GitLab's address.
    pub fn gitlab_url(&self) -> String {
        self.shared.urls.gitlab.clone()
    }

    /// GitHub's REST address (`/api/v3` may follow it).
    pub fn github_url(&self) -> String {
        self.shared.urls.github.clone()
    }

    /// S3's address, for path style.
    pub fn s3_endpoint(&self) -> String {
        self.shared.urls.s3.clone()
    }

    /// Prometheus's address; any path prefix may follow it.
    pub fn prometheus_url(&self) -> String {
        self.shared.urls.prometheus.clone()
    }

    /// Address of a repository on the host that has no API.
    pub fn git_url(&self, path: &str) -> String {
        format!("{}/{path}", self.shared.urls.git)
    }

    /// Changes GitLab's settings.
    pub fn configure(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.state().settings);
    }

    /// Sets the wait before every answer.
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

    /// Lets the clock be the machine's.
    pub fn start_clock(&self) {
        self.shared.state().clock = Clock::Real;
    }

    /// Moves the clock on; it stands still from then on.
    pub fn advance(&self, by: chrono::Duration) {
        let mut state = self.shared.state();
        let now = state.now();
        state.clock = Clock::Fixed(now + by);
    }

    /// Lets everything happen that GitLab does in the background, and every merge check end at its next read.
    pub fn settle(&self) {
        self.shared.state().settle();
    }

    /// Everything that arrived, in order.
    pub fn log(&self) -> Vec<Entry> {
        self.shared.log.lock().unwrap().entries.clone()
    }

    /// How many requests arrived.
    pub fn request_count(&self) -> u64 {
        self.shared.log.lock().unwrap().entries.len() as u64
    }

    /// The writes: requests to GitLab other than GET, HEAD, a fetch or a GraphQL query, and git pushes.
    pub fn writes(&self) -> Vec<Entry> {
        self.log().into_iter().filter(Entry::is_write).collect()
    }

    /// Forgets the log; numbers begin with 1 again.
    pub fn clear_log(&self) {
        let mut log = self.shared.log.lock().unwrap();
        log.entries.clear();
        log.epoch += 1;
    }

    /// Fails when a request had a route that no fake knows.
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

    /// How many requests fault rules have struck since they were set.
    pub fn faults_played(&self) -> u64 {
        self.shared.faults.lock().unwrap().strikes()
    }

    /// Runs code when the nth request of the log arrives, before it takes effect.
    pub fn on_request(&self, number: u64, hook: impl FnOnce(&RequestInfo) + Send + 'static) {
        self.shared.faults.lock().unwrap().add_hook(number, false, Box::new(hook));
    }

    /// Runs code after the nth request of the log took effect, before it is answered.
    pub fn after_request(&self, number: u64, hook: impl FnOnce(&RequestInfo) + Send + 'static) {
        self.shared.faults.lock().unwrap().add_hook(number, true, Box::new(hook));
    }

    /// Every quick action that a text held.
    pub fn quick_actions(&self) -> Vec<QuickAction> {
        self.shared.state().quick_actions.clone()
    }

    /// Everybody who was mentioned.
    pub fn mentions(&self) -> Vec<Mention> {
        self.shared.state().mentions.clone()
    }

    /// Every issue and request that a text referred to, or that it closes.
    pub fn references(&self) -> Vec<Reference> {
        self.shared.state().references.clone()
    }
}
