//! Checks that the files can be edited for a promotion.

use std::fmt::Debug;

use super::decision::Decisions;
use crate::domain::ProblemCode;
use crate::inventory::{Inventory, TargetIx};

/// Finds promotions that cannot be written to the files of the config repo.
///
/// Every decision uses it, so a run, an explanation and a forecast never show a promotion that
/// is impossible.
pub trait EditChecker: Debug {
    /// The subscribers (indexes) whose files cannot be edited safely, each with the reason.
    fn find_unsafe(&self, inventory: &Inventory, decisions: &Decisions) -> Vec<(TargetIx, String)>;
}

/// Sets subscribers to error if their promotion cannot be written.
pub(super) fn reject_unsafe_edits(
    inventory: &Inventory,
    edits: &dyn EditChecker,
    decisions: &mut Decisions,
) {
    for (member, reason) in edits.find_unsafe(inventory, decisions) {
        decisions.fail(inventory, member, ProblemCode::UnsafeEdit, &reason);
    }
}
