//! A promotion that cannot be written is no promotion.

use std::fmt::Debug;

use super::decision::Decisions;
use crate::domain::ProblemCode;
use crate::inventory::{Inventory, TargetIx};

/// Tells which promotions cannot be written to the files of the config repo.
///
/// Every decision asks it, so a run, an explanation and a forecast never promise a promotion that
/// is impossible.
pub trait EditChecker: Debug {
    /// The subscribers (indexes) whose promotion cannot be written safely, each with the reason.
    fn find_unsafe(&self, inventory: &Inventory, decisions: &Decisions) -> Vec<(TargetIx, String)>;
}

/// Puts the subscribers in error whose promotion cannot be written.
pub(super) fn reject_unsafe_edits(
    inventory: &Inventory,
    edits: &dyn EditChecker,
    decisions: &mut Decisions,
) {
    for (member, reason) in edits.find_unsafe(inventory, decisions) {
        decisions.fail(inventory, member, ProblemCode::UnsafeEdit, &reason);
    }
}
