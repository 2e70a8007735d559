//! Calls to one service: bounded, patient within limits, counted.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::StatusCode;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout};

use super::error::{HttpError, HttpErrorKind};
use super::exchange::{Broken, Exchange, Raw};
use super::limits::{is_rate_limit, told_wait};
use super::origin::{Origin, Origins, Pause};
use super::request::{Answer, Request};
use super::retry::jitter;
use super::stats::Service;
use super::url_text::origin_of;
use super::{HttpConfig, Redactor, Shared};

/// A client for one service. Clones share its bound on requests under way.
#[derive(Clone)]
pub struct ServiceClient {
    inner: Arc<Inner>,
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

/// One call: how often it was tried and what that took.
pub(super) struct Call<'a> {
    pub request: &'a Request,
    pub origin: Arc<Origin>,
    pub attempts: u32,
    pub spent: Duration,
}

/// A failed attempt, and how long the server asks to stay away.
pub(super) struct Failed {
    pub error: HttpError,
    pub told: Option<Duration>,
}

impl ServiceClient {
    pub(super) fn new(shared: Arc<Shared>, service: Service, concurrency: usize) -> Self {
        let permits = Semaphore::new(concurrency.clamp(1, Semaphore::MAX_PERMITS));
        Self { inner: Arc::new(Inner { shared, service, permits, origins: Origins::default() }) }
    }

    /// Which service this is.
    pub fn service(&self) -> Service {
        self.inner.service
    }

    /// Removes every secret that a request carried from a text.
    pub fn redactor(&self) -> &Redactor {
        &self.inner.shared.redactor
    }

    pub(super) fn config(&self) -> &HttpConfig {
        &self.inner.shared.config
    }

    /// Waits as before the repetition that follows attempt number `attempt` (from 1): for callers
    /// that have to look before they repeat.
    pub async fn back_off(&self, attempt: u32) {
        let steps = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let longest = self.config().backoff_base.saturating_mul(steps);
        self.inner.shared.stats.retry(self.inner.service);
        self.sleep(jitter(longest.min(self.config().backoff_cap))).await;
    }

    /// Counts a wait that a caller made for this service.
    pub fn has_waited(&self, wait: Duration) {
        self.inner.shared.stats.waited(self.inner.service, wait);
    }

    /// Time spent waiting for this service so far: for places in limits, pauses and back-off.
    pub fn waited(&self) -> Duration {
        self.inner.shared.stats.of(self.inner.service).waited
    }

    /// Sends a request, repeating it where that is safe and promising.
    ///
    /// # Errors
    /// Every status but 2xx, no answer, a broken one; see [`HttpErrorKind`].
    pub async fn send(&self, request: &Request) -> Result<Answer, HttpError> {
        for secret in &request.secrets {
            self.redactor().learn(secret);
        }
        let result = self.call(request).await;
        if result.is_err() {
            self.inner.shared.stats.error(self.inner.service);
        }
        result
    }

    async fn call(&self, request: &Request) -> Result<Answer, HttpError> {
        if let Some(why) = &request.unusable {
            return Err(self.error(HttpErrorKind::Other, request, why.clone()));
        }
        let origin = self.inner.origins.get(&origin_of(&request.url));
        let mut call = Call { request, origin, attempts: 0, spent: Duration::ZERO };
        self.refuse_silent_host(&call)?;
        loop {
            let _permit = self.place(&call).await?;
            call.attempts += 1;
            let failed = match self.attempt(&mut call).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            drop(_permit);
            let Some(wait) = self.wait_before_next(&call, &failed) else {
                let unanswered =
                    matches!(failed.error.kind(), HttpErrorKind::Connect | HttpErrorKind::Timeout);
                // A query that takes too long says nothing of what is asked in its place.
                if unanswered && !request.tried_once {
                    call.origin.was_silent(Instant::now());
                }
                return Err(failed.error.after(call.attempts));
            };
            if request.is_sent_once() {
                self.leave_pause(&call, &failed, wait);
                return Err(failed.error.after(call.attempts));
            }
            self.retry_after(&mut call, &failed, wait).await;
        }
    }

    /// After a rate limit that a request met which is not sent again: whoever asks next waits, also
    /// where it does not say for how long. Those are counted by the minute.
    fn leave_pause(&self, call: &Call<'_>, failed: &Failed, wait: Duration) {
        if failed.told.is_none() {
            let wait = wait.max(self.config().longest_pause / 4);
            call.origin.pause(Pause::of(wait, Instant::now(), time_of_day()));
        }
    }

    async fn retry_after(&self, call: &mut Call<'_>, failed: &Failed, wait: Duration) {
        tracing::debug!(
            service = self.inner.service.label(),
            attempt = call.attempts,
            wait_ms = wait.as_millis(),
            kind = ?failed.error.kind(),
            status = failed.error.status(),
            "request failed, will be repeated"
        );
        self.inner.shared.stats.retry(self.inner.service);
        self.sleep(wait).await;
        // A wait that a rate limit asks for does not count against the call.
        if failed.told.is_none() && failed.error.kind() != HttpErrorKind::RateLimited {
            call.spent += wait;
        }
    }

