//! The stages that need no network, on one thread, at 1,000 saas files: `cargo bench -p scale`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use divan::{Bencher, black_box};
use sapm::app_interface::{Bundle, FileTree, TreeError, load};
use sapm::decide::{Decisions, decide};
use sapm::domain::UidDigest;
use sapm::inventory::{Inventory, build};
use sapm::plan::{self, Merge, MergeTexts, Plan, Settings};
use sapm::report::{PlanReport, page};
use sapm::snapshot::Snapshot;
use scale::{Estate, Size, Urls};

fn main() {
    divan::main();
}

struct InMemory(BTreeMap<String, String>);

impl FileTree for InMemory {
    fn visit(&self, visitor: &mut dyn FnMut(&str, &[u8])) -> Result<(), TreeError> {
        for (path, text) in &self.0 {
            visitor(path.strip_prefix("data").unwrap(), text.as_bytes());
        }
        Ok(())
    }
}

struct NoMerge;

impl MergeTexts for NoMerge {
    fn merge(&self, _: &str, _: &str, _: &str) -> Merge {
        Merge::Conflict
    }
}

struct World {
    tree: InMemory,
    bundle: Bundle,
    inventory: Inventory,
    snapshot: Snapshot,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let estate = Estate::generate(Size::times(1, 25), 1);
    let urls = Urls::default();
    let tree = InMemory(estate.files(&urls));
    let bundle = load(&tree).unwrap();
    assert!(bundle.problems.is_empty(), "{:?}", bundle.problems);
    let inventory = build(&bundle, UidDigest::Blake2s);
    let now: DateTime<Utc> = "2026-08-20T10:15:30Z".parse().unwrap();
    World { snapshot: estate.snapshot(&urls, now), tree, bundle, inventory }
});

fn decided() -> Decisions {
    decide(&WORLD.inventory, &WORLD.snapshot, &|_| true)
}

fn planned(decisions: &Decisions) -> Plan {
    let settings = Settings {
        target_branch: "main".to_owned(),
        labels: ["SAPM".to_owned()].into(),
        allow_opening: true,
        allow_closing: true,
        max_new_merge_requests: 25,
        narrowing: Default::default(),
        pipeline_url: None,
        gitlab_host: None,
    };
    let World { inventory, bundle, snapshot, .. } = &*WORLD;
    plan::plan(inventory, bundle, decisions, snapshot, &settings, &NoMerge)
}

#[divan::bench]
fn loading(bencher: Bencher) {
    LazyLock::force(&WORLD);
    bencher.bench(|| load(black_box(&WORLD.tree)).unwrap());
}

#[divan::bench]
fn inventory(bencher: Bencher) {
    LazyLock::force(&WORLD);
    bencher.bench(|| build(black_box(&WORLD.bundle), UidDigest::Blake2s));
}

#[divan::bench]
fn deciding(bencher: Bencher) {
    LazyLock::force(&WORLD);
    bencher.bench(decided);
}

#[divan::bench]
fn planning(bencher: Bencher) {
    let decisions = decided();
    bencher.bench(|| planned(black_box(&decisions)));
}

fn reported(decisions: &Decisions, plan: &Plan) -> PlanReport {
    let World { inventory, snapshot, .. } = &*WORLD;
    let narrowing = Default::default();
    PlanReport::new(inventory, snapshot, decisions, plan, None, &narrowing, Vec::new())
}

#[divan::bench]
fn reporting(bencher: Bencher) {
    let decisions = decided();
    let plan = planned(&decisions);
    bencher.bench(|| reported(&decisions, &plan).to_json());
}

/// `report.html`, with a picture of each app.
#[divan::bench]
fn page_of_all(bencher: Bencher) {
    let decisions = decided();
    let report = reported(&decisions, &planned(&decisions));
    bencher.bench(|| page(black_box(&report)));
}
