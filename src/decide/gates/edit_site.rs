//! Gate 7: a place in a file that several subscribers share moves only when
//! all of them are to be promoted to the same values.

use serde_json::json;

use super::{Gate, GateName};
use crate::inventory::Target;

/// Passes: the subscriber is alone there, or all move together.
pub(in crate::decide) fn pass(others: usize) -> Gate {
    match others {
        0 => Gate::not_applicable(GateName::EditSite, "nobody else shares this place", json!({})),
        n => Gate::pass(
            GateName::EditSite,
            format!("all {} subscribers of this place move together", n + 1),
            json!({"shared_with": n}),
        ),
    }
}

/// Holds: waits for another subscriber of the place.
pub(in crate::decide) fn waits_for(other: &Target, why: &str) -> Gate {
    Gate::hold(
        GateName::EditSite,
        format!("shares its place in {} with {}, {why}", other.place.file, other.label()),
        json!({"waits_for": other.uid, "label": other.label(), "file": other.place.file}),
    )
}
