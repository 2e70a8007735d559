//! The old promoter: its merge requests, signs of life, branches, and what it did to ours.

use cut_over::{BUCKET, EXPORT, OLD_BOT, TestClock, World, sha};
use forge::Fault;
use forge::old_bots::{OldSapm, OldV1, Promotion};

/// Nothing of the old promoter is younger than a day.
fn open_a_day_ago(world: &World, batch: &[Promotion]) -> u64 {
    world.ago(24 * 60, |world| OldSapm::new(&world.project, OLD_BOT).open(batch))
}

fn relations(old: &serde_json::Value) -> Vec<&str> {
    let targets = old["targets"].as_array().unwrap();
    targets.iter().map(|target| target["relation"].as_str().unwrap()).collect()
}

#[test]
fn s01_an_empty_world_is_go() {
    let world = World::start(2);
    let asked = world.preflight(&[]).expect(0);
    assert_eq!(asked.json["verdict"], "go");
    for id in [
        "old_requests_open",
        "old_promoter_alive",
        "old_branches_left",
        "requests_closed_by_others",
    ] {
        assert_eq!(asked.outcome(id), "pass", "{id}: {}", asked.summary(id));
    }
    assert_eq!(asked.with("fail"), Vec::<&str>::new());
    assert_eq!(asked.with("not_known"), Vec::<&str>::new());
}

#[test]
fn s02_an_open_merge_request_with_our_values_is_to_be_merged() {
    let world = World::start(2);
    world.release(0, 1);
    let iid = open_a_day_ago(&world, &[World::promotion(0, 0, 1)]);
    let asked = world.preflight(&[]).expect(10);
    let [old] = asked.old().as_slice() else { panic!("{:#?}", asked.old()) };
    assert_eq!(
        (&old["kind"], &old["relation"], &old["advice"]),
        (&"sapm".into(), &"same".into(), &"merge".into())
    );
    assert_eq!(old["author"], OLD_BOT);
    assert_eq!(old["pipeline"]["status"], "success");
    assert_eq!(asked.outcome("old_requests_open"), "fail");
    assert!(asked.advice("old_requests_open").contains(&format!("merge !{iid}")));
    assert_eq!(asked.json["first_run"]["covered_by_old"], 1);

    let asked = world.preflight(&["--phase", "prepare"]).expect(0);
    assert_eq!(asked.outcome("old_requests_open"), "warn");

    world.project.merge("alice", iid).unwrap();
    let asked = world.preflight(&["--quiet", "0s"]).expect(0);
    assert_eq!(asked.outcome("old_requests_open"), "pass");
}

#[test]
fn s02_one_whose_pipeline_failed_is_to_be_closed() {
    let world = World::start(1);
    world.release(0, 1);
    let iid = open_a_day_ago(&world, &[World::promotion(0, 0, 1)]);
    world.project.set_pipeline_status(iid, "failed");
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(
        (&asked.old()[0]["relation"], &asked.old()[0]["advice"]),
        (&"same".into(), &"close".into())
    );
    world.project.set_pipeline_status(iid, "running");
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.old()[0]["advice"], "wait");
}

#[test]
fn s03_an_older_commit_of_v1_is_to_be_closed() {
    let world = World::start(1);
    world.release(0, 2);
    let iid = world.ago(24 * 60, |world| {
        OldV1::new(&world.project, OLD_BOT).event(&sha(0, 1), &[World::promotion(0, 0, 1)]).unwrap()
    });
    let asked = world.preflight(&[]).expect(10);
    let [old] = asked.old().as_slice() else { panic!("{:#?}", asked.old()) };
    assert_eq!(
        (&old["kind"], &old["relation"], &old["advice"]),
        (&"v1".into(), &"older".into(), &"close".into())
    );
    let target = &old["targets"][0];
    assert_eq!((&target["from"], &target["to"]), (&sha(0, 0).into(), &sha(0, 1).into()));
    assert!(asked.advice("old_requests_open").contains(&format!("close !{iid}")));
    // Whether messages are left in its queue nobody can see from here.
    assert_eq!(asked.outcome("queue_not_drained"), "not_known");
    let asked = world.preflight(&["--accept", "queue_not_drained=empty since 10:00"]).expect(10);
    assert_eq!(asked.outcome("queue_not_drained"), "accepted");
}

