//! The state export, which deployers' dashboards read.

use std::collections::BTreeMap;

use serde::Serialize;

use super::model::{PlanReport, PublisherReport};
use crate::decide::DeploymentState;
use crate::domain::CommitSha;

/// Key of the export in the state bucket.
pub const EXPORT_KEY: &str = "state/saas-auto-promotions-manager/publisher-data.json";

#[derive(Serialize)]
struct Entry<'a> {
    commit_sha: &'a CommitSha,
    deployment_state: &'static str,
}

/// All publishers whose commit and records are known, as a JSON object. The same facts always
/// give the same bytes.
pub fn publisher_data(report: &PlanReport) -> String {
    let mut entries: BTreeMap<String, Entry<'_>> = BTreeMap::new();
    for publisher in report.publishers.iter().filter(|publisher| publisher.unread.is_empty()) {
        let Some(commit_sha) = publisher.commit_sha.as_ref() else { continue };
        let entry = Entry { commit_sha, deployment_state: summarise_state(publisher) };
        // Of two publishers with one name the first counts, as for promotions.
        entries.entry(build_key(publisher)).or_insert(entry);
    }
    serde_json::to_string(&entries).unwrap_or_default()
}

fn build_key(publisher: &PublisherReport) -> String {
    let target = &publisher.target;
    format!(
        "{}/{}/{}/{}/{}/{}/{}",
        target.app,
        target.saas_file,
        target.resource_template,
        target.target.as_deref().unwrap_or("None"),
        target.cluster,
        target.namespace,
        if publisher.redeploy { "True" } else { "False" }
    )
}

/// Failed if any channel's record failed, else missing if any is missing or
/// not usable, else success.
fn summarise_state(publisher: &PublisherReport) -> &'static str {
    let has = |wanted: DeploymentState| {
        publisher.deployments.values().any(|deployment| deployment.state == wanted)
    };
    if has(DeploymentState::Failed) {
        "failed"
    } else if has(DeploymentState::Missing) || has(DeploymentState::Invalid) {
        "missing"
    } else {
        "success"
    }
}
