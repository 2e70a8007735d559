//! May the token of this run do what `apply` does?

use serde_json::json;

use super::{Facts, Finding};
use crate::domain::count;
use crate::report::CheckOutcome;

/// Days before its end from which on a token's end is told.
const ENDS_SOON: i64 = 14;

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let token = &facts.context.token;
    let evidence = json!({
        "bot": facts.context.bot(), "missing": token.missing, "expires_at": token.expires_at,
    });
    if token.is_of_a_reader {
        let summary = "this token is another user's and only reads, so it says nothing about the token of apply";
        return Finding::new(CheckOutcome::NotKnown, summary)
            .advice("run preflight with apply's token, in the project of the schedule")
            .evidence(evidence);
    }
    if !token.missing.is_empty() {
        let summary = format!("apply could not write: {}", token.missing.join("; "));
        return Finding::fail(summary).advice("see docs/permissions.md").evidence(evidence);
    }
    if let Some(day) = token.expires_at {
        let left = (day - facts.seen.at.date_naive()).num_days();
        if left < ENDS_SOON {
            let days = count(usize::try_from(left).unwrap_or_default(), "day");
            let summary = format!("the token expires on {day}, in {days}");
            return Finding::warn(summary).advice("rotate it in time").evidence(evidence);
        }
    }
    Finding::pass("apply may write with this token").evidence(evidence)
}
