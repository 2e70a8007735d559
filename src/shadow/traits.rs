//! What of a target explains a difference: known from the config repo and from the evidence of gates.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::app_interface::Bundle;
use crate::decide::DeploymentState;
use crate::domain::TargetUid;
use crate::inventory::{Inventory, Target, TargetIx};
use crate::report::{PlanReport, SubscriberReport};

/// What is known of a target by the config repo alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traits {
    /// Path of its saas file.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Path of its namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its channels.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub channels: BTreeSet<String>,
    /// Name of its resource template.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub template: String,
    /// Name of its app.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub app: String,
    /// Name of its environment.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub environment: String,
    /// Does it ask for config hashes?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub follows_hashes: bool,
    /// Does its app block versions of the repository under another spelling?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub spelled_otherwise: bool,
    /// Does a channel stand twice in its list, or in that of one of its publishers?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub duplicate_channel: bool,
}

/// What a run found of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// A record's `success` is no boolean.
    SuccessNotBoolean,
    /// A record's `check_in` is in the future.
    FutureCheckIn,
}

/// What the old promoter was narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldNarrowing {
    /// Only this environment.
    pub environment: Option<String>,
    /// Only this app.
    pub app: Option<String>,
}

impl OldNarrowing {
    /// Does the old promoter look after this target?
    pub fn includes(&self, traits: &Traits) -> bool {
        let is = |wanted: &Option<String>, name: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == name)
        };
        is(&self.environment, &traits.environment) && is(&self.app, &traits.app)
    }
}

/// Traits of all subscribers.
pub(super) fn traits(bundle: &Bundle, inventory: &Inventory) -> BTreeMap<TargetUid, Traits> {
    let doubled = doubled_publishers(bundle, inventory);
    let of = |(_, target): (TargetIx, &Target)| {
        let promotion = &target.promotion;
        let traits = Traits {
            file: target.file.clone(),
            namespace: target.namespace.path.clone(),
            channels: promotion.subscribe.iter().cloned().collect(),
            template: target.resource_template.clone(),
            app: target.app.name.clone(),
            environment: target.namespace.environment.clone(),
            follows_hashes: promotion.redeploy_on_publisher_config_change,
            spelled_otherwise: target.app.code_components.iter().any(|component| {
                !component.blocked_versions.is_empty()
                    && component.url.id() == target.repo_url.id()
                    && component.url.as_str() != target.repo_url.as_str()
            }),
            duplicate_channel: has_duplicate(bundle, target, "subscribe")
                || promotion.subscribe.iter().any(|channel| doubled.contains(channel.as_str())),
        };
        (target.uid.clone(), traits)
    };
    inventory.subscribers().map(of).collect()
}

/// Channels of publishers that name one twice.
fn doubled_publishers<'a>(bundle: &Bundle, inventory: &'a Inventory) -> BTreeSet<&'a str> {
    let doubled =
        inventory.targets.iter().filter(|target| has_duplicate(bundle, target, "publish"));
    doubled.flat_map(|target| &target.promotion.publish).map(String::as_str).collect()
}

/// Does a name stand twice in a list of its promotion? (The loader takes it once.)
fn has_duplicate(bundle: &Bundle, target: &Target, key: &str) -> bool {
    let Some(tree) = bundle.tree(&target.declared_at.file) else { return false };
    let list = tree.node(target.node).get("promotion").and_then(|promotion| promotion.get(key));
    let mut seen = BTreeSet::new();
    list.into_iter()
        .flat_map(|list| list.items())
        .any(|item| item.text().is_some_and(|text| !seen.insert(text.into_owned())))
}

/// Marks of a subscriber in a run.
pub(super) fn marks(report: &PlanReport, subscriber: &SubscriberReport) -> BTreeSet<Mark> {
    let mut marks = BTreeSet::new();
    let publishers = report.publishers.iter();
    let records = publishers.flat_map(|one| {
        subscriber.channels.iter().filter_map(|channel| one.deployments.get(channel))
    });
    for record in records {
        if record.check_in.is_some_and(|at| at > report.observed_at) {
            marks.insert(Mark::FutureCheckIn);
        }
        let names_success = record.reason.as_ref().is_some_and(|why| why.contains("success"));
        if record.state == DeploymentState::Invalid && names_success {
            marks.insert(Mark::SuccessNotBoolean);
        }
    }
    marks
}
