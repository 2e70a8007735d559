//! The first `apply`: due targets get a merge request, the rest says why not.

use std::collections::BTreeMap;

use super::support::*;
use crate::shop::{CATALOG_NEW, CATALOG_OLD, ORDERS_NEW, PAYMENTS_NEW, PROJECT};

const CATALOG_FIRST: &str = "a8680cb40c357c154db544f15a2baef589f77b70";
const ORDERS_FIRST: &str = "d83e8878b794cd2c379af53482024695a2d42eb7";
const PAYMENTS_FIRST: &str = "27f0c56c5059b9ca1632711fecd293f2ece8eb09";

#[test]
fn every_target_is_promoted_or_held_by_the_expected_gate() {
    let world = World::start();
    let plan = world.apply_json();
    let wanted = BTreeMap::from(
        [
            (CANARY, "promote"),
            (PRODUCTION, "promote"),
            (INDEX, "hold by schedule"),
            (ORDERS, "hold by soak"),
            (ORDERS_DB, "hold by deployment"),
            (MAIL, "promote"),
            (PRINT, "promote"),
            (PAYMENTS, "hold by slo"),
            (REPORTING, "hold by same_ref"),
            (REGIONAL, "promote"),
            (REGIONAL_US, "promote"),
            (LEDGER, "hold by blocked_version"),
        ]
        .map(|(label, decision)| (label.to_owned(), decision.to_owned())),
    );
    assert_eq!(plan.decisions(), wanted);
    assert_eq!(plan.problems(), Vec::<String>::new());
    assert_eq!(plan.actions(), ["create"; 4]);
    for request in plan.list("merge_requests") {
        assert_eq!(request["outcome"]["outcome"], "done");
        assert!(request["iid"].is_u64(), "{request}");
    }
    world.forge().assert_no_unknown_routes();
    assert_eq!(files_below(&world.path("tmp")), Vec::<std::path::PathBuf>::new(), "left behind");
}

#[test]
fn a_new_merge_request_takes_two_writes() {
    let world = World::start();
    world.apply();
    let commit = format!("POST /api/v4/projects/{}/repository/commits", world.project().id());
    let open = format!("POST /api/v4/projects/{}/merge_requests", world.project().id());
    let wanted: Vec<String> = (0..4).flat_map(|_| [commit.clone(), open.clone()]).collect();
    assert_eq!(world.writes(), wanted);
    assert_eq!(world.branches().len(), 4);
}

#[test]
fn only_the_bytes_of_the_ref_change() {
    let world = World::start();
    let main = world.project().tip("main").unwrap();
    world.apply();
    let comment = "   # moved by the promotion bot";
    let edits = [
        (
            CANARY,
            CATALOG_FILE,
            format!("{CATALOG_OLD}{comment}"),
            format!("{CATALOG_NEW}{comment}"),
        ),
        (
            PRODUCTION,
            CATALOG_FILE,
            format!("{CATALOG_FIRST}{comment}"),
            format!("{CATALOG_OLD}{comment}"),
        ),
        (MAIL, ORDERS_TARGET_FILE, ORDERS_FIRST.to_owned(), ORDERS_NEW.to_owned()),
        (REGIONAL, PAYMENTS_FILE, format!("'{PAYMENTS_FIRST}'"), format!("'{PAYMENTS_NEW}'")),
    ];
    for (label, path, old, new) in edits {
        let branch = world.request(label).source_branch;
        let before = world.text("main", path);
        assert_eq!(before.matches(&old).count(), 1, "{label}: {old}");
        assert_eq!(world.text(&branch, path), before.replace(&old, &new), "{label}");
        assert_eq!(world.project().changed("main", &branch), [path], "{label}");
        assert!(world.project().contains(&branch, &main), "{label}");
    }
    assert_eq!(world.project().tip("main").unwrap(), main);
    let branches = world.branches();
    let branches: Vec<&str> = branches.iter().map(String::as_str).collect();
    world.project().try_merge("main", &branches).expect("they can all be merged");
}

