//! The state export, which deployers' dashboards read.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::model::{PlanReport, PublisherReport};
use crate::decide::DeploymentState;
use crate::domain::{CommitSha, Shard};
use crate::inventory::{Inventory, Target};

/// Key of the export in the state bucket.
pub const EXPORT_KEY: &str = "state/saas-auto-promotions-manager/publisher-data.json";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<'a> {
    #[serde(borrow)]
    commit_sha: Cow<'a, str>,
    #[serde(borrow)]
    deployment_state: Cow<'a, str>,
}

type Entries<'a> = BTreeMap<String, Entry<'a>>;

/// All publishers whose commit and records are known, as a JSON object. The same facts always
/// give the same bytes.
pub fn publisher_data(report: &PlanReport) -> String {
    write(&collect_entries(report, |_| true))
}

/// The same by a node of several: the publishers of its own saas files, and of other files those that are `there`, as long
/// as the config repo has them. Once all nodes ran, the bytes are those of an undivided run.
pub fn add_publisher_data(
    report: &PlanReport,
    share: Shard,
    inventory: &Inventory,
    there: &[u8],
) -> String {
    // What is not an export is replaced.
    let mut entries: Entries<'_> = serde_json::from_slice(there).unwrap_or_default();
    let others = inventory.targets.iter().filter(|target| !share.has(&target.file));
    let others: BTreeSet<String> = others.map(key_of_target).collect();
    entries.retain(|key, _| others.contains(key));
    entries.extend(collect_entries(report, |file| share.has(file)));
    write(&entries)
}

fn write(entries: &Entries<'_>) -> String {
    serde_json::to_string(entries).unwrap_or_default()
}

/// The publishers of these saas files.
fn collect_entries(report: &PlanReport, is_own: impl Fn(&str) -> bool) -> Entries<'_> {
    let mut entries = Entries::new();
    let own = report.publishers.iter().filter(|publisher| is_own(&publisher.target.file));
    for publisher in own.filter(|publisher| publisher.unread.is_empty()) {
        let Some(commit_sha) = publisher.commit_sha.as_ref().map(CommitSha::as_str) else {
            continue;
        };
        let entry = Entry {
            commit_sha: commit_sha.into(),
            deployment_state: summarise_state(publisher).into(),
        };
        // Of two publishers with one name the first counts, as for promotions.
        entries.entry(key_of_publisher(publisher)).or_insert(entry);
    }
    entries
}

fn key_of_publisher(publisher: &PublisherReport) -> String {
    let target = &publisher.target;
    let names = [&target.app, &target.saas_file, &target.resource_template];
    let place = [&target.cluster, &target.namespace];
    build_key(names, target.target.as_deref(), place, publisher.redeploy)
}

fn key_of_target(target: &Target) -> String {
    let names = [&target.app.name, &target.saas_file, &target.resource_template];
    let place = [&target.namespace.cluster.name, &target.namespace.name];
    let redeploy = target.promotion.redeploy_on_publisher_config_change;
    build_key(names, target.name.as_deref(), place, redeploy)
}

fn build_key(
    [app, saas_file, resource_template]: [&String; 3],
    name: Option<&str>,
    [cluster, namespace]: [&String; 2],
    redeploy: bool,
) -> String {
    let name = name.unwrap_or("None");
    let redeploy = if redeploy { "True" } else { "False" };
    format!("{app}/{saas_file}/{resource_template}/{name}/{cluster}/{namespace}/{redeploy}")
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
