//! The state export, and other kinds of states.

use std::collections::BTreeMap;
use std::path::Path;

use forge::{Fault, FaultKind};
use serde_json::{Value, json};

use super::shards::{exported, node, nodes, two_worlds};
use super::support::*;
use crate::shop::*;

/// The publishers with a channel, and those at a fixed commit.
fn wanted() -> Value {
    let publisher =
        |commit: &str, state: &str| json!({"commit_sha": commit, "deployment_state": state});
    let first = |digits: &str| publisher(digits, "success");
    let catalog = first("a8680cb40c357c154db544f15a2baef589f77b70");
    let orders = first("d83e8878b794cd2c379af53482024695a2d42eb7");
    let payments = first("27f0c56c5059b9ca1632711fecd293f2ece8eb09");
    json!({
        "catalog/saas-catalog/catalog-api/None/stage01/catalog-stage/False": first(CATALOG_NEW),
        "catalog/saas-catalog/catalog-api/None/prod01/catalog-canary/False": first(CATALOG_OLD),
        "catalog/saas-catalog/catalog-api/None/prod01/catalog-production/False": catalog,
        "catalog/saas-catalog/catalog-index/None/prod01/catalog-production/False": catalog,
        "orders/saas-orders/orders-api/None/stage01/orders-stage/False": first(ORDERS_NEW),
        "orders/saas-orders/orders-api/None/prod01/orders-production/False": orders,
        "orders/saas-orders/orders-db/None/stage01/orders-stage/False":
            publisher(ORDERS_DB_NEW, "missing"),
        "orders/saas-orders/orders-db/None/prod01/orders-production/False":
            first("6cf4832af625f59b49336d692f4ed44e601a855e"),
        "orders/saas-orders/orders-mail/None/prod01/orders-canary/False": orders,
        "orders/saas-orders/orders-print/None/prod01/orders-canary/False": orders,
        "payments/saas-payments/payments-api/None/stage01/payments-stage/False":
            first(PAYMENTS_NEW),
        "payments/saas-payments/payments-api/None/prod01/payments-canary/False":
            first(PAYMENTS_CANARY),
        "payments/saas-payments/payments-api/None/prod01/payments-production/False": payments,
        "payments/saas-payments/payments-api/reporting/prod01/payments-production/False": payments,
        "payments/saas-payments/payments-api/regional/prod01/payments-eu/False": payments,
        "payments/saas-payments/payments-api/regional/prod01/payments-us/False": payments,
        "payments/saas-payments/payments-ledger/None/stage01/payments-stage/False":
            first(LEDGER_BLOCKED),
        "payments/saas-payments/payments-ledger/None/prod01/payments-production/False":
            first("0c4d7419c28d59006b150cffe37d18310bb2c31b"),
    })
}

#[test]
fn the_export_has_the_deployment_state_of_each_publisher() {
    let world = World::start();
    world.apply();
    assert_eq!(world.export(), wanted());
    world.shop.deploy("catalog-stage", CATALOG_NEW, false, chrono::Utc::now());
    let redeploy = "    promotion:\n      publish:\n      - payments-canary\n";
    let flag = "    promotion:\n      redeployOnPublisherConfigChange: true\n      publish:\n      - payments-canary\n";
    world.edit(PAYMENTS_FILE, redeploy, flag);
    world.apply();
    let export = world.export();
    let stage = "catalog/saas-catalog/catalog-api/None/stage01/catalog-stage/False";
    assert_eq!(export[stage]["deployment_state"], "failed");
    let canary = "payments/saas-payments/payments-api/None/prod01/payments-canary";
    assert_eq!(export[format!("{canary}/True")]["commit_sha"], PAYMENTS_CANARY);
    assert!(export.get(format!("{canary}/False")).is_none());
}

#[test]
fn the_export_is_written_only_if_its_bytes_differ() {
    let world = World::start();
    world.apply();
    assert_eq!(world.puts(), 1);
    world.apply();
    assert_eq!(world.puts(), 0);
    world.shop.next_catalog();
    world.apply();
    assert_eq!(world.puts(), 1);
    world.forge().put_object(BUCKET, EXPORT, world.export().to_string() + "\n");
    world.apply();
    assert_eq!(world.puts(), 1, "another one's bytes are replaced");
    world.apply();
    assert_eq!(world.puts(), 0);
}

