//! `explain`: the answer first, its facts, and what if; it writes nothing.

mod what_if;

use std::collections::BTreeSet;

use chrono::Utc;
use forge::Service;
use serde_json::Value;

use super::support::*;
use crate::shop::{
    CATALOG_NEW, CATALOG_NEXT, CATALOG_OLD, ORDERS_DB_NEW, PAYMENTS_CANARY, PAYMENTS_NEW,
};

pub fn explain(world: &World, target: &str) -> Sapm {
    world.sapm("explain").arg(target)
}

pub fn json(world: &World, target: &str, args: &[&str]) -> Value {
    let ran = explain(world, target).args(["--format", "json"]).args(args).expect(0);
    serde_json::from_str(&ran.out).unwrap()
}

/// Replaces what differs from run to run by names: commits of the config repo, time spans,
/// and what GitLab does in the background.
fn shown(world: &World, ran: &Ran) -> String {
    let mut text = normalise(&ran.out, world.forge());
    for (pattern, name) in [
        (r"\b(\d+ min|\d+\.\d days)\b", "SPAN"),
        (r"\((in SPAN|SPAN ago)\)", "(SPAN)"),
        (r"TIME +", "TIME "),
        (r"/blob/[0-9a-f]{40}/", "/blob/COMMIT/"),
        (r"GitLab says(:? +)[^\n]+", "GitLab says${1}STATUS"),
    ] {
        text = fancy_regex::Regex::new(pattern).unwrap().replace_all(&text, name).into_owned();
    }
    text
}

#[test]
fn held_by_soak() {
    let world = World::start();
    let ran = explain(&world, ORDERS).expect(0);
    insta::assert_snapshot!("explain_soak", shown(&world, &ran));
    world.assert_nothing_written();
}

#[test]
fn a_deployment_is_missing() {
    let world = World::start();
    let ran = explain(&world, ORDERS_DB).expect(0);
    insta::assert_snapshot!("explain_deployment", shown(&world, &ran));
    let markdown = explain(&world, ORDERS_DB).args(["--format", "markdown"]).expect(0);
    insta::assert_snapshot!("explain_deployment_markdown", shown(&world, &markdown));
}

#[test]
fn an_slo_is_breached() {
    let world = World::start();
    let ran = explain(&world, PAYMENTS).expect(0);
    insta::assert_snapshot!("explain_slo", shown(&world, &ran));
    let markdown = explain(&world, PAYMENTS).args(["--format", "markdown"]).expect(0);
    insta::assert_snapshot!("explain_slo_markdown", shown(&world, &markdown));
}

#[test]
fn a_merge_request_that_was_taken_over() {
    let world = World::start();
    world.apply();
    let request = world.request(CANARY);
    let text = world.text(&request.source_branch, CATALOG_FILE) + "# by hand\n";
    world.project().commit("alice", &request.source_branch, "Mine\n", [(CATALOG_FILE, Some(text))]);
    world.forge().settle();
    let ran = explain(&world, CANARY).expect(0);
    insta::assert_snapshot!("explain_taken_over", shown(&world, &ran));
    let markdown = explain(&world, CANARY).args(["--format", "markdown"]).expect(0);
    insta::assert_snapshot!("explain_taken_over_markdown", shown(&world, &markdown));
    world.project().set_labels("alice", request.iid, &["sapm/hold"], &[]);
    let held = explain(&world, CANARY).expect(0).out;
    assert!(held.contains("remove the label to hand it back"), "{held}");
    assert!(held.contains("next possible when people allow it: left alone"), "{held}");
}

#[test]
fn a_commit_that_cannot_be_looked_up() {
    let world = World::start();
    world.forge().remove_github_repo("example-shop/payments-ledger");
    let ran = explain(&world, LEDGER).expect(5);
    insta::assert_snapshot!("explain_error", shown(&world, &ran));
    let markdown = explain(&world, LEDGER).args(["--format", "markdown"]).expect(5);
    insta::assert_snapshot!("explain_error_markdown", shown(&world, &markdown));
    // It does not concern a target in another file.
    explain(&world, CANARY).expect(0);
}

#[test]
fn each_gate_gives_advice() {
    let world = World::start();
    let advice = |target: &str| {
        let value = json(&world, target, &[]);
        let lines = value["answer"]["advice"].as_array().unwrap();
        lines.iter().map(text).collect::<Vec<_>>().join("\n")
    };
    let text = world.text("main", "data/services/payments/app.yml");
    let blocked = 1 + text.lines().position(|line| line.contains("54b3e020")).unwrap();
    let ledger = advice(LEDGER);
    assert!(ledger.contains(&format!("data/services/payments/app.yml:{blocked}")), "{ledger}");
    assert!(advice(REPORTING).contains("edit its ref at"), "{}", advice(REPORTING));
    assert!(advice(PAYMENTS).contains("hotfixVersions"), "{}", advice(PAYMENTS));
    let text = world.text("main", CATALOG_FILE);
    let schedule = 1 + text.lines().position(|line| line.contains("schedule: \"")).unwrap();
    let index = advice(INDEX);
    assert!(index.contains(&format!("{CATALOG_FILE}:{schedule}")), "{index}");
    world.apply();
    world.project().close("alice", world.request(CANARY).iid);
    assert!(advice(CANARY).contains("add the label sapm/again"), "{}", advice(CANARY));
}

