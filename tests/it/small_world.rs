//! Config repos in memory with facts, for tests of the pure parts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use datafiles::{Datafiles, Place, SaasFile, Target};
use sapm::app_interface::{Bundle, load};
use sapm::decide::{Decisions, EditChecker, record_key};
use sapm::domain::{CommitSha, UidDigest};
use sapm::inventory::{Inventory, TargetIx, build};
use sapm::snapshot::Snapshot;
use serde_json::{Value, json};

/// A target of a made-up saas file.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// Name of its namespace.
    pub namespace: String,
    pub git_ref: String,
    pub publish: Vec<String>,
    pub subscribe: Vec<String>,
    pub soak_days: u64,
    pub schedule: String,
    /// Follows config hashes, and has this one for each channel (empty: none).
    pub hash: Option<String>,
}

/// Accepts every edit.
#[derive(Debug)]
pub struct AnyEdit;

impl EditChecker for AnyEdit {
    fn find_unsafe(&self, _: &Inventory, _: &Decisions) -> Vec<(TargetIx, String)> {
        Vec::new()
    }
}

/// A commit of one digit.
pub fn commit(digit: char) -> String {
    digit.to_string().repeat(40)
}

pub fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// One saas file `saas-NAME` of the app NAME per entry.
pub fn read(apps: &BTreeMap<String, Vec<Spec>>) -> (Bundle, Inventory) {
    let bundle = load(&files(apps).0).unwrap();
    let inventory = build(&bundle, UidDigest::Blake2s);
    (bundle, inventory)
}

/// The record of a deployment of a target's ref on all its channels.
pub fn deploy(
    inventory: &Inventory,
    snapshot: &mut Snapshot,
    index: TargetIx,
    time: DateTime<Utc>,
) {
    let target = &inventory.targets[index];
    let sha = CommitSha::parse(target.current_ref()).unwrap();
    for channel in &target.promotion.publish {
        let record = json!({
            "success": true, "saas_file": target.saas_file, "target_config_hash": "00ff",
            "check_in": time.to_rfc3339(),
        });
        snapshot.deployment_records.insert(record_key(channel, &target.uid, &sha), record);
    }
}

fn files(apps: &BTreeMap<String, Vec<Spec>>) -> Datafiles {
    let mut files = Datafiles::default();
    files.cluster("/prod01.yml", "prod01").environment("/production.yml", "production");
    for (app, targets) in apps {
        let app_file = format!("/{app}/app.yml");
        let place =
            Place { app: &app_file, cluster: "/prod01.yml", environment: "/production.yml" };
        files.app(&app_file, app);
        let mut saas = SaasFile::new(&format!("saas-{app}"), &app_file)
            .template("api", &format!("https://git.example.com/{app}"));
        for (number, target) in targets.iter().enumerate() {
            let path = format!("/{app}/namespaces/{number}.yml");
            files.namespace(&path, &target.namespace, place);
            let promotion = promotion(app, target);
            saas = saas.target(&Target::new(&path, &target.git_ref).with("promotion", promotion));
        }
        files.saas(&format!("/{app}/saas.yml"), &saas);
    }
    files
}

fn promotion(app: &str, target: &Spec) -> Value {
    let hash = |channel: &String| {
        let data = json!({
            "type": "parent_saas_config", "parent_saas": format!("saas-{app}"),
            "target_config_hash": target.hash,
        });
        json!({"channel": channel, "data": [data]})
    };
    let has_hash = target.hash.as_ref().is_some_and(|hash| !hash.is_empty());
    let hashes = target.subscribe.iter().filter(|_| has_hash).map(hash);
    json!({
        "auto": !target.subscribe.is_empty(), "publish": target.publish,
        "subscribe": target.subscribe, "soakDays": target.soak_days, "schedule": target.schedule,
        "redeployOnPublisherConfigChange": target.hash.is_some(),
        "promotion_data": hashes.collect::<Vec<_>>(),
    })
}
