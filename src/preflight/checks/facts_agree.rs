//! Do we see the same commits and deployments as the old promoter?

use serde_json::json;

use super::export::{ours, theirs};
use super::{Facts, Finding, counted, some};
use crate::domain::span;
use crate::preflight::{Context, Observation};
use crate::report::{CheckOutcome, Phase};

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
    if facts.phase() == Phase::After {
        return Finding::skipped("only while the old promoter runs, or right after");
    }
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
    judge(context, seen, all.len(), &differing).evidence(evidence)
}

fn judge(
    context: &Context<'_>,
    seen: &Observation,
    compared: usize,
    differing: &[(String, String, String)],
) -> Finding {
    let written_at = seen.export.as_ref().ok().and_then(|export| export.modified_at);
    let named =
        differing.iter().map(|(key, theirs, ours)| format!("{key} (theirs {theirs}, ours {ours})"));
    let age = written_at.map(|at| seen.at - at);
    let summary = format!(
        "{} of {} differ: {}{}",
        counted(differing.len(), "publisher"),
        compared,
        some(named),
        age.map(|age| format!("; theirs are {} old", span(age))).unwrap_or_default()
    );
    // The export of a promoter that is off grows old: what was deployed since is in ours alone.
    let is_stale = age.is_some_and(|age| age > context.options.quiet);
    if is_stale {
        let advice = "look whether each was deployed since: nobody writes this export any more";
        return Finding::warn(summary).advice(advice);
    }
    let finding = if differing.len() as f64 <= compared as f64 * FEW {
        Finding::warn(summary)
    } else if seen.differed >= IN_A_ROW {
        Finding::fail(summary)
    } else {
        Finding::new(CheckOutcome::NotKnown, format!("{summary} (one look says little)"))
    };
    finding.advice("run it with --wait 15m; if it stays, compare one of them by `sapm explain`")
}
