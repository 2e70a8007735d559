//! `explain` with assumptions: the consequences of a publisher's deployment.

use super::*;

#[test]
fn if_stage_deploys_the_next_commit_production_gets_it_a_day_later() {
    let world = World::start();
    let assume = format!("deployed=catalog-stage/catalog-stage@{CATALOG_NEXT}");
    let at = Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let args = ["--at", &at, "--assume", &assume];
    let value = json(&world, PRODUCTION, &args);
    let forecast = &value["forecast"];
    let moves: Vec<_> = forecast["moves"].as_array().unwrap().iter().collect();
    let gets: Vec<_> = moves
        .iter()
        .filter(|step| step["to"] == CATALOG_NEXT)
        .map(|step| (text(&step["label"]), text(&step["change"]), step["waited_for"].clone()))
        .collect();
    let new = |label: &str, gate: Value| (label.to_owned(), "new".to_owned(), gate);
    assert_eq!(gets[0], new(CANARY, Value::Null), "{forecast:#}");
    assert_eq!(gets[1], new(PRODUCTION, "soak".into()), "{forecast:#}");
    let hours = |step: &Value| {
        let time = text(&step["at"]).parse::<chrono::DateTime<Utc>>().unwrap();
        (time - at.parse::<chrono::DateTime<Utc>>().unwrap()).num_hours()
    };
    let production = moves.iter().find(|s| s["to"] == CATALOG_NEXT && s["label"] == PRODUCTION);
    assert_eq!(hours(production.unwrap()), 24);
    let ran = explain(&world, PRODUCTION).args(args).expect(0);
    insta::assert_snapshot!("explain_what_if", shown(&world, &ran));
    let markdown = explain(&world, PRODUCTION).args(args).args(["--format", "markdown"]).expect(0);
    insta::assert_snapshot!("explain_what_if_markdown", shown(&world, &markdown));
    world.assert_nothing_written();
}

#[test]
fn an_assumption_replaces_missing_facts_and_fetches_others() {
    let world = World::start();
    let value = json(
        &world,
        ORDERS_DB,
        &["--assume", &format!("deployed=orders-db-stage@{}", &ORDERS_DB_NEW[..7])],
    );
    let steps = value["forecast"]["moves"].as_array().unwrap();
    let moved: BTreeSet<String> = steps.iter().map(|step| text(&step["label"])).collect();
    assert_eq!(moved, BTreeSet::from([ORDERS_DB.to_owned()]));
    assert_eq!(value["subscriber"]["decision"], "hold", "the decision is that on the facts");
    // The SLO is fetched even if nothing is due yet.
    world.shop.deploy("payments-stage", PAYMENTS_NEW, false, Utc::now());
    let value =
        json(&world, PAYMENTS, &["--assume", &format!("deployed=payments-stage@{PAYMENTS_NEW}")]);
    let what_if = text(&value["answer"]["what_if"]);
    assert!(what_if.contains("0.93 is below 0.99"), "{what_if}");
}

#[test]
fn a_forecast_excludes_uneditable_targets_and_those_after_them() {
    let world = World::start();
    let before = json(&world, PRODUCTION, &[]);
    // The targets that get a commit that canary does not have yet.
    let moved = |value: &Value| -> BTreeSet<String> {
        let moves = value["forecast"]["moves"].as_array().unwrap();
        let news = moves.iter().filter(|step| step["to"] != CATALOG_OLD);
        news.map(|step| text(&step["label"])).collect()
    };
    let both = BTreeSet::from([CANARY, PRODUCTION].map(str::to_owned));
    assert_eq!(moved(&before), both, "{before:#}");
    let once = format!("    ref: {CATALOG_OLD}   # moved by the promotion bot\n");
    world.edit(CATALOG_FILE, &once, &format!("    ref: {CATALOG_OLD}\n{once}"));
    let explained = |target: &str, args: &[&str]| -> Value {
        let ran = explain(&world, target).args(["--format", "json"]).args(args).expect(5);
        serde_json::from_str(&ran.out).unwrap()
    };
    let canary = explained(CANARY, &[]);
    assert_eq!(canary["subscriber"]["decision"], "error");
    let summary = text(&canary["answer"]["summary"]);
    assert!(summary.contains("cannot be edited safely"), "{summary}");
    assert_eq!(canary["answer"]["next_possible_at"], Value::Null);
    assert_eq!(canary["answer"]["next"], "when the error is fixed");
    let downstream = explained(PRODUCTION, &[]);
    for value in [&canary, &downstream] {
        assert_eq!(moved(value), BTreeSet::new(), "{value:#}");
        let stays = value["forecast"]["stays"].as_array().unwrap();
        let canary = stays.iter().find(|stay| stay["label"] == CANARY).unwrap();
        assert!(text(&canary["reason"]).contains("cannot be edited safely"), "{canary}");
    }
    // An assumption about its own publisher changes nothing.
    let assume = format!("deployed=catalog-stage@{CATALOG_NEXT}");
    assert!(moved(&explained(PRODUCTION, &["--assume", &assume])).is_disjoint(&both));
}

#[test]
fn an_invalid_assumption_lists_the_alternatives() {
    let world = World::start();
    let error = |assume: &str| explain(&world, CANARY).args(["--assume", assume]).expect(2).err;
    assert!(error("catalog-stage@1234").contains("deployed=CHANNEL/PUBLISHER@COMMIT"));
    assert!(error("deployed=catalog-stag/x@1234").contains("did you mean catalog-stage?"));
    let publishers = error("deployed=catalog-stage/nobody@1234");
    assert!(publishers.contains("it has saas-catalog/catalog-api/stage01/catalog-stage"));
    assert!(error("deployed=catalog-stage@abcdef").contains("neither a commit id of 40"));
}
