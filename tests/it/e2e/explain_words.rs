//! What `explain` must not say: what is wrong, unknown, or repeated.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;

use forge::{Fault, Service};

use super::support::*;
use crate::shop::ORDERS_DB_NEW;

fn explained(world: &World, target: &str, args: &[&str]) -> String {
    world.sapm("explain").arg(target).args(args).expect(0).out
}

fn summary(text: &str) -> &str {
    text.lines().next().unwrap()
}

#[test]
fn the_limit_per_run_is_mentioned() {
    let world = World::start();
    let few = ["--max-new-merge-requests", "1"];
    let text = explained(&world, REGIONAL, &few);
    let opens = "the next run of `sapm apply` opens its merge request, unless another has been eligible longer";
    assert!(summary(&text).ends_with(opens), "{text}");
    assert!(text.contains("opens one, unless another has been eligible longer"), "{text}");
    let usual = explained(&world, REGIONAL, &[]);
    assert!(summary(&usual).ends_with("unless 25 others have been eligible longer"), "{usual}");
}

#[test]
fn config_hashes_are_called_new_only_if_known_to_be() {
    let world = World::start();
    // Its publisher's commit, which is not deployed there.
    let old = "    ref: 6cf4832af625f59b49336d692f4ed44e601a855e";
    world.edit(ORDERS_FILE, old, &format!("    ref: {ORDERS_DB_NEW}"));
    let text = explained(&world, ORDERS_DB, &[]);
    assert!(summary(&text).contains("is up to date: it is at 5c7bb03f"), "{text}");
    let auto = "    promotion: { auto: true, subscribe: [orders-db-stage] }";
    let hashes = "    promotion: { auto: true, redeployOnPublisherConfigChange: true, subscribe: [orders-db-stage] }";
    world.edit(ORDERS_FILE, auto, hashes);
    let text = explained(&world, ORDERS_DB, &[]);
    let unknown = "(it already has 5c7bb03f; whether config hashes are new is not known yet)";
    assert!(summary(&text).contains(unknown), "{text}");
}

#[test]
fn the_state_of_an_open_merge_request_is_described() {
    let world = World::start();
    world.apply();
    let request = world.request(CANARY);
    world.project().set_locked(request.iid, true);
    let text = explained(&world, CANARY, &[]);
    let merging =
        format!("due for promotion from 9d562e12 to 9705190c: GitLab is merging !{}", request.iid);
    assert!(summary(&text).ends_with(&merging), "{text}");
    assert!(text.contains("next run      keeps it: GitLab is merging it\n"), "{text}");
    world.project().set_locked(request.iid, false);
    world.project().set_labels("alice", request.iid, &["sapm/hold"], &[]);
    let text = explained(&world, CANARY, &[]);
    let left =
        format!("its merge request !{} is left alone, as it has the label sapm/hold", request.iid);
    assert!(summary(&text).ends_with(&left), "{text}");
    assert!(text.contains("next run      left alone, as it has the label sapm/hold\n"), "{text}");
}

#[test]
fn an_unreadable_record_is_not_called_missing() {
    let world = World::start();
    let denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    world.forge().fault(Fault::status(403, denied).on(Service::S3).path("ledger-stage"));
    let ran = world.sapm("explain").arg(LEDGER).expect(5);
    let gate = "HOLD deployment       the record of saas-payments/payments-ledger/stage01/payments-stage for channel ledger-stage could not be read\n";
    assert!(ran.out.contains(gate), "{}", ran.out);
    let ran = world.sapm("plan").args(["--report-dir"]).arg(world.path("report")).expect(5);
    assert!(!ran.out.contains("has no record"), "{}", ran.out);
    let page = std::fs::read_to_string(world.path("report").join("report.html")).unwrap();
    let (_, packed) = page.split_once("\"pictures\":\"").unwrap();
    let packed = STANDARD.decode(packed.split_once('"').unwrap().0).unwrap();
    let mut pictures = String::new();
    ZlibDecoder::new(packed.as_slice()).read_to_string(&mut pictures).unwrap();
    let at = pictures.find("54b3e020: ").map(|at| &pictures[at..at + 40]);
    assert!(pictures.contains("54b3e020: record not read"), "{at:?}");
}

