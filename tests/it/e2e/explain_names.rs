//! How `explain` finds a target, and how it explains one that is never promoted.

use super::explain::{explain, json};
use super::support::*;
use crate::shop::{CATALOG_NEW, CATALOG_OLD};

#[test]
fn a_target_is_found_by_uid_label_or_any_part() {
    let world = World::start();
    let value = json(&world, CANARY, &[]);
    let subscriber = &value["subscriber"];
    assert_eq!(value["version"], 1);
    assert_eq!(label(subscriber), CANARY);
    assert_eq!(subscriber["decision"], "promote");
    assert_eq!(subscriber["current_ref"], CATALOG_OLD);
    assert_eq!(subscriber["desired_ref"], CATALOG_NEW);
    let uid = text(&subscriber["uid"]);
    let parts =
        [uid.as_str(), &uid[..8], "catalog-canary", "CATALOG-can", "saas-catalog/catalog-canary"];
    for part in parts {
        let ran = explain(&world, part).expect(0);
        assert!(ran.out.starts_with(CANARY), "{part}: {}", ran.out);
    }
    let parts = "payments-api/prod01/payments-production";
    let ran = explain(&world, parts).expect(0);
    assert!(ran.out.starts_with(PAYMENTS), "what stands side by side goes first: {}", ran.out);
}

#[test]
fn similar_targets_are_suggested() {
    let world = World::start();
    let error = |target: &str| {
        let ran = explain(&world, target).expect(2);
        assert_eq!(ran.out, "");
        ran.err
    };
    let alike = error("catalog-kanary");
    assert!(alike.contains("is called `catalog-kanary`"), "{alike}");
    assert!(alike.contains(&format!("did you mean\n    {CANARY}")), "{alike}");
    assert!(!error("zzz").contains("did you mean"));
    let stage = error("catalog-stage");
    assert!(stage.contains("publishes only") && stage.contains(CATALOG_FILE), "{stage}");
    let ran = explain(&world, CANARY).args(["--app-name", "orders"]).expect(2);
    assert!(ran.err.contains("beyond --env-name"), "{}", ran.err);
}

#[test]
fn a_name_of_several_targets_is_answered_with_a_line_for_each() {
    let world = World::start();
    let ran = explain(&world, "catalog-production").expect(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].starts_with("catalog-production stands for 2 targets: "), "{}", ran.out);
    for label in [PRODUCTION, INDEX] {
        let of_target: Vec<_> = lines.iter().filter(|line| line.contains(label)).collect();
        assert!(!of_target.is_empty() && of_target[0].contains(": "), "{}", ran.out);
    }
    assert!(ran.out.contains("sapm explain saas-catalog/"), "how to ask for one: {}", ran.out);

    // An app, whatever its targets are called.
    let of_app = json(&world, "Catalog", &[]);
    assert_eq!(of_app["version"], 1);
    assert_eq!(of_app["name"], "Catalog");
    let targets = of_app["targets"].as_array().unwrap();
    assert!(targets.len() > 2, "{of_app}");
    assert!(targets.iter().all(|target| target["app"] == "catalog"), "{of_app}");
    // Each line says what the whole answer says.
    for target in targets {
        let one = json(&world, target["uid"].as_str().unwrap(), &[]);
        assert_eq!(target["decision"], one["subscriber"]["decision"]);
        assert_eq!(target["held_by"], one["subscriber"]["held_by"]);
        assert_eq!(target["advice"], one["answer"]["advice"], "{}", target["label"]);
        assert_eq!(target["since"], one["answer"]["since"], "{}", target["label"]);
    }
    let assumed = explain(&world, "catalog-production")
        .args(["--assume", "deployed=catalog-stage@5af558f9b1601fdbe2f990a5639c177da74ff7f7"])
        .expect(2);
    assert!(assumed.err.contains("--assume needs one target"), "{}", assumed.err);
    assert!(assumed.err.contains(PRODUCTION) && assumed.err.contains(INDEX), "{}", assumed.err);
    let markdown = explain(&world, "catalog-production").args(["--format", "markdown"]).expect(0);
    assert!(markdown.out.contains("| decision | target | held by | since | what to do |"));
}

#[test]
fn a_declared_target_that_is_not_promoted_is_explained() {
    let world = World::start();
    let promoted = "    promotion: { auto: true, subscribe: [orders-db-stage] }\n";
    let mut before = promoted.to_owned();
    let mut error = |now: &str, target: &str| {
        world.edit(ORDERS_FILE, &before, now);
        before = now.to_owned();
        let ran = explain(&world, target).expect(2);
        assert!(!ran.err.contains("did you mean"), "{}", ran.err);
        ran.err
    };
    let text = world.text("main", ORDERS_FILE);
    let line = 1 + text.lines().position(|line| line == promoted.trim_end()).unwrap();
    let place = format!("{ORDERS_FILE}:{line}");

    let disabled = error(&format!("    disable: true\n{promoted}"), ORDERS_DB);
    assert!(disabled.contains(&format!("`disable: true` at {place}")), "{disabled}");
    let deleted = error(&format!("    delete: true\n{promoted}"), "orders-db/prod01");
    assert!(deleted.contains(&format!("`delete: true` at {place}")), "{deleted}");
    let subscribes = error("    promotion: { subscribe: [orders-db-stage] }\n", ORDERS_DB);
    assert!(subscribes.contains("although it subscribes"), "{subscribes}");
    assert!(subscribes.contains(&format!("no `promotion.auto: true` ({place})")), "{subscribes}");
    let without = error("    name: plain\n", "plain");
    assert!(without.contains("orders-db/plain/prod01/orders-production is there"), "{without}");
    assert!(without.contains("has no `promotion` block"), "{without}");
    assert!(without.contains("people move its ref"), "{without}");
    let several = error("    name: orders-stage\n", "orders-db");
    assert!(several.contains("it fits 2") && several.contains("publishes only"), "{several}");
}

/// Nobody moves the ref of a target that follows a branch.
#[test]
fn a_target_on_a_branch_is_not_moved_by_people() {
    let world = World::start();
    let stage = explain(&world, "orders-db/stage01").expect(2).err;
    assert!(stage.contains("publishes only: every commit of `release-2` is deployed"), "{stage}");
    assert!(stage.contains("set its ref to a commit, and set that"), "{stage}");
    assert!(!stage.contains("people move"), "{stage}");
    let promoted = "    promotion: { publish: [orders-db-stage] }\n";
    world.edit(ORDERS_FILE, promoted, "");
    let plain = explain(&world, "orders-db/stage01").expect(2).err;
    assert!(
        plain.contains("has no `promotion` block: every commit of `release-2` is deployed"),
        "{plain}"
    );
    assert!(!plain.contains("people move"), "{plain}");
}
