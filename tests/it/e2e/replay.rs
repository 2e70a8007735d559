//! Recorded facts give the same plan, bit for bit, without network requests.

use chrono::{DateTime, TimeDelta, Utc};
use forge::MergeMethod;
use serde_json::Value;

use super::explain::json;
use super::support::*;
use crate::shop::PROJECT;

/// Records a plan, replays it from a checkout, and compares the bytes.
#[track_caller]
fn comes_out_the_same(world: &World, code: i32) -> Plan {
    let (first, second) = (world.path("first.json"), world.path("second.json"));
    let plan = || world.sapm("plan").args(["--format", "json", "--save-snapshot"]);
    let live = plan().arg(&first).expect(code);
    let requests = world.forge().request_count();
    let replayed = plan()
        .arg(&second)
        .env("SAPM_APP_INTERFACE", world.checkout())
        .arg("--snapshot")
        .arg(&first)
        .without("SAPM_STATE")
        .without("SAPM_GITLAB_TOKEN")
        .expect(code);
    assert_eq!(world.forge().request_count(), requests, "nobody is asked");
    assert_eq!(live.out, replayed.out);
    assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
    live.plan()
}

#[test]
fn a_plan_from_recorded_facts_is_the_same() {
    let plan = comes_out_the_same(&World::start(), 0);
    assert_eq!(plan.actions(), ["create"; 4]);
}

#[test]
fn a_plan_with_open_merge_requests_is_replayed() {
    let world = World::start();
    world.apply();
    world.shop.next_catalog();
    let old = "    name: regional\n";
    world.edit(PAYMENTS_FILE, old, &format!("{old}    disable: true\n"));
    let plan = comes_out_the_same(&world, 0);
    assert_eq!(plan.actions(), ["close", "keep", "keep", "update"]);
}

#[test]
fn a_plan_with_problems_and_touched_merge_requests_is_replayed() {
    let world = World::start();
    world.apply();
    let canary = world.request(CANARY);
    let branch = canary.source_branch.clone();
    world.project().commit("alice", &branch, "Mine now\n", [("x", Some("x"))]);
    world.project().close("alice", world.request(REGIONAL).iid);
    world.forge().remove_github_repo("example-shop/payments-ledger");
    world.forge().set_prometheus_default(forge::PromAnswer::Nan);
    world.forge().put_object("shop-state", &bad_record(), "\u{feff}not json");
    let plan = comes_out_the_same(&world, 5);
    assert_eq!(plan.action(CANARY), "keep: taken_over");
    assert_eq!(plan.action(REGIONAL), "defer: closed_by_person");
    assert!(plan.problems().contains(&"error unusable_record".to_owned()), "{:?}", plan.problems());
}

fn bad_record() -> String {
    crate::shop::Shop::record_key("orders-stage", crate::shop::ORDERS_NEW)
}

#[test]
fn recorded_facts_can_be_replayed_for_another_time() {
    let world = World::start();
    let facts = world.path("facts.json");
    world.sapm("plan").arg("--save-snapshot").arg(&facts).expect(0);
    let folder = world.checkout();
    let at = |time: &str| {
        let plan = world.sapm("plan").args(["--format", "json", "--at", time, "--snapshot"]);
        plan.arg(&facts).env("SAPM_APP_INTERFACE", &folder).expect(0).plan()
    };
    assert_eq!(at("2097-01-01T03:59:59Z").decision(INDEX), "hold by schedule");
    let new_year = at("2097-01-01T04:00:00Z");
    assert_eq!(new_year.decision(INDEX), "promote");
    assert_eq!(new_year.decision(ORDERS), "promote", "it has soaked long enough by then");
    assert_eq!(new_year.0["observed_at"], "2097-01-01T04:00:00Z");
}

#[test]
fn apply_records_its_facts() {
    let world = World::start();
    let report = world.path("report");
    world.sapm("apply").arg("--report-dir").arg(&report).expect(0);
    let replay = world
        .sapm("plan")
        .args(["--format", "json", "--snapshot"])
        .arg(report.join("snapshot.json"))
        .env("SAPM_APP_INTERFACE", world.checkout())
        .expect(0);
    let mut applied = Plan::read(&report.join("plan.json"));
    for request in applied.0["merge_requests"].as_array_mut().unwrap() {
        let fields = request.as_object_mut().unwrap();
        assert_eq!(fields.remove("outcome").unwrap()["outcome"], "done");
        for key in ["iid", "web_url"] {
            fields.insert(key.to_owned(), serde_json::Value::Null);
        }
    }
    assert_eq!(applied.0, replay.plan().0);
}

#[test]
fn an_invalid_snapshot_is_refused() {
    let world = World::start();
    let facts = world.path("facts.json");
    for text in ["", "[]", r#"{"version": 2}"#] {
        std::fs::write(&facts, text).unwrap();
        let plan = world.sapm("plan").arg("--snapshot").arg(&facts);
        let ran = plan.env("SAPM_APP_INTERFACE", world.path("none")).expect(2);
        assert!(ran.err.starts_with("error: the snapshot "), "{}", ran.err);
    }
    let plan = world.sapm("plan").arg("--snapshot").arg(world.path("none.json"));
    plan.env("SAPM_APP_INTERFACE", format!("/{PROJECT}")).expect(2);
}

