//! Days beside the old promoter: classes, reasons, verdicts, and the ledger.

use cut_over::{BUCKET, Lab, World, sha};
use forge::old_bots::Promotion;

pub fn all(apps: std::ops::Range<usize>) -> Vec<Promotion> {
    apps.map(|app| World::promotion(app, 0, 1)).collect()
}

/// Replaces a text in the saas file of an app, which is there once.
pub fn edited(world: &World, app: usize, old: &str, new: &str) {
    world.edit(&World::path(app), old, new);
}

#[test]
fn s28_both_within_a_loop_or_one_earlier() {
    let lab = Lab::start(7);
    (0..6).for_each(|app| lab.world.release(app, 1));
    lab.run();
    lab.world.pass(10);
    lab.promote(&all(0..5));
    lab.promote(&all(5..6));
    // Of another one `sapm` knows 40 minutes before.
    lab.world.release(6, 1);
    lab.world.pass(10);
    lab.run();
    lab.idle(30);
    lab.world.pass(10);
    lab.promote(&all(6..7));
    let shadowed = lab.run();
    let lines = shadowed.moves();
    assert_eq!(lines[..5], ["app0 same", "app1 same", "app2 same", "app3 same", "app4 same"]);
    // The sixth came with the second batch, and so later.
    assert_eq!(lines[5..], ["app5 ours_earlier", "app6 ours_earlier"]);
    let of = |app: &str| {
        let moves = shadowed.json["moves"].as_array().unwrap().iter();
        moves
            .filter(|one| one["label"].as_str().unwrap().contains(app))
            .map(|one| one["lead_minutes"].as_i64())
            .next()
    };
    assert_eq!(of("app6/"), Some(Some(40)));
    assert_eq!((shadowed.verdict(), shadowed.code), ("green", 0), "{}", shadowed.text);
}

pub fn with_twin(world: &World) {
    let text = world.text(&World::path(0));
    let twin = format!(
        "{text}  - name: twin\n    namespace: {{$ref: /services/app0/production.yml}}\n    ref: {}\n    promotion: \
         {{auto: true, subscribe: [app0-stage], soakDays: 7}}\n",
        sha(0, 0)
    );
    world.commit(&World::path(0), &twin);
}

#[test]
fn s29_a_twin_is_explained() {
    let lab = Lab::prepared(1, with_twin);
    lab.world.release(0, 1);
    lab.run();
    lab.promote(&[World::promotion(0, 0, 1)]);
    lab.idle(120);
    let shadowed = lab.run();
    assert_eq!(
        shadowed.moves(),
        ["app0 only_theirs twin_rewritten", "app0 same"],
        "{}",
        shadowed.text
    );
    assert_eq!((shadowed.verdict(), shadowed.code), ("quiet", 0));
    assert!(shadowed.json["moves"].to_string().contains("another soak time"));
}

/// What the old promoter does, and what comes of it two hours later.
#[track_caller]
pub fn comes_to(lab: &Lab, promotion: Promotion) -> cut_over::Shadowed {
    lab.run();
    lab.promote(&[promotion]);
    lab.idle(120);
    lab.run()
}

#[test]
fn s30_blocked_versions_of_another_spelling() {
    let lab = Lab::prepared(1, |world| {
        let url = format!("{}/code/app0.git", world.forge.gitlab_url());
        let body = format!(
            "---\n$schema: /app-sre/app-1.yml\nname: app0\ncodeComponents:\n- name: app0\n  resource: upstream\n  url: {url}\n  \
             blockedVersions: [{}]\n",
            sha(0, 1)
        );
        world.commit("data/services/app0/app.yml", &body);
    });
    lab.world.release(0, 1);
    let shadowed = comes_to(&lab, World::promotion(0, 0, 1));
    assert_eq!(shadowed.moves(), ["app0 only_theirs blocked_spelling"], "{}", shadowed.text);
    assert_eq!(shadowed.code, 0);
}

const HASHES: &str = "promotion_data: [{channel: app0-stage, data: [{parent_saas: saas-app0, target_config_hash: HASH, type: parent_saas_config}]}]";

#[test]
fn s30_hashes_while_soak_time_holds() {
    let lab = Lab::prepared(1, |world| {
        let block = format!(
            "subscribe: [app0-stage], soakDays: 9, redeployOnPublisherConfigChange: true, {}",
            HASHES.replace("HASH", "abad1dea")
        );
        edited(world, 0, "subscribe: [app0-stage]", &block);
    });
    let theirs = Promotion::new("app0-stage", &World::path(0), "abad1dea", "c0ffee00");
    let shadowed = comes_to(&lab, theirs);
    assert_eq!(shadowed.moves(), ["app0 only_theirs hash_skips_gates"], "{}", shadowed.text);
    assert_eq!(shadowed.code, 0);
}

