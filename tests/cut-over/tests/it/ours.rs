//! What the old promoter does to merge requests of ours.

use cut_over::{BUCKET, OLD_BOT, World};
use forge::old_bots::{OldSapm, Promotion};

/// A merge request of ours, and the old promoter, which runs with the label that it has.
fn closed_by(user: &str, comment: Option<&str>) -> (World, u64) {
    let world = World::start(1);
    world.release(0, 1);
    let iid = world.ago(26 * 60, |world| {
        world.apply(&["SAPM"]);
        world.project.open_merge_requests()[0].iid
    });
    world.ago(25 * 60, |world| {
        // It was there before, so it is known who it is.
        let old = OldSapm::new(&world.project, OLD_BOT).open(&[World::promotion(0, 0, 1)]);
        world.project.close(OLD_BOT, old);
        if let Some(comment) = comment {
            world.project.comment(user, iid, comment);
        }
        world.project.close(user, iid);
        let branch = world.project.merge_request(iid).unwrap().source_branch;
        world.project.delete_branch(user, &branch);
        world
            .project
            .delete_branch(OLD_BOT, &world.project.merge_request(old).unwrap().source_branch);
    });
    (world, iid)
}

const BROKEN: &str = "Closing this MR because of bad data separator format.";

#[test]
fn s12_ours_closed_by_the_old_promoter() {
    let (world, iid) = closed_by(OLD_BOT, Some(BROKEN));
    let asked = world.preflight(&[]).expect(10);
    for id in ["requests_closed_by_others", "suppressed"] {
        assert_eq!(asked.outcome(id), "fail", "{id}: {}", asked.text);
        assert!(asked.advice(id).contains("sapm/again"), "{}", asked.advice(id));
        assert!(asked.summary(id).contains(&format!("!{iid}")), "{}", asked.summary(id));
    }
    // Named, its closings are nobody's word.
    let asked = world.preflight(&["--other-bot", OLD_BOT]).expect(0);
    assert_eq!(asked.outcome("suppressed"), "pass");
    // Or a person asks for it again.
    world.project.set_labels("alice", iid, &["sapm/again"], &[]);
    let asked = world.preflight(&[]).expect(0);
    assert_eq!(asked.outcome("requests_closed_by_others"), "pass");
}

#[test]
fn s12_ours_closed_by_our_own_user_without_our_comment() {
    let (world, iid) = closed_by(cut_over::BOT, None);
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.outcome("requests_closed_by_others"), "fail");
    assert!(asked.summary("requests_closed_by_others").contains(&format!("!{iid}")));
    assert!(asked.advice("requests_closed_by_others").contains("sapm/again"));
}

#[test]
fn s12_ours_closed_by_a_person() {
    let (world, iid) = closed_by("alice", None);
    let asked = world.preflight(&[]).expect(0);
    assert_eq!(asked.outcome("requests_closed_by_others"), "pass");
    assert_eq!(asked.outcome("suppressed"), "warn");
    let summary = asked.summary("suppressed");
    assert!(
        summary.contains("a person's word") && summary.contains(&format!("!{iid}")),
        "{summary}"
    );
}

#[test]
fn s12_ours_reverted_by_the_old_promoter() {
    let world = World::start(1);
    world.release(0, 1);
    let before = world.project.tip("main").unwrap();
    let iid = world.ago(26 * 60, |world| {
        world.apply(&["AutoPromoterV2"]);
        let iid = world.project.open_merge_requests()[0].iid;
        world.project.merge("alice", iid).unwrap();
        iid
    });
    world.ago(25 * 60, |world| {
        let whole = Promotion {
            channels: "app0-stage".to_owned(),
            path: World::path(0),
            edits: Vec::new(),
        };
        let old = OldSapm::new(&world.project, OLD_BOT).open_from(&[whole], &before);
        world.project.merge(OLD_BOT, old).unwrap();
        world
            .project
            .delete_branch(OLD_BOT, &world.project.merge_request(old).unwrap().source_branch);
    });
    let asked = world.preflight(&[]).expect(10);
    assert_eq!(asked.outcome("requests_closed_by_others"), "fail", "{}", asked.text);
    assert!(asked.summary("requests_closed_by_others").contains(&format!("!{iid}")));
    assert_eq!(asked.outcome("suppressed"), "fail");
}

#[test]
fn s13_a_shared_label_is_a_failure_while_the_old_promoter_lives() {
    let world = World::start(1);
    let sapm = OldSapm::new(&world.project, OLD_BOT).exporting_to(BUCKET);
    world.ago(4, |world| sapm.export(&world.export()));
    let asked = world.preflight(&["--label", "SAPM"]).expect(10);
    assert_eq!(asked.outcome("label_shared"), "fail");
    let asked = world.preflight(&["--label", "promotion"]).expect(10);
    assert_eq!(asked.outcome("label_shared"), "pass");
    assert_eq!(world.preflight(&[]).outcome("label_shared"), "pass");
    world.ago(31, |world| sapm.export(&world.export()));
    assert_eq!(world.preflight(&["--label", "SAPM"]).outcome("label_shared"), "pass");
}
