//! Once the new promoter runs: do its merge requests get pipelines, keep their labels, and get merged?

use chrono::TimeDelta;
use serde_json::json;

use super::{Facts, Finding, some};
use crate::preflight::old_merge_requests::is_ours;
use crate::report::Phase;
use crate::snapshot::Failure;

/// How long a pipeline may take to be there.
const PIPELINE_WITHIN: TimeDelta = TimeDelta::hours(2);
/// How long a merge request may be open before nobody seems to merge.
const MERGED_WITHIN: TimeDelta = TimeDelta::hours(24);

/// What is amiss with open merge requests of ours.
#[derive(Default)]
struct Amiss<'a> {
    without_pipeline: Vec<String>,
    removed: Vec<String>,
    open_for_a_day: Vec<String>,
    unread: Option<&'a Failure>,
}

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    if facts.phase() != Phase::After {
        return Finding::skipped("only with --phase after");
    }
    let amiss = amiss(facts);
    let merged = facts.around.merged.iter().flat_map(|list| &list.entries);
    let merged = merged.filter(|listed| is_ours(facts.context, &listed.fact)).count();
    let open = facts.around.own.len();
    let evidence = json!({
        "open": open, "merged_in_7_days": merged, "without_pipeline": amiss.without_pipeline,
        "labels_removed": amiss.removed, "open_for_a_day": amiss.open_for_a_day,
    });
    judge(&amiss, merged, open).evidence(evidence)
}

fn judge(amiss: &Amiss<'_>, merged: usize, open: usize) -> Finding {
    if !amiss.removed.is_empty() {
        return Finding::fail(format!("labels are taken off: {}", some(amiss.removed.clone())))
            .advice("see label_rights and approval: who takes them off, and why?");
    }
    if !amiss.without_pipeline.is_empty() {
        let named = some(amiss.without_pipeline.clone());
        return Finding::fail(format!("open for 2 hours without a pipeline: {named}")).advice(
            "do pipelines start for merge requests of this user? See the rules of the project's .gitlab-ci.yml",
        );
    }
    if let Some(failure) = amiss.unread {
        return Finding::not_known("open merge requests of sapm", failure);
    }
    if merged == 0 && open == 0 {
        return Finding::warn("sapm has opened no merge request yet")
            .advice("wait for a promotion to be due");
    }
    if !amiss.open_for_a_day.is_empty() {
        let named = some(amiss.open_for_a_day.clone());
        return Finding::warn(format!("open for a day or longer: {named}"))
            .advice("look at one of them: what does the queue wait for?");
    }
    Finding::pass(format!("{merged} merged in 7 days, {open} open"))
}

fn amiss<'a>(facts: &Facts<'a>) -> Amiss<'a> {
    let (context, now) = (facts.context, facts.seen.at);
    let mut amiss = Amiss::default();
    for own in facts.around.own.values().filter(|own| !own.fact.draft) {
        let age = now - own.fact.created_at;
        match &own.detail {
            Some(Ok(detail)) if detail.pipeline.is_none() && age >= PIPELINE_WITHIN => {
                amiss.without_pipeline.push(own.fact.iid.to_string());
            }
            Some(Err(failure)) => amiss.unread = Some(failure),
            _ => {}
        }
        match &own.labels {
            Ok(events) => {
                for label in &context.settings.labels {
                    let last = events.iter().rev().find(|event| event.label == *label);
                    let by_others =
                        last.filter(|event| !event.added && !context.is_bot(event.user_id));
                    let told = by_others
                        .map(|event| format!("{label} off {} by @{}", own.fact.iid, event.user));
                    amiss.removed.extend(told);
                }
            }
            Err(failure) => amiss.unread = Some(failure),
        }
        if age >= MERGED_WITHIN {
            amiss.open_for_a_day.push(own.fact.iid.to_string());
        }
    }
    amiss
}
