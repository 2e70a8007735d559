//! A limit on how often something happens in any span of time.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A sliding window: at most `limit` events in any span of `per`.
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

    /// Waits for a place, and takes it.
    pub async fn take(&self) {
        while let Some(wait) = self.try_take(Instant::now()) {
            tracing::debug!(
                limit = self.limit,
                wait_ms = wait.as_millis(),
                "waiting for a place in a window of writes"
            );
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes a place at `now`, or says for how long there is none.
    fn try_take(&self, now: Instant) -> Option<Duration> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        while events.front().is_some_and(|first| now.duration_since(*first) >= self.per) {
            events.pop_front();
        }
        match events.front() {
            Some(first) if events.len() >= self.limit => {
                Some(self.per.saturating_sub(now.duration_since(*first)))
            }
            _ => {
                events.push_back(now);
                None
            }
        }
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
        assert_eq!(window.try_take(at(0)), None);
        assert_eq!(window.try_take(at(50)), None);
        assert_eq!(window.try_take(at(55)), Some(Duration::from_secs(5)));
        assert_eq!(window.try_take(at(60)), None);
        assert_eq!(window.try_take(at(61)), Some(Duration::from_secs(49)));
        assert_eq!(window.try_take(at(110)), None);
    }
}
