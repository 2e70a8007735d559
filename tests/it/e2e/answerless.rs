//! Servers that accept connections and never respond: runs end anyway. `clients/http.rs` tests the length of the
//! timeouts. All worlds wait in parallel.

use std::thread;

use forge::{Fault, FaultKind, Service};

use super::failures::{apply, fails, no_secret_in, reported};
use super::support::*;

fn silent(service: Service) -> Fault {
    Fault::new(FaultKind::Hang).on(service)
}

/// A run with a service that never responds, or stops responding at some request.
fn is_given_up(fault: Fault, words: &[&str]) {
    let world = World::start();
    world.forge().fault(fault);
    fails(&world, apply(&world), 4, words);
    reported(&world);
}

/// A service that only some targets need: the others are promoted.
fn concerns_its_targets_alone(fault: Fault, in_error: &[&str], open: usize) {
    let world = World::start();
    world.forge().fault(fault);
    let ran = apply(&world).args(["--format", "json"]).expect(5);
    let plan = ran.plan();
    for label in in_error {
        assert!(["error", "hold by slo"].contains(&plan.decision(label).as_str()), "{label}");
    }
    assert_eq!(world.project().open_merge_requests().len(), open);
    no_secret_in(&world, &ran);
}

/// The bucket responds for the export, but not for records.
fn a_bucket_that_falls_silent() {
    is_given_up(
        silent(Service::S3).path("/promotions_v2/"),
        &["no response in time", "SAPM_STATE"],
    );
}

/// `record` and a bucket that does not respond to reads, or to writes.
fn is_not_recorded(fault: Fault) {
    let world = World::start();
    world.forge().fault(fault);
    let ran = super::record::record(&world, "--succeeded").expect(4);
    assert!(ran.err.contains("no response in time"), "{}", ran.err);
}

#[test]
fn services_that_never_respond_are_given_up() {
    thread::scope(|scope| {
        scope.spawn(|| {
            is_given_up(silent(Service::GitLab), &["did not respond", "SAPM_APP_INTERFACE"])
        });
        let api = silent(Service::GitLab).path("/api/");
        scope.spawn(|| is_given_up(api, &["SAPM_GITLAB_URL"]));
        let lists = silent(Service::GitLab).path("/merge_requests?");
        scope.spawn(|| is_given_up(lists, &["merge requests", "SAPM_GITLAB_URL"]));
        scope.spawn(|| is_given_up(silent(Service::S3), &["no response in time", "SAPM_STATE"]));
        scope.spawn(a_bucket_that_falls_silent);
        scope.spawn(|| is_not_recorded(silent(Service::S3).method("GET")));
        scope.spawn(|| is_not_recorded(silent(Service::S3).method("PUT")));
        scope.spawn(|| concerns_its_targets_alone(silent(Service::GitHub), &[CANARY, LEDGER], 2));
        scope.spawn(|| concerns_its_targets_alone(silent(Service::Prometheus), &[PAYMENTS], 4));
    });
}
