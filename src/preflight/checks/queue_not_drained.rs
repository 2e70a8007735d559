//! Are messages of V1 left in its queue?

use super::{Facts, Finding};
use crate::old_promoter::OldKind;
use crate::report::CheckOutcome;

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let open = facts.seen.old_merge_requests.iter().any(|old| old.kind == OldKind::V1);
    let closed = facts.seen.closed_old(facts.context).any(|(_, kind)| kind == OldKind::V1);
    let shapes = &facts.context.options.shapes;
    let asked_for = shapes.has(OldKind::V1) && !shapes.has(OldKind::Sapm);
    if !(open || closed || asked_for) {
        return Finding::skipped("there is no sign of V1");
    }
    let summary = "whether messages of V1 are left in its queue cannot be seen from here";
    Finding::new(CheckOutcome::NotKnown, summary).advice(
        "look whether ApproximateNumberOfMessages of the queue is 0, then \
         --accept queue_not_drained=REASON: messages of a type that is gone stay, and let their consumer fail",
    )
}
