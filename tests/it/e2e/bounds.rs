//! No host delays a run, and no datafile makes it contact forbidden hosts.

use forge::{Fault, FaultKind, Service};

use super::failures::{apply, fails, reported};
use super::support::*;
use crate::shop::{LEDGER_BLOCKED, PROJECT};

/// The run decides, plans and writes with the known facts. The rest is one problem per host.
#[test]
fn facts_missing_at_the_deadline_affect_only_their_targets() {
    let world = World::start();
    world.forge().fault(Fault::new(FaultKind::Hang).on(Service::GitHub));
    let run = world.sapm("apply").args(["--format", "json", "--deadline", "10s"]);
    let plan = run.expect(5).plan();
    assert_eq!(plan.problems(), ["error service_refused"]);
    let message = text(&plan.problem("service_refused")["message"]);
    assert!(message.contains("GitHub") && message.contains("--deadline"), "{message}");
    for label in [CANARY, LEDGER] {
        assert_eq!(plan.decision(label), "error", "{label}");
    }
    assert_eq!(world.project().open_merge_requests().len(), 2);
}

#[test]
fn late_records_are_one_problem() {
    let world = World::start();
    let records = Fault::new(FaultKind::Hang).on(Service::S3).path("/promotions_v2/");
    world.forge().fault(records);
    let run = world.sapm("plan").args(["--format", "json", "--deadline", "6s"]);
    let plan = run.expect(5).plan();
    assert_eq!(plan.problems(), ["error service_refused"]);
    let message = text(&plan.problem("service_refused")["message"]);
    assert!(message.contains("s3://") && message.contains("6s"), "{message}");
}

#[test]
fn the_deadline_is_a_span_of_time() {
    let world = World::start();
    for wrong in ["10", "10x", "", "m", "-1m", "0s", "25h", "1.5h", "99999999999999999999m"] {
        let ran = world.sapm("plan").arg(format!("--deadline={wrong}")).expect(2);
        assert!(ran.err.contains("--deadline"), "{}", ran.err);
    }
    for right in ["10m", "90s", "1h", " 5m "] {
        world.sapm("plan").env("SAPM_DEADLINE", right).expect(0);
    }
    world.sapm("plan").env("SAPM_DEADLINE", "").expect(0);
}

#[test]
fn a_gitlab_that_refuses_everything_ends_the_run_and_names_the_end_of_the_pause() {
    let world = World::start();
    world.forge().fault(Fault::throttled(2).on(Service::GitLab));
    let run = apply(&world).env("SAPM_APP_INTERFACE", world.checkout());
    fails(&world, run, 4, &["GitLab at", "429", "resets at 20"]);
    reported(&world);
    let asked = world.count(|entry| entry.service == Service::GitLab);
    assert!(asked <= 6, "it is not asked again and again: {asked}");
}

#[test]
fn a_clone_waits_for_a_requested_pause() {
    let world = World::start();
    for (nth, path) in [(1, "/info/refs"), (1, "/git-upload-pack")] {
        world.forge().fault(Fault::throttled(1).on(Service::GitLab).path(path).nth(nth));
    }
    world.sapm("plan").expect(0);
    assert_eq!(world.forge().faults_played(), 2);
    // Repeated refusals are GitLab's problem.
    world.forge().clear_faults();
    world.forge().fault(Fault::throttled(1).on(Service::GitLab).path(format!("{PROJECT}.git/")));
    let ran = world.sapm("plan").expect(4);
    assert!(
        ran.err.contains("429 Too Many Requests") && ran.err.contains("requested a pause"),
        "{}",
        ran.err
    );
}

#[test]
fn a_bucket_that_fails_at_everything_is_one_cause() {
    let world = World::start();
    let body = "<Error><Code>ServiceUnavailable</Code><Message>Please try again</Message></Error>";
    world.forge().fault(Fault::status(503, body).on(Service::S3));
    fails(&world, apply(&world), 4, &["it fails: ServiceUnavailable", "SAPM_STATE"]);
    reported(&world);
}