#[test]
fn a_gate_that_does_not_depend_on_time_names_its_condition() {
    let world = World::start();
    let next = |target: &str| text(&json(&world, target, &[])["answer"]["next"]);
    let deployed = "orders-stage has deployed 5c7bb03f; that time is not known";
    assert!(next(ORDERS_DB).ends_with(deployed), "{}", next(ORDERS_DB));
    assert_eq!(next(PAYMENTS), "when the SLO is met again");
    assert_eq!(next(REPORTING), "when all publishers are at the same commit");
    assert!(next(LEDGER).starts_with("with a newer commit"), "{}", next(LEDGER));
    world.shop.deploy("payments-stage", PAYMENTS_NEW, false, Utc::now());
    // A soak time that has not begun is not a second cause.
    let key = crate::shop::Shop::record_key("orders-stage", crate::shop::ORDERS_NEW);
    world.forge().delete_object(crate::shop::BUCKET, &key);
    let soaks = "has deployed fa5cf13d; that time is not known; then it has to soak";
    assert!(next(ORDERS).ends_with(soaks), "{}", next(ORDERS));
    let failed = "payments-stage has deployed 2c46ebdd again successfully, or another commit";
    assert!(next(PAYMENTS).contains(failed), "{}", next(PAYMENTS));
}

#[test]
fn another_time_says_nothing_about_now() {
    let world = World::start();
    let at = ["--at", "2030-01-01T04:00:00Z"];
    for format in ["text", "markdown"] {
        let out = explain(&world, INDEX).args(at).args(["--format", format]).expect(0).out;
        assert!(out.contains("2030-01-01 04:00 UTC (a given time"), "{out}");
        assert!(out.contains("a run at that time would open its merge request"), "{out}");
        assert!(out.replace('`', "").contains("at that time, to 9705190c"), "{out}");
        for claim in ["next run", "nothing: the scheduled"] {
            assert!(!out.contains(claim), "{claim}: {out}");
        }
    }
    let snapshot = world.path("facts.json");
    let now = explain(&world, CANARY).arg("--save-snapshot").arg(&snapshot).expect(0).out;
    assert!(now.contains("UTC (now)") && now.contains("next run of `sapm apply` opens"), "{now}");
    let checkout = world.checkout();
    let offline = explain(&world, CANARY)
        .arg("--snapshot")
        .arg(&snapshot)
        .arg("--app-interface")
        .arg(&checkout)
        .expect(0)
        .out;
    assert!(offline.contains("UTC (when the facts were recorded, not now)"), "{offline}");
    assert!(!offline.contains("next run"), "{offline}");
}

#[test]
fn an_earlier_merge_request_is_named() {
    let world = World::start();
    let never = explain(&world, ORDERS).expect(0).out;
    assert!(never.contains("before        the bot never opened one"), "{never}");
    world.apply();
    let iid = world.request(CANARY).iid;
    world.project().close("alice", iid);
    // Held now, so planning has no reason to fetch earlier merge requests.
    world.shop.deploy("catalog-stage", CATALOG_NEW, false, Utc::now());
    let value = json(&world, CANARY, &[]);
    assert_eq!(value["merge_requests"], serde_json::json!([]));
    let earlier = &value["earlier_merge_requests"][0];
    assert_eq!((&earlier["iid"], &earlier["state"]), (&iid.into(), &"closed".into()));
    let closed = explain(&world, CANARY).expect(0).out;
    assert!(closed.contains(&format!("before        !{iid} was closed by a person")), "{closed}");
}

#[test]
fn a_pinned_commit_is_described() {
    let world = World::start();
    let publisher =
        |target: &str, place: usize| json(&world, target, &[])["publishers"][place].clone();
    let canary = publisher(PRODUCTION, 0);
    assert_eq!(canary["commit_sha"], CATALOG_OLD);
    assert_eq!(canary["subject"], "Find misspelled words");
    assert!(canary["committed_at"].is_string(), "{canary:#}");
    let page = format!("https://github.com/example-shop/catalog/commit/{CATALOG_OLD}");
    assert_eq!(canary["commit_url"], page);
    let compare = &json(&world, PRODUCTION, &[])["subscriber"]["compare_url"];
    let text = explain(&world, PRODUCTION).expect(0).out;
    assert!(text.contains(compare.as_str().unwrap()) && text.contains(&page), "{text}");
    // GitHub does not know this one: the output is the same without subject.
    let value = json(&world, REPORTING, &[]);
    let all = value["publishers"].as_array().unwrap();
    let unknown = all.iter().find(|p| p["commit_sha"] == PAYMENTS_CANARY).unwrap();
    assert!(unknown["subject"].is_null(), "{unknown:#}");
    assert_eq!(value["problems"], serde_json::json!([]));
}

