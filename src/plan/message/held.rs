//! What a description says first while its merge request is held.

use chrono::{DateTime, Utc};

use super::super::markup::{prose, shorten};
use super::{LINE, described_values, minute};

const BEGIN: &str = "**Held by ";
/// Hidden between the reason and the description as it was.
const END: &str = "\n\n<!-- sapm:held -->\n\n";

/// A description of the bot with the reason why the merge request is held; `None` where it is a person's.
pub(in super::super) fn with_hold(
    description: &str,
    gate: &str,
    reason: &str,
    now: DateTime<Utc>,
) -> Option<String> {
    described_values(description)?;
    let description = without_hold(description).unwrap_or(description);
    // The reason of a gate begins with its name.
    let reason = reason.strip_prefix(&format!("held by {gate}: ")).unwrap_or(reason);
    let reason = prose(shorten(reason, LINE).trim_end_matches('.'));
    Some(format!(
        "{BEGIN}{}** (as of {}): {reason}. What follows is older.{END}{description}",
        prose(gate),
        minute(now)
    ))
}

/// The description as it was before, if it says that the merge request is held.
pub(in super::super) fn without_hold(description: &str) -> Option<&str> {
    description.strip_prefix(BEGIN)?.split_once(END).map(|(_, description)| description)
}