#[test]
fn an_unwritable_export_is_only_a_problem() {
    let world = World::start();
    let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    world.forge().fault(Fault::status(403, denied).method("PUT").path("/publisher-data"));
    let plan = world.sapm("apply").args(["--format", "json"]).expect(5).plan();
    assert_eq!(plan.problem("export_failed")["path"], EXPORT);
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

/// Copies the bucket into a folder.
fn copy_to(world: &World, folder: &Path) {
    for key in world.forge().objects(BUCKET, "state/") {
        let path = folder.join(&key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, world.forge().get_object(BUCKET, &key).unwrap()).unwrap();
    }
}

#[test]
fn a_folder_serves_as_the_state() {
    let world = World::start();
    let folder = world.path("state-dir");
    copy_to(&world, &folder);
    let apply = || {
        world.forge().clear_log();
        let run = world.sapm("apply").args(["--state", &format!("file://{}", folder.display())]);
        run.without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY").expect(0)
    };
    apply();
    assert_eq!(world.project().open_merge_requests().len(), 4);
    let file = folder.join(EXPORT);
    let export: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(export, wanted());
    assert_eq!(world.count(|entry| entry.service == forge::Service::S3), 0);
    let written = std::fs::metadata(&file).unwrap().modified().unwrap();
    apply();
    world.assert_nothing_written();
    assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), written);
}

#[test]
fn a_prefix_comes_before_every_key() {
    let world = World::start();
    for key in world.forge().objects(BUCKET, "state/") {
        let bytes = world.forge().get_object(BUCKET, &key).unwrap();
        world.forge().put_object(BUCKET, &format!("team/a/{key}"), bytes);
        world.forge().delete_object(BUCKET, &key);
    }
    world.sapm("apply").args(["--state", &format!("s3://{BUCKET}/team/a/")]).expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
    assert!(world.forge().get_object(BUCKET, &format!("team/a/{EXPORT}")).is_some());
}

#[test]
fn the_variables_of_qontract_reconcile_name_the_bucket() {
    let world = World::start();
    let (key, secret) = world.forge().s3_keys();
    world
        .sapm("apply")
        .without("SAPM_STATE")
        .without("AWS_ACCESS_KEY_ID")
        .without("AWS_SECRET_ACCESS_KEY")
        .without("AWS_REGION")
        .env("APP_INTERFACE_STATE_BUCKET", BUCKET)
        .env("APP_INTERFACE_STATE_BUCKET_REGION", "us-east-1")
        .env("APP_INTERFACE_STATE_BUCKET_ACCESS_KEY_ID", key)
        .env("APP_INTERFACE_STATE_BUCKET_SECRET_ACCESS_KEY", secret)
        .expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
    assert_eq!(world.export(), wanted());
}

#[test]
fn each_node_adds_its_publishers_to_the_export_and_keeps_the_others() {
    let (shared, whole) = two_worlds();
    whole.apply();
    let gone = r#"{"a/b/c/None/d/e/False":{"commit_sha":"f","deployment_state":"success"}}"#;
    for before in ["not JSON", r#"{"of": "another kind"}"#, gone] {
        shared.forge().put_object(BUCKET, EXPORT, before);
        let mut sizes = Vec::new();
        for index in 1..=3 {
            node(&shared, "apply", index, 3).expect(0);
            sizes.push(shared.export().as_object().unwrap().len());
        }
        assert_eq!(exported(&shared), exported(&whole), "{before}");
        assert!(sizes.is_sorted() && sizes[0] < sizes[2], "{before}: {sizes:?}");
    }
}

#[test]
fn nodes_that_export_at_the_same_moment_do_not_lose_each_others_part() {
    let (shared, whole) = two_worlds();
    whole.apply();
    nodes(&shared, 3);
    let complete = exported(&shared);
    let entries: BTreeMap<String, Value> = serde_json::from_slice(&complete).unwrap();
    let orders: Vec<String> =
        entries.keys().filter(|key| key.starts_with("orders/")).cloned().collect();
    for index in 1..=3 {
        // Nothing is there, and while this node writes its part, another one writes its own.
        shared.forge().delete_object(BUCKET, EXPORT);
        let only: BTreeMap<_, _> = orders.iter().map(|key| (key, &entries[key])).collect();
        let theirs = serde_json::to_vec(&only).unwrap();
        let others = shared.forge().world();
        let put = Fault::new(FaultKind::Pass).method("PUT").path("/publisher-data").nth(1);
        shared.forge().fault(put.calling(move |_| others.put_object(BUCKET, EXPORT, &theirs)));
        node(&shared, "apply", index, 3).expect(0);
        assert_eq!(shared.forge().faults_played(), 1);
        shared.forge().clear_faults();
        let there = shared.export();
        for key in &orders {
            assert_eq!(there[key], entries[key], "node {index}");
        }
    }
    nodes(&shared, 3);
    assert_eq!(exported(&shared), complete);
    assert_eq!(exported(&shared), exported(&whole));
}

#[test]
fn a_node_that_may_not_read_the_export_says_so() {
    let (shared, _) = two_worlds();
    let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    shared.forge().fault(Fault::status(403, denied).method("GET").path("/publisher-data"));
    let plan = node(&shared, "apply", 1, 3).args(["--format", "json"]).expect(5).plan();
    assert_eq!(plan.problem("export_failed")["path"], EXPORT);
    assert_eq!(shared.puts(), 0, "it would replace what the others exported");
}
