//! The state bucket: records, and the old promoter's export.

use cut_over::{BUCKET, OLD_BOT, TestClock, World, sha};
use forge::old_bots::OldSapm;
use sapm::domain::UidDigest;
use serde_json::json;

/// Moves the one record of app 0 to another key.
fn with_record_at(key: impl FnOnce(&str) -> String) -> World {
    let world = World::start(1);
    let old = World::record_key(0, 0);
    let record = world.record(0).to_string();
    world.forge.delete_object(BUCKET, &old);
    world.forge.put_object(BUCKET, &key(&old), record);
    world
}

#[test]
fn s19_records_of_the_old_form_only() {
    let commit = sha(0, 0);
    let world =
        with_record_at(|_| format!("state/openshift-saas-deploy/promotions/app0-stage/{commit}"));
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.outcome("records"), "fail");
    assert!(asked.summary("records").contains("promotions/"), "{}", asked.summary("records"));
}

#[test]
fn s19_records_under_other_uids() {
    let fips = World::uid(0, "stage", UidDigest::FipsSha256);
    let plain = World::uid(0, "stage", UidDigest::Blake2s);
    let world = with_record_at(|key| key.replace(plain.as_str(), fips.as_str()));
    let asked = world.preflight(&[]).expect(10);
    assert!(asked.advice("records").contains("--fips"), "{}", asked.text);
    assert_eq!(world.preflight(&["--fips"]).expect(0).outcome("records"), "pass");
}

#[test]
fn s19_records_below_another_prefix() {
    let world = with_record_at(|key| format!("prod/{key}"));
    let asked = world.preflight(&[]).expect(10);
    assert!(asked.summary("records").contains("the prefix prod"), "{}", asked.summary("records"));
    assert!(asked.advice("records").contains("--state"));
}

#[test]
fn few_usable_records_are_a_warning() {
    let world = World::start(4);
    world.forge.delete_object(BUCKET, &World::record_key(0, 0));
    let asked = world.preflight(&[]).expect(0);
    assert_eq!(asked.outcome("records"), "warn");
    assert!(asked.summary("records").starts_with("3 of 4"));
}

#[test]
fn s20_an_export_with_other_publishers_and_another_commit() {
    let world = World::start(3);
    let sapm = OldSapm::new(&world.project, OLD_BOT).exporting_to(BUCKET);
    let mut export = world.export();
    let fields = export.as_object_mut().unwrap();
    fields.retain(|key, _| !key.starts_with("app2/"));
    fields["app1/saas-app1/api/None/stage01/app1-stage/False"]["commit_sha"] = json!(sha(1, 9));
    world.ago(4, |_| sapm.export(&export));
    let args = ["--phase", "prepare"];
    let asked = world.preflight(&args).expect(5);
    assert_eq!(asked.outcome("export"), "warn");
    assert!(asked.summary("export").contains("2 publishers more"), "{}", asked.summary("export"));
    assert_eq!(asked.outcome("facts_agree"), "not_known");

    // It stays.
    let args = ["--phase", "prepare", "--wait", "2m"];
    let asked = world.preflight_by(&args, &TestClock::new(&world)).expect(10);
    assert_eq!(asked.outcome("facts_agree"), "fail");
    assert_eq!(asked.check("facts_agree")["evidence"]["looks"], 2);
}

#[test]
fn s20_a_difference_that_goes_away_is_none() {
    let world = World::start(2);
    let sapm = OldSapm::new(&world.project, OLD_BOT).exporting_to(BUCKET);
    let (before, at) = (world.export(), world.now());
    world.release(0, 1);
    world.ago(4, |_| sapm.export(&before));
    let after = world.export();
    let clock = TestClock::new(&world).after(30, move || sapm.export(&after));
    let asked = world.preflight_by(&["--phase", "prepare", "--wait", "2m"], &clock).expect(0);
    assert_eq!(asked.outcome("facts_agree"), "pass");
    assert_eq!(world.now(), at + chrono::TimeDelta::minutes(1));
}

#[test]
fn an_export_of_another_form_is_a_failure() {
    let world = World::start(1);
    world.forge.put_object(BUCKET, cut_over::EXPORT, "[1]");
    world.forge.set_object_time(
        BUCKET,
        cut_over::EXPORT,
        world.now() - chrono::TimeDelta::hours(2),
    );
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.outcome("export"), "fail");
}

#[test]
fn a_bucket_that_is_missing_ends_it() {
    let world = World::start(1);
    world.forge.delete_bucket(BUCKET);
    let asked = world.ask(&[], &world.environment(), &TestClock::new(&world));
    assert_eq!(asked.code, 4, "{:?}", asked.error);
}
