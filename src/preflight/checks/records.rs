//! Are there deployment records for the publishers that somebody follows?

use std::collections::BTreeMap;

use serde_json::json;

use super::{Facts, Finding, some};
use crate::decide::DeploymentState;
use crate::domain::count;
use crate::preflight::records::{RecordsHint, usable_records};

/// Share of usable records below which it is worth a look.
const FEW: f64 = 0.8;

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let (usable, all) = usable_records(facts.context);
    let evidence = json!({ "by_app": by_app(facts), "usable": usable, "asked_for": all });
    if all == 0 {
        return Finding::skipped("no publisher has a channel that somebody follows");
    }
    if usable == 0 {
        let hint = facts.around.records.clone().unwrap_or_default();
        let summary = format!("none of {all} deployment records is usable{}", found_instead(&hint));
        return Finding::fail(summary).advice(advice(&hint)).evidence(evidence);
    }
    let share = usable as f64 / all as f64;
    let summary = format!("{usable} of {all} deployment records are usable");
    if share < FEW {
        return Finding::warn(summary)
            .advice("look at `sapm explain` of a target that waits for a deployment: is its publisher deployed?")
            .evidence(evidence);
    }
    Finding::pass(summary).evidence(evidence)
}

fn found_instead(hint: &RecordsHint) -> String {
    let mut found = Vec::new();
    if hint.v1_keys > 0 {
        found.push(format!("{} below promotions/, where V1 looked", count(hint.v1_keys, "key")));
    }
    if hint.other_uids > 0 {
        found.push(format!(
            "{} under other uids, as --fips makes them or not",
            count(hint.other_uids, "record")
        ));
    }
    if !hint.other_prefixes.is_empty() {
        let named = hint.other_prefixes.iter().map(|prefix| {
            if prefix.is_empty() { "no prefix".to_owned() } else { format!("the prefix {prefix}") }
        });
        found.push(format!("records below {}", some(named)));
    }
    if found.is_empty() { String::new() } else { format!("; there are {}", found.join(", ")) }
}

fn advice(hint: &RecordsHint) -> String {
    if !hint.other_prefixes.is_empty() {
        return "correct the prefix in --state (SAPM_STATE)".to_owned();
    }
    if hint.other_uids > 0 {
        return "set --fips (or USED_FOR_SECURITY) as the deployers have it".to_owned();
    }
    if hint.v1_keys > 0 {
        return "the deployer must write promotions_v2/: update qontract-reconcile first"
            .to_owned();
    }
    let error = hint.error.as_ref().map(|error| format!(" (keys cannot be listed: {error})"));
    format!("is --state (SAPM_STATE) the deployers' bucket?{}", error.unwrap_or_default())
}

/// By app: how many deployments are in which state.
fn by_app<'a>(facts: &Facts<'a>) -> BTreeMap<&'a str, BTreeMap<&'static str, usize>> {
    let mut found: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for publisher in &facts.context.report.publishers {
        for deployment in publisher.deployments.values() {
            let word = match deployment.state {
                DeploymentState::Success => "success",
                DeploymentState::Failed => "failed",
                DeploymentState::Missing => "missing",
                DeploymentState::Invalid => "invalid",
            };
            let app = found.entry(publisher.target.app.as_str()).or_default();
            *app.entry(word).or_default() += 1;
        }
    }
    found
}