#[test]
fn s30_success_that_is_no_boolean() {
    let lab = Lab::start(1);
    lab.world.release(0, 1);
    let mut record = lab.world.record(0);
    record["success"] = "yes".into();
    lab.world.forge.put_object(BUCKET, &World::record_key(0, 1), record.to_string());
    let shadowed = comes_to(&lab, World::promotion(0, 0, 1));
    assert_eq!(shadowed.moves(), ["app0 only_theirs success_not_boolean"], "{}", shadowed.text);
}

#[test]
fn s30_a_channel_that_stands_twice() {
    let lab = Lab::prepared(1, |world| {
        edited(
            world,
            0,
            "subscribe: [app0-stage]",
            "subscribe: [app0-stage, app0-stage], soakDays: 9",
        );
    });
    lab.world.release(0, 1);
    let shadowed = comes_to(&lab, World::promotion(0, 0, 1));
    assert_eq!(shadowed.moves(), ["app0 only_theirs duplicate_channel"], "{}", shadowed.text);
}

#[test]
fn s30_a_check_in_in_the_future() {
    let lab = Lab::start(1);
    lab.world.release(0, 1);
    let mut record = lab.world.record(0);
    record["check_in"] = "2026-03-09 10:00:00+00:00".into();
    lab.world.forge.put_object(BUCKET, &World::record_key(0, 1), record.to_string());
    lab.run();
    lab.idle(120);
    let shadowed = lab.run();
    assert_eq!(shadowed.moves(), ["app0 only_ours future_check_in"], "{}", shadowed.text);
    assert_eq!(shadowed.code, 0);
}

#[test]
fn s31_a_run_of_theirs_that_failed() {
    let lab = Lab::start(2);
    lab.world.release(1, 1);
    lab.world.forge.remove_gitlab_ref("code/app0", "main");
    *lab.alive.borrow_mut() = false;
    lab.run();
    lab.idle(40);
    lab.world.release(0, 0);
    *lab.alive.borrow_mut() = true;
    lab.run();
    lab.promote(&all(1..2));
    lab.idle(60);
    let shadowed = lab.run();
    assert_eq!(shadowed.moves(), ["app1 ours_earlier their_run_failed"], "{}", shadowed.text);
    assert_eq!(shadowed.unexplained(), 0);
}

pub fn with_slo(world: &World) {
    let url = world.forge.prometheus_url();
    let body = format!(
        "---\n$schema: /app-sre/slo-document-1.yml\nname: availability\nnamespaces:\n- namespace:\n    $ref: \
         /services/app0/production.yml\n  prometheusAccess:\n    url: {url}\nslos:\n- name: availability\n  SLIType: \
         availability\n  SLISpecification: x\n  SLODetails: x\n  SLOTarget: 0.99\n  expr: sum(up)\n  SLOTargetUnit: x\n  \
         SLOParameters: {{window: 28d}}\n  dashboard: https://x\n"
    );
    world.commit("data/services/app0/slo.yml", &body);
    let text = world.text(&World::path(0));
    let slos = format!("    ref: {}\n    slos: [{{$ref: /services/app0/slo.yml}}]", sha(0, 0));
    world.commit(&World::path(0), &text.replace(&format!("    ref: {}", sha(0, 0)), &slos));
    world.forge.set_prometheus("sum(up)", forge::PromAnswer::Value(0.981));
}

#[test]
fn s32_what_nothing_explains_is_red() {
    let lab = Lab::prepared(1, with_slo);
    lab.world.release(0, 1);
    let shadowed = comes_to(&lab, World::promotion(0, 0, 1));
    assert_eq!(shadowed.moves(), ["app0 only_theirs"], "{}", shadowed.text);
    assert_eq!((shadowed.verdict(), shadowed.code, shadowed.unexplained()), ("red", 10, 1));
    for part in ["hold [slo]", "0.981", "sapm explain"] {
        assert!(shadowed.text.contains(part), "{part}: {}", shadowed.text);
        let markdown = shadowed.markdown.replace('`', "");
        assert!(shadowed.junit.contains(part) && markdown.contains(part), "{part}");
    }
    assert!(shadowed.metrics.contains("sapm_shadow_unexplained 1\n"), "{}", shadowed.metrics);
    assert!(shadowed.metrics.contains("sapm_shadow_verdict 2\n"));
}

