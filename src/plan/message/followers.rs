//! What a promotion sets off next.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::super::desired::Desired;
use super::super::markup::{code, shorten};
use super::LINE;
use crate::domain::count;
use crate::inventory::Inventory;

/// Subscribers that are listed.
const LISTED_FOLLOWERS: usize = 10;

/// The subscribers of the channels that the promoted targets publish to.
pub(super) fn write(text: &mut String, inventory: &Inventory, desired: &Desired) {
    let members = desired.members.iter();
    let channels: BTreeSet<&String> =
        members.flat_map(|&member| &inventory.targets[member].promotion.publish).collect();
    let is_next = |subscribed: &[String]| subscribed.iter().any(|one| channels.contains(one));
    let mut next = inventory
        .subscribers()
        .filter(|(index, target)| {
            is_next(&target.promotion.subscribe) && !desired.members.contains(index)
        })
        .map(|(_, target)| target)
        .peekable();
    if channels.is_empty() || next.peek().is_none() {
        return;
    }
    let _ = writeln!(text, "\n**What follows once it is deployed**\n");
    for target in next.by_ref().take(LISTED_FOLLOWERS) {
        let days = target.promotion.soak_days;
        let soak = match usize::try_from(days) {
            Ok(days) if days > 0 => format!(" after a soak of {}", count(days, "day")),
            _ => String::new(),
        };
        let _ = writeln!(text, "* then {}{soak}", code(&shorten(&target.label(), LINE)));
    }
    match next.count() {
        0 => {}
        more => drop(writeln!(text, "* and {more} more")),
    }
}
