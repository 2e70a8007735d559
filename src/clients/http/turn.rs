//! When a call may be sent: pauses of its host, its host's share of the slots, and the service's.

use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::error::{HttpError, HttpErrorKind};
use super::origin::{Patience, Pause, Probe, Turn};
use super::service::{Call, ServiceClient};

/// What a request under way holds.
pub(super) struct Slots<'a> {
    _of_host: SemaphorePermit<'a>,
    _of_service: SemaphorePermit<'a>,
    /// Dropped before the places are given back: who waits for its answer goes on then.
    _probe: Option<Probe<'a>>,
}

impl ServiceClient {
    /// Waits until the host may be asked and it has a slot for it. Whoever waits for a pause holds none.
    pub(super) async fn take_slots<'a>(
        &'a self,
        call: &mut Call<'a>,
    ) -> Result<Slots<'a>, HttpError> {
        loop {
            self.wait_for_turn(call).await?;
            // The host's own slots first: those who wait for a slow host take none of the others'.
            let _of_host = self.slot(call, &call.origin.slots).await?;
            let _of_service = self.slot(call, self.permits()).await?;
            let probe = match self.turn(call, true) {
                Turn::Go => None,
                Turn::Probe => Some(Probe(call.origin)),
                _ => continue,
            };
            return Ok(Slots { _of_host, _of_service, _probe: probe });
        }
    }

    async fn slot<'a>(
        &self,
        call: &Call<'_>,
        slots: &'a tokio::sync::Semaphore,
    ) -> Result<SemaphorePermit<'a>, HttpError> {
        let permit = slots.acquire().await;
        permit.map_err(|closed| self.error(HttpErrorKind::Other, call.request, closed.to_string()))
    }

    fn turn(&self, call: &Call<'_>, begin: bool) -> Turn {
        let config = self.config();
        let patience = Patience { calls: config.give_up_after, lasting: config.give_up_for };
        match call.origin.turn(Instant::now(), patience, begin && call.request.waits) {
            // Its caller looks again before it asks again, and cannot wait for somebody else.
            Turn::Probe | Turn::Probing if !call.request.waits => Turn::Go,
            turn => turn,
        }
    }

    async fn wait_for_turn(&self, call: &mut Call<'_>) -> Result<(), HttpError> {
        loop {
            let origin = call.origin;
            let probed = origin.probed();
            let pause = match self.turn(call, false) {
                Turn::Go | Turn::Probe => return Ok(()),
                Turn::Probing => {
                    let begun = Instant::now();
                    probed.await;
                    self.has_waited(begun.elapsed());
                    continue;
                }
                Turn::Silent(calls) => {
                    let detail =
                        format!("not asked: the last {calls} calls to this host had no answer");
                    return Err(self.error(HttpErrorKind::Connect, call.request, detail));
                }
                Turn::GivenUp(pause) => return Err(self.given_up(call, pause)),
                Turn::Paused(pause) => pause,
            };
            if !call.request.waits {
                return Err(self.limited(call, pause, "not asked: it wants to be left alone"));
            }
            let left = pause.left(Instant::now());
            if left > self.longest_pause(call) {
                let why = "it wants to be left alone for longer than is waited for";
                return Err(self.limited(call, pause, why));
            }
            self.sleep(left).await;
            call.paused += left;
        }
    }

    /// How long this call may still wait for pauses: a lookup as long as the run has time for
    /// lookups, everything else a minute or so in all.
    fn longest_pause(&self, call: &Call<'_>) -> Duration {
        match self.deadline().and_then(|deadline| deadline.left()) {
            Some(left) if call.request.reads => left,
            _ => self.config().longest_pause.saturating_sub(call.paused),
        }
    }

    /// The host refused again after it was left alone as it wanted.
    fn given_up(&self, call: &Call<'_>, pause: Pause) -> HttpError {
        self.limited(call, pause, "it refuses requests, also after it was left alone")
    }

    fn limited(&self, call: &Call<'_>, pause: Pause, detail: &str) -> HttpError {
        let error = self.error(HttpErrorKind::RateLimited, call.request, detail.to_owned());
        error.resetting(&pause, call.origin.limit())
    }
}