#[test]
fn auto_merge_and_the_merge_method_are_recorded_facts_and_older_ones_lack_them() {
    let world = World::start();
    world.apply();
    let project = world.project();
    project.set_merge_method(MergeMethod::FastForward);
    project.set_auto_merge(world.request(CANARY).iid, true);
    project.commit("dev", "main", "elsewhere", [("data/notes.txt", Some("x"))]);
    let plan = comes_out_the_same(&world, 0);
    assert_eq!(plan.action(CANARY), "keep: auto_merge");
    assert_eq!(plan.action(PRODUCTION), "update: behind_target_branch");

    let facts = std::fs::read_to_string(world.path("first.json")).unwrap();
    let mut facts: Value = serde_json::from_str(&facts).unwrap();
    let remove = |fact: &mut Value, key: &str| fact.as_object_mut().unwrap().remove(key);
    assert_eq!(remove(&mut facts["config_repo"], "merge_method"), Some("ff".into()));
    let requests = facts["merge_requests"].as_object_mut().unwrap().values_mut();
    let recorded: Vec<Value> = requests.filter_map(|fact| remove(fact, "auto_merge")).collect();
    assert_eq!(recorded, [true]);
    let older = world.path("older.json");
    std::fs::write(&older, facts.to_string()).unwrap();
    let replay = world.sapm("plan").args(["--format", "json", "--snapshot"]).arg(&older);
    let replay = replay.env("SAPM_APP_INTERFACE", world.path("checkout"));
    let plan = replay.without("SAPM_STATE").without("SAPM_GITLAB_TOKEN").expect(0).plan();
    assert_eq!(plan.action(CANARY), "keep: as_wanted");
    assert_eq!(plan.action(PRODUCTION), "keep: as_wanted");
}

#[test]
fn a_time_is_a_date_or_a_distance_from_the_facts() {
    let world = World::start();
    let facts = world.path("facts.json");
    let observed = world.sapm("plan").args(["--format", "json", "--save-snapshot"]);
    let observed = observed.arg(&facts).expect(0).plan().0["observed_at"].clone();
    let observed: DateTime<Utc> = observed.as_str().unwrap().parse().unwrap();
    let folder = world.checkout();
    let plan = |time: &str| {
        let plan = world.sapm("plan").args(["--format", "json", "--at", time, "--snapshot"]);
        plan.arg(&facts).env("SAPM_APP_INTERFACE", &folder)
    };
    let at = |time: &str| {
        let time = plan(time).expect(0).plan().0["observed_at"].clone();
        time.as_str().unwrap().parse::<DateTime<Utc>>().unwrap()
    };
    assert_eq!(at("2097-01-01"), "2097-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
    assert_eq!(at(" 2097-01-01T02:00:00+02:00 "), at("2097-01-01"));
    for (text, distance) in [
        ("+7d", TimeDelta::days(7)),
        ("+36h", TimeDelta::hours(36)),
        ("+90m", TimeDelta::minutes(90)),
        ("+2w", TimeDelta::weeks(2)),
        ("+0d", TimeDelta::zero()),
    ] {
        assert_eq!(at(text), observed + distance, "{text}");
    }
    for wrong in [
        "tomorrow",
        "2097-13-01",
        "2097-02-30",
        "7d",
        "+7",
        "+d",
        "++7d",
        "+7y",
        "+4294967295w",
        "+é",
    ] {
        let error = plan(wrong).expect(2).err;
        assert!(
            error.contains("--at") && error.contains("2026-08-20 (midnight UTC), or +7d"),
            "{error}"
        );
    }
    let (value, soon) = (json(&world, ORDERS, &["--at", "+7d"]), Utc::now() + TimeDelta::days(7));
    let decided: DateTime<Utc> = text(&value["observed_at"]).parse().unwrap();
    assert!((soon - decided).abs() < TimeDelta::minutes(10), "{decided}");
    assert_eq!(value["as_of"], "given");
}

#[test]
fn a_checkout_of_another_commit_than_the_recorded_one_is_noticed() {
    let world = World::start();
    let facts = world.path("facts.json");
    world.sapm("plan").arg("--save-snapshot").arg(&facts).expect(0);
    let folder = world.checkout();
    let ask = |command: &str, args: &[&str]| {
        let ran = world.sapm(command).args(args).arg("--snapshot").arg(&facts);
        ran.env("SAPM_APP_INTERFACE", &folder).expect(0).err
    };
    let commit = world.project().tip("main").unwrap();
    assert!(!ask("explain", &[CANARY]).contains("recorded at"));
    let git = |args: &[&str]| {
        let git = std::process::Command::new("git").args(args).current_dir(&folder).status();
        assert!(git.unwrap().success(), "{args:?}");
    };
    git(&[
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.com",
        "commit",
        "--quiet",
        "--allow-empty",
        "-m",
        "Later",
    ]);
    for (command, args) in [("explain", &[CANARY][..]), ("plan", &[])] {
        let warned = ask(command, args);
        assert!(warned.contains(&format!("check out {commit}")), "{command}: {warned}");
    }
}