#[test]
fn s04_config_hashes_that_we_do_not_write_are_no_other_content() {
    let world = World::start(1);
    world.release(0, 1);
    let block = "subscribe: [app0-stage]}";
    let with_hash = "subscribe: [app0-stage], promotion_data: [{channel: app0-stage, data: [{parent_saas: saas-app0, \
                     target_config_hash: 0a1b2c3d, type: parent_saas_config}]}]}";
    let promotion = World::promotion(0, 0, 1).and(block, with_hash);
    world.ago(24 * 60, |world| {
        OldV1::new(&world.project, OLD_BOT).event(&sha(0, 1), &[promotion]).unwrap()
    });
    let asked = world.preflight(&["--accept", "queue_not_drained=empty"]).expect(10);
    assert_eq!(asked.old()[0]["relation"], "hash_only", "{:#?}", asked.old());
    assert_eq!(asked.old()[0]["advice"], "merge");
    assert_eq!(asked.old()[0]["targets"][0]["hashes"][0]["target_config_hash"], "0a1b2c3d");
}

#[test]
fn s05_a_batch_names_no_target_and_all_are_listed() {
    let world = World::start(3);
    (0..3).for_each(|app| world.release(app, 1));
    let batch: Vec<_> = (0..3).map(|app| World::promotion(app, 0, 1)).collect();
    open_a_day_ago(&world, &batch);
    let asked = world.preflight(&[]).expect(10);
    let old = &asked.old()[0];
    assert_eq!(relations(old), ["same"; 3]);
    for app in 0..3 {
        let target = &old["targets"][app];
        assert_eq!((&target["from"], &target["to"]), (&sha(app, 0).into(), &sha(app, 1).into()));
        assert_eq!(target["label"], format!("saas-app{app}/api/prod01/app{app}-production"));
    }
    // Each of the three files is read before and after; the plan itself comes by git.
    let raw =
        world.forge.log().into_iter().filter(|entry| entry.path.contains("/repository/files/"));
    assert_eq!(raw.count(), 6);
}

#[test]
fn s06_what_sets_another_target_back_is_listed_first_and_red() {
    let world = World::start(3);
    world.release(0, 1);
    world.release(1, 1);
    // Production of app 2 has been promoted since the old promoter read the files.
    world.release(2, 1);
    let before = world.project.tip("main").unwrap();
    world.edit(&World::path(2), &sha(2, 0), &sha(2, 1));
    let stale = Promotion::new("app0-stage", &World::path(0), &sha(0, 0), &sha(0, 1));
    open_a_day_ago(&world, &[World::promotion(1, 0, 1)]);
    let worst = world.ago(24 * 60, |world| {
        let mut sapm = OldSapm::new(&world.project, OLD_BOT);
        // Of app 2 it commits the whole text of before.
        let also = Promotion {
            channels: "app2-stage".to_owned(),
            path: World::path(2),
            edits: Vec::new(),
        };
        sapm.open_from(&[stale, also], &before)
    });
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.old()[0]["iid"], worst, "{:#?}", asked.old());
    assert_eq!(
        (&asked.old()[0]["relation"], &asked.old()[0]["advice"]),
        (&"reverts".into(), &"close".into())
    );
    let back = asked.old()[0]["targets"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["relation"] == "reverts");
    assert_eq!(back.unwrap()["to"], sha(2, 0));
    assert_eq!(asked.old()[1]["relation"], "same");
}

#[test]
fn s06_a_commit_that_nobody_knows_yet_is_no_revert() {
    let world = World::start(1);
    open_a_day_ago(&world, &[World::promotion(0, 0, 7)]);
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.old()[0]["relation"], "not_wanted", "{:#?}", asked.old());
}

#[test]
fn s06_a_line_beside_the_targets_counts_as_well() {
    let world = World::start(1);
    world.release(0, 1);
    open_a_day_ago(&world, &[World::promotion(0, 0, 1).and("path: /deploy.yml", "path: /old.yml")]);
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.old()[0]["relation"], "reverts");
    assert!(asked.old()[0]["remark"].as_str().unwrap().contains("resourceTemplates[0].path"));
}