/// The AWS SDK looks for a connection to close after such a response, and logs an error because there is none.
#[test]
fn messages_of_libraries_are_not_logged() {
    let world = World::start();
    let body = "<Error><Code>ServiceUnavailable</Code><Message>Please try again</Message></Error>";
    world.forge().fault(Fault::status(503, body).on(Service::S3));
    let ran = world.sapm("apply").expect(4);
    let foreign = |line: &&str| line.contains(" ERROR ") || line.contains("connection");
    assert_eq!(ran.err.lines().find(foreign), None, "{}", ran.err);
}

/// The demo's Prometheus and git host are on this machine.
#[test]
fn datafiles_do_not_send_the_bot_to_its_own_machine() {
    let world = World::start();
    world.forge().set_git_ref("payments-ledger", "main", LEDGER_BLOCKED);
    let url = world.forge().git_url("payments-ledger");
    let old = "- name: payments-ledger\n  url: https://github.com/example-shop/payments-ledger\n";
    world.edit(PAYMENTS_FILE, old, &format!("- name: payments-ledger\n  url: {url}\n"));
    world.forge().clear_log();
    let run = world.sapm("plan").without("SAPM_ALLOWED_HOSTS").args(["--format", "json"]);
    let plan = run.expect(5).plan();
    assert_eq!(plan.decision(LEDGER), "error");
    assert_eq!(plan.decision(PAYMENTS), "hold by slo");
    let refused = |service| world.count(|entry| entry.service == service);
    assert_eq!((refused(Service::Git), refused(Service::Prometheus)), (0, 0));
    let named = plan.list("problems").iter().map(|problem| text(&problem["message"]));
    let named = named.filter(|message| message.contains("SAPM_ALLOWED_HOSTS")).count();
    assert_eq!(named, 1, "both are at one address: {:?}", plan.list("problems"));
    world.sapm("plan").expect(0);
    let host = url.split('/').nth(2).unwrap().to_owned();
    let listed = world.sapm("plan").env("SAPM_ALLOWED_HOSTS", &host);
    listed.expect(5);
    assert!(refused(Service::Git) > 0);
}

#[test]
fn a_repository_of_a_datafile_is_never_a_folder_of_this_machine() {
    let world = World::start();
    let folder = world.checkout().display().to_string();
    let old = "- name: payments-ledger\n  url: https://github.com/example-shop/payments-ledger\n";
    let new = format!("- name: payments-ledger\n  url: file://{folder}\n");
    world.edit(PAYMENTS_FILE, old, &new);
    let plan = world.sapm("plan").args(["--format", "json"]).expect(5).plan();
    assert_eq!(plan.decision(LEDGER), "error");
    let problems = format!("{:?}", plan.list("problems"));
    assert!(problems.contains("http or https URL"), "{problems}");
}

/// A plan without the open merge requests must not be applied.
#[test]
fn lists_that_exceed_the_deadline_end_the_run() {
    let world = World::start();
    // They never end, however slow this machine is.
    world.forge().fault(Fault::new(FaultKind::Hang).on(Service::GitLab).path("/merge_requests?"));
    let run = apply(&world).args(["--deadline", "8s"]);
    fails(&world, run, 4, &["open merge requests and branches", "8s", "--deadline"]);
    reported(&world);
}

/// Lookups of planning that are too late affect only their merge requests.
#[test]
fn lookups_of_planning_share_the_deadline() {
    let world = World::start();
    world.forge().fault(Fault::new(FaultKind::Hang).on(Service::GitLab).path("source_branch="));
    let run = world.sapm("plan").args(["--format", "json", "--deadline", "10s"]);
    let plan = run.run().plan();
    let reasons: Vec<String> =
        plan.list("merge_requests").iter().map(|request| text(&request["reason"])).collect();
    assert_eq!(reasons.len(), 4);
    assert!(reasons.iter().all(|reason| reason.contains("--deadline")), "{reasons:?}");
}
