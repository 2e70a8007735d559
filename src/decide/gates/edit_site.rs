//! Gate 7: several subscribers that share an edit site are promoted only if
//! all of them are promoted to the same values.

use super::{Evidence, Gate, GateResult};
use crate::inventory::Target;

/// Passes: the subscriber is alone at its edit site, or all members are promoted together.
pub(in crate::decide) fn pass(others: usize) -> GateResult {
    match others {
        0 => GateResult::not_applicable(
            Gate::EditSite,
            "no other subscriber shares this edit site",
            Evidence::Nothing {},
        ),
        n => GateResult::pass(
            Gate::EditSite,
            format!("all {} subscribers of this edit site are promoted together", n + 1),
            Evidence::Shared { shared_with: n },
        ),
    }
}

/// Blocks: the subscriber waits for another member of the edit site.
pub(in crate::decide) fn waits_for(other: &Target, why: &str) -> GateResult {
    GateResult::blocked(
        Gate::EditSite,
        format!("shares its edit site in {} with {}, {why}", other.declared_at.file, other.label()),
        Evidence::WaitsFor {
            file: other.declared_at.file.clone(),
            label: other.label(),
            waits_for: other.uid.clone(),
        },
    )
}