#[test]
fn a_merge_request_describes_its_content_and_reasons() {
    let world = World::start();
    let job = "https://gitlab.example.com/shop/app-interface/-/jobs/42";
    world.sapm("apply").env("CI_JOB_URL", job).expect(0);
    let moves = [
        (CANARY, CATALOG_OLD, CATALOG_NEW),
        (PRODUCTION, CATALOG_FIRST, CATALOG_OLD),
        (MAIL, ORDERS_FIRST, ORDERS_NEW),
        (REGIONAL, PAYMENTS_FIRST, PAYMENTS_NEW),
    ];
    let bot = world.forge().user("sapm-bot").unwrap().id;
    assert_eq!(world.project().open_merge_requests().len(), moves.len());
    for (label, from, to) in moves {
        let request = world.request(label);
        assert!(request.title.starts_with(&format!("[AutoPromoterV2] {label}")), "{request:?}");
        assert!(request.title.ends_with(&format!(" to {}", &to[..8])), "{request:?}");
        assert!(request.source_branch.starts_with(PREFIX), "{request:?}");
        assert_eq!((request.target_branch.as_str(), request.author), ("main", bot));
        let labels: Vec<_> = request.labels.iter().map(String::as_str).collect();
        assert_eq!(labels, ["AutoPromoterV2"]);
        assert!(request.remove_source_branch && !request.is_draft(), "{request:?}");
        let gates = ["deployment", "same_ref", "soak", "schedule", "slo", "blocked_version"];
        let compare = format!("compare/{from}...{to}");
        for part in gates.into_iter().chain([from, to, label, job, compare.as_str()]) {
            assert!(request.description.contains(part), "{part}: {}", request.description);
        }
    }
    let print = PRINT.to_owned();
    assert!(world.request(MAIL).description.contains(&print), "it is about both");
}

#[test]
fn no_text_of_a_datafile_acts_as_a_quick_action_or_a_mention() {
    let world = World::start();
    let name = r#"name: "regional\n/close\n/label ~mine\n@root `@root` <!-- [x](y)\n""#;
    world.edit(PAYMENTS_FILE, "name: regional", name);
    let include = r#""catalog-stage\n/merge\n@root\n""#;
    let old = "      soakDays: 1\n      subscribe:\n      - catalog-canary\n";
    let new = format!("      subscribe:\n      - {include}\n      - catalog-canary\n");
    world.edit(CATALOG_FILE, old, &new);
    let stage = "      publish:\n      - catalog-stage\n";
    world.edit(CATALOG_FILE, stage, &format!("{stage}      - {include}\n"));
    let apply = world.sapm("apply").args(["--format", "json"]).expect(0).plan();
    assert_eq!(apply.decisions().values().filter(|decision| *decision == "promote").count(), 5);
    assert_eq!(world.project().open_merge_requests().len(), 3);
    let requests = world.project().open_merge_requests();
    let regional = requests.iter().find(|request| request.title.contains("/regional"));
    let regional = regional.expect("its request");
    assert!(!regional.title.contains('\n') && regional.description.contains("/close"));
    assert_eq!(world.forge().quick_actions(), []);
    assert_eq!(world.forge().mentions(), []);
}

#[test]
fn the_summary_has_a_line_for_each_target() {
    let world = World::start();
    let ran = world.apply();
    for label in [CANARY, PRODUCTION, MAIL, PRINT, REGIONAL, REGIONAL_US] {
        let line = ran.out.lines().find(|line| line.contains(&format!("{label} "))).unwrap();
        assert!(line.trim_start().starts_with("promote"), "{line}");
    }
    for (label, gate) in [
        (INDEX, "schedule"),
        (ORDERS, "soak"),
        (ORDERS_DB, "deployment"),
        (PAYMENTS, "slo"),
        (REPORTING, "same_ref"),
        (LEDGER, "blocked_version"),
    ] {
        let line = ran.out.lines().find(|line| line.contains(&format!("{label} "))).unwrap();
        assert!(line.trim_start().starts_with("hold"), "{line}");
        assert!(line.contains(&format!("[{gate}]: ")), "{line}");
    }
    let page = format!("{}/{PROJECT}/-/merge_requests/", world.forge().gitlab_url());
    assert_eq!(ran.out.matches(&page).count(), 4, "{}", ran.out);
    assert!(ran.out.contains("12 targets: 6 promote, 6 hold, 0 error, 0 up to date"));
}
