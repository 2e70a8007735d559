//! `sapm record` and a state that fails, or that another job writes to.

use forge::{Fault, FaultKind, Service};
use serde_json::{Value, json};

use super::record::{CHANNEL, key_of, record, stored};
use super::support::*;
use crate::shop::{BUCKET, ORDERS_DB_NEW};

fn on_s3(fault: Fault, method: &str) -> Fault {
    fault.on(Service::S3).method(method)
}

fn s3_error(status: u16, code: &str, message: &str) -> Fault {
    Fault::status(status, format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"))
}

const MAY_NOT_LIST: &str = "User: u is not authorized to perform: s3:ListBucket on resource: b";

#[test]
fn transient_failures_are_retried() {
    for method in ["GET", "PUT"] {
        let world = World::start();
        world.forge().fault(on_s3(s3_error(503, "ServiceUnavailable", "x"), method).between(1, 2));
        let ran = record(&world, "--succeeded").expect(0);
        assert!(ran.out.contains("1 written"), "{}", ran.out);
        assert_eq!(stored(&world, CHANNEL)["success"], true);
    }
}

/// The write took effect, but its response was lost: the second attempt finds the record changed, by itself.
#[test]
fn a_lost_response_is_no_failure() {
    let world = World::start();
    world.forge().fault(on_s3(Fault::new(FaultKind::DropAfter), "PUT").nth(1));
    let ran = record(&world, "--succeeded").expect(0);
    assert!(ran.out.contains("1 written"), "{}", ran.out);
    assert_eq!((world.puts(), &stored(&world, CHANNEL)["success"]), (2, &json!(true)));
}

#[test]
fn a_state_that_cannot_be_used_is_exit_4_and_nothing_is_written() {
    let world = World::start();
    let ran = record(&world, "--succeeded").args(["--state", "s3://no-such-bucket"]).expect(4);
    assert!(
        ran.err.contains("nothing was written") && ran.err.contains("no such bucket"),
        "{}",
        ran.err
    );
    let ran = record(&world, "--succeeded").env("AWS_SECRET_ACCESS_KEY", "wrong").expect(4);
    assert!(ran.err.contains("credentials"), "{}", ran.err);
    world.forge().fault(on_s3(s3_error(503, "ServiceUnavailable", "x"), "GET"));
    let ran = record(&world, "--succeeded").expect(4);
    assert!(ran.err.contains("it fails"), "{}", ran.err);
    assert_eq!(world.puts(), 0);
}

#[test]
fn a_refused_write_names_the_right_and_the_key() {
    let world = World::start();
    world.forge().fault(on_s3(s3_error(403, "AccessDenied", "no"), "PUT"));
    let ran = record(&world, "--succeeded").args(["--format", "json"]).expect(4);
    assert!(
        ran.err.contains("1 of 1 records failed") && ran.err.contains("s3:PutObject"),
        "{}",
        ran.err
    );
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["records"][0]["action"], "failed");
    assert!(text(&report["records"][0]["error"]).contains(&text(&report["records"][0]["key"])));
}

/// One record of two is refused: the other one is written.
#[test]
fn a_part_that_fails_is_exit_5() {
    let world = World::start();
    world.forge().fault(on_s3(s3_error(403, "AccessDenied", "no"), "PUT").path(CHANNEL));
    let ran = record(&world, "--failed").arg("catalog-canary").expect(5);
    assert!(ran.err.contains("1 of 2 records failed"), "{}", ran.err);
    assert!(ran.out.contains("1 written, 1 failed"), "{}", ran.out);
    let again = record(&world, "--failed").arg("catalog-canary").expect(5);
    assert!(again.out.contains("1 unchanged, 1 failed"), "{}", again.out);
}

/// Two jobs of one target at once: whoever is second sees the record of the first.
#[test]
fn another_job_does_not_take_a_success_away() {
    for there in [false, true] {
        let world = World::start();
        record(&world, "--failed").expect(0);
        let key = key_of(&world, CHANNEL);
        let failed = stored(&world, CHANNEL);
        if !there {
            world.forge().delete_object(BUCKET, &key);
        }
        let mut success = failed.clone();
        (success["success"], success["has_succeeded_once"]) = (json!(true), json!(true));
        let write = world.forge().object_write(BUCKET, &key, success.to_string());
        let first = on_s3(Fault::new(FaultKind::Pass), "PUT").nth(1);
        world.forge().fault(first.calling(move |_| write()));
        let ran = record(&world, "--failed").args(["--url", "https://ci.example.com/2"]).expect(0);
        assert!(ran.out.contains("has succeeded once"), "{there}: {}", ran.out);
        let record = stored(&world, CHANNEL);
        assert_eq!(
            (&record["success"], &record["has_succeeded_once"]),
            (&json!(false), &json!(true))
        );
    }
}

#[test]
fn a_record_that_is_not_there_as_written_is_exit_4() {
    let world = World::start();
    record(&world, "--failed").expect(0);
    let key = key_of(&world, CHANNEL);
    let write = world.forge().object_write(BUCKET, &key, "{}");
    // The second read is the one after the write.
    let second = on_s3(Fault::new(FaultKind::Pass), "GET").nth(2);
    world.forge().fault(second.calling(move |_| write()));
    let ran = record(&world, "--succeeded").expect(4);
    assert!(ran.err.contains("what is there differs"), "{}", ran.err);
}

/// Without s3:ListBucket, AWS denies access to a missing key. The conditional write shows that it is missing.
#[test]
fn two_rights_on_one_prefix_are_enough() {
    let world = World::start();
    let missing = on_s3(s3_error(403, "AccessDenied", MAY_NOT_LIST), "GET").nth(1);
    world.forge().fault(missing);
    record(&world, "--succeeded").expect(0);
    assert_eq!(stored(&world, CHANNEL)["has_succeeded_once"], true);
    // A record that is there is never overwritten unseen.
    let world = World::start();
    record(&world, "--succeeded").expect(0);
    let first = stored(&world, CHANNEL);
    world.forge().fault(on_s3(s3_error(403, "AccessDenied", MAY_NOT_LIST), "GET"));
    let ran = record(&world, "--failed").expect(4);
    assert!(ran.err.contains("before it could be written"), "{}", ran.err);
    assert_eq!(stored(&world, CHANNEL), first);
}

#[test]
fn a_store_without_conditional_writes_is_written_to_as_well() {
    let world = World::start();
    world.forge().fault(on_s3(s3_error(501, "NotImplemented", "x"), "PUT").nth(1));
    record(&world, "--succeeded").expect(0);
    assert_eq!((world.puts(), &stored(&world, CHANNEL)["success"]), (2, &json!(true)));
    assert!(key_of(&world, CHANNEL).ends_with(ORDERS_DB_NEW));
}
