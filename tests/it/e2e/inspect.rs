//! `explain`, `validate` and `graph`: they tell, and write nothing.

use serde_json::Value;

use super::support::*;
use crate::shop::{CATALOG_NEW, CATALOG_OLD};

fn explain(world: &World, target: &str) -> Sapm {
    world.sapm("explain").arg(target)
}

#[test]
fn explain_shows_every_gate_of_a_target() {
    let world = World::start();
    let ran = explain(&world, ORDERS).expect(0);
    let first = ran.out.lines().next().unwrap();
    assert!(first.starts_with(&format!("{ORDERS} is held: soaked for ")), "{first}");
    for gate in ["deployment", "same_ref", "soak", "schedule", "slo", "blocked_version"] {
        let line = format!("\n  {gate:<16} ");
        assert_eq!(ran.out.matches(&line).count(), 1, "{gate}: {}", ran.out);
    }
    assert!(ran.out.contains("soak             HOLD"), "{}", ran.out);
    assert!(ran.out.contains("(next possible at "), "{}", ran.out);
    let stage = "saas-orders/orders-api/stage01/orders-stage on orders-stage: fa5cf13d is success";
    assert!(ran.out.contains(stage), "{}", ran.out);
    world.assert_nothing_written();
}

#[test]
fn explain_takes_a_uid_a_label_or_a_part_of_one() {
    let world = World::start();
    let by_label = explain(&world, CANARY).args(["--format", "json"]).expect(0);
    let value: Value = serde_json::from_str(&by_label.out).unwrap();
    let subscriber = &value["subscriber"];
    assert_eq!(value["version"], 1);
    assert_eq!(label(subscriber), CANARY);
    assert_eq!(subscriber["decision"], "promote");
    assert_eq!(subscriber["current_ref"], CATALOG_OLD);
    assert_eq!(subscriber["desired_ref"], CATALOG_NEW);
    assert!(subscriber["gates"].as_array().unwrap().len() >= 6);
    assert_eq!(value["merge_requests"].as_array().unwrap().len(), 1);
    let uid = text(&subscriber["uid"]);
    for part in [uid.as_str(), &uid[..8], "catalog-canary"] {
        let ran = explain(&world, part).expect(0);
        assert!(ran.out.starts_with(&format!("{CANARY} is to be promoted")), "{part}: {}", ran.out);
    }
    world.apply();
    let ran = explain(&world, CANARY).expect(0);
    let page = format!("/-/merge_requests/{}: ", world.request(CANARY).iid);
    assert!(ran.out.contains(&page), "{}", ran.out);
}

#[test]
fn explain_says_which_targets_could_be_meant() {
    let world = World::start();
    let ran = explain(&world, "catalog-production").expect(2);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("error: \"catalog-production\" may be any of 2 subscribers"));
    assert!(ran.err.contains(PRODUCTION) && ran.err.contains(INDEX), "{}", ran.err);
    let ran = explain(&world, "catalog-kanary").expect(2);
    assert!(ran.err.contains("error: no subscriber is called \"catalog-kanary\""), "{}", ran.err);
    assert!(ran.err.contains(&format!("near it: {CANARY}")), "{}", ran.err);
    let ran = explain(&world, "zzz").expect(2);
    assert!(!ran.err.contains("near it"), "{}", ran.err);
}

fn validate(world: &World, folder: &std::path::Path) -> Sapm {
    let run = world.sapm("validate").env("SAPM_APP_INTERFACE", folder);
    run.without("SAPM_GITLAB_TOKEN").without("SAPM_STATE")
}

#[test]
fn validate_asks_nobody_and_finds_nothing_in_a_good_repo() {
    let world = World::start();
    let folder = world.checkout();
    let requests = world.forge().request_count();
    let ran = validate(&world, &folder).expect(0);
    assert!(ran.out.contains("0 errors, 0 warnings"), "{}", ran.out);
    assert_eq!(world.forge().request_count(), requests);
    // Cloned, it is the same.
    world.sapm("validate").without("SAPM_STATE").expect(0);
}

#[test]
fn validate_names_the_place_of_what_is_broken() {
    let world = World::start();
    let folder = world.checkout();
    let old = "    promotion:\n      auto: true\n      soakDays: 7\n";
    let new = old.replace("soakDays: 7", "soakDays: soon");
    let text = std::fs::read_to_string(folder.join(ORDERS_FILE)).unwrap();
    assert_eq!(text.matches(old).count(), 1);
    let text = text.replace(old, &new);
    let line = 1 + text.lines().position(|line| line.contains("soakDays: soon")).unwrap();
    std::fs::write(folder.join(ORDERS_FILE), text).unwrap();
    let report = world.path("report");
    let ran = validate(&world, &folder).arg("--report-dir").arg(&report).expect(5);
    assert!(ran.out.contains(&format!("{ORDERS_FILE}:{line}: ")), "{}", ran.out);
    assert!(ran.out.contains("resourceTemplates[0].targets[1].promotion.soakDays"), "{}", ran.out);
    let junit = std::fs::read_to_string(report.join("junit.xml")).unwrap();
    assert!(junit.contains(&format!("{ORDERS_FILE}:{line}")), "{junit}");
    let quality = std::fs::read(report.join("gl-code-quality-report.json")).unwrap();
    let quality: Value = serde_json::from_slice(&quality).unwrap();
    assert_eq!(quality[0]["location"]["path"], ORDERS_FILE);
    assert_eq!(quality[0]["location"]["lines"]["begin"], line);
    let ran = validate(&world, &folder).args(["--format", "json"]).expect(5);
    assert_eq!(ran.plan().list("problems")[0]["line"], line);
    let none = world.path("none");
    std::fs::create_dir(&none).unwrap();
    assert!(validate(&world, &none).expect(3).err.starts_with("error: "));
}

