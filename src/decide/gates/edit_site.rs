//! Gate 7: a place in a file that several subscribers share moves only when
//! all of them are to be promoted to the same values.

use super::{Evidence, Gate, GateResult};
use crate::inventory::Target;

/// Passes: the subscriber is alone there, or all move together.
pub(in crate::decide) fn pass(others: usize) -> GateResult {
    match others {
        0 => GateResult::not_applicable(
            Gate::EditSite,
            "nobody else shares this place",
            Evidence::Nothing {},
        ),
        n => GateResult::pass(
            Gate::EditSite,
            format!("all {} subscribers of this place move together", n + 1),
            Evidence::Shared { shared_with: n },
        ),
    }
}

/// Holds: waits for another subscriber of the place.
pub(in crate::decide) fn waits_for(other: &Target, why: &str) -> GateResult {
    GateResult::blocked(
        Gate::EditSite,
        format!("shares its place in {} with {}, {why}", other.declared_at.file, other.label()),
        Evidence::WaitsFor {
            file: other.declared_at.file.clone(),
            label: other.label(),
            waits_for: other.uid.clone(),
        },
    )
}
