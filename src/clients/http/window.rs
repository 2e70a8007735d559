//! A limit on how often something happens in any span of time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A sliding window: at most `limit` events in any span of `per`, one after the other.
///
/// First [`Window::wait`], then the event, then [`Window::count`]: what is counted when it is over has
/// happened by then, however long it took to arrive.
#[derive(Debug)]
pub struct Window {
    limit: usize,
    per: Duration,
    events: Mutex<VecDeque<Instant>>,
}

impl Window {
    /// At most `limit` events (at least one) in any span of `per`.
    pub fn new(limit: usize, per: Duration) -> Self {
        Self { limit: limit.max(1), per, events: Mutex::new(VecDeque::new()) }
    }

    /// Waits until there is a place; says how long that was.
    pub async fn wait(&self) -> Duration {
        let mut waited = Duration::ZERO;
        while let Some(wait) = self.full_for(Instant::now()) {
            tracing::debug!(
                limit = self.limit,
                wait_ms = wait.as_millis(),
                "waiting for a place in a window of writes"
            );
            tokio::time::sleep(wait).await;
            waited += wait;
        }
        waited
    }

    /// An event is over.
    pub fn count(&self) {
        self.count_at(Instant::now());
    }

    fn count_at(&self, now: Instant) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push_back(now);
    }

    /// For how long there is no place at `now`.
    fn full_for(&self, now: Instant) -> Option<Duration> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        while events.front().is_some_and(|first| now.duration_since(*first) >= self.per) {
            events.pop_front();
        }
        let first = events.front().filter(|_| events.len() >= self.limit)?;
        Some(self.per.saturating_sub(now.duration_since(*first)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_span_holds_more_than_the_limit() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let window = Window::new(2, Duration::from_secs(60));
        assert_eq!(window.full_for(at(0)), None);
        window.count_at(at(0));
        assert_eq!(window.full_for(at(50)), None);
        window.count_at(at(50));
        assert_eq!(window.full_for(at(55)), Some(Duration::from_secs(5)));
        assert_eq!(window.full_for(at(60)), None);
        window.count_at(at(60));
        assert_eq!(window.full_for(at(61)), Some(Duration::from_secs(49)));
        assert_eq!(window.full_for(at(110)), None);
    }
}