#[test]
fn s07_a_label_makes_it_one_of_theirs_and_ours_never_are() {
    let world = World::start(2);
    let open = |branch: &str, label: &str| {
        world.project.commit("alice", branch, "x", [(format!("docs/{branch}.md"), Some("x"))]);
        let iid = world.project.open_merge_request("alice", branch, "main", "Tune", "").unwrap();
        world.project.set_labels("alice", iid, &[label], &[]);
        iid
    };
    open("alice-promotion", "promotion");
    world.preflight(&[]).expect(0);
    let iid = open("alice-x", "SAPM");
    let asked = world.preflight(&[]).expect(10);
    let [old] = asked.old().as_slice() else { panic!("{:#?}", asked.old()) };
    assert_eq!(
        (&old["iid"], &old["kind"], &old["advice"]),
        (&iid.into(), &"other".into(), &"look".into())
    );
    // She is no user of the old promoter's.
    assert_eq!(asked.json["old"]["users"], serde_json::json!([]));
    world.project.close("alice", iid);

    world.release(0, 1);
    world.apply(&["SAPM"]);
    assert_eq!(world.project.open_merge_requests().len(), 2);
    let asked = world.preflight(&["--label", "SAPM"]).expect(0);
    assert_eq!(asked.old().len(), 0);
    assert!(asked.summary("rollback").contains("it closes"), "{}", asked.summary("rollback"));
}

#[test]
fn s08_branches_without_a_merge_request_are_a_warning() {
    let world = World::start(1);
    world.ago(120, |world| {
        for branch in ["SAPM-0a1b2c", "SAPM-notes"] {
            world.project.commit("alice", branch, "x", [("docs/x.md", Some("x"))]);
        }
    });
    let asked = world.preflight(&[]).expect(0);
    assert_eq!(asked.outcome("old_branches_left"), "warn");
    let summary = asked.summary("old_branches_left");
    assert!(summary.contains("SAPM-0a1b2c") && !summary.contains("notes"), "{summary}");
    world.preflight(&["--strict"]).expect(10);
}

#[test]
fn s09_the_export_is_a_sign_of_life() {
    let world = World::start(1);
    let sapm = OldSapm::new(&world.project, OLD_BOT).exporting_to(BUCKET);
    world.ago(4, |world| sapm.export(&world.export()));
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.outcome("old_promoter_alive"), "fail");
    assert!(asked.summary("old_promoter_alive").contains("4 min ago"), "{}", asked.text);
    assert!(asked.advice("old_promoter_alive").contains("saas-auto-promotions-manager"));
    let asked = world.preflight(&["--phase", "prepare"]).expect(0);
    assert_eq!(asked.outcome("old_promoter_alive"), "warn");

    world.ago(31, |world| sapm.export(&world.export()));
    let asked = world.preflight(&[]).expect(0);
    assert_eq!(asked.outcome("old_promoter_alive"), "pass");

    world.forge.delete_object(BUCKET, EXPORT);
    let asked = world.preflight(&[]).expect(0);
    assert_eq!(asked.outcome("old_promoter_alive"), "pass");
    assert!(asked.summary("old_promoter_alive").contains("no state export"));
}

#[test]
fn s10_a_closing_is_a_sign_of_life() {
    let world = World::start(1);
    world.release(0, 1);
    let iid = open_a_day_ago(&world, &[World::promotion(0, 0, 1)]);
    world.ago(5, |world| {
        let request = world.project.merge_request(iid).unwrap();
        OldSapm::new(&world.project, OLD_BOT)
            .close(&request, "Closing this MR in favor of a new batch MR.");
    });
    let asked = world.preflight(&[]).expect(10);
    let summary = asked.summary("old_promoter_alive");
    assert_eq!(asked.outcome("old_promoter_alive"), "fail");
    assert!(summary.contains(&format!("!{iid}")) && summary.contains("new batch MR"), "{summary}");
}

