//! Pages of small worlds, created without a run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use sapm::decide::decide;
use sapm::domain::{MrIid, TargetUid};
use sapm::inventory::Inventory;
use sapm::plan::{Action, Plan, Reason, Scope};
use sapm::report::{MergeRequestReport, PlanReport, page};
use sapm::snapshot::Snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::small_world::{Spec, at, commit, deploy, read};

/// A world whose publishers with commit 2 have deployed it at these times (by namespace).
pub fn report(
    apps: &BTreeMap<String, Vec<Spec>>,
    now: &str,
    deployed: &[(&str, &str)],
) -> (Inventory, PlanReport) {
    let (bundle, inventory) = read(apps);
    let mut snapshot = Snapshot::new(at(now));
    for (namespace, time) in deployed {
        let such = |target: &sapm::inventory::Target| target.namespace.name == *namespace;
        for (index, _) in inventory.targets.indexed().filter(|(_, target)| such(target)) {
            deploy(&inventory, &mut snapshot, index, at(time));
        }
    }
    let decisions = decide(&inventory, &snapshot, &bundle, &|_| true);
    let problems = decisions.problems.clone();
    let (plan, scope) = (Plan::default(), Scope::default());
    let report = PlanReport::new(&inventory, &snapshot, &decisions, &plan, None, &scope, problems);
    (inventory, report)
}

/// An open, up-to-date merge request.
pub fn open_mr(targets: Vec<TargetUid>, opened_at: &str) -> MergeRequestReport {
    MergeRequestReport {
        action: Action::Keep,
        reason_code: Reason::AsWanted,
        reason: "open and as it should be".to_owned(),
        branch: "auto-promoter-v2/main/x".to_owned(),
        iid: Some(MrIid(7)),
        web_url: Some("https://gitlab.example.com/shop/-/merge_requests/7".to_owned()),
        title: "[AutoPromoterV2] x".to_owned(),
        labels: BTreeSet::new(),
        reviewers: Vec::new(),
        targets,
        files: Vec::new(),
        opened_at: Some(at(opened_at)),
        persons_draft: false,
        promotable_since: None,
        batch: None,
        writes: 0,
        outcome: None,
    }
}

/// A page in its own folder.
pub fn written(report: &PlanReport) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    std::fs::write(&path, page(report)).unwrap();
    (folder, path)
}

/// The data of the page.
pub fn data(report: &PlanReport) -> Value {
    let text = page(report);
    let (_, rest) = text.split_once("id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// Stage publishes to the channel APP, and its followers are called `one-NNN`.
pub fn followers(count: usize, app: &str) -> BTreeMap<String, Vec<Spec>> {
    let stage = Spec {
        namespace: "stage".to_owned(),
        git_ref: commit('2'),
        publish: vec![app.to_owned()],
        ..Spec::default()
    };
    let follower = |number| Spec {
        namespace: format!("one-{number:03}"),
        git_ref: commit('1'),
        subscribe: vec![app.to_owned()],
        ..Spec::default()
    };
    let all = std::iter::once(stage).chain((0..count).map(follower)).collect();
    BTreeMap::from([(app.to_owned(), all)])
}
