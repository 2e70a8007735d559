//! `counts.env`: the counts of a run for later jobs.

use super::support::*;

/// The counts that are not zero.
fn counts(world: &World) -> Vec<String> {
    let text = std::fs::read_to_string(world.path("report/counts.env")).unwrap();
    assert!(text.len() < 5 * 1024 && text.ends_with('\n'), "GitLab's limit: {text}");
    for line in text.lines() {
        let (name, count) = line.split_once('=').unwrap();
        assert!(name.starts_with("SAPM_") && count.parse::<u64>().is_ok(), "{line}");
    }
    text.lines().filter(|line| !line.ends_with("=0")).map(str::to_owned).collect()
}

fn run(world: &World, code: i32) {
    world.sapm("apply").args(["--report-dir", "report"]).expect(code);
}

const TARGETS: [&str; 2] = ["SAPM_TARGETS_PROMOTED=6", "SAPM_TARGETS_HELD=6"];

#[test]
fn counts_of_a_run_that_opens_and_of_one_that_writes_nothing() {
    let world = World::start();
    run(&world, 0);
    assert_eq!(counts(&world), [&["SAPM_OPENED=4", "SAPM_PROMOTIONS=4"], &TARGETS[..]].concat());
    run(&world, 0);
    assert_eq!(counts(&world), [&["SAPM_KEPT=4"], &TARGETS[..]].concat());
}

#[test]
fn variable_names_differ_per_node() {
    let world = World::start();
    let node = |index: &str| {
        let run = world.sapm("apply").args(["--report-dir", "report"]);
        run.env("CI_NODE_INDEX", index).env("CI_NODE_TOTAL", "2")
    };
    let number = |name: &str, counts: &[String]| -> usize {
        let count = counts.iter().find_map(|line| line.strip_prefix(&format!("{name}=")));
        count.map_or(0, |count| count.parse().unwrap())
    };
    let mut opened = 0;
    for index in ["1", "2"] {
        node(index).expect(0);
        let counts = counts(&world);
        let own = format!("_{index}=");
        assert!(counts.iter().all(|line| line.contains(&own)), "{counts:?}");
        opened += number(&format!("SAPM_OPENED_{index}"), &counts);
    }
    assert_eq!(opened, 4);
    node("2").env("SAPM_STATE", "s3://no-such-bucket").expect(4);
    assert_eq!(counts(&world), ["SAPM_PROBLEMS_2=1", "SAPM_EXIT_CODE_2=4"]);
}

#[test]
fn a_refused_merge_request_is_not_counted_as_opened() {
    let world = World::start();
    let refusal = r#"{"message":"403 Forbidden"}"#;
    let fault = forge::Fault::status(403, refusal).method("POST").path("/merge_requests").nth(2);
    world.forge().fault(fault);
    run(&world, 5);
    let rest = ["SAPM_PROBLEMS=1", "SAPM_EXIT_CODE=5"];
    assert_eq!(
        counts(&world),
        [&["SAPM_OPENED=3", "SAPM_PROMOTIONS=3"], &TARGETS[..], &rest[..]].concat()
    );
}

#[test]
fn counts_of_a_failed_run() {
    let world = World::start();
    let apply = world.sapm("apply").args(["--report-dir", "report"]);
    apply.env("SAPM_STATE", "s3://no-such-bucket").expect(4);
    assert_eq!(counts(&world), ["SAPM_PROBLEMS=1", "SAPM_EXIT_CODE=4"]);
}
