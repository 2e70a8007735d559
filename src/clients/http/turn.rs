//! Decides when a call may be sent: after pauses of its host, and with a slot of its host and of the service.

use std::time::Duration;

use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::error::{HttpError, HttpErrorKind};
use super::origin::{Patience, Pause, Probe, Turn};
use super::service::{Call, ServiceClient};

/// The slots of a running request.
pub(super) struct Slots<'a> {
    _of_host: SemaphorePermit<'a>,
    _of_service: SemaphorePermit<'a>,
    /// Dropped before the slots are released, so that calls waiting for its response can continue.
    _probe: Option<Probe<'a>>,
}

impl ServiceClient {
    /// Waits until the host may get a request and has a slot. A call that waits for a pause holds no slot.
    pub(super) async fn take_slots<'a>(
        &'a self,
        call: &mut Call<'a>,
    ) -> Result<Slots<'a>, HttpError> {
        loop {
            self.wait_for_turn(call).await?;
            // The host's own slots first, so that calls waiting for a slow host take no slot of other hosts.
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
            // The caller rechecks before it tries again, and cannot wait for another call.
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
                        format!("skipped: the last {calls} calls to this host had no response");
                    return Err(self.error(HttpErrorKind::Connect, call.request, detail));
                }
                Turn::GivenUp(pause) => return Err(self.given_up(call, pause)),
                Turn::Paused(pause) => pause,
            };
            if !call.request.waits {
                return Err(self.limited(call, pause, "skipped: it requested a pause"));
            }
            let left = pause.left(Instant::now());
            if left > self.longest_pause(call) {
                let why = "it requested a longer pause than sapm waits";
                return Err(self.limited(call, pause, why));
            }
            self.sleep(left).await;
            call.paused += left;
        }
    }

    /// How long this call may still wait for pauses: a lookup up to the deadline,
    /// everything else about a minute in total.
    fn longest_pause(&self, call: &Call<'_>) -> Duration {
        match self.deadline().and_then(|deadline| deadline.left()) {
            Some(left) if call.request.reads => left,
            _ => self.config().longest_pause.saturating_sub(call.paused),
        }
    }

    /// The host refused again after the requested pause.
    fn given_up(&self, call: &Call<'_>, pause: Pause) -> HttpError {
        self.limited(call, pause, "it still refuses requests after the requested pause")
    }

    fn limited(&self, call: &Call<'_>, pause: Pause, detail: &str) -> HttpError {
        let error = self.error(HttpErrorKind::RateLimited, call.request, detail.to_owned());
        error.resetting(&pause, call.origin.limit())
    }
}
