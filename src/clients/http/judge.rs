//! Interprets responses, and their statements about rate limits.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use super::error::{HttpError, TIME, in_words};
use super::exchange::Raw;
use super::limits::{is_rate_limit, named_limit, told_wait};
use super::origin::{Pause, Refusal};
use super::request::Answer;
use super::service::{Call, Failed, Next, ServiceClient};

/// Number of bytes of a response's text that are searched for statements about limits.
const READ_FOR_LIMITS: usize = 16 * 1024;

impl ServiceClient {
    /// Classifies a response as success or failure, and records its statements about limits.
    pub(super) fn judge(
        &self,
        call: &mut Call<'_>,
        sent: Instant,
        raw: Raw,
    ) -> Result<Answer, Failed> {
        let (request, origin) = (call.request, call.origin);
        origin.answered();
        let now = time_of_day();
        let told = told_wait(&raw.headers, now);
        let good = raw.status.is_success()
            || request.conditional && raw.status == StatusCode::NOT_MODIFIED;
        let text = String::from_utf8_lossy(&raw.body[..raw.body.len().min(READ_FOR_LIMITS)]);
        let limited = !good && is_rate_limit(raw.status, &raw.headers, &text);
        // Only responses that mean "later" make other calls wait.
        let later = limited || !good && told.is_some() && matches!(raw.status.as_u16(), 502..=504);
        let error = (!good).then(|| {
            HttpError::from_status(&request.method, &request.url, raw.status, &raw.body, limited)
        });
        let answer = Answer {
            method: request.method.clone(),
            url: raw.url,
            status: raw.status,
            headers: raw.headers,
            body: raw.body,
            attempts: call.attempts,
            redactor: self.redactor().clone(),
        };
        let Some(error) = error else {
            origin.accepted();
            if let Some(wait) = told {
                origin.pause(Pause::starting_now(wait, Instant::now(), now));
            }
            return Ok(answer);
        };
        if !later {
            origin.accepted();
            return Err(Failed { answer: Some(Box::new(answer)), ..error.into() });
        }
        origin.name_limit(named_limit(&answer.headers));
        Err(Failed { answer: Some(Box::new(answer)), ..self.refused(call, sent, told, error) })
    }

    /// After a rate limit, or a response that requests a pause: later calls wait.
    fn refused(
        &self,
        call: &mut Call<'_>,
        sent: Instant,
        told: Option<Duration>,
        error: HttpError,
    ) -> Failed {
        let (config, now) = (self.config(), Instant::now());
        let request = call.request;
        let known = told.map(|wait| Pause::starting_now(wait, now, time_of_day()));
        if request.is_sent_once() {
            // The caller has a fallback or rechecks first, so this says nothing about calls that can wait.
            let untold = || Pause::starting_now(config.longest_pause / 4, now, time_of_day());
            call.origin.pause(known.unwrap_or_else(untold));
            return match known {
                Some(pause) => error.resetting(&pause, call.origin.limit()).into(),
                None => error.into(),
            };
        }
        let refusal =
            Refusal { sent, told, untold: config.untold_pause, give_up_for: config.give_up_for };
        let (pause, given_up) = call.origin.refused(&refusal, now, time_of_day());
        call.refusals += 1;
        let error = error.resetting(&pause, call.origin.limit());
        if given_up {
            return Failed { next: Next::Never, ..error.into() };
        }
        Failed { next: Next::AfterPause, ..error.into() }
    }
}

/// The pause that a response requests.
pub(in crate::clients) fn asked_pause(headers: &HeaderMap) -> Option<Duration> {
    told_wait(headers, time_of_day())
}

/// A pause that a host requests, and its end: `1 h 0 min, until 2026-…`.
pub(in crate::clients) fn pause_in_words(pause: Duration) -> String {
    format!("{}, until {}", in_words(pause), (time_of_day() + pause).format(TIME))
}

/// Only for waits that a server gives as a time of day, and for displaying their end.
#[allow(clippy::disallowed_methods, reason = "rate limits reset at times of day")]
fn time_of_day() -> DateTime<Utc> {
    Utc::now()
}
