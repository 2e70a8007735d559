//! Do we see the same commits and deployments as the old promoter?

use serde_json::json;

use super::export::{ours, theirs};
use super::{Facts, Finding, counted, some};
use crate::domain::span;
use crate::preflight::{Context, Observation};
use crate::report::CheckOutcome;

/// Share of publishers that may differ because both looked at other times.
const FEW: f64 = 0.01;
/// Looks in a row after which a difference is one.
const IN_A_ROW: usize = 2;

/// Publishers whose facts differ: key, theirs, ours.
fn differing(context: &Context<'_>, seen: &Observation) -> Vec<(String, String, String)> {
    let Some(Ok(theirs)) = theirs(seen) else { return Vec::new() };
    let ours = ours(context);
    let mut found = Vec::new();
    for (key, their) in theirs {
        if let Some(our) = ours.get(&key).filter(|our| **our != their) {
            let words = |entry: &super::export::Entry| {
                format!("{} {}", entry.commit_sha, entry.deployment_state)
            };
            found.push((key, words(&their), words(our)));
        }
    }
    found
}

/// Do facts differ?
pub(in crate::preflight) fn facts_differ(context: &Context<'_>, seen: &Observation) -> bool {
    !differing(context, seen).is_empty()
}

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let (context, seen) = (facts.context, facts.seen);
    if let Err(failure) = &seen.export {
        return Finding::not_known("the state export", failure);
    }
    let Some(Ok(all)) = theirs(seen) else {
        return Finding::skipped("there is no state export to compare with");
    };
    let differing = differing(context, seen);
    let written_at = seen.export.as_ref().ok().and_then(|export| export.modified_at);
    let evidence = json!({
        "compared": all.len(), "looks": seen.number, "theirs_at": written_at,
        "ours_at": context.snapshot.observed_at,
        "differing": differing.iter().map(|(key, theirs, ours)| {
            json!({ "publisher": key, "theirs": theirs, "ours": ours })
        }).collect::<Vec<_>>(),
    });
    if differing.is_empty() {
        return Finding::pass(format!(
            "both see the same facts of {}",
            counted(all.len(), "publisher")
        ))
        .evidence(evidence);
    }
    let named =
        differing.iter().map(|(key, theirs, ours)| format!("{key} (theirs {theirs}, ours {ours})"));
    let age = written_at.map(|at| seen.at - at);
    let summary = format!(
        "{} of {} differ: {}{}",
        counted(differing.len(), "publisher"),
        all.len(),
        some(named),
        age.map(|age| format!("; theirs are {} old", span(age))).unwrap_or_default()
    );
    let is_settled =
        seen.differed >= IN_A_ROW || age.is_some_and(|age| age > context.options.quiet);
    let finding = if differing.len() as f64 <= all.len() as f64 * FEW {
        Finding::warn(summary)
    } else if is_settled {
        Finding::fail(summary)
    } else {
        Finding::new(CheckOutcome::NotKnown, format!("{summary} (one look says little)"))
    };
    finding
        .advice("run it with --wait 15m; if it stays, compare one of them by `sapm explain`")
        .evidence(evidence)
}
