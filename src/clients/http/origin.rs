//! The state of a host: whether it responds or refuses, and which call may go next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

/// A host that refuses this often in a row, each time after the requested pause, is given up.
const MAX_REFUSALS: u32 = 2;

/// The limit for refusals that request no pause. Their pauses double, so that together they
/// last 15 times the first one.
const MAX_UNTOLD_REFUSALS: u32 = 5;

/// Longer pauses count as this long.
const LONGEST_BELIEVED: Duration = Duration::from_secs(24 * 60 * 60);

/// The hosts of one service, by origin.
pub(super) struct Origins {
    /// Concurrent requests per host.
    slots: usize,
    known: Mutex<BTreeMap<String, Arc<Origin>>>,
}

impl Origins {
    pub fn new(slots: usize) -> Self {
        Self { slots: slots.max(1), known: Mutex::default() }
    }

    pub fn get(&self, origin: &str) -> Arc<Origin> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Origin::new(self.slots));
        known.entry(origin.to_owned()).or_insert_with(new).clone()
    }
}

/// One host.
pub(super) struct Origin {
    /// Its part of the concurrent requests.
    pub slots: Semaphore,
    state: Mutex<State>,
    probed: Notify,
}

#[derive(Default)]
struct State {
    answered: bool,
    silent_calls: u32,
    last_silence: Option<Instant>,
    pause: Option<Pause>,
    /// Refusals in a row, and those of them that requested no pause.
    refusals: u32,
    untold: u32,
    refused_at: Option<Instant>,
    given_up: bool,
    probing: bool,
    /// Its name for the limit that made it refuse.
    limit: Option<String>,
}

/// A pause during which the host gets no requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    until: Instant,
    /// The end of the requested pause, as a time of day.
    pub resets_at: DateTime<Utc>,
    /// The length of the requested pause.
    pub wait: Duration,
}

impl Pause {
    pub fn starting_now(wait: Duration, now: Instant, now_utc: DateTime<Utc>) -> Self {
        let wait = wait.min(LONGEST_BELIEVED);
        Self { until: now + wait, resets_at: now_utc + wait, wait }
    }

    pub fn left(&self, now: Instant) -> Duration {
        self.until.saturating_duration_since(now)
    }
}

/// May a request be sent to the host now?
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    /// Yes.
    Go,
    /// Yes, but only one: the pause is over, and the response shows whether it was long enough.
    Probe,
    /// Not before that request has its response.
    Probing,
    /// Not before the pause is over.
    Paused(Pause),
    /// No: it refused again after every pause.
    GivenUp(Pause),
    /// No: this many calls in a row had no response.
    Silent(u32),
}

/// A refusal: when its request was sent, the requested pause, and the default if there
/// is none.
pub(super) struct Refusal {
    pub sent: Instant,
    pub told: Option<Duration>,
    pub untold: Duration,
    /// Minimum pause for a host that is given up.
    pub give_up_for: Duration,
}

/// How long a silent host is skipped.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    pub calls: u32,
    pub lasting: Duration,
}

impl Origin {
    fn new(slots: usize) -> Self {
        Self { slots: Semaphore::new(slots), state: Mutex::default(), probed: Notify::new() }
    }

    fn with_state<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has it ever responded?
    pub fn has_answered(&self) -> bool {
        self.with_state(|state| state.answered)
    }

    /// Records a response.
    pub fn answered(&self) {
        self.with_state(|state| {
            state.answered = true;
            state.silent_calls = 0;
        });
    }

    /// Records a response that is not a refusal.
    pub fn accepted(&self) {
        self.with_state(|state| {
            state.refusals = 0;
            state.untold = 0;
            state.given_up = false;
        });
    }

    /// Records a call that ended without a response.
    pub fn was_silent(&self, now: Instant) {
        self.with_state(|state| {
            state.silent_calls += 1;
            state.last_silence = Some(now);
        });
    }

    /// Records a requested pause; the longest one counts.
    pub fn pause(&self, pause: Pause) {
        self.with_state(|state| state.pause_at_least(pause));
    }

    /// Records the name of the exhausted limit.
    pub fn name_limit(&self, limit: Option<String>) {
        self.with_state(|state| state.limit = limit.or_else(|| state.limit.take()));
    }

    /// The limit that it named last.
    pub fn limit(&self) -> Option<String> {
        self.with_state(|state| state.limit.clone())
    }

    /// Records a refusal, which pauses all calls. Requests that were sent before the first refusal was known
    /// count as one refusal together. Returns the pause, and whether the host is given up.
    pub fn refused(
        &self,
        refusal: &Refusal,
        now: Instant,
        now_utc: DateTime<Utc>,
    ) -> (Pause, bool) {
        self.with_state(|state| {
            if state.refused_at.is_none_or(|at| at < refusal.sent) {
                state.refused_at = Some(now);
                state.refusals += u32::from(refusal.told.is_some());
                state.untold += u32::from(refusal.told.is_none());
                state.given_up =
                    state.refusals >= MAX_REFUSALS || state.untold >= MAX_UNTOLD_REFUSALS;
            }
            let doubled = 2_u32.saturating_pow(state.untold.saturating_sub(1));
            let wait = refusal.told.unwrap_or_else(|| refusal.untold.saturating_mul(doubled));
            let mut pause = Pause::starting_now(wait, now, now_utc);
            if state.given_up {
                pause.until = pause.until.max(now + refusal.give_up_for);
            }
            state.pause_at_least(pause);
            (pause, state.given_up)
        })
    }