#[test]
fn only_facts_for_the_answer_are_fetched() {
    let world = World::start();
    world.forge().clear_log();
    explain(&world, ORDERS).expect(0);
    assert_eq!(world.count(|entry| entry.service == Service::GitHub), 0);
    assert_eq!(world.count(|entry| entry.service == Service::Prometheus), 0);
    world.forge().clear_log();
    world.sapm("plan").expect(0);
    assert!(world.count(|entry| entry.service == Service::GitHub) > 0);
    world.forge().assert_no_unknown_routes();
}

#[test]
fn a_merge_request_is_shown_with_its_pipeline() {
    let world = World::start();
    world.apply();
    world.forge().settle();
    let value = json(&world, CANARY, &[]);
    let request = &value["merge_requests"][0];
    assert_eq!(request["iid"], world.request(CANARY).iid);
    assert_eq!(request["draft"], false);
    assert_eq!(request["pipeline"]["status"], "success");
    let text = explain(&world, CANARY).expect(0).out;
    assert!(text.contains("next run      keeps it: nothing changes"), "{text}");
    assert!(text.contains("sapm does not merge: merge http"), "{text}");
    let status = text.lines().find(|line| line.starts_with("  GitLab says")).unwrap();
    assert!(status.contains(" (") && status.contains("be merged"), "{status}");
    let publisher = &value["publishers"][0];
    assert_eq!(publisher["commit_sha"], CATALOG_NEW);
    assert_eq!(publisher["subject"], "Show pictures in search results");
    assert!(publisher["committed_at"].is_string() && publisher["check_in"].is_string());
}

#[test]
fn a_commit_message_cannot_inject_terminal_codes_or_markup() {
    let world = World::start();
    let mut commit = forge::CommitInfo::new(CATALOG_NEW);
    commit.message = "evil \u{1b}[2J\u{202e} | `code` @alice\n".to_owned();
    world.forge().set_github_ref("example-shop/catalog", "main", commit);
    let text = explain(&world, CANARY).expect(0).out;
    let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(text.contains("evil") && !text.contains(bad), "{text:?}");
    let markdown = explain(&world, CANARY).args(["--format", "markdown"]).expect(0).out;
    let shown = "| evil `\u{fffd}[2J\u{fffd}` `\\|` `code` `@alice` |";
    assert!(markdown.contains(shown), "{markdown}");
}

#[test]
fn an_explanation_can_be_replayed_from_its_facts() {
    let world = World::start();
    let snapshot = world.path("facts.json");
    let args = ["--format", "json", "--at", "2026-08-20T10:15:30Z"];
    let first = explain(&world, CANARY).args(args).arg("--save-snapshot").arg(&snapshot).expect(0);
    let checkout = world.checkout();
    world.forge().clear_log();
    let again = explain(&world, CANARY)
        .args(args)
        .arg("--snapshot")
        .arg(&snapshot)
        .arg("--app-interface")
        .arg(&checkout)
        .expect(0);
    assert_eq!(first.out, again.out);
    assert_eq!(world.forge().log().len(), 0);
}

/// The page of a run links the line in `edit_line`.
#[test]
fn a_target_is_declared_at_the_line_that_the_plan_names() {
    let world = World::start();
    for target in [CANARY, ORDERS, MAIL, REGIONAL] {
        let value = json(&world, target, &[]);
        let subscriber = &value["subscriber"];
        let place = format!("data{}:{}", text(&subscriber["edit_file"]), subscriber["edit_line"]);
        assert_eq!(value["declared_at"], place.as_str(), "{target}");
        for publisher in value["publishers"].as_array().unwrap() {
            let (declared, at) = (text(&publisher["declared_at"]), text(&publisher["ref_at"]));
            let line = |place: &str| place.rsplit_once(':').unwrap().1.parse::<u32>().unwrap();
            assert!(line(&declared) <= line(&at), "{declared} {at}");
            let file = at.rsplit_once(':').unwrap().0;
            let named =
                world.text("main", file).lines().nth(line(&at) as usize - 1).unwrap().to_owned();
            assert!(named.contains("ref:"), "{at}: {named}");
        }
    }
}

/// The keys of the JSON form: more may be added, but none removed without a new version.
#[test]
fn the_json_form() {
    let world = World::start();
    world.apply();
    world.forge().settle();
    let assume = format!("deployed=catalog-stage@{CATALOG_NEXT}");
    let value = json(&world, PRODUCTION, &["--assume", &assume]);
    let mut paths = BTreeSet::new();
    keys("", &value, &mut paths);
    paths.retain(|path| !path.contains(".evidence.") && !path.starts_with("problems"));
    insta::assert_snapshot!("explain_json", paths.into_iter().collect::<Vec<_>>().join("\n"));
}

fn keys(path: &str, value: &Value, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                keys(
                    &format!("{path}{}{key}", if path.is_empty() { "" } else { "." }),
                    value,
                    paths,
                );
            }
        }
        Value::Array(list) => {
            paths.insert(format!("{path}[]"));
            list.iter().for_each(|value| keys(&format!("{path}[]"), value, paths));
        }
        _ => {
            paths.insert(path.to_owned());
        }
    }
}
