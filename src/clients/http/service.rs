//! Calls to one service, with limits on concurrency and waiting, and with counters.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::body::BodyReader;
use super::error::{HttpError, HttpErrorKind};
use super::exchange::{Broken, Exchange};
use super::origin::{Origin, Origins};
use super::request::{Answer, Request};
use super::retry::jitter;
use super::stats::Service;
use super::url_text::origin_of;
use super::{HttpConfig, Redactor, Shared};
use crate::ports::{Deadline, Waits};

/// A client for one service. Clones share its concurrency limit.
#[derive(Clone)]
pub struct ServiceClient {
    inner: Arc<Inner>,
    deadline: Option<Deadline>,
    waits: Option<Waits>,
}

struct Inner {
    shared: Arc<Shared>,
    service: Service,
    permits: Semaphore,
    origins: Origins,
}

impl fmt::Debug for ServiceClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceClient({})", self.inner.service)
    }
}

/// One call: its attempts and the time they took.
pub(super) struct Call<'a> {
    pub request: &'a Request,
    pub origin: &'a Origin,
    pub attempts: u32,
    /// Attempts that the host refused because of a rate limit. They do not count as failed.
    pub refusals: u32,
    pub spent: Duration,
    /// Time in pauses that the host requested.
    pub paused: Duration,
}

/// A failed attempt.
pub(super) struct Failed {
    pub error: HttpError,
    /// The response, if there was one.
    pub answer: Option<Box<Answer>>,
    /// What comes next, if that does not depend on the kind of failure.
    pub next: Next,
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The usual.
    Unsaid,
    /// Another attempt after the pause that the host requested.
    AfterPause,
    /// No further attempt.
    Never,
}

impl ServiceClient {
    pub(super) fn new(shared: Arc<Shared>, service: Service, concurrency: usize) -> Self {
        let slots = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        let of_one_host = if service.has_many_hosts() { slots.div_ceil(2) } else { slots };
        let origins = Origins::new(of_one_host);
        let inner = Inner { shared, service, permits: Semaphore::new(slots), origins };
        Self { inner: Arc::new(inner), deadline: None, waits: None }
    }

    /// For lookups, which wait for pauses up to the deadline.
    #[must_use]
    pub fn until(&self, deadline: Deadline) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// Records waiting times here.
    #[must_use]
    pub fn noting(&self, waits: Waits) -> Self {
        Self { waits: Some(waits), ..self.clone() }
    }

    pub(super) fn deadline(&self) -> Option<&Deadline> {
        self.deadline.as_ref()
    }

    pub(super) fn permits(&self) -> &Semaphore {
        &self.inner.permits
    }

    /// The service.
    pub fn service(&self) -> Service {
        self.inner.service
    }

    /// Redacts every secret that a request contained.
    pub fn redactor(&self) -> &Redactor {
        &self.inner.shared.redactor
    }

    pub(super) fn config(&self) -> &HttpConfig {
        &self.inner.shared.config
    }

    /// Waits as before the repetition after attempt number `attempt` (from 1). For callers
    /// that recheck before they repeat.
    pub async fn back_off(&self, attempt: u32) {
        let steps = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let longest = self.config().backoff_base.saturating_mul(steps);
        self.inner.shared.stats.retry(self.inner.service);
        self.sleep(jitter(longest.min(self.config().backoff_cap))).await;
    }

    /// Counts a caller's own wait for this service.
    pub fn has_waited(&self, wait: Duration) {
        self.inner.shared.stats.waited(self.inner.service, wait);
        if let Some(waits) = &self.waits {
            waits.add(wait);
        }
    }

    /// Total time spent waiting for limits, pauses and back-off: what this client recorded, or without
    /// recording, the time of all clients of the service.
    pub fn waited(&self) -> Duration {
        let all = || self.inner.shared.stats.counters_of(self.inner.service).waited;
        self.waits.as_ref().map_or_else(all, Waits::so_far)
    }

    /// Sends a request, and repeats it if that is safe and useful.
    ///
    /// # Errors
    /// For every status except 2xx, and without a complete response; see [`HttpErrorKind`].
    pub async fn send(&self, request: &Request) -> Result<Answer, HttpError> {
        self.call(request, &mut Kept).await.map_err(|failed| failed.error)
    }

    /// Like [`Self::send`], but returns every status except a refusal that remains after waiting.
    ///
    /// # Errors
    /// No response, a broken one, or a rate limit.
    pub async fn send_for_any_status(&self, request: &Request) -> Result<Answer, HttpError> {
        let answer = self.call(request, &mut Kept).await;
        answer.or_else(|failed| match failed.answer {
            Some(answer) if failed.error.kind() != HttpErrorKind::RateLimited => Ok(*answer),
            _ => Err(failed.error),
        })
    }

    /// Sends a request and passes the response to a reader, which `reader` creates for each attempt. The body of
    /// the returned response is empty.
    ///
    /// # Errors
    /// As [`ServiceClient::send`]. An error of the reader has the kind [`HttpErrorKind::Other`].
    pub async fn read<R: BodyReader>(
        &self,
        request: &Request,
        reader: impl Fn() -> R + Send,
    ) -> Result<(Answer, R), HttpError> {
        let mut readers = Anew { current: reader(), make: reader };
        let answer = self.call(request, &mut readers).await.map_err(|failed| failed.error)?;
        Ok((answer, readers.current))
    }

