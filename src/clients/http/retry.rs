//! Decides whether to repeat an attempt, and after which delay.

use std::time::Duration;

use super::error::{HttpError, HttpErrorKind};
use super::request::Request;
use super::service::{Call, Failed, Next, ServiceClient};

impl ServiceClient {
    /// The delay before the next attempt; `None` if there is none. A pause that the
    /// host requests is added, and all calls wait for it.
    pub(super) fn wait_before_next(&self, call: &Call<'_>, failed: &Failed) -> Option<Duration> {
        match failed.next {
            Next::Never => return None,
            Next::AfterPause => return Some(Duration::ZERO),
            Next::Unsaid => {}
        }
        let config = self.config();
        let kind = failed.error.kind();
        let unanswered = matches!(kind, HttpErrorKind::Connect | HttpErrorKind::Timeout);
        let most = if unanswered && !call.origin.has_answered() {
            config.first_contact_attempts
        } else {
            config.max_attempts
        };
        let failures = call.attempts - call.refusals;
        if failures >= most || !is_worth_repeating(call.request, &failed.error) {
            return None;
        }
        let doubled = config.backoff_base.saturating_mul(2_u32.saturating_pow(failures - 1));
        let wait = jitter(doubled.min(config.backoff_cap));
        (call.spent + wait < config.call_deadline).then_some(wait)
    }
}

fn is_worth_repeating(request: &Request, error: &HttpError) -> bool {
    match error.kind() {
        HttpErrorKind::Connect => true,
        HttpErrorKind::Timeout | HttpErrorKind::Truncated => request.repeatable,
        HttpErrorKind::Server => {
            request.repeatable && matches!(error.status(), Some(500 | 502..=504))
        }
        HttpErrorKind::Conflict => request.repeatable && is_locked(error),
        _ => false,
    }
}

/// GitLab's `409 Conflict: Resource lock`, which is over in a moment.
fn is_locked(error: &HttpError) -> bool {
    error.body().to_ascii_lowercase().contains("resource lock")
}

/// A random time up to the maximum, so that calls that failed together are not repeated together.
pub(super) fn jitter(longest: Duration) -> Duration {
    longest.mul_f64(fastrand::f64())
}