#[test]
fn graph_shows_publishers_and_subscribers() {
    let world = World::start();
    let folder = world.checkout();
    let graph = |format: &str| {
        let run = world.sapm("graph").env("SAPM_APP_INTERFACE", &folder).without("SAPM_STATE");
        run.args(["--format", format]).expect(0).out
    };
    let (mermaid, dot) = (graph("mermaid"), graph("dot"));
    assert!(mermaid.starts_with("flowchart LR\n"), "{mermaid}");
    assert!(dot.starts_with("digraph promotions {\n") && dot.ends_with("}\n"), "{dot}");
    let stage = "saas-catalog/catalog-api/stage01/catalog-stage";
    for label in [CANARY, PRODUCTION, INDEX, ORDERS, MAIL, REGIONAL, LEDGER, stage] {
        for text in [&mermaid, &dot] {
            assert_eq!(text.matches(&format!("\"{label}\"")).count(), 1, "{label}: {text}");
        }
    }
    let id = |text: &str, label: &str| {
        let line = text.lines().find(|line| line.contains(&format!("\"{label}\""))).unwrap();
        line.trim().split(['[', '(', ' ']).next().unwrap().to_owned()
    };
    for (text, arrow) in [(&mermaid, " --> "), (&dot, " -> ")] {
        let channel = id(text, "catalog-stage");
        for (from, to) in [(&id(text, stage), &channel), (&channel, &id(text, CANARY))] {
            assert!(text.contains(&format!("  {from}{arrow}{to}")), "{text}");
        }
        // 7 publishers and 13 subscriptions.
        assert_eq!(text.matches(arrow).count(), 20, "{text}");
    }
    let run = world.sapm("graph").env("SAPM_APP_INTERFACE", &folder);
    let narrow = run.args(["--app-name", "catalog"]).expect(0).out;
    assert!(narrow.contains(CANARY) && !narrow.contains("saas-orders"), "{narrow}");
}

#[test]
fn graph_draws_a_channel_or_a_neighbourhood_and_how_things_stand() {
    let world = World::start();
    let folder = world.checkout();
    let facts = world.path("facts.json");
    world.sapm("plan").arg("--save-snapshot").arg(&facts).expect(0);
    let graph = |arguments: &[&str]| {
        let run = world.sapm("graph").env("SAPM_APP_INTERFACE", &folder).without("SAPM_STATE");
        run.args(["--format", "svg"]).args(arguments)
    };
    let shown = |picture: &str, name: &str| picture.matches(&format!(">{name}</text>")).count();
    let whole = graph(&[]).expect(0).out;
    assert!(whole.starts_with("<svg ") && whole.ends_with("</svg>\n"), "{whole}");
    assert_eq!(whole.matches("class=\"status\"").count(), 0, "nothing is known");

    let channel = graph(&["--channel", "orders-stage"]).expect(0).out;
    assert_eq!(shown(&channel, "orders-stage"), 1);
    assert_eq!(shown(&channel, "catalog-stage"), 0);
    assert!(graph(&["--channel", "none"]).expect(2).err.contains("nobody publishes"));

    let around = ["--target", "stage01/catalog-stage", "--neighbourhood"];
    let near = graph(&[&around[..], &["1"]].concat()).expect(0).out;
    let wider = graph(&[&around[..], &["2"]].concat()).expect(0).out;
    let production = "prod01/catalog-production";
    assert!(shown(&wider, production) > shown(&near, production), "{near}\n{wider}");
    assert!(graph(&["--target", "catalog"]).expect(2).err.contains("say more: "));
    assert!(graph(&["--neighbourhood", "2"]).expect(2).err.contains("--target"));

    let requests = world.forge().request_count();
    let facts = facts.to_string_lossy().into_owned();
    let stands = graph(&["--app-name", "catalog", "--snapshot", &facts]).expect(0).out;
    for status in ["promote", "held by schedule", "9705190c deployed"] {
        assert!(shown(&stands, status) > 0, "{status}: {stands}");
    }
    assert_eq!(world.forge().request_count(), requests, "nobody is asked");
}
