//! Limits how often something happens in any span of time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// A sliding window: at most `limit` events in any span of `per`, even with concurrent events.
///
/// Call [`Window::reserve`] before the event and [`Window::count`] after it, then drop the reservation. An event is
/// counted when it is over, because by then it has happened, however long it took to arrive.
#[derive(Debug)]
pub struct Window {
    limit: usize,
    per: Duration,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// The times at which events ended.
    events: VecDeque<Instant>,
    /// Reserved slots.
    reserved: usize,
}

/// Is there a slot?
#[derive(Debug, PartialEq, Eq)]
enum Room {
    Free,
    FullFor(Duration),
    /// All slots are reserved.
    AllUnderWay,
}

/// A slot in a window for one event. Drop it when the event was counted, or never happened.
#[derive(Debug)]
pub struct Reservation(Arc<Window>);

impl Drop for Reservation {
    fn drop(&mut self) {
        self.0.state().reserved -= 1;
        self.0.freed.notify_waiters();
    }
}

impl Window {
    /// Allows at most `limit` events (at least one) in any span of `per`.
    pub fn new(limit: usize, per: Duration) -> Self {
        Self { limit: limit.max(1), per, state: Mutex::default(), freed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a slot; returns it with the waiting time.
    pub async fn reserve(window: &Arc<Self>) -> (Reservation, Duration) {
        let mut waited = Duration::ZERO;
        loop {
            let freed = window.freed.notified();
            let room = window.take(Instant::now());
            if room == Room::Free {
                return (Reservation(Arc::clone(window)), waited);
            }
            tracing::debug!(limit = window.limit, ?room, "waiting for the write limit");
            let begun = Instant::now();
            match room {
                Room::FullFor(wait) => drop(timeout(wait, freed).await),
                // Each of them is counted soon, or releases its slot.
                _ => freed.await,
            }
            waited += begun.elapsed();
        }
    }

    /// Counts an event that is over.
    pub fn count(&self) {
        self.count_at(Instant::now());
    }

    fn count_at(&self, now: Instant) {
        self.state().events.push_back(now);
    }

    /// Reserves a slot if there is one at `now`.
    fn take(&self, now: Instant) -> Room {
        let mut state = self.state();
        while state.events.front().is_some_and(|first| now.duration_since(*first) >= self.per) {
            state.events.pop_front();
        }
        if state.events.len() + state.reserved < self.limit {
            state.reserved += 1;
            return Room::Free;
        }
        match state.events.front() {
            Some(first) => Room::FullFor(self.per.saturating_sub(now.duration_since(*first))),
            None => Room::AllUnderWay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window of two, and times in seconds.
    fn window() -> (Arc<Window>, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        let at = move |seconds: u64| start + Duration::from_secs(seconds);
        (Arc::new(Window::new(2, Duration::from_secs(60))), at)
    }

    /// An event that happens at once, if there is a slot for it.
    fn event(window: &Arc<Window>, at: Instant) -> Room {
        let room = window.take(at);
        if room == Room::Free {
            let reserved = Reservation(Arc::clone(window));
            window.count_at(at);
            drop(reserved);
        }
        room
    }

    #[test]
    fn no_span_exceeds_the_limit() {
        let (window, at) = window();
        let seconds = |wait| Room::FullFor(Duration::from_secs(wait));
        assert_eq!(event(&window, at(0)), Room::Free);
        assert_eq!(event(&window, at(50)), Room::Free);
        assert_eq!(event(&window, at(55)), seconds(5));
        assert_eq!(event(&window, at(60)), Room::Free);
        assert_eq!(event(&window, at(61)), seconds(49));
        assert_eq!(event(&window, at(110)), Room::Free);
    }

    #[test]
    fn a_reservation_holds_a_slot_until_it_is_dropped() {
        let (window, at) = window();
        let reserved = |at| {
            assert_eq!(window.take(at), Room::Free);
            Reservation(Arc::clone(&window))
        };
        let (first, second) = (reserved(at(0)), reserved(at(0)));
        assert_eq!(window.take(at(90)), Room::AllUnderWay, "also after any time");
        drop(first);
        let third = reserved(at(90));
        window.count_at(at(91));
        drop(second);
        assert_eq!(window.take(at(92)), Room::FullFor(Duration::from_secs(59)));
        drop(third);
        assert_eq!(event(&window, at(92)), Room::Free);
    }

    #[tokio::test]
    async fn a_waiting_call_gets_a_released_slot() {
        let minute = Duration::from_secs(60);
        let window = Arc::new(Window::new(1, minute));
        let (reserved, waited) = Window::reserve(&window).await;
        assert_eq!(waited, Duration::ZERO);
        let give_back = async {
            tokio::task::yield_now().await;
            drop(reserved);
        };
        let ((_reserved, waited), ()) = tokio::join!(Window::reserve(&window), give_back);
        assert!(waited < minute, "{waited:?}");
    }
}
