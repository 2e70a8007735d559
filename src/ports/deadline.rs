//! The time that all lookups of a run have together.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// When the lookups of a run have to be over. Clones share the clock, which starts with
/// [`Deadline::begin`].
#[derive(Debug, Clone)]
pub struct Deadline {
    within: Duration,
    until: Arc<OnceLock<Instant>>,
}

impl Deadline {
    /// As long as this, once it has begun.
    pub fn new(within: Duration) -> Self {
        Self { within, until: Arc::default() }
    }

    /// Starts the clock, unless it runs already.
    pub fn begin(&self) {
        self.until();
    }

    fn until(&self) -> Instant {
        *self.until.get_or_init(|| Instant::now() + self.within)
    }

    /// The same for what follows from the first answers: a quarter of the time at least, so that a slow host does
    /// not take it from the others.
    #[must_use]
    pub fn for_follow_ups(&self) -> Self {
        let least = Instant::now() + self.within / 4;
        Self { within: self.within, until: Arc::new(OnceLock::from(self.until().max(least))) }
    }

    /// How much time is left; `None` before it has begun.
    pub fn left(&self) -> Option<Duration> {
        let until = self.until.get()?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// The answer, or `None` if it does not come in time. What is not begun in time is not asked.
    pub async fn bound<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let until = self.until();
        if until <= Instant::now() {
            return None;
        }
        timeout_at(until, answer).await.ok()
    }
}

impl std::fmt::Display for Deadline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.within.as_secs() {
            0 => write!(f, "{}ms", self.within.as_millis()),
            seconds if seconds % 60 == 0 => write!(f, "{}m", seconds / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_share_one_clock_that_starts_when_it_is_told_to() {
        let deadline = Deadline::new(Duration::from_secs(3600));
        let clone = deadline.clone();
        assert_eq!(clone.left(), None);
        deadline.begin();
        assert!(clone.left().is_some_and(|left| left <= Duration::from_secs(3600)));
        assert_eq!(clone.bound(std::future::ready(1)).await, Some(1));
    }

    #[tokio::test]
    async fn what_is_late_has_no_answer_and_nothing_is_asked_after_the_end() {
        let over = Deadline::new(Duration::ZERO);
        over.begin();
        assert_eq!(over.left(), Some(Duration::ZERO));
        assert_eq!(over.bound(std::future::ready(1)).await, None, "not even asked");
        let soon = Deadline::new(Duration::from_millis(1));
        assert_eq!(soon.bound(std::future::pending::<()>()).await, None);
    }

    #[tokio::test]
    async fn what_follows_has_time_left_also_if_the_rest_took_it_all() {
        let over = Deadline { within: Duration::from_secs(40), until: Arc::default() };
        assert!(over.until.set(Instant::now()).is_ok());
        let left = over.for_follow_ups().left();
        assert!(left.is_some_and(|left| left > Duration::from_secs(5)), "{left:?}");
        assert_eq!(over.left(), Some(Duration::ZERO), "its own clock is not changed");
        let fresh = Deadline::new(Duration::from_secs(40));
        let left = fresh.for_follow_ups().left();
        assert!(left.is_some_and(|left| left > Duration::from_secs(30)), "{left:?}");
    }

    #[test]
    fn it_is_shown_as_the_option_takes_it() {
        for (seconds, text) in [(600, "10m"), (90, "90s"), (3600, "60m")] {
            assert_eq!(Deadline::new(Duration::from_secs(seconds)).to_string(), text);
        }
    }
}
