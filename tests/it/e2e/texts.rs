//! The texts as people see them.

use super::support::*;

/// The shop after a first run, with one problem.
fn first_run(args: &[&str]) -> (World, Ran) {
    let world = World::start();
    world.forge().remove_github_repo("example-shop/payments-ledger");
    let ran = world.sapm("apply").args(args).env("SAPM_CONCURRENCY", "1").expect(5);
    (world, ran)
}

#[test]
fn the_summary() {
    let (world, ran) = first_run(&[]);
    insta::assert_snapshot!("summary", normalise(&ran.out, world.forge()));
    let (world, markdown) = first_run(&["--report-dir", "report", "--format", "markdown"]);
    let report = std::fs::read_to_string(world.path("report/report.md")).unwrap();
    assert_eq!(report, markdown.out);
}

#[test]
fn the_report() {
    let (world, ran) = first_run(&["--format", "markdown"]);
    insta::assert_snapshot!("report", normalise(&ran.out, world.forge()));
}

#[test]
fn a_description() {
    let world = World::start();
    let job = "https://gitlab.example.com/shop/app-interface/-/jobs/42";
    world.sapm("apply").env("CI_JOB_URL", job).expect(0);
    let canary = world.request(CANARY).description;
    insta::assert_snapshot!("description", normalise(&canary, world.forge()));
    let regional = world.request(REGIONAL).description;
    insta::assert_snapshot!("description_of_several", normalise(&regional, world.forge()));
}

#[test]
fn a_closing_comment_and_a_held_title() {
    let world = World::start();
    world.apply();
    let new = crate::shop::CATALOG_NEW;
    world.shop.deploy("catalog-stage", new, false, chrono::Utc::now());
    let old = "    name: regional\n";
    world.edit(PAYMENTS_FILE, old, &format!("{old}    disable: true\n"));
    world.apply();
    insta::assert_snapshot!(
        world.request(CANARY).title,
        @"Draft: [AutoPromoterV2] held by deployment: saas-catalog/catalog-api/prod01/catalog-canary to 9705190c"
    );
    let request = world.request(REGIONAL);
    let comment = request.comments().next().unwrap().body.clone();
    insta::assert_snapshot!(comment, @"
    saas-auto-promotions-manager closes this merge request: its target is gone, disabled, or no longer promoted automatically.

    If the promotion is due again, a new merge request is opened from the same branch.

    <!-- sapm:closed-by-bot -->
    ");
}

#[test]
fn a_held_merge_request_says_why_first_until_it_is_ready_again() {
    let world = World::start();
    world.apply();
    let ready = world.request(CANARY).description;
    let deploy = |success| {
        let now = chrono::Utc::now();
        world.shop.deploy("catalog-stage", crate::shop::CATALOG_NEW, success, now);
        world.apply();
        world.request(CANARY).description
    };
    let held = deploy(false);
    let (reason, rest) = held.split_once("\n\n<!-- sapm:held -->\n\n").expect("a reason");
    insta::assert_snapshot!(
        normalise(reason, world.forge()),
        @"**Held by deployment** (as of TIME): the deployment of `9705190c` to `saas-catalog/catalog-api/stage01/catalog-stage` failed. What follows is older."
    );
    assert_eq!(rest, ready);
    world.apply();
    assert_eq!((world.writes(), world.request(CANARY).description), (Vec::new(), held));
    assert_eq!(deploy(true), ready);
    // What a person wrote stays.
    let iid = world.request(CANARY).iid;
    world.project().set_description("alice", iid, "Look here first.");
    assert_eq!(deploy(false), "Look here first.");
    assert!(world.request(CANARY).title.starts_with("Draft: "));
    assert_eq!(deploy(true), "Look here first.");
}
