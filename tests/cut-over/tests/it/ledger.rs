//! The ledger of `sapm shadow`: lost, of another project, with gaps, against itself, large.

use cut_over::{Lab, OLD_BOT, World, sha};
use forge::old_bots::{OldV1, Promotion};

use super::shadow::{all, comes_to, edited, with_slo, with_twin};

#[test]
fn s36_a_ledger_that_is_lost_begins_anew() {
    let lab = Lab::start(1);
    std::fs::remove_file(lab.folder.path().join("ledger.json")).unwrap();
    let shadowed = lab.run();
    assert_eq!((shadowed.verdict(), shadowed.code), ("incomplete", 5), "{}", shadowed.text);
    assert!(shadowed.text.contains("since 2026-03-02 10:00 UTC"), "{}", shadowed.text);
}

#[test]
fn s36_a_ledger_of_another_project_is_refused() {
    let lab = Lab::start(1);
    let mut ledger = lab.ledger();
    ledger.project = "somebody/else".to_owned();
    lab.file("ledger.json", &ledger.to_json());
    let shadowed = lab.run();
    assert_eq!(shadowed.code, 2, "{}", shadowed.text);
    assert!(shadowed.error.unwrap().contains("somebody/else"));
    lab.file("ledger.json", "{\"version\": 1");
    assert_eq!(lab.run().code, 2);
}

#[test]
fn s36_what_was_not_written_to_its_end_is_not_read() {
    let lab = Lab::start(1);
    lab.file("ledger.json.unfinished", "{\"version\": 1, \"pro");
    assert_ne!(lab.run().verdict(), "none");
    assert_eq!(
        lab.ledger().since,
        cut_over::EVENING.parse::<chrono::DateTime<chrono::Utc>>().unwrap()
    );
}

#[test]
fn s37_moves_in_a_gap_cannot_be_compared() {
    let lab = Lab::start(1);
    lab.world.release(0, 1);
    lab.world.pass(60);
    let iid = lab.open(&all(0..1));
    lab.world.pass(50);
    lab.world.project.merge("alice", iid).unwrap();
    lab.world.pass(10);
    lab.run();
    lab.idle(120);
    let shadowed = lab.run();
    assert_eq!(shadowed.moves(), ["app0 not_comparable"], "{}", shadowed.text);
    assert_eq!((shadowed.verdict(), shadowed.code), ("incomplete", 5), "{}", shadowed.text);
}

#[test]
fn s38_known_differences_have_a_date() {
    let lab = Lab::prepared(1, with_slo);
    lab.world.release(0, 1);
    assert_eq!(comes_to(&lab, World::promotion(0, 0, 1)).code, 10);
    let file = |until: &str| {
        let text = format!(
            "- {{target: saas-app0/*, class: only_theirs, until: {until}, reason: INC-1}}\n"
        );
        lab.file("known.yml", &text)
    };
    let shadowed = lab.run_with(&["--known", &file("2026-03-05")]);
    assert_eq!(shadowed.code, 0, "{}", shadowed.text);
    assert_eq!(shadowed.json["known_used"][0], "saas-app0/*: INC-1");
    for until in ["2026-03-01", "2026-04-30"] {
        let shadowed = lab.run_with(&["--known", &file(until)]);
        assert_eq!(shadowed.code, 10);
        assert!(
            shadowed.json["warnings"][0].as_str().unwrap().contains("not used"),
            "{}",
            shadowed.text
        );
    }
    let wrong = lab.file("known.yml", "- {target: x}\n");
    assert_eq!(lab.run_with(&["--known", &wrong]).code, 2);
}

#[test]
fn s39_a_ledger_against_itself_is_all_the_same() {
    let lab = Lab::prepared(4, with_twin);
    for number in 1..4 {
        (0..4).for_each(|app| lab.world.release(app, number));
        lab.run();
        lab.idle(70);
    }
    let shadowed = lab.run_with(&["--report-only", "--calibrate"]);
    let moves = shadowed.moves();
    assert_eq!(moves.len(), 12, "{moves:?}");
    assert!(moves.iter().all(|one| one.ends_with(" same")), "{moves:?}");
    // Offline, and it leaves everything as it was.
    assert_eq!(lab.world.forge.request_count(), 0);
}

#[test]
fn s40_a_person_who_closes_theirs() {
    let lab = Lab::prepared(1, with_slo);
    lab.world.release(0, 1);
    lab.run();
    let iid = lab.open(&all(0..1));
    lab.run();
    lab.world.pass(10);
    lab.world.project.close("alice", iid);
    lab.run();
    lab.idle(120);
    let shadowed = lab.run();
    assert_eq!(shadowed.moves(), ["app0 only_theirs person_closed"], "{}", shadowed.text);
    assert_eq!(shadowed.code, 0);
}

