//! `sapm record`: which records it writes, and what it refuses.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use sapm::domain::check_in::parse_check_in;
use serde_json::{Value, json};

use super::support::*;
use crate::shop::*;

const STAGE: &str = "saas-orders/orders-db/stage01/orders-stage";
pub const CHANNEL: &str = "orders-db-stage";

/// A report about the publisher of `orders-db-stage`.
pub fn record(world: &World, outcome: &str) -> Sapm {
    record_of(world, STAGE, ORDERS_DB_NEW, outcome)
}

pub fn record_of(world: &World, target: &str, commit: &str, outcome: &str) -> Sapm {
    world.forge().clear_log();
    world.sapm("record").args([target, "--commit", commit, outcome])
}

/// The one record of a channel.
#[track_caller]
pub fn stored(world: &World, channel: &str) -> Value {
    let bytes = world.forge().get_object(BUCKET, &key_of(world, channel)).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[track_caller]
pub fn key_of(world: &World, channel: &str) -> String {
    let prefix = format!("state/openshift-saas-deploy/promotions_v2/{channel}/");
    let keys = world.forge().objects(BUCKET, &prefix);
    assert_eq!(keys.len(), 1, "{keys:?}");
    keys[0].clone()
}

fn check_in(record: &Value) -> DateTime<Utc> {
    parse_check_in(&text(&record["check_in"])).unwrap()
}

#[test]
fn a_report_is_what_plan_waits_for() {
    let world = World::start();
    let plan = || world.sapm("plan").args(["--format", "json"]).expect(0).plan();
    assert_eq!(plan().decision(ORDERS_DB), "hold by deployment");
    let before = Utc::now();
    let ran = record(&world, "--succeeded").args(["--url", "https://ci.example.com/1"]).expect(0);
    assert!(
        ran.out
            .contains("deployment of 5c7bb03f succeeded: 1 record in s3://shop-state, 1 written"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains(&format!("written     {STAGE} on {CHANNEL}\n")), "{}", ran.out);
    assert!(ran.out.contains("missing -> success since 20"), "{}", ran.out);
    let key = key_of(&world, CHANNEL);
    assert!(ran.out.contains(&key) && key.ends_with(&format!("/{ORDERS_DB_NEW}")), "{}", ran.out);
    let record = stored(&world, CHANNEL);
    let time = check_in(&record);
    assert!(before - TimeDelta::seconds(1) <= time && time <= Utc::now(), "{record}");
    let hash = text(&record["target_config_hash"]);
    assert!(hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
    let wanted = json!({
        "success": true,
        "target_config_hash": hash,
        "saas_file": "saas-orders",
        "check_in": record["check_in"],
        "has_succeeded_once": true,
        "url": "https://ci.example.com/1",
    });
    assert_eq!(record, wanted);
    assert_eq!(plan().decision(ORDERS_DB), "promote");
}

#[test]
fn a_repeated_report_writes_nothing() {
    let world = World::start();
    record(&world, "--succeeded").args(["--url", "https://ci.example.com/1"]).expect(0);
    assert_eq!(world.puts(), 1);
    let first = stored(&world, CHANNEL);
    for more in [&[] as &[&str], &["--url", "https://ci.example.com/1"], &["--dry-run"]] {
        let ran = record(&world, "--succeeded").args(more).expect(0);
        assert_eq!((world.puts(), stored(&world, CHANNEL)), (0, first.clone()), "{more:?}");
        assert!(ran.out.contains("1 unchanged"), "{}", ran.out);
    }
    // Unknown keys and another layout do not count.
    let mut other = first.clone();
    other["extra"] = json!([1]);
    let python = serde_json::to_string_pretty(&other).unwrap();
    world.forge().put_object(BUCKET, &key_of(&world, CHANNEL), python);
    record(&world, "--succeeded").expect(0);
    assert_eq!((world.puts(), stored(&world, CHANNEL)), (0, other));
}

/// The deployer's rules: a success stays on record, and a repeated success does not begin the soak time again.
#[test]
fn a_success_stays_on_record() {
    let world = World::start();
    record(&world, "--failed").args(["--at", "2026-07-01T08:00:00Z"]).expect(0);
    let failed = stored(&world, CHANNEL);
    assert_eq!((&failed["success"], &failed["has_succeeded_once"]), (&json!(false), &json!(false)));
    assert_eq!(failed["check_in"], "2026-07-01 08:00:00+00:00");
    record(&world, "--succeeded").args(["--at", "2026-07-02T08:00:00.25Z"]).expect(0);
    let first = stored(&world, CHANNEL);
    assert_eq!((&first["success"], &first["has_succeeded_once"]), (&json!(true), &json!(true)));
    assert_eq!(first["check_in"], "2026-07-02 08:00:00.250000+00:00");
    record(&world, "--succeeded")
        .args(["--config-hash", "other", "--url=https://ci.example.com/2"])
        .expect(0);
    let repeated = stored(&world, CHANNEL);
    assert_eq!(repeated["check_in"], first["check_in"]);
    assert_eq!(
        (&repeated["target_config_hash"], &repeated["url"]),
        (&json!("other"), &json!("https://ci.example.com/2"))
    );
    let ran = record(&world, "--failed").expect(0);
    let redeployed = stored(&world, CHANNEL);
    assert_eq!(
        (&redeployed["success"], &redeployed["has_succeeded_once"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(redeployed["url"], Value::Null, "the job of the earlier success did not fail");
    assert!(
        ran.out.contains("success -> failed since 20") && ran.out.contains("has succeeded once"),
        "{}",
        ran.out
    );
    record(&world, "--succeeded").args(["--at", "2026-07-03T08:00:00Z"]).expect(0);
    assert_eq!(stored(&world, CHANNEL)["check_in"], "2026-07-03 08:00:00+00:00");
}

#[test]
fn an_unusable_record_is_replaced() {
    let world = World::start();
    record(&world, "--succeeded").expect(0);
    let key = key_of(&world, CHANNEL);
    for (bytes, reason, once) in [
        ("not JSON", "it is not JSON", false),
        ("[]", "it is not a JSON object", false),
        (r#"{"success": "yes"}"#, "`success` is not a JSON boolean", false),
        (r#"{"success": true}"#, "`saas_file` is missing", true),
        (r#"{"has_succeeded_once": true, "check_in": 7}"#, "`success` is missing", true),
    ] {
        world.forge().put_object(BUCKET, &key, bytes);
        let ran = record(&world, "--failed").args(["--format", "json"]).expect(0);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(report["records"][0]["before"], "invalid", "{bytes}");
        assert_eq!(report["records"][0]["before_reason"], reason);
        assert_eq!(stored(&world, CHANNEL)["has_succeeded_once"], once, "{bytes}");
    }
}

#[test]
fn each_channel_of_each_target_has_a_record() {
    let world = World::start();
    world.edit(
        ORDERS_FILE,
        "publish: [orders-db-stage]",
        "publish: [orders-db-stage, later, orders-db-stage]",
    );
    let ran = record(&world, "--succeeded")
        .args(["catalog-canary", STAGE, "orders-db/stage01", "--format", "json"])
        .expect(0);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let records = report["records"].as_array().unwrap();
    let named: Vec<(String, &str)> =
        records.iter().map(|record| (label(record), record["channel"].as_str().unwrap())).collect();
    let canary = (CANARY.to_owned(), "catalog-canary");
    let stage = |channel| (STAGE.to_owned(), channel);
    assert_eq!(named, [stage(CHANNEL), stage("later"), canary]);
    for record in records {
        let stored = world.forge().get_object(BUCKET, record["key"].as_str().unwrap()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&stored).unwrap(), record["record"]);
    }
    assert_eq!((&report["commit_sha"], &report["version"]), (&json!(ORDERS_DB_NEW), &json!(1)));
    let markdown = record(&world, "--succeeded").args(["--format", "markdown"]).expect(0);
    assert!(markdown.out.contains("| `later` | unchanged |"), "{}", markdown.out);
}

#[test]
fn a_name_stands_for_one_publisher() {
    let world = World::start();
    let error = |target: &str| {
        // A good name beside it is not written either.
        let ran = record(&world, "--succeeded").arg(target).expect(2);
        assert_eq!((ran.out.as_str(), world.puts()), ("", 0));
        ran.err
    };
    let several = error("payments-stage");
    assert!(several.contains("`payments-stage` may be any of 2 targets"), "{several}");
    assert!(several.contains("saas-payments/payments-ledger/stage01/payments-stage"), "{several}");
    let alike = error("catalog-kanary");
    assert!(
        alike.contains("no target that publishes to a channel is called `catalog-kanary`"),
        "{alike}"
    );
    assert!(alike.contains(&format!("did you mean\n    {CANARY}")), "{alike}");
    let silent = error(ORDERS_DB);
    assert!(silent.contains("publishes to no channel") && silent.contains(ORDERS_FILE), "{silent}");
    let publishes = "    promotion: { publish: [orders-db-stage] }\n";
    world.edit(ORDERS_FILE, publishes, &format!("{publishes}    disable: true\n"));
    let ran = record(&world, "--succeeded").expect(2);
    assert!(
        ran.err.contains("switched off by `disable: true` at data/services/orders"),
        "{}",
        ran.err
    );
}

#[test]
fn a_report_that_no_run_would_use_is_refused() {
    let world = World::start();
    let future = (Utc::now() + TimeDelta::hours(1)).to_rfc3339();
    let upper = ORDERS_DB_NEW.to_uppercase();
    let cases: [(&[&str], &str); 13] = [
        (&["--succeeded"], "--commit (SAPM_COMMIT)"),
        (&["--commit", ORDERS_DB_NEW], "--succeeded"),
        (&["--commit", ORDERS_DB_NEW, "--succeeded", "--failed"], "cannot be used with"),
        (&["--commit", "main", "--failed"], "is not a commit id of 40 digits"),
        (&["--commit", &upper, "--failed"], "must be in lower case"),
        (&["--commit", ORDERS_DB_NEW, "--failed", "--at", &future], "is in the future"),
        (&["--commit", ORDERS_DB_NEW, "--failed", "--at", "today"], "is not a time"),
        (&["--commit", ORDERS_DB_NEW, "--failed", "--config-hash", ""], "it is empty"),
        (&["--commit", ORDERS_DB_NEW, "--failed", "--config-hash", "a\u{202e}"], "cannot be seen"),
        (&["--commit", ORDERS_DB_NEW, "--failed", "--url", "ftp://x.example"], "http or https"),
        (
            &["--commit", ORDERS_DB_NEW, "--failed", "--url", "https://me:pw@x.example/"],
            "user or password",
        ),
        (&["--commit", ORDERS_DB_NEW, "--failed", "--state", "gs://b"], "expected s3://BUCKET"),
        (
            &[
                "--commit",
                ORDERS_DB_NEW,
                "--failed",
                "--url",
                &format!("https://x.example/?t={TOKEN}"),
            ],
            "contains a secret",
        ),
    ];
    for (args, message) in cases {
        world.forge().clear_log();
        let ran = world.sapm("record").arg(STAGE).args(args).expect(2);
        assert!(ran.err.contains(message) && !ran.err.contains(TOKEN), "{args:?}: {}", ran.err);
        assert_eq!(world.puts(), 0);
    }
    // The job's own commit is no default: it may be one of the config repo.
    let ran = world
        .sapm("record")
        .args([STAGE, "--failed"])
        .env("CI_COMMIT_SHA", ORDERS_DB_NEW)
        .expect(2);
    assert!(ran.err.contains("$CI_COMMIT_SHA"), "{}", ran.err);
    world.edit(ORDERS_FILE, "publish: [orders-db-stage]", "publish: [ok, a/../b]");
    let ran = record(&world, "--succeeded").expect(2);
    assert!(ran.err.contains("rename the channel") && world.puts() == 0, "{}", ran.err);
}

#[test]
fn the_environment_of_a_job_reports_its_url() {
    let world = World::start();
    let job = |world: &World| {
        let sapm =
            world.sapm("record").args([STAGE, "--succeeded"]).env("SAPM_COMMIT", ORDERS_DB_NEW);
        sapm.env("CI_JOB_URL", "https://gitlab.example.com/-/jobs/7")
            .env("SAPM_DEPLOYED_AT", "2026-07-01T08:00:00Z")
    };
    job(&world).arg("--url=").expect(0);
    assert_eq!(stored(&world, CHANNEL)["url"], Value::Null);
    job(&world).env("SAPM_DEPLOYMENT_URL", "").env("SAPM_CONFIG_HASH", "").expect(0);
    let record = stored(&world, CHANNEL);
    assert_eq!(record["url"], "https://gitlab.example.com/-/jobs/7");
    assert_eq!(record["check_in"], "2026-07-01 08:00:00+00:00");
    // A plan about another time is no deployment at another time.
    job(&world)
        .env("SAPM_AT", "2020-01-01T00:00:00Z")
        .without("SAPM_DEPLOYED_AT")
        .arg("--config-hash=x")
        .expect(0);
    assert_eq!(stored(&world, CHANNEL)["check_in"], "2026-07-01 08:00:00+00:00");
}

#[test]
fn a_record_that_no_run_reads_is_a_warning() {
    let world = World::start();
    let pinned = "saas-catalog/catalog-api/prod01/catalog-canary";
    let ran = record_of(&world, pinned, CATALOG_NEW, "--succeeded").expect(0);
    assert!(ran.err.contains("is pinned to 9d562e12"), "{}", ran.err);
    let ran = record_of(&world, pinned, CATALOG_OLD, "--succeeded").expect(0);
    assert!(!ran.err.contains("pinned"), "{}", ran.err);
}

/// A folder with the config repo and one for the state; no token, no network.
fn offline(world: &World) -> (Sapm, PathBuf) {
    let checkout = world.path("checkout");
    if !checkout.exists() {
        world.checkout();
        std::fs::create_dir(world.path("state")).unwrap();
    }
    let mut sapm = world
        .sapm("record")
        .args([STAGE, "--commit", ORDERS_DB_NEW, "--app-interface"])
        .arg(checkout);
    for name in [
        "SAPM_GITLAB_URL",
        "SAPM_GITLAB_TOKEN",
        "SAPM_APP_INTERFACE",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        sapm = sapm.without(name);
    }
    let state = world.path("state");
    (sapm.env("SAPM_STATE", format!("file://{}", state.display())), state)
}

#[test]
fn a_checkout_and_a_folder_need_no_token() {
    let world = World::start();
    world.forge().clear_log();
    let (sapm, state) = offline(&world);
    let ran = sapm.args(["--succeeded", "--dry-run", "--format", "json"]).expect(0);
    let dry: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&dry["dry_run"], &dry["records"][0]["action"]),
        (&json!(true), &json!("would_write"))
    );
    assert_eq!(files_below(&state), Vec::<PathBuf>::new());
    offline(&world).0.arg("--succeeded").expect(0);
    let files = files_below(&state);
    assert_eq!(files, [state.join(text(&dry["records"][0]["key"]))]);
    let written = std::fs::metadata(&files[0]).unwrap().modified().unwrap();
    let ran = offline(&world).0.arg("--succeeded").expect(0);
    assert!(ran.out.contains("1 unchanged"), "{}", ran.out);
    assert_eq!(std::fs::metadata(&files[0]).unwrap().modified().unwrap(), written);
    offline(&world).0.arg("--failed").expect(0);
    let record: Value = serde_json::from_slice(&std::fs::read(&files[0]).unwrap()).unwrap();
    assert_eq!((&record["success"], &record["has_succeeded_once"]), (&json!(false), &json!(true)));
    assert_eq!(world.count(|_| true), 0, "no request to any service");
    let ran = offline(&world).0.env("SAPM_STATE", "").arg("--failed").expect(2);
    assert!(ran.err.contains("--state (SAPM_STATE)"), "{}", ran.err);
    let ran =
        offline(&world).0.env("SAPM_STATE", "file:///no/such/folder").arg("--failed").expect(4);
    assert!(ran.err.contains("nothing was written"), "{}", ran.err);
}

/// The config hash covers what the target is deployed with, and nothing else.
#[test]
fn the_config_hash_follows_the_configuration() {
    let world = World::start();
    let hash = || {
        record(&world, "--succeeded").expect(0);
        text(&stored(&world, CHANNEL)["target_config_hash"])
    };
    let same = hash();
    let publishes = "    promotion: { publish: [orders-db-stage] }\n";
    world.edit(
        ORDERS_FILE,
        publishes,
        &format!("    # a comment\n{publishes}    labels: {{a: b}}\n"),
    );
    assert_eq!(hash(), same, "a comment, a label");
    let stage = "data/products/shop/environments/stage.yml";
    let text = world.text("main", stage);
    world.edit(stage, &text, &format!("{text}\nparameters:\n  REPLICAS: 1\n"));
    let with_parameter = hash();
    assert_ne!(with_parameter, same);
    world.edit(
        ORDERS_FILE,
        publishes,
        &format!("{publishes}    parameters: {{REPLICAS: \"1\"}}\n"),
    );
    assert_eq!(hash(), with_parameter, "the same value at another level");
    world.edit(ORDERS_FILE, "REPLICAS: \"1\"", "REPLICAS: 2");
    assert_ne!(hash(), with_parameter);
    world.edit(ORDERS_FILE, "{REPLICAS: 2}", "'[1]'");
    let ran = record(&world, "--succeeded").expect(2);
    assert!(
        ran.err.contains("parameters must be a mapping") && ran.err.contains("--config-hash"),
        "{}",
        ran.err
    );
    record(&world, "--succeeded").args(["--config-hash", "mine"]).expect(0);
    assert_eq!(stored(&world, CHANNEL)["target_config_hash"], "mine");
}

/// A publisher whose configuration changes at the same commit is redeployed and reported: its subscriber follows.
#[test]
fn a_changed_configuration_is_promoted() {
    let world = World::start();
    let followed = |more: &str| {
        let promotion = format!(
            "auto: true, subscribe: [{CHANNEL}], redeployOnPublisherConfigChange: true{more}"
        );
        format!("    ref: {ORDERS_DB_NEW}\n    promotion: {{ {promotion} }}\n")
    };
    let before = "    ref: 6cf4832af625f59b49336d692f4ed44e601a855e\n    promotion: { auto: true, subscribe: [orders-db-stage] }\n";
    world.edit(ORDERS_FILE, before, &followed(""));
    let deployed = || {
        record(&world, "--succeeded").expect(0);
        let plan = world.sapm("plan").args(["--format", "json"]).expect(0).plan();
        let all = plan.list("subscribers");
        let subscriber = all.iter().find(|one| label(one) == ORDERS_DB).unwrap().clone();
        (text(&stored(&world, CHANNEL)["target_config_hash"]), subscriber)
    };
    let (hash, subscriber) = deployed();
    assert_eq!(subscriber["decision"], "promote");
    assert_eq!(subscriber["desired_hashes"][0]["target_config_hash"], json!(hash));
    let data = format!(
        ", promotion_data: [{{channel: {CHANNEL}, data: [{{type: parent_saas_config, parent_saas: saas-orders, target_config_hash: \"{hash}\"}}]}}]"
    );
    world.edit(ORDERS_FILE, &followed(""), &followed(&data));
    let (same, subscriber) = deployed();
    assert_eq!((same, &subscriber["decision"]), (hash.clone(), &json!("up_to_date")));
    let stage = "    ref: release-2\n";
    world.edit(ORDERS_FILE, stage, &format!("{stage}    parameters: {{REPLICAS: 3}}\n"));
    let (changed, subscriber) = deployed();
    assert_ne!(changed, hash);
    assert_eq!(subscriber["decision"], "promote");
    assert_eq!(subscriber["desired_hashes"][0]["target_config_hash"], json!(changed));
}
