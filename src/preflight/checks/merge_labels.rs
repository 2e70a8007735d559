//! Do our labels get our merge requests into the queue, and keep none of them out?

use serde_json::json;

use super::{Facts, Finding, some};

/// Labels by which gitlab-housekeeping merges, the first ones first.
pub(super) const MERGE_LABELS: [&str; 9] = [
    "bot/approved: critical",
    "bot/approved: urgent",
    "bot/approved: high",
    "bot/approved: progressive-delivery",
    "bot/approved: medium",
    "bot/approved: low",
    "bot/approved",
    "bot/automerge",
    "lgtm",
];
/// Labels that keep a merge request from being merged by it.
const HOLD_LABELS: [&str; 10] = [
    "awaiting-approval",
    "blocked/bot-access",
    "changes-requested",
    "bot/hold",
    "do-not-merge/hold",
    "do-not-merge/pending-review",
    "needs-rebase",
    "merge-error",
    "pipeline-error",
    "rebase-error",
];

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let labels = &facts.context.settings.labels;
    if facts.context.queue.housekeeping.is_none() {
        let summary =
            "nobody merges these merge requests: no housekeeping is configured for this project";
        return Finding::warn(summary)
            .advice("let people merge them, or set auto-merge; otherwise they stay open")
            .evidence(json!({ "labels": labels }));
    }
    let held: Vec<&str> =
        HOLD_LABELS.iter().copied().filter(|label| labels.contains(*label)).collect();
    let place = MERGE_LABELS.iter().position(|label| labels.contains(*label));
    let outranked = place.map(|place| &MERGE_LABELS[place + 1..]);
    let evidence =
        json!({ "labels": labels, "priority": place, "outranks": outranked, "hold": held });
    if !held.is_empty() {
        return Finding::fail(format!(
            "the queue skips merge requests with the label {}",
            some(held)
        ))
        .advice("take it out of --label (SAPM_LABELS)")
        .evidence(evidence);
    }
    let Some(place) = place else {
        let summary =
            format!("no label of ({}) is one that the queue merges by", some(labels.clone()));
        return Finding::fail(summary)
            .advice(format!("add one to --label (SAPM_LABELS): {}", some(MERGE_LABELS)))
            .evidence(evidence);
    };
    match &facts.around.missing_labels {
        Ok(missing) if !missing.is_empty() => {
            let summary =
                format!("the project does not have the label {} yet", some(missing.clone()));
            Finding::warn(summary)
                .advice("make it, with a colour: GitLab makes it without one")
                .evidence(evidence)
        }
        Err(failure) => Finding::not_known("the project's labels", failure).evidence(evidence),
        Ok(_) => {
            Finding::pass(format!("the queue merges by {}", MERGE_LABELS[place])).evidence(evidence)
        }
    }
}