#[test]
fn a_cause_is_mentioned_once() {
    let cause = "not found (or private: ";
    let world = World::start();
    world.apply();
    world.forge().remove_github_repo("example-shop/payments-ledger");
    world.forge().remove_github_repo("example-shop/catalog");
    for target in [LEDGER, CANARY] {
        for format in ["text", "markdown"] {
            let ran = world.sapm("explain").arg(target).args(["--format", format]).expect(5);
            let times = ran.out.matches(cause).count();
            assert_eq!(times, 1, "{target} as {format}:\n{}", ran.out);
        }
    }
    let text = world.sapm("explain").arg(CANARY).expect(5).out;
    assert!(
        text.contains("next run      keeps it unchanged until the facts are known\n"),
        "{text}"
    );
}

#[test]
fn the_end_of_a_forecast_is_not_given_as_an_answer() {
    let world = World::start();
    let at = ["--at", "2030-02-01T00:00:00Z"];
    let text = explained(&world, INDEX, &at);
    let next = "next possible 2031-01-01 04:00 UTC at the earliest; waits for schedule\n";
    assert!(text.contains(next), "{text}");
    let json = explained(&world, INDEX, &[&at[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["answer"]["next_possible_at"], "2031-01-01T04:00:00Z");
}

#[test]
fn a_target_that_is_never_promoted_is_not_told_to_wait() {
    let world = World::start();
    let auto = "    promotion: { auto: true, subscribe: [orders-db-stage] }";
    let own = "    promotion: { auto: true, subscribe: [loop], publish: [loop] }";
    let line = 1 + world.text("main", ORDERS_FILE).lines().position(|line| line == auto).unwrap();
    world.edit(ORDERS_FILE, auto, own);
    let text = explained(&world, ORDERS_DB, &[]);
    assert!(text.contains("next possible never, as things are\n"), "{text}");
    let advice = format!(
        "* it subscribes to channel loop, which it publishes to: remove it from promotion.subscribe at {ORDERS_FILE}:{line}\n"
    );
    assert!(text.contains(&advice) && !text.contains("nothing: it is promoted"), "{text}");
    world.edit(ORDERS_FILE, own, "    promotion: { auto: true }");
    let text = explained(&world, ORDERS_DB, &[]);
    assert!(summary(&text).ends_with("is never promoted: it subscribes to no channel"), "{text}");
    assert!(text.contains("next possible never, as things are\n"), "{text}");
}

#[test]
fn settings_do_not_change_recorded_facts() {
    let world = World::start();
    let (snapshot, checkout) = (world.path("facts.json"), world.checkout());
    let record = world.sapm("plan").arg("--save-snapshot").arg(&snapshot);
    record.expect(0);
    let mut facts: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&snapshot).unwrap()).unwrap();
    facts["config_repo"] = serde_json::Value::Null;
    std::fs::write(&snapshot, facts.to_string()).unwrap();
    let offline = world.sapm("explain").arg(CANARY).arg("--snapshot").arg(&snapshot);
    let text = offline.arg("--app-interface").arg(&checkout).expect(0).out;
    assert!(!text.contains("set SAPM_GITLAB_URL"), "{text}");
    let advice = "these facts do not include whether its merge request is open: record them with GitLab configured";
    assert!(text.contains(advice), "{text}");
}

#[test]
fn auto_merge_is_named_by_the_summary_and_by_explain() {
    let world = World::start();
    world.apply();
    let iid = world.request(CANARY).iid;
    world.project().set_auto_merge(iid, true);
    let ran = world.sapm("plan").expect(0);
    assert!(ran.out.contains("merge requests: 4 keep (1 with auto-merge);"), "{}", ran.out);
    assert!(ran.out.contains("auto-merge is set, and it has the desired content"), "{}", ran.out);
    for format in ["text", "markdown"] {
        let explained = world.sapm("explain").args([CANARY, "--format", format]).expect(0).out;
        let explained = explained.replace('`', "");
        assert!(explained.contains("open, ready, auto-merge is set"), "{explained}");
        assert!(explained.contains("auto-merge is set, so GitLab merges"), "{explained}");
    }
    let ran = world.sapm("explain").args([CANARY, "--format", "json"]).expect(0);
    assert_eq!(ran.plan().list("merge_requests")[0]["auto_merge"], true);
}
