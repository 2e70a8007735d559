//! Runs with a target filter, and with a half of `apply` switched off.

use super::support::*;
use crate::shop::CATALOG_NEXT;

/// The catalog's merge request needs an update, the regional one is to be closed.
fn changed() -> World {
    let world = World::start();
    world.apply();
    world.shop.next_catalog();
    let old = "    name: regional\n";
    world.edit(PAYMENTS_FILE, old, &format!("{old}    disable: true\n"));
    world.forge().clear_log();
    world
}

#[test]
fn a_run_for_one_app_ignores_merge_requests_of_others() {
    let world = changed();
    let run = world.sapm("apply").args(["--app-name", "orders", "--format", "json"]);
    let plan = run.expect(0).plan();
    assert_eq!(world.writes(), Vec::<String>::new());
    assert!(plan.decisions().keys().all(|label| label.starts_with("saas-orders/")));
    assert_eq!(plan.decisions().len(), 4);
    assert_eq!(world.project().open_merge_requests().len(), 4);
    let run = world.sapm("apply").env("SAPM_APP_NAME", "catalog").args(["--format", "json"]);
    let plan = run.expect(0).plan();
    assert_eq!(plan.actions(), ["keep", "update"]);
    assert_eq!(
        world.project().open_merge_requests().len(),
        4,
        "the regional one is not its business"
    );
    assert_eq!(world.apply_json().actions(), ["close", "keep", "keep", "keep"]);
}

#[test]
fn a_filter_does_not_affect_the_state_export() {
    let world = World::start();
    world.sapm("apply").args(["--app-name", "orders"]).expect(0);
    let narrow = world.export();
    let whole = World::start();
    whole.apply();
    assert_eq!(narrow, whole.export());
    assert_eq!(narrow.as_object().unwrap().len(), 18);
    world.shop.next_catalog();
    world.sapm("apply").args(["--env-name", "shop-stage"]).expect(0);
    let stage = "catalog/saas-catalog/catalog-api/None/stage01/catalog-stage/False";
    assert_eq!(world.export()[stage]["commit_sha"], CATALOG_NEXT);
    assert_eq!(world.export().as_object().unwrap().len(), 18);
}

#[test]
fn publishers_of_another_environment_still_count() {
    let world = World::start();
    let run = |name: &str| {
        let run = world.sapm("apply").args(["--env-name", name, "--format", "json"]);
        run.expect(0).plan()
    };
    let stage = run("shop-stage");
    assert_eq!(stage.decisions().len(), 0);
    assert_eq!(world.project().open_merge_requests().len(), 0);
    let production = run("shop-production");
    assert_eq!(production.decisions().len(), 12);
    assert_eq!(production.actions(), ["create"; 4]);
}

#[test]
fn a_run_for_one_saas_file_opens_only_its_merge_requests() {
    let world = World::start();
    world.sapm("apply").env("SAPM_SAAS_FILE_NAME", "saas-catalog").expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 2);
    world.request(CANARY);
    world.request(PRODUCTION);
    world.sapm("apply").args(["--saas-file-name", ""]).expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn without_opening_updates_and_closings_continue() {
    let world = World::start();
    let closed = || world.sapm("apply").args(["--allow-opening=false", "--format", "json"]);
    let plan = closed().expect(0).plan();
    assert_eq!(world.writes(), Vec::<String>::new());
    assert_eq!(plan.actions(), ["defer"; 4]);
    assert_eq!(plan.action(CANARY), "defer: opening_disabled");
    let world = changed();
    let closed = || world.sapm("apply").args(["--allow-opening=false", "--format", "json"]);
    let plan = closed().expect(0).plan();
    assert_eq!(plan.actions(), ["close", "keep", "keep", "update"]);
    assert_eq!(world.project().open_merge_requests().len(), 3);
}

#[test]
fn without_closing_updates_and_openings_continue() {
    let world = changed();
    let run = || world.sapm("apply").args(["--allow-closing=false", "--format", "json"]);
    let plan = run().expect(0).plan();
    assert_eq!(plan.actions(), ["keep", "keep", "keep", "update"]);
    assert_eq!(plan.action(REGIONAL), "keep: closing_disabled");
    assert_eq!(world.project().open_merge_requests().len(), 4);
    assert!(world.writes().iter().all(|write| !write.starts_with("DELETE")));
    world.forge().clear_log();
    run().expect(0);
    world.assert_nothing_written();
    let world = World::start();
    let plan = world.sapm("apply").args(["--allow-closing=no", "--format", "json"]).expect(0);
    assert_eq!(plan.plan().actions(), ["create"; 4]);
}

/// A typing mistake would look like a run with nothing to do.
#[test]
fn every_command_rejects_a_filter_that_matches_nothing() {
    let world = World::start();
    let commands: [&[&str]; 4] = [&["apply"], &["plan"], &["explain", "regional"], &["graph"]];
    for command in commands {
        let refused = |args: &[&str]| {
            let run = world.sapm(command[0]).args(&command[1..]).args(args);
            run.expect(2).err
        };
        for (args, says) in [
            (["--app-name", "oders"], "--app-name: did you mean orders?"),
            (["--env-name", "shop-prod"], "--env-name: did you mean shop-production?"),
            (["--saas-file-name", "saas_catalog"], "--saas-file-name: did you mean saas-catalog?"),
            (["--app-name", "x"], "--app-name may be catalog, orders, payments"),
        ] {
            let error = refused(&args);
            assert!(error.contains("no target matches") && error.contains(says), "{error}");
        }
        let both = refused(&["--app-name", "orders", "--saas-file-name", "saas-catalog"]);
        assert!(both.contains("none of all together"), "{both}");
    }
    world.assert_nothing_written();
    // A target that exists but is not promoted is not a mistake.
    world.sapm("plan").args(["--env-name", "shop-stage"]).expect(0);
}