#[test]
fn s33_another_layout_is_explained() {
    let lab = Lab::start(1);
    // A person wrote the list with less indentation.
    let text = lab.world.text(&World::path(0)).replace("\n  ", "\n");
    lab.world.commit(&World::path(0), &text);
    lab.world.release(0, 1);
    let shadowed = comes_to(&lab, World::promotion(0, 0, 1));
    assert_eq!(shadowed.moves(), ["app0 content_differs reformatted"], "{}", shadowed.text);
    assert_eq!(shadowed.code, 0);
}

/// Production of app 2 is set back by a merge request that promotes app 0.
fn set_back() -> Lab {
    let lab = Lab::start(3);
    lab.world.release(2, 1);
    lab.run();
    let before = lab.world.project.tip("main").unwrap();
    lab.world.edit(&World::path(2), &sha(2, 0), &sha(2, 1));
    lab.world.release(0, 1);
    lab.run();
    let also =
        Promotion { channels: "app2-stage".to_owned(), path: World::path(2), edits: Vec::new() };
    lab.sapm.borrow_mut().open_from(&[World::promotion(0, 0, 1), also], &before);
    lab.run();
    lab.idle(120);
    lab
}

#[test]
fn s33_what_sets_something_back_is_red_and_nobody_can_explain_it() {
    let lab = set_back();
    let shadowed = lab.run();
    assert!(
        shadowed.moves().contains(&"app2 content_differs reverts".to_owned()),
        "{}",
        shadowed.text
    );
    assert_eq!((shadowed.verdict(), shadowed.code), ("red", 10));
    let known = lab.file("known.yml", "- {target: '*', until: 2026-03-09, reason: we know}\n");
    let shadowed = lab.run_with(&["--known", &known]);
    assert_eq!((shadowed.verdict(), shadowed.code), ("red", 10), "{}", shadowed.text);
}

#[test]
fn s34_facts_differ_in_two_runs_in_a_row() {
    let lab = Lab::start(2);
    let differ = |number: usize| {
        let mut export = lab.world.export();
        export["app1/saas-app1/api/None/stage01/app1-stage/False"]["commit_sha"] =
            sha(1, number).into();
        lab.world.ago(2, |_| lab.sapm.borrow().export(&export));
        *lab.alive.borrow_mut() = false;
        let shadowed = lab.run();
        *lab.alive.borrow_mut() = true;
        shadowed
    };
    lab.world.pass(10);
    let shadowed = differ(9);
    assert_eq!(shadowed.json["facts"], serde_json::json!([]));
    lab.world.pass(10);
    let shadowed = lab.run();
    assert_ne!(shadowed.verdict(), "red", "{}", shadowed.text);
    lab.world.pass(10);
    differ(9);
    lab.world.pass(10);
    let shadowed = differ(9);
    assert_eq!((shadowed.verdict(), shadowed.code), ("red", 10), "{}", shadowed.text);
    assert!(shadowed.text.contains("facts differ") && shadowed.junit.contains("facts differ"));
}

#[test]
fn s35_a_batch_that_is_opened_again_in_parts_stays_one_to_one() {
    let lab = Lab::start(6);
    (0..6).for_each(|app| lab.world.release(app, 1));
    lab.run();
    let batch = lab.open(&all(0..5));
    lab.run();
    lab.world.pass(10);
    let request = lab.world.project.merge_request(batch).unwrap();
    let comment =
        "Closing this MR because it failed MR check and isn't marked as un-batchable yet.";
    lab.sapm.borrow().close(&request, comment);
    for app in 0..6 {
        lab.open(&all(app..app + 1));
    }
    lab.run();
    lab.idle(60);
    let shadowed = lab.run();
    let same: Vec<String> = (0..6).map(|app| format!("app{app} same")).collect();
    assert_eq!(shadowed.moves(), same, "{}", shadowed.text);
    assert_eq!(shadowed.json["moves"][0]["theirs"]["iids"].as_array().unwrap().len(), 2);
}

#[test]
fn s35_a_commit_that_a_newer_one_replaces_is_no_difference() {
    let lab = Lab::start(1);
    lab.world.release(0, 1);
    let first = lab.open(&all(0..1));
    lab.world.pass(5);
    lab.world.release(0, 2);
    let request = lab.world.project.merge_request(first).unwrap();
    lab.sapm.borrow().close(&request, "Closing this MR because it has out-dated content.");
    lab.open(&[World::promotion(0, 0, 2)]);
    lab.world.pass(5);
    lab.run();
    lab.idle(120);
    let shadowed = lab.run();
    assert_eq!(shadowed.moves(), ["app0 same"], "{}", shadowed.text);
}
