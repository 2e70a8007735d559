//! The stages that need no network, on one thread, at 1,000 saas files: `cargo bench -p scale`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use divan::{Bencher, black_box};
use sapm::app_interface::{Bundle, Entry, FileTree, TreeError, load};
use sapm::decide::{Decisions, EditChecker, decide, suppose_promoted};
use sapm::domain::{CommitSha, UidDigest};
use sapm::inventory::{Inventory, build};
use sapm::plan::{self, DesiredStates, Merge, MergeTexts, Plan, Settings};
use sapm::report::{PlanReport, page};
use sapm::snapshot::Snapshot;
use scale::{Estate, Size, Urls};

fn main() {
    divan::main();
}

struct InMemory(BTreeMap<String, String>);

impl FileTree for InMemory {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        for (path, text) in &self.0 {
            visitor(Entry::File(path.strip_prefix("data").unwrap(), text.as_bytes()));
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
    decide(&WORLD.inventory, &WORLD.snapshot, &WORLD.bundle, &|_| true)
}

fn planned(decisions: &Decisions) -> Plan {
    let settings = Settings {
        target_branch: "main".to_owned(),
        labels: ["SAPM".to_owned()].into(),
        ..Settings::default()
    };
    let World { inventory, bundle, snapshot, .. } = &*WORLD;
    let desired_states = DesiredStates::of(inventory, bundle, decisions);
    plan::plan(inventory, bundle, decisions, &desired_states, snapshot, &settings, &NoMerge)
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

/// One saas file with this many targets, all to be promoted.
fn wide(targets: usize) -> (Bundle, Inventory, Decisions) {
    let mut text = "$schema: /app-sre/saas-file-2.yml\nname: wide\napp: {$ref: /app.yml}\nresourceTemplates:\n\
                    - name: api\n  url: https://git.example.com/shop/api\n  targets:\n  \
                    - {namespace: {$ref: /namespace.yml}, ref: main, promotion: {publish: [ok]}}\n"
        .to_owned();
    for number in 0..targets {
        text += &format!(
            "  - name: t{number}\n    namespace:\n      $ref: /namespace.yml\n    ref: {number:040x}\n    \
             promotion:\n      auto: true\n      subscribe:\n      - ok\n"
        );
    }
    let namespace = "$schema: /openshift/namespace-1.yml\nname: shop\ncluster: {$ref: /cluster.yml}\n\
                     app: {$ref: /app.yml}\nenvironment: {$ref: /stage.yml}\n";
    let files = [
        ("data/app.yml", "$schema: /app-sre/app-1.yml\nname: shop\n"),
        ("data/cluster.yml", "$schema: /openshift/cluster-1.yml\nname: c1\n"),
        ("data/namespace.yml", namespace),
        ("data/saas.yml", &text),
        ("data/stage.yml", "$schema: /app-sre/environment-1.yml\nname: stage\n"),
    ];
    let files = files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned()));
    let bundle = load(&InMemory(files.collect())).unwrap();
    let inventory = build(&bundle, UidDigest::Blake2s);
    let commit = CommitSha::parse(&"5a9b".repeat(10)).unwrap();
    let decisions = suppose_promoted(&inventory, &bundle, &commit, "");
    assert_eq!(decisions.subscribers.len(), targets);
    (bundle, inventory, decisions)
}

/// All of them tried: grows with the targets.
#[divan::bench(args = [75, 150, 300, 600])]
fn checking_edits_of_one_file(bencher: Bencher, targets: usize) {
    let (bundle, inventory, decisions) = wide(targets);
    bencher.bench_local(|| bundle.find_unsafe(&inventory, &decisions));
}

/// An edit for each of them: grows with the targets.
#[divan::bench(args = [75, 150, 300], sample_count = 10)]
fn making_edits_of_one_file(bencher: Bencher, targets: usize) {
    let (bundle, inventory, decisions) = wide(targets);
    bencher.bench_local(|| drop(DesiredStates::of(&inventory, &bundle, &decisions)));
}

fn reported(decisions: &Decisions, plan: &Plan) -> PlanReport {
    let World { inventory, snapshot, .. } = &*WORLD;
    let filter = Default::default();
    PlanReport::new(inventory, snapshot, decisions, plan, None, &filter, Vec::new())
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
