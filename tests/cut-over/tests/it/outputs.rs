//! How an answer is written, and what it costs.

use cut_over::{OLD_BOT, World};
use forge::old_bots::{OldSapm, Promotion};

#[test]
fn s26_hostile_names_are_shown_and_nothing_obeys_them() {
    let world = World::start(1);
    let title = "[SAPM] @everyone `x` <img src=x> | #1 \u{202e}\u{1b}[31m";
    world.ago(24 * 60, |world| {
        world.project.commit(OLD_BOT, "SAPM-0a1b2c", "x", [("docs/x.md", Some("x"))]);
        world.project.open_merge_request(OLD_BOT, "SAPM-0a1b2c", "main", title, "/merge").unwrap();
        let iid = OldSapm::new(&world.project, OLD_BOT).open(&[World::promotion(0, 0, 1)]);
        world.project.comment(
            "devtools-bot",
            iid,
            "Closing this MR because of bad <img src=x>\u{202e} format.\n/merge\n@everyone",
        );
        world.project.close(OLD_BOT, iid);
    });
    let asked = world.preflight(&["--quiet", "24h"]);
    for text in [&asked.text, &asked.markdown] {
        assert!(!text.contains(['\u{202e}', '\u{1b}']), "{text}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("/merge")), "{text}");
    }
    // In Markdown all of it stands in code spans.
    let outside: String = asked.markdown.split('`').step_by(2).collect();
    for part in ["@everyone", "<img", "#1", "/merge"] {
        assert!(!outside.contains(part), "{part} in {outside}");
    }
    assert!(asked.junit.contains("&lt;img") || !asked.junit.contains("<img"));
}

#[test]
fn s27_what_it_asks_for_is_bounded() {
    let world = World::start(300);
    (0..50).for_each(|app| world.release(app, 1));
    world.preflight(&[]);
    let of_gitlab = |world: &World| {
        let log = world.forge.log();
        log.iter().filter(|entry| entry.path.contains("/api/v4/")).count()
    };
    let without = of_gitlab(&world);
    world.ago(24 * 60, |world| {
        let mut sapm = OldSapm::new(&world.project, OLD_BOT);
        for app in 0..50 {
            sapm.open(&[World::promotion(app, 0, 1)]);
        }
    });
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.old().len(), 50);
    let (count, files) = (of_gitlab(&world), 50);
    assert!(count <= without + 3 * 50 + 2 * files, "{count} requests, {without} without them");
    assert!(without <= 40 + 20, "{without} requests of plan and preflight");
}

/// The whole answer for a reader; times and addresses are those of the fakes.
#[test]
fn an_answer_as_people_read_it() {
    let world = World::start(4);
    (0..3).for_each(|app| world.release(app, 1));
    world.release(1, 2);
    let sapm = OldSapm::new(&world.project, OLD_BOT).exporting_to(cut_over::BUCKET);
    world.ago(4, |world| sapm.export(&world.export()));
    world.ago(130, |world| {
        let mut sapm = OldSapm::new(&world.project, OLD_BOT);
        sapm.open(&[World::promotion(0, 0, 1), World::promotion(2, 0, 1)]);
        let failed = sapm.open(&[World::promotion(1, 0, 1)]);
        world.project.set_pipeline_status(failed, "failed");
        sapm.open(&[Promotion::new("x", &World::path(3), "path: /deploy.yml", "path: /other.yml")]);
    });
    let asked = world.preflight(&["--max-new-merge-requests", "2"]).expect(10);
    println!("{}\n{}", asked.text, asked.markdown);
    for part in [
        "Cut-over from SAPM: NO-GO (2 of 29 checks fail, ",
        "platform/app-interface@",
        "  ! old_requests_open          3 merge requests of the old promoter are open",
        "!1      SAPM   2 h 10 min  pipeline success   2 targets: same",
        "merge it",
        "1 target: older",
        "what to do: merge !1, close !3 !2, then `sapm preflight --wait 1h`",
        "the old promoter runs: its state export was written 4 min ago",
        "  Way back: no merge request of sapm is open",
    ] {
        assert!(asked.text.contains(part), "{part}\n{}", asked.text);
    }
    assert!(asked.markdown.starts_with("# Cut-over from SAPM: NO-GO\n"));
}
