//! The way back: what happens to our open merge requests when the old promoter is switched on again.

use serde_json::json;

use super::{Facts, Finding, counted};
use crate::domain::{MrIid, mr_numbers};
use crate::preflight::old_merge_requests::is_ours;
use crate::snapshot::MrState;

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let context = facts.context;
    let open = context.snapshot.merge_requests.values();
    let open: Vec<_> =
        open.filter(|fact| fact.state == MrState::Opened && is_ours(context, fact)).collect();
    let shared = context.options.shapes.own_labels();
    let (by_itself, by_hand): (Vec<&_>, Vec<&_>) = open
        .iter()
        .copied()
        .partition(|fact| shared.iter().any(|label| fact.labels.contains(*label)));
    let iids = |facts: &[&crate::snapshot::MergeRequestFact]| {
        facts.iter().map(|fact| fact.iid).collect::<Vec<MrIid>>()
    };
    let (by_itself, by_hand) = (iids(&by_itself), iids(&by_hand));
    let mut summary = match open.len() {
        0 => "no merge request of sapm is open; switch the schedule off, then the old promoter on"
            .to_owned(),
        count => format!(
            "{} of sapm open; switch the schedule off, then the old promoter on",
            counted(count, "merge request")
        ),
    };
    if !by_itself.is_empty() {
        summary += &format!(". By their label it closes {}", mr_numbers(&by_itself));
    }
    if !by_hand.is_empty() {
        summary += &format!(". Close by hand first: {}", mr_numbers(&by_hand));
    }
    let finding = Finding::pass(summary)
        .evidence(json!({ "closed_by_old": by_itself, "close_by_hand": by_hand }));
    if open.is_empty() {
        return finding;
    }
    finding.advice(
        "before the next attempt, put the label sapm/again on these, or name the old promoter's user in --other-bot: \
         without it these promotions stay suppressed",
    )
}