    async fn call(&self, request: &Request, readers: &mut dyn Readers) -> Result<Answer, Failed> {
        for secret in &request.secrets {
            self.redactor().learn(secret);
        }
        let result = self.attempts(request, readers).await;
        result.map_err(|failed| {
            self.inner.shared.stats.error(self.inner.service);
            Failed { error: failed.error.redacted(self.redactor()), ..failed }
        })
    }

    async fn attempts(
        &self,
        request: &Request,
        readers: &mut dyn Readers,
    ) -> Result<Answer, Failed> {
        if let Some(why) = &request.unusable {
            return Err(self.error(HttpErrorKind::Other, request, why.clone()).into());
        }
        let origin = self.inner.origins.get(&origin_of(&request.url));
        let mut call = Call::new(request, &origin);
        loop {
            let place = self.take_slots(&mut call).await?;
            call.attempts += 1;
            let failed = match self.attempt(&mut call, readers.fresh()).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            drop(place);
            let again = self.wait_before_next(&call, &failed);
            let Some(wait) = again.filter(|_| !request.is_sent_once()) else {
                let unanswered =
                    matches!(failed.error.kind(), HttpErrorKind::Connect | HttpErrorKind::Timeout);
                // A query that takes too long says nothing about its fallback.
                if unanswered && !request.tried_once {
                    origin.was_silent(Instant::now());
                }
                return Err(Failed { error: failed.error.after(call.attempts), ..failed });
            };
            self.log_repetition(&call, &failed, wait);
            self.sleep(wait).await;
            call.spent += wait;
        }
    }

    fn log_repetition(&self, call: &Call<'_>, failed: &Failed, wait: Duration) {
        tracing::debug!(
            service = self.inner.service.label(),
            attempt = call.attempts,
            wait_ms = wait.as_millis(),
            kind = ?failed.error.kind(),
            status = failed.error.status(),
            "request failed, retrying"
        );
        self.inner.shared.stats.retry(self.inner.service);
    }

    pub(super) async fn sleep(&self, wait: Duration) {
        sleep(wait).await;
        self.has_waited(wait);
    }

    pub(super) fn error(
        &self,
        kind: HttpErrorKind,
        request: &Request,
        detail: String,
    ) -> HttpError {
        HttpError::new(kind, &request.method, &request.url, detail).redacted(self.redactor())
    }

    async fn attempt(
        &self,
        call: &mut Call<'_>,
        mut reader: Option<&mut dyn BodyReader>,
    ) -> Result<Answer, Failed> {
        let request = call.request;
        let shared = &self.inner.shared;
        let exchange = Exchange {
            shared,
            service: self.inner.service,
            max_body: request.max_body.unwrap_or(shared.config.max_body),
        };
        let limit = self.time_left(call);
        let begun = Instant::now();
        let outcome = timeout(limit, exchange.run(request, &mut reader)).await;
        let took = begun.elapsed();
        call.spent += took;
        shared.stats.busy(self.inner.service, took);
        match outcome {
            Ok(Ok(raw)) => self.judge(call, begun, raw),
            Ok(Err(Broken { kind, detail })) => Err(self.error(kind, request, detail).into()),
            Err(_) => {
                let detail = format!("no response within {} s", limit.as_secs_f32().ceil());
                Err(self.error(HttpErrorKind::Timeout, request, detail).into())
            }
        }
    }

    fn time_left(&self, call: &Call<'_>) -> Duration {
        let (config, request) = (self.config(), call.request);
        let usual = match request.reads {
            _ if request.tried_once => config.query_timeout,
            true => config.attempt_timeout,
            false => config.write_timeout,
        };
        let longest = request.attempt_timeout.unwrap_or(usual);
        longest.min(config.call_deadline.saturating_sub(call.spent))
    }
}

impl<'a> Call<'a> {
    fn new(request: &'a Request, origin: &'a Origin) -> Self {
        let (spent, paused) = (Duration::ZERO, Duration::ZERO);
        Self { request, origin, attempts: 0, refusals: 0, spent, paused }
    }
}

impl From<HttpError> for Failed {
    fn from(error: HttpError) -> Self {
        Self { error, answer: None, next: Next::Unsaid }
    }
}

/// Destinations of the bodies of successful responses.
trait Readers: Send {
    /// A reader for one attempt; `None` keeps the body in the response.
    fn fresh(&mut self) -> Option<&mut dyn BodyReader>;
}

struct Kept;

impl Readers for Kept {
    fn fresh(&mut self) -> Option<&mut dyn BodyReader> {
        None
    }
}

struct Anew<R, F> {
    make: F,
    current: R,
}

impl<R: BodyReader, F: Fn() -> R + Send> Readers for Anew<R, F> {
    fn fresh(&mut self) -> Option<&mut dyn BodyReader> {
        self.current = (self.make)();
        Some(&mut self.current)
    }
}