#[test]
fn s40_v1_has_no_gate() {
    let lab = Lab::prepared(2, |world| {
        edited(world, 0, "subscribe: [app0-stage]", "subscribe: [app0-stage, app1-stage]");
    });
    lab.world.release(0, 1);
    lab.run();
    let iid = OldV1::new(&lab.world.project, OLD_BOT).event(&sha(0, 1), &all(0..1)).unwrap();
    lab.run();
    lab.idle(30);
    lab.world.project.merge("alice", iid).unwrap();
    lab.run();
    lab.idle(120);
    let shadowed = lab.run();
    assert_eq!(shadowed.moves(), ["app0 only_theirs v1_no_gate"], "{}", shadowed.text);
    assert!(shadowed.json["moves"][0]["decided"].as_str().unwrap().starts_with("hold [same_ref]"));
}

#[test]
fn s41_a_month_of_two_thousand_targets() {
    let begin: chrono::DateTime<chrono::Utc> = "2026-02-01T00:00:00Z".parse().unwrap();
    let at = |minutes: i64| {
        (begin + chrono::TimeDelta::minutes(minutes))
            .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    };
    let mut targets = serde_json::Map::new();
    for target in 0..2000_i64 {
        let uid = format!("{target:040x}");
        let mut intervals = Vec::new();
        for day in 0..30_i64 {
            let (from, to) = (day * 1440 + target % 600, day * 1440 + target % 600 + 120);
            let wanted = format!("{:040x}", 7_000_000 + day * 2000 + target);
            intervals.push(serde_json::json!({ "f": at(from), "t": at(to), "d": "promote", "r": wanted, "c": wanted }));
        }
        let traits =
            serde_json::json!({ "file": format!("/services/app{}/saas.yml", target % 100) });
        let label = format!("saas-app{target}/api/prod01/app{target}-production");
        targets.insert(
            uid,
            serde_json::json!({ "label": label, "traits": traits, "intervals": intervals }),
        );
    }
    let json = serde_json::json!({
        "version": 1, "project": cut_over::PROJECT, "since": at(0),
        "segments": [{ "from": at(0), "to": at(30 * 1440), "runs": {} }], "targets": targets, "merge_requests": {},
        "exports": [], "troubles": [], "errors": {}, "facts": [], "facts_compared": 2000, "hashes": {},
    });
    let ledger = sapm::shadow::Ledger::from_json(json.to_string().as_bytes(), None).unwrap();
    let size = ledger.to_json().len();
    assert!(size < 20_000_000, "{size} bytes");
    let mirrored = ledger.against_itself();
    let begun = std::time::Instant::now();
    let now = begin + chrono::TimeDelta::days(30);
    let report = sapm::shadow::compare(&mirrored, now, &sapm::shadow::CompareOptions::default());
    let took = begun.elapsed();
    assert_eq!(report.moves.len(), 60_000);
    println!("{size} bytes, {took:?}"); // docs/performance.md has what it takes.
}

#[test]
fn without_a_ledger_the_present_is_compared() {
    let lab = Lab::start(3);
    lab.world.release(0, 1);
    lab.world.release(1, 1);
    lab.open(&[
        World::promotion(0, 0, 1),
        Promotion::new("x", &World::path(2), &sha(2, 0), &sha(2, 7)),
    ]);
    let shadowed = lab.shadow(&[]);
    assert_eq!(
        shadowed.moves(),
        ["app0 same", "app1 only_ours", "app2 only_theirs"],
        "{}",
        shadowed.text
    );
    assert_eq!(shadowed.code, 10);
    assert!(shadowed.text.contains("without a ledger"));
}

#[test]
fn a_day_is_closed_and_stays_as_it_was() {
    let lab = Lab::start(1);
    assert!(!lab.folder.path().join("day/2026-03-02.json").exists());
    assert!(lab.folder.path().join("day").exists() || lab.run().verdict() != "none");
    let day = lab.folder.path().join("day/2026-03-01.json");
    let text = std::fs::read_to_string(&day).unwrap().replace("incomplete", "green");
    std::fs::write(&day, text).unwrap();
    let shadowed = lab.run();
    assert_eq!(shadowed.json["days"][0]["verdict"], "green", "{}", shadowed.text);
}

#[test]
fn preflight_can_require_green_days() {
    let lab = Lab::start(1);
    let folder = lab.folder.path().display().to_string();
    let required = ["--shadow-dir", &folder, "--require-green", "3", "--quiet", "0s"];
    let asked = lab.world.preflight(&required);
    assert_eq!(asked.outcome("shadow"), "fail", "{}", asked.text);
    assert_eq!(lab.world.preflight(&["--quiet", "0s"]).outcome("shadow"), "warn");
    let asked = lab.world.preflight(&["--shadow-dir", &folder, "--quiet", "0s"]);
    assert_eq!(asked.outcome("shadow"), "pass", "{}", asked.text);
}