#[test]
fn s11_it_waits_until_the_last_one_is_merged_and_nothing_lives() {
    let world = World::start(1);
    world.release(0, 1);
    let sapm = OldSapm::new(&world.project, OLD_BOT).exporting_to(BUCKET);
    world.ago(31, |world| sapm.export(&world.export()));
    let iid = open_a_day_ago(&world, &[World::promotion(0, 0, 1)]);
    let args = ["--wait", "5m", "--quiet", "1m"];
    let project = world.project.clone();
    let clock =
        TestClock::new(&world).after(70, move || drop(project.merge("alice", iid).unwrap()));
    let asked = world.preflight_by(&args, &clock).expect(0);
    assert_eq!(asked.outcome("old_requests_open"), "pass");
    // Two looks after the first one; what a plan needs was looked up once.
    let count =
        |part: &str| world.forge.log().iter().filter(|entry| entry.path.contains(part)).count();
    assert_eq!(count("/repository/branches?search=%5ESAPM"), 3, "{:#?}", world.forge.log());
    assert_eq!(count("/code%2Fapp0/"), 1);
    assert_eq!(
        world.now(),
        cut_over::NOW.parse::<chrono::DateTime<chrono::Utc>>().unwrap()
            + chrono::TimeDelta::minutes(2)
    );

    let world = World::start(1);
    world.release(0, 1);
    open_a_day_ago(&world, &[World::promotion(0, 0, 1)]);
    let asked = world.preflight_by(&args, &TestClock::new(&world)).expect(10);
    assert_eq!(asked.outcome("old_requests_open"), "fail");
    assert_eq!(
        world.now(),
        cut_over::NOW.parse::<chrono::DateTime<chrono::Utc>>().unwrap()
            + chrono::TimeDelta::minutes(5)
    );
}

#[test]
fn s22_what_could_not_be_listed_is_not_known() {
    let world = World::start(1);
    // The plan's own list is of the bot's merge requests.
    world.forge.fault(Fault::status(500, "no").path_regex("state=opened.*order_by=updated_at"));
    let asked = world.preflight(&[]).expect(5);
    assert_eq!(asked.outcome("old_requests_open"), "not_known");
    assert_eq!(asked.json["verdict"], "not_known");
    world.forge.clear_faults();
    world.forge.fault(Fault::status(503, "down").path("/api/v4/"));
    let asked = world.ask(&[], &world.environment(), &TestClock::new(&world));
    assert_eq!(asked.code, 4, "{:?}", asked.error);
}

#[test]
fn s23_a_person_may_take_a_check_on() {
    let world = World::start(1);
    let sapm = OldSapm::new(&world.project, OLD_BOT).exporting_to(BUCKET);
    world.ago(4, |world| sapm.export(&world.export()));
    let asked =
        world.preflight(&["--accept", "old_promoter_alive=stopped at 10:02, see INC-1"]).expect(0);
    assert_eq!(asked.outcome("old_promoter_alive"), "accepted");
    assert_eq!(asked.check("old_promoter_alive")["accepted_reason"], "stopped at 10:02, see INC-1");
    for text in [&asked.markdown, &asked.junit, &asked.text] {
        // Markdown has the reference as code.
        assert!(text.replace('`', "").contains("stopped at 10:02, see INC-1"), "{text}");
    }
    for wrong in ["token=x", "nothing=x", "old_promoter_alive"] {
        let asked = world.ask(&["--accept", wrong], &world.environment(), &TestClock::new(&world));
        assert_eq!(asked.code, 2, "{wrong}: {:?}", asked.error);
    }
}

#[test]
fn another_old_promoter_is_found_by_its_shapes() {
    let world = World::start(1);
    world.ago(60, |world| {
        world.project.commit("rita", "promo/1", "x", [("docs/x.md", Some("x"))]);
        world.project.open_merge_request("rita", "promo/1", "main", "Promote", "").unwrap();
    });
    world.preflight(&["--old", "none"]).expect(0);
    let asked = world.preflight(&["--old", "none", "--old-branch", "^promo/"]).expect(10);
    assert_eq!(asked.old()[0]["kind"], "other");
    let asked = world.ask(&["--old-branch", "("], &world.environment(), &TestClock::new(&world));
    assert_eq!(asked.code, 2);
}

#[test]
fn a_reader_and_the_past_are_told() {
    let world = World::start(1);
    world.project.add_bot(
        "reader",
        "glpat-reader",
        forge::Access::Reporter,
        &["read_api", "read_repository"],
    );
    let mut environment = world.environment();
    environment.insert("SAPM_GITLAB_TOKEN".to_owned(), "glpat-reader".to_owned());
    let asked = world.ask(&["--bot-user", cut_over::BOT], &environment, &TestClock::new(&world));
    assert_eq!(asked.outcome("token"), "not_known", "{}", asked.text);
    for args in [["--at", "2026-01-01T00:00:00Z"], ["--snapshot", "x.json"]] {
        let asked = world.ask(&args, &world.environment(), &TestClock::new(&world));
        assert_eq!(asked.code, 2, "{:?}", asked.error);
    }
}
