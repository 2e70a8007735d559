//! What an answer means, and what it says about when to ask again.

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

/// Of an answer's text that is looked at for what it says about limits, in bytes.
const READ_FOR_LIMITS: usize = 16 * 1024;

impl ServiceClient {
    /// Takes an answer as a success or a failure, and notes what it says about limits.
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
        // Only answers that mean "later" make the others wait.
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
                origin.pause(Pause::of(wait, Instant::now(), now));
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

    /// After a rate limit, or an answer that says when to come again: whoever asks next waits.
    fn refused(
        &self,
        call: &mut Call<'_>,
        sent: Instant,
        told: Option<Duration>,
        error: HttpError,
    ) -> Failed {
        let (config, now) = (self.config(), Instant::now());
        let request = call.request;
        let known = told.map(|wait| Pause::of(wait, now, time_of_day()));
        if request.is_sent_once() {
            // Its caller has another way or looks again: it says nothing of those who can wait.
            let untold = || Pause::of(config.longest_pause / 4, now, time_of_day());
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

/// For how long an answer asks to stay away.
pub(in crate::clients) fn asked_pause(headers: &HeaderMap) -> Option<Duration> {
    told_wait(headers, time_of_day())
}

/// A pause that a host asks for, and until when it lasts: `1 h 0 min, until 2026-…`.
pub(in crate::clients) fn pause_in_words(pause: Duration) -> String {
    format!("{}, until {}", in_words(pause), (time_of_day() + pause).format(TIME))
}

/// Only for waits that a server gives as a time of day, and for saying until when.
#[allow(clippy::disallowed_methods, reason = "rate limits reset at times of day")]
fn time_of_day() -> DateTime<Utc> {
    Utc::now()
}
