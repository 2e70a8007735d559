//! What is known about a host: has it ever answered, does it ask for a pause.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

/// The hosts of one service, by origin.
#[derive(Default)]
pub(super) struct Origins(Mutex<BTreeMap<String, Arc<Origin>>>);

impl Origins {
    pub fn get(&self, origin: &str) -> Arc<Origin> {
        let mut origins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        origins.entry(origin.to_owned()).or_default().clone()
    }
}

/// One host.
#[derive(Default)]
pub(super) struct Origin(Mutex<State>);

#[derive(Default)]
struct State {
    answered: bool,
    silent_calls: u32,
    last_silence: Option<Instant>,
    pause: Option<Pause>,
}

/// Until when the host asked to be left alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    until: Instant,
    /// The same as a time of day.
    pub resets_at: DateTime<Utc>,
}

impl Pause {
    pub fn of(wait: Duration, now: Instant, now_utc: DateTime<Utc>) -> Self {
        // Absurd values count as a day.
        let wait = wait.min(Duration::from_secs(24 * 60 * 60));
        Self { until: now + wait, resets_at: now_utc + wait }
    }

    pub fn left(&self, now: Instant) -> Duration {
        self.until.saturating_duration_since(now)
    }
}

impl Origin {
    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has it ever answered?
    pub fn has_answered(&self) -> bool {
        self.with(|state| state.answered)
    }

    /// It answered something.
    pub fn answered(&self) {
        self.with(|state| {
            state.answered = true;
            state.silent_calls = 0;
        });
    }

    /// A whole call ended without an answer.
    pub fn was_silent(&self, now: Instant) {
        self.with(|state| {
            state.silent_calls += 1;
            state.last_silence = Some(now);
        });
    }

    /// How many calls in a row had no answer, if these are enough to not ask it now.
    pub fn given_up(&self, now: Instant, after: u32, lasting: Duration) -> Option<u32> {
        self.with(|state| {
            let recent = state.last_silence.is_some_and(|at| now.duration_since(at) < lasting);
            (recent && state.silent_calls >= after).then_some(state.silent_calls)
        })
    }

    /// It asks for a pause; the longest one counts.
    pub fn pause(&self, pause: Pause) {
        self.with(|state| {
            if state.pause.is_none_or(|known| known.until < pause.until) {
                state.pause = Some(pause);
            }
        });
    }

    /// The pause that is still to be kept.
    pub fn paused(&self, now: Instant) -> Option<Pause> {
        self.with(|state| {
            state.pause = state.pause.filter(|pause| pause.until > now);
            state.pause
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pause_counts_until_it_is_over() {
        let (now, utc) = (Instant::now(), DateTime::<Utc>::UNIX_EPOCH);
        let origin = Origin::default();
        origin.pause(Pause::of(Duration::from_secs(9), now, utc));
        origin.pause(Pause::of(Duration::from_secs(2), now, utc));
        let left = origin.paused(now).map(|pause| pause.left(now));
        assert_eq!(left, Some(Duration::from_secs(9)));
        assert!(origin.paused(now + Duration::from_secs(9)).is_none());
    }

    #[test]
    fn silence_in_a_row_is_enough_and_an_answer_ends_it() {
        let (now, lasting) = (Instant::now(), Duration::from_secs(60));
        let origin = Origin::default();
        for _ in 0..3 {
            assert!(origin.given_up(now, 3, lasting).is_none());
            origin.was_silent(now);
        }
        assert_eq!(origin.given_up(now, 3, lasting), Some(3));
        assert!(origin.given_up(now + lasting, 3, lasting).is_none());
        origin.answered();
        assert!(origin.given_up(now, 3, lasting).is_none());
    }
}
