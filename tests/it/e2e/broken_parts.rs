//! Broken parts stop only the affected targets, and are reported.

use super::support::*;
use crate::shop::{BUCKET, ORDERS_NEW, Shop};

const BROKEN_FILE: &str = "/services/broken/cicd/saas.yml";
const LEDGER_REPO: &str = "https://github.com/example-shop/payments-ledger";
const BROKEN_LINE: u64 = 5;

/// An unreadable saas file, a missing repository and a malformed record.
fn world() -> World {
    let world = World::start();
    let text = "---\n$schema: /app-sre/saas-file-2.yml\n\nname: saas-broken\napp: {$ref: [\n";
    let path = format!("data{BROKEN_FILE}");
    world.project().commit("alice", "main", "Oops\n", [(path, Some(text))]);
    world.forge().remove_github_repo("example-shop/payments-ledger");
    let key = Shop::record_key("orders-stage", ORDERS_NEW);
    world.forge().put_object(BUCKET, &key, "{\"success\": tru");
    world
}

/// The record's key, as reported.
fn record() -> String {
    let key = Shop::record_key("orders-stage", ORDERS_NEW);
    key.trim_start_matches("state/openshift-saas-deploy/").to_owned()
}

fn report_of(world: &World, name: &str) -> String {
    std::fs::read_to_string(world.path("report").join(name)).unwrap()
}

#[test]
fn everything_else_is_promoted_and_the_exit_code_is_5() {
    let world = world();
    let plan = world.sapm("apply").args(["--format", "json"]).expect(5).plan();
    for label in [CANARY, PRODUCTION, REGIONAL, REGIONAL_US] {
        assert_eq!(plan.decision(label), "promote", "{label}");
    }
    for label in [ORDERS, MAIL, PRINT] {
        assert_eq!(plan.decision(label), "hold by deployment", "{label}");
    }
    assert_eq!(plan.decision(LEDGER), "error");
    assert_eq!(plan.decision(PAYMENTS), "hold by slo");
    let open: Vec<String> =
        world.project().open_merge_requests().into_iter().map(|request| request.title).collect();
    assert_eq!(open.len(), 3, "{open:?}");
    let exported = world.export();
    let exported = exported.as_object().unwrap();
    let orders = "orders/saas-orders/orders-api/None/stage01/orders-stage/False";
    assert_eq!(exported[orders]["deployment_state"], "missing");
    assert!(!exported.keys().any(|key| key.contains("payments-ledger/None/stage01")));
}

/// GitLab identifies a case of a merge request by its name.
#[test]
fn cases_keep_their_names_when_lines_move() {
    let world = World::start();
    world.edit(CATALOG_FILE, "* 4 1 1 *", "0 25 1 1 *");
    let cases = || {
        world.sapm("plan").args(["--report-dir", "report"]).expect(5);
        let junit = report_of(&world, "junit.xml");
        let names = junit.split("<testcase name=\"").skip(1);
        let names = names.map(|rest| rest.split_once('"').unwrap().0.to_owned());
        (names.collect::<Vec<_>>(), junit)
    };
    let line = || {
        let text = world.text("main", CATALOG_FILE);
        1 + text.lines().position(|line| line.contains("0 25 1 1 *")).unwrap()
    };
    let at = || format!("{CATALOG_FILE}:{}", line());
    let (before, junit) = cases();
    assert!(before.iter().any(|name| name.contains(CATALOG_FILE)), "{junit}");
    assert!(junit.contains(&at()), "{}: {junit}", at());
    world.edit(CATALOG_FILE, "---\n", "---\n# One line more.\n");
    let (after, junit) = cases();
    assert_eq!(after, before);
    assert!(junit.contains(&at()), "{}: {junit}", at());
}

#[test]
fn an_invalid_schedule_is_reported_with_its_line() {
    let world = World::start();
    world.edit(CATALOG_FILE, "* 4 1 1 *", "0 25 1 1 *");
    let text = world.text("main", CATALOG_FILE);
    let line = 1 + text.lines().position(|line| line.contains("0 25 1 1 *")).unwrap();
    let plan = world.sapm("plan").args(["--format", "json"]).expect(5).plan();
    let problem = plan.problem("invalid_schedule");
    assert_eq!(problem["line"], line, "{problem}");
    assert!(problem["path"].as_str().unwrap().ends_with(".promotion.schedule"), "{problem}");
}

