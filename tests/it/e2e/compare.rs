//! `plan --compare-to`: what a change of the config repo does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use forge::{Access, MergeRequest, Service};
use serde_json::Value;

use super::support::*;
use crate::shop::CATALOG_OLD;

/// A checkout, and the commit that it is at.
fn checkout(world: &World) -> (PathBuf, String) {
    (world.checkout(), world.project().tip("main").unwrap())
}

/// Changes a file of a checkout, as the branch of a merge request has it.
#[track_caller]
pub fn change(checkout: &Path, file: &str, old: &str, new: &str) {
    let path = checkout.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(old), "{old:?} in {file}");
    std::fs::write(path, text.replacen(old, new, 1)).unwrap();
}

fn compare(world: &World, checkout: &Path, base: &str) -> Sapm {
    world.sapm("plan").env("SAPM_APP_INTERFACE", checkout).args(["--compare-to", base])
}

fn difference(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.out))
}

/// Effects by label.
fn effects(difference: &Value) -> BTreeMap<String, String> {
    let targets = difference["targets"].as_array().unwrap();
    targets.iter().map(|one| (text(&one["label"]), text(&one["effect"]))).collect()
}

#[test]
fn the_difference_names_each_target_that_a_change_affects_and_no_other() {
    let world = World::start();
    let (folder, base) = checkout(&world);
    // The orders have soaked for 26 hours; the index opens one hour a year; the canary is due.
    change(&folder, ORDERS_FILE, "soakDays: 7", "soakDays: 1");
    change(&folder, CATALOG_FILE, "schedule: \"* 4 1 1 *\"", "schedule: \"* 5 1 1 *\"");
    change(&folder, CATALOG_FILE, "      soakDays: 1\n", "      soakDays: soon\n");
    change(&folder, CATALOG_FILE, "    promotion:\n      auto: true\n", "    promotion:\n");
    world.forge().clear_log();
    let ran = compare(&world, &folder, &base).args(["--format", "json"]).expect(5);
    let json = difference(&ran);
    let wanted =
        [(CANARY, "gone"), (PRODUCTION, "error"), (INDEX, "changed"), (ORDERS, "promotable")];
    assert_eq!(effects(&json), wanted.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    assert_eq!((json["version"].as_u64(), text(&json["base_commit"])), (Some(1), base.clone()));
    let orders = json["targets"].as_array().unwrap().iter().find(|one| one["label"] == ORDERS);
    assert_eq!(orders.unwrap()["before"]["held_by"], "soak");
    assert_eq!(orders.unwrap()["after"]["decision"], "promote");
    let new = json["new_problems"].as_array().unwrap();
    assert!(new.iter().any(|problem| text(&problem["message"]).contains("soakDays")), "{json}");
    world.assert_nothing_written();

    let ran = compare(&world, &folder, &base).expect(5);
    assert!(ran.out.starts_with("This change makes a difference to 4 targets: 1 in error, "));
    assert!(ran.out.contains("before: hold at d83e8878 by soak: soaked for"), "{}", ran.out);
    assert!(ran.out.contains("after:  promote d83e8878 to fa5cf13d"), "{}", ran.out);
    assert!(!ran.out.contains(PAYMENTS), "{}", ran.out);
    let report = world.path("report");
    let ran = compare(&world, &folder, &base).args(["--format", "markdown", "--report-dir"]);
    let ran = ran.arg(&report).expect(5);
    assert!(ran.out.contains("| effect | target | before | after |"), "{}", ran.out);
    assert_eq!(std::fs::read_to_string(report.join("difference.md")).unwrap(), ran.out);
    let written = std::fs::read_to_string(report.join("difference.json")).unwrap();
    assert_eq!(effects(&serde_json::from_str(&written).unwrap()).len(), 4);
    // The rest of the folder is about the checkout.
    assert!(Plan::read(&report.join("plan.json")).decisions().len() > 4);
}

#[test]
fn a_change_without_an_effect_makes_no_difference() {
    let world = World::start();
    let (folder, base) = checkout(&world);
    change(&folder, CATALOG_FILE, "# held by its schedule", "# waits for its schedule");
    let ran = compare(&world, &folder, &base).arg("--detailed-exitcode").expect(0);
    assert!(
        ran.out.starts_with("This change makes no difference to any promotion\n"),
        "{}",
        ran.out
    );
    change(&folder, ORDERS_FILE, "soakDays: 7", "soakDays: 1");
    compare(&world, &folder, "main").arg("--detailed-exitcode").expect(10);
}

/// What both sides need is looked up once: only what the base alone has takes further requests.
#[test]
fn the_facts_of_both_sides_are_looked_up_once() {
    let world = World::start();
    let (folder, base) = checkout(&world);
    let lookups = |world: &World| {
        world.count(|entry| {
            matches!(entry.service, Service::S3 | Service::GitHub | Service::Prometheus)
                || entry.path.contains("/repository/commits/")
        })
    };
    world.forge().clear_log();
    world.sapm("plan").env("SAPM_APP_INTERFACE", &folder).expect(0);
    let without = lookups(&world);
    world.forge().clear_log();
    compare(&world, &folder, &base).expect(0);
    assert_eq!(lookups(&world), without);
    // Another pinned commit of a publisher has a record of its own.
    change(&folder, CATALOG_FILE, CATALOG_OLD, &"0123456789".repeat(4));
    world.forge().clear_log();
    compare(&world, &folder, &base).expect(0);
    assert_eq!(lookups(&world), without + 1);
}

#[test]
fn a_difference_can_be_replayed_from_its_facts() {
    let world = World::start();
    let (folder, base) = checkout(&world);
    change(&folder, ORDERS_FILE, "soakDays: 7", "soakDays: 1");
    change(&folder, CATALOG_FILE, CATALOG_OLD, &"0123456789".repeat(4));
    let facts = world.path("facts.json");
    let first = compare(&world, &folder, &base).args(["--format", "json", "--save-snapshot"]);
    let first = first.arg(&facts).expect(0);
    world.forge().clear_log();
    let again = compare(&world, &folder, &base).args(["--format", "json", "--snapshot"]);
    assert_eq!(again.arg(&facts).expect(0).out, first.out);
    assert_eq!(world.forge().log().len(), 0);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let world = World::start();
    let (folder, base) = checkout(&world);
    let ran = compare(&world, &folder, "no-such-branch").expect(2);
    assert!(ran.err.contains("has no commit `no-such-branch`"), "{}", ran.err);
    let ran = world.sapm("plan").args(["--compare-to", &base]).expect(2);
    assert!(ran.err.contains("--compare-to needs a checkout"), "{}", ran.err);
    let ran = compare(&world, &folder, &base).args(["--note-on", "1"]).expect(2);
    assert!(ran.err.contains("SAPM_NOTE_TOKEN"), "{}", ran.err);
    assert!(world.sapm("plan").args(["--note-on", "1"]).run().err.contains("--compare-to"));
}

/// A person's merge request in the config repo.
pub fn open_request(world: &World, title: &str) -> u64 {
    let project = world.project();
    let main = world.text("main", ORDERS_FILE);
    project.set_branch("alice", "a-change", &project.tip("main").unwrap()).unwrap();
    project.commit("alice", "a-change", "Change\n", [(ORDERS_FILE, Some(main + "# x\n"))]);
    project.open_merge_request("alice", "a-change", "main", title, "").unwrap()
}

pub fn comments(request: &MergeRequest) -> Vec<(u64, String)> {
    request.comments().map(|note| (note.author, note.body.clone())).collect()
}

#[test]
fn one_note_of_its_own_user_is_kept_up_to_date() {
    const TOKEN: &str = "glpat-writes-notes";
    const MARKER: &str = "<!-- saas-auto-promotions-manager: difference -->";
    let world = World::start();
    let (folder, base) = checkout(&world);
    let project = world.project();
    let reader = project.add_bot("reader", "glpat-reader", Access::Reporter, &["read_api"]);
    let writer = project.add_bot("notes", TOKEN, Access::Reporter, &["api"]);
    assert_ne!(reader, writer);
    let iid = open_request(&world, "A change");
    let run = || {
        let run = compare(&world, &folder, &base).args(["--note-on", &iid.to_string()]);
        run.env("SAPM_GITLAB_TOKEN", "glpat-reader")
            .env("SAPM_BOT_USER", "sapm-bot")
            .env("SAPM_NOTE_TOKEN", TOKEN)
    };
    let of = || project.merge_request(iid).unwrap();
    run().expect(0);
    assert_eq!(comments(&of()), [], "no difference, no note");

    // Somebody forges a note; it is never touched.
    project.comment("alice", iid, &format!("forged\n\n{MARKER}"));
    let forged = comments(&of());
    change(&folder, ORDERS_FILE, "soakDays: 7", "soakDays: 1");
    run().expect(0);
    let [first, note] = &comments(&of())[..] else { panic!("{:?}", comments(&of())) };
    assert_eq!((first, note.0), (&forged[0], writer));
    assert!(note.1.contains("makes a difference to 1 target") && note.1.contains(ORDERS));
    assert!(note.1.trim_end().ends_with(MARKER), "{}", note.1);

    // The same again writes nothing; another difference updates the note in place, and so does none.
    world.forge().clear_log();
    run().expect(0);
    world.assert_nothing_written();
    change(&folder, ORDERS_FILE, "soakDays: 1", "soakDays: 30");
    run().expect(0);
    let all = comments(&of());
    assert_eq!((all.len(), &all[0]), (2, &forged[0]));
    assert!(all[1].1.contains("of 30 days"), "{}", all[1].1);
    change(&folder, ORDERS_FILE, "soakDays: 30", "soakDays: 7");
    let ran = run().expect(0);
    let all = comments(&of());
    assert!(all.len() == 2 && all[1].1.contains("no difference"), "{all:?}");
    assert!(!ran.out.contains(TOKEN) && !ran.err.contains(TOKEN), "{}", ran.err);

    // A token without the right is a warning: the difference is in the log.
    change(&folder, ORDERS_FILE, "soakDays: 7", "soakDays: 1");
    let ran = run().env("SAPM_NOTE_TOKEN", "glpat-reader").expect(0);
    assert!(ran.err.contains("no note on") && ran.out.contains(ORDERS), "{}", ran.err);
    assert_eq!(comments(&of()), all);
}
