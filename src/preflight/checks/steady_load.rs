//! Can the queue take as many merge requests as `sapm` opens every day?

use serde_json::json;

use super::first_run::merges_per_hour;
use super::merge_labels::MERGE_LABELS;
use super::{Facts, Finding};
use crate::domain::count;
use crate::old_promoter::OldKind;
use crate::preflight::old_merge_requests::kind_of;

/// Hours of a week.
const WEEK: f64 = 7.0 * 24.0;

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let merged = match &facts.around.merged {
        Ok(merged) => merged,
        Err(failure) => return Finding::not_known("merged merge requests", failure),
    };
    let Some(pace) = merges_per_hour(facts) else {
        return Finding::skipped("too few merge requests were merged in the last 7 days to tell");
    };
    let old = merged.entries.iter().filter(|listed| {
        kind_of(facts.context, &listed.fact).is_some_and(|kind| kind != OldKind::Other)
    });
    let old = old.count();
    let open = &facts.seen.old_merge_requests;
    let targets: usize = open.iter().map(|request| request.targets.len()).sum();
    let targets_each =
        if open.is_empty() { 1.0 } else { (targets as f64 / open.len() as f64).max(1.0) };
    let expected = old as f64 * targets_each / WEEK;
    let share = expected / pace;
    let mut times: Vec<i64> = merged
        .entries
        .iter()
        .filter_map(|listed| Some((listed.merged_at? - listed.fact.created_at).num_seconds()))
        .collect();
    times.sort_unstable();
    let at = |part: usize| times.get((times.len() * part / 100).min(times.len().saturating_sub(1)));
    let waiting = facts.seen.open.iter().flat_map(|list| &list.entries).filter(|listed| {
        !listed.fact.draft && MERGE_LABELS.iter().any(|label| listed.fact.labels.contains(*label))
    });
    let evidence = json!({
        "old_requests_merged": old, "targets_each": targets_each, "expected_per_hour": expected,
        "merges_per_hour": pace, "seconds_to_merge_median": at(50), "seconds_to_merge_95": at(95),
        "queue_length": waiting.count(),
    });
    let summary = format!(
        "the old promoter's {} of the last 7 days would be {expected:.1} an hour at {targets_each:.1} \
         targets each, {:.0} % of the {pace:.1} that are merged an hour",
        count(old, "merge request"),
        share * 100.0
    );
    let finding = if share > 1.0 {
        Finding::fail(summary)
    } else if share > 0.5 {
        Finding::warn(summary)
    } else {
        return Finding::pass(summary).evidence(evidence);
    };
    finding
        .advice("speed the queue up before the cut-over, or start with some apps (--app-name)")
        .evidence(evidence)
}