#[test]
fn each_problem_has_its_source_location() {
    let world = world();
    let ran = world.sapm("apply").arg("--report-dir").arg(world.path("report")).expect(5);
    let place = format!("data{BROKEN_FILE}:{BROKEN_LINE}");
    for name in [place.as_str(), LEDGER_REPO, &record()] {
        let problems = ran.out.split("Problems\n").nth(1).unwrap();
        let found = problems.lines().filter(|line| line.contains(name));
        assert_eq!(found.count(), 1, "{name} in\n{problems}");
        assert!(report_of(&world, "report.md").contains(name), "{name} in report.md");
        assert!(report_of(&world, "junit.xml").contains(name), "{name} in junit.xml");
    }
    let plan = Plan::read(&world.path("report/plan.json"));
    let problems = plan.list("problems");
    assert!(problems.iter().all(|problem| problem["severity"] == "error"));
    let broken = problems.iter().find(|problem| problem["file"] == BROKEN_FILE).unwrap();
    assert_eq!(broken["line"], BROKEN_LINE);
    for place in [format!("{LEDGER_REPO}@main"), record()] {
        let problem = problems.iter().find(|problem| problem["path"] == place);
        assert!(problem.is_some_and(|problem| problem["line"].is_u64()), "{place} in {problems:?}");
    }
    let to_do = " deploy that commit again to write a new record |";
    assert!(report_of(&world, "report.md").contains(to_do), "{}", report_of(&world, "report.md"));
    let quality = report_of(&world, "gl-code-quality-report.json");
    let quality: serde_json::Value = serde_json::from_str(&quality).unwrap();
    let issues = quality.as_array().unwrap();
    let issue = issues.iter().find(|i| i["location"]["path"] == format!("data{BROKEN_FILE}"));
    assert_eq!(issue.unwrap()["location"]["lines"]["begin"], BROKEN_LINE);
}

#[test]
fn the_next_run_repeats_the_problems_and_writes_nothing() {
    let world = world();
    world.sapm("apply").expect(5);
    world.forge().clear_log();
    world.sapm("apply").expect(5);
    world.assert_nothing_written();
}

#[test]
fn merge_requests_that_are_open_stay_when_their_facts_are_missing() {
    let world = World::start();
    world.apply();
    world.forge().remove_github_repo("example-shop/catalog");
    let text = world.text("main", PAYMENTS_FILE);
    let broken = [(PAYMENTS_FILE, Some(format!("{text}\n  x: [\n")))];
    world.project().commit("alice", "main", "Oops\n", broken);
    world.forge().clear_log();
    let plan = world.sapm("apply").args(["--format", "json"]).expect(5).plan();
    assert_eq!(world.writes(), Vec::<String>::new());
    assert_eq!(plan.action(CANARY), "keep: facts_missing");
    assert_eq!(plan.action(REGIONAL), "keep: facts_missing");
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn a_refused_write_stops_only_its_own_merge_request() {
    let world = World::start();
    let refusal = r#"{"message": "403 Forbidden"}"#;
    let fault = forge::Fault::status(403, refusal).method("POST").path("/merge_requests").nth(2);
    world.forge().fault(fault);
    let plan = world.sapm("apply").args(["--format", "json"]).expect(5).plan();
    assert_eq!(world.project().open_merge_requests().len(), 3);
    let problem = plan.problem("write_refused");
    assert!(text(&problem["message"]).contains("403"), "{problem}");
    let outcomes: Vec<String> =
        plan.list("merge_requests").iter().map(|r| text(&r["outcome"]["outcome"])).collect();
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "failed").count(), 1, "{outcomes:?}");
    world.forge().clear_faults();
    world.apply();
    assert_eq!(world.project().open_merge_requests().len(), 4);
}
