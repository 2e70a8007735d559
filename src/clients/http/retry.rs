//! Is it worth another attempt, and after how long?

use std::time::Duration;

use super::error::{HttpError, HttpErrorKind};
use super::request::Request;
use super::service::{Call, Failed, ServiceClient};

impl ServiceClient {
    /// How long to wait before the next attempt; `None` if there is to be none.
    pub(super) fn wait_before_next(&self, call: &Call<'_>, failed: &Failed) -> Option<Duration> {
        let config = self.config();
        let kind = failed.error.kind();
        let unanswered = matches!(kind, HttpErrorKind::Connect | HttpErrorKind::Timeout);
        let most = if unanswered && !call.origin.has_answered() {
            config.first_contact_attempts
        } else {
            config.max_attempts
        };
        if call.attempts >= most || !is_worth_repeating(call.request, &failed.error) {
            return None;
        }
        let doubled = |steps: u32| config.backoff_base.saturating_mul(2_u32.saturating_pow(steps));
        match failed.told {
            Some(told) => (told <= config.longest_pause).then_some(Duration::ZERO),
            // A limit that does not say for how long: those are counted by the minute.
            None if kind == HttpErrorKind::RateLimited => {
                let wait = doubled(call.attempts + 3).min(config.longest_pause);
                Some(wait / 2 + jitter(wait / 2))
            }
            None => {
                let wait = jitter(doubled(call.attempts - 1).min(config.backoff_cap));
                (call.spent + wait < config.call_deadline).then_some(wait)
            }
        }
    }
}

fn is_worth_repeating(request: &Request, error: &HttpError) -> bool {
    match error.kind() {
        // Not even begun. (Of a request that is sent once this only makes a pause for the others.)
        HttpErrorKind::RateLimited => true,
        _ if request.is_sent_once() => false,
        HttpErrorKind::Connect => true,
        HttpErrorKind::Timeout | HttpErrorKind::Truncated => request.repeatable,
        HttpErrorKind::Server => {
            request.repeatable && matches!(error.status(), Some(500 | 502..=504))
        }
        _ => false,
    }
}

/// A random time up to the longest: so that those who failed together do not come again together.
pub(super) fn jitter(longest: Duration) -> Duration {
    longest.mul_f64(fastrand::f64())
}