    /// Decides whether a request may be sent now. With `begin`, the caller takes the turn of the probe.
    pub fn turn(&self, now: Instant, patience: Patience, begin: bool) -> Turn {
        self.with_state(|state| {
            let recent = |at| now.duration_since(at) < patience.lasting;
            if state.silent_calls >= patience.calls && state.last_silence.is_some_and(recent) {
                return Turn::Silent(state.silent_calls);
            }
            state.pause = state.pause.filter(|pause| pause.until > now);
            match state.pause {
                Some(pause) if state.given_up => Turn::GivenUp(pause),
                Some(pause) => Turn::Paused(pause),
                None if state.refusals + state.untold == 0 => Turn::Go,
                None if state.probing => Turn::Probing,
                None => {
                    state.probing |= begin;
                    Turn::Probe
                }
            }
        })
    }

    /// Completes when the current probe has its response. Create it before calling [`Origin::turn`].
    pub fn probed(&self) -> Notified<'_> {
        self.probed.notified()
    }
}

impl State {
    fn pause_at_least(&mut self, pause: Pause) {
        if self.pause.is_none_or(|known| known.until < pause.until) {
            self.pause = Some(pause);
        }
    }
}

/// The turn of the probe. Dropped when the probe has its response, or has failed.
pub(super) struct Probe<'a>(pub &'a Origin);

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.0.with_state(|state| state.probing = false);
        self.0.probed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { calls: 3, lasting: Duration::from_secs(60) };

    /// A host and a clock.
    struct Watch {
        origin: Origin,
        begin: Instant,
    }

    impl Watch {
        fn start() -> Self {
            Self { origin: Origin::new(1), begin: Instant::now() }
        }

        fn at(&self, seconds: u64) -> Instant {
            self.begin + Duration::from_secs(seconds)
        }

        fn turn(&self, seconds: u64) -> String {
            let now = self.at(seconds);
            match self.origin.turn(now, PATIENCE, true) {
                Turn::Paused(pause) => format!("Paused {}", pause.left(now).as_secs()),
                Turn::GivenUp(pause) => format!("GivenUp {}", pause.left(now).as_secs()),
                other => format!("{other:?}"),
            }
        }

        fn refused(&self, sent: u64, at: u64, told: Option<u64>) -> bool {
            let refusal = Refusal {
                sent: self.at(sent),
                told: told.map(Duration::from_secs),
                untold: Duration::from_secs(4),
                give_up_for: Duration::from_secs(60),
            };
            self.origin.refused(&refusal, self.at(at), DateTime::UNIX_EPOCH).1
        }
    }

    #[test]
    fn the_longest_pause_counts() {
        let host = Watch::start();
        for seconds in [9, 2] {
            let wait = Duration::from_secs(seconds);
            host.origin.pause(Pause::starting_now(wait, host.begin, DateTime::UNIX_EPOCH));
        }
        assert_eq!((host.turn(0), host.turn(9)), ("Paused 9".to_owned(), "Go".to_owned()));
    }

    #[test]
    fn after_a_pause_one_request_probes_and_a_second_refusal_is_final() {
        let host = Watch::start();
        // Sent at the same time: one refusal, however many responses say so.
        for at in [1, 2, 3] {
            assert!(!host.refused(0, at, Some(60)));
        }
        assert_eq!(host.turn(4), "Paused 59");
        assert_eq!((host.turn(63), host.turn(63)), ("Probe".to_owned(), "Probing".to_owned()));
        assert!(host.refused(63, 64, Some(60)));
        drop(Probe(&host.origin));
        assert_eq!(host.turn(65), "GivenUp 59");
        assert_eq!(host.turn(124), "Probe", "it is not given up for good");
    }

    #[test]
    fn a_response_after_the_pause_resumes_all_calls() {
        let host = Watch::start();
        assert!(!host.refused(0, 1, Some(10)));
        assert_eq!(host.turn(11), "Probe");
        host.origin.accepted();
        drop(Probe(&host.origin));
        assert_eq!(host.turn(11), "Go");
        assert!(!host.refused(12, 13, Some(10)), "the first one again");
    }

    #[test]
    fn a_refusal_without_duration_pauses_in_doubling_steps() {
        let host = Watch::start();
        let (mut now, mut waited) = (0, 0);
        for wait in [4, 8, 16, 32] {
            assert!(!host.refused(now, now + 1, None));
            assert_eq!(host.turn(now + 1), format!("Paused {wait}"));
            now += 1 + wait;
            waited += wait;
            assert_eq!(host.turn(now), "Probe");
            drop(Probe(&host.origin));
        }
        assert!(host.refused(now, now + 1, None));
        assert_eq!(waited, 60);
    }

    #[test]
    fn consecutive_silent_calls_skip_a_host_until_it_responds() {
        let host = Watch::start();
        for _ in 0..3 {
            assert_eq!(host.turn(0), "Go");
            host.origin.was_silent(host.begin);
        }
        assert_eq!((host.turn(0), host.turn(60)), ("Silent(3)".to_owned(), "Go".to_owned()));
        host.origin.answered();
        assert_eq!(host.turn(0), "Go");
    }
}