    async fn sleep(&self, wait: Duration) {
        sleep(wait).await;
        self.inner.shared.stats.waited(self.inner.service, wait);
    }

    fn error(&self, kind: HttpErrorKind, request: &Request, detail: String) -> HttpError {
        let detail = self.redactor().redact(&detail);
        HttpError::new(kind, &request.method, &request.url, detail)
    }

    /// A host that left the last calls without an answer is not asked again at once.
    fn refuse_silent_host(&self, call: &Call<'_>) -> Result<(), HttpError> {
        let config = self.config();
        match call.origin.given_up(Instant::now(), config.give_up_after, config.give_up_for) {
            None => Ok(()),
            Some(calls) => {
                let detail =
                    format!("not asked: the last {calls} calls to this host had no answer");
                Err(self.error(HttpErrorKind::Connect, call.request, detail))
            }
        }
    }

    /// Waits until the host may be asked and fewer than the allowed requests are under way.
    async fn place(&self, call: &Call<'_>) -> Result<SemaphorePermit<'_>, HttpError> {
        loop {
            self.wait_for_pause(call).await?;
            let permit = self.inner.permits.acquire().await.map_err(|closed| {
                self.error(HttpErrorKind::Other, call.request, closed.to_string())
            })?;
            if call.origin.paused(Instant::now()).is_none() {
                return Ok(permit);
            }
        }
    }

    async fn wait_for_pause(&self, call: &Call<'_>) -> Result<(), HttpError> {
        while let Some(pause) = call.origin.paused(Instant::now()) {
            let left = pause.left(Instant::now());
            if left > self.config().longest_pause || !call.request.waits {
                let detail = "rate limit exhausted".to_owned();
                let error = self.error(HttpErrorKind::RateLimited, call.request, detail);
                return Err(error.resetting(pause.resets_at));
            }
            self.sleep(left + jitter(self.config().backoff_base)).await;
        }
        Ok(())
    }

    async fn attempt(&self, call: &mut Call<'_>) -> Result<Answer, Failed> {
        let request = call.request;
        let plain = |error| Failed { error, told: None };
        let shared = &self.inner.shared;
        let client = shared
            .connections(&request.url)
            .map_err(|why| plain(self.error(HttpErrorKind::Other, request, why)))?;
        let exchange = Exchange {
            client,
            stats: &shared.stats,
            service: self.inner.service,
            max_body: request.max_body.unwrap_or(shared.config.max_body),
        };
        let limit = self.time_left(call);
        let begun = Instant::now();
        let outcome = timeout(limit, exchange.run(request)).await;
        let took = begun.elapsed();
        call.spent += took;
        shared.stats.busy(self.inner.service, took);
        match outcome {
            Ok(Ok(raw)) => self.judge(call, raw),
            Ok(Err(Broken { kind, detail })) => Err(plain(self.error(kind, request, detail))),
            Err(_) => {
                let detail = format!("no answer within {} s", limit.as_secs_f32().ceil());
                Err(plain(self.error(HttpErrorKind::Timeout, request, detail)))
            }
        }
    }

    fn time_left(&self, call: &Call<'_>) -> Duration {
        let (config, request) = (self.config(), call.request);
        let longest = match request.reads {
            _ if request.tried_once => config.query_timeout,
            true => config.attempt_timeout,
            false => config.write_timeout,
        };
        longest.min(config.call_deadline.saturating_sub(call.spent))
    }

    /// Takes an answer as a success or a failure, and notes what it says about limits.
    fn judge(&self, call: &Call<'_>, raw: Raw) -> Result<Answer, Failed> {
        call.origin.answered();
        let request = call.request;
        let now = time_of_day();
        let told = told_wait(&raw.headers, now);
        let pause = told.map(|wait| Pause::of(wait, Instant::now(), now));
        let unchanged = request.conditional && raw.status == StatusCode::NOT_MODIFIED;
        if raw.status.is_success() || unchanged {
            if let Some(pause) = pause {
                call.origin.pause(pause);
            }
            return Ok(Answer {
                method: request.method.clone(),
                url: raw.url,
                status: raw.status,
                headers: raw.headers,
                body: raw.body,
                attempts: call.attempts,
            });
        }
        let body = self.redactor().redact(&String::from_utf8_lossy(&raw.body));
        let limited = is_rate_limit(raw.status, &raw.headers, &body);
        let error =
            HttpError::from_status(&request.method, &request.url, raw.status, &body, limited);
        // Only answers that mean "later" make the others wait.
        let later = limited || matches!(raw.status.as_u16(), 502..=504);
        match pause {
            Some(pause) if later => {
                call.origin.pause(pause);
                Err(Failed { error: error.resetting(pause.resets_at), told })
            }
            _ => Err(Failed { error, told: None }),
        }
    }
}

/// Only for waits that a server gives as a time of day, and for saying until when.
#[allow(clippy::disallowed_methods, reason = "rate limits reset at times of day")]
fn time_of_day() -> DateTime<Utc> {
    Utc::now()
}
