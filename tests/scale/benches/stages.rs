//! The stages that need no network, on one thread, at 1,000 saas files: `cargo bench -p scale`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::sync::LazyLock;

use datafiles::{Datafiles, SaasFile, Target};
use divan::{Bencher, black_box};
use sapm::app_interface::{Bundle, load};
use sapm::decide::{Decisions, EditChecker, suppose_promoted};
use sapm::domain::{CommitSha, UidDigest};
use sapm::inventory::{Inventory, build};
use sapm::plan::DesiredStates;
use scale::{Size, Stages};

fn main() {
    divan::main();
}

static STAGES: LazyLock<Stages> = LazyLock::new(|| Stages::of(Size::times(1, 25)));

#[divan::bench]
fn loading(bencher: Bencher) {
    LazyLock::force(&STAGES);
    bencher.bench(|| STAGES.load());
}

#[divan::bench]
fn inventory(bencher: Bencher) {
    LazyLock::force(&STAGES);
    bencher.bench(|| STAGES.take_inventory());
}

#[divan::bench]
fn deciding(bencher: Bencher) {
    LazyLock::force(&STAGES);
    bencher.bench(|| STAGES.decide());
}

#[divan::bench]
fn planning(bencher: Bencher) {
    let decisions = STAGES.decide();
    bencher.bench(|| STAGES.plan(black_box(&decisions)));
}

/// One saas file with this many targets, all to be promoted.
fn wide(targets: usize) -> (Bundle, Inventory, Decisions) {
    let publisher = Target::new("/namespace.yml", "main").publishes("ok");
    let mut saas = SaasFile::new("wide", "/app.yml")
        .template("api", "https://git.example.com/shop/api")
        .target(&publisher);
    for number in 0..targets {
        let target = Target::new("/namespace.yml", &format!("{number:040x}"));
        saas = saas.target(&target.named(&format!("t{number}")).subscribes("ok", ""));
    }
    let bundle = load(&Datafiles::around(&saas).0).unwrap();
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

#[divan::bench]
fn reporting(bencher: Bencher) {
    let decisions = STAGES.decide();
    let plan = STAGES.plan(&decisions);
    bencher.bench(|| STAGES.report(&decisions, &plan).to_json());
}

/// `plan.json` and `report.html`, with a picture of each app.
#[divan::bench]
fn rendering(bencher: Bencher) {
    let decisions = STAGES.decide();
    let report = STAGES.report(&decisions, &STAGES.plan(&decisions));
    bencher.bench(|| Stages::render(black_box(&report)));
}
