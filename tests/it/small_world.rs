//! Config repos made up in memory, with facts: for tests of the pure parts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use sapm::app_interface::{Bundle, Entry, FileTree, TreeError, load};
use sapm::decide::{Decisions, EditChecker, record_key};
use sapm::domain::{CommitSha, UidDigest};
use sapm::inventory::{Inventory, TargetIx, build};
use sapm::snapshot::Snapshot;
use serde_json::json;

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
    /// Asks for redeployment, and has this config hash of each channel (empty: none).
    pub hash: Option<String>,
}

/// Takes every edit for safe.
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

/// One saas file `saas-NAME` of the app NAME for each entry.
pub fn read(apps: &BTreeMap<String, Vec<Spec>>) -> (Bundle, Inventory) {
    let bundle = load(&Tree(files(apps))).unwrap();
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
    let sha = CommitSha::parse(target.git_ref.as_ref().unwrap()).unwrap();
    for channel in &target.promotion.publish {
        let record = json!({
            "success": true, "saas_file": target.saas_file, "target_config_hash": "00ff",
            "check_in": time.to_rfc3339(),
        });
        snapshot.deployment_records.insert(record_key(channel, &target.uid, &sha), record);
    }
}

fn files(apps: &BTreeMap<String, Vec<Spec>>) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut put = |path: String, schema: &str, text: String| {
        files.insert(path, format!("---\n$schema: {schema}\n{text}"));
    };
    put("/prod01.yml".into(), "/openshift/cluster-1.yml", "name: prod01\n".into());
    put("/production.yml".into(), "/app-sre/environment-1.yml", "name: production\n".into());
    for (app, targets) in apps {
        put(format!("/{app}/app.yml"), "/app-sre/app-1.yml", format!("name: {}\n", quoted(app)));
        let mut saas = format!(
            "name: {}\napp: {{$ref: /{app}/app.yml}}\nresourceTemplates:\n- name: api\n  url: https://git.example.com/{app}\n  path: /api.yml\n  targets:\n",
            quoted(&format!("saas-{app}"))
        );
        for (number, target) in targets.iter().enumerate() {
            let path = format!("/{app}/namespaces/{number}.yml");
            put(
                path.clone(),
                "/openshift/namespace-1.yml",
                format!(
                    "name: {}\ncluster: {{$ref: /prod01.yml}}\napp: {{$ref: /{app}/app.yml}}\nenvironment: {{$ref: /production.yml}}\n",
                    quoted(&target.namespace)
                ),
            );
            let hash = |channel: &String| {
                let data = json!({
                    "type": "parent_saas_config", "parent_saas": format!("saas-{app}"),
                    "target_config_hash": target.hash,
                });
                json!({"channel": channel, "data": [data]})
            };
            let has_hash = target.hash.as_ref().is_some_and(|hash| !hash.is_empty());
            let hashes = target.subscribe.iter().filter(|_| has_hash).map(hash);
            let promotion = json!({
                "auto": !target.subscribe.is_empty(), "publish": target.publish,
                "subscribe": target.subscribe, "soakDays": target.soak_days,
                "schedule": target.schedule,
                "redeployOnPublisherConfigChange": target.hash.is_some(),
                "promotion_data": hashes.collect::<Vec<_>>(),
            });
            let _ = writeln!(
                saas,
                "  - namespace: {{$ref: {path}}}\n    ref: '{}'\n    promotion: {promotion}",
                target.git_ref
            );
        }
        put(format!("/{app}/saas.yml"), "/app-sre/saas-file-2.yml", saas);
    }
    files
}

/// A JSON text is a YAML text, if it is all ASCII.
fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).unwrap();
    let escaped = |c: char| match c {
        c if c.is_ascii() => c.to_string(),
        c => format!("\\u{:04x}", u32::from(c)),
    };
    json.chars().map(escaped).collect()
}

/// Path to text.
pub struct Tree(pub BTreeMap<String, String>);

impl FileTree for Tree {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        for (path, text) in &self.0 {
            visitor(Entry::File(path, text.as_bytes()));
        }
        Ok(())
    }
}
