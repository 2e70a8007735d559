//! Merge requests that are no longer needed, and merged ones.

use forge::MrState;

use super::support::*;
use crate::shop::{CATALOG_NEW, CATALOG_OLD, ORDERS_NEW};

const CLOSED: &str = "saas-auto-promotions-manager closes this merge request: ";

/// A target of the catalog as written in the file.
const CANARY_TARGET: &str = "  - namespace:
      $ref: /services/catalog/namespaces/catalog-canary.yml
    ref: 9d562e12ee5220a41f29bc0fb79f0700d13b4473   # moved by the promotion bot
    promotion:
      auto: true
      subscribe:
      - catalog-stage
      publish:
      - catalog-canary
";

/// Runs, and checks that the merge request of a target is closed.
#[track_caller]
fn is_closed(world: &World, target: &str, code: &str, why: &str) {
    let before = world.request(target);
    assert_eq!(before.state, MrState::Opened);
    let plan = world.apply_json();
    assert_eq!(plan.action(target), format!("close: {code}"));
    let after = world.request(target);
    assert_eq!((after.iid, after.state), (before.iid, MrState::Closed));
    let comments: Vec<&str> = after.comments().map(|note| note.body.as_str()).collect();
    assert_eq!(comments.len(), 1, "{comments:?}");
    assert!(comments[0].starts_with(CLOSED) && comments[0].contains(why), "{}", comments[0]);
    assert!(!world.branches().contains(&before.source_branch));
    let about = |path: &str| path.contains(&format!("/merge_requests/{}", before.iid));
    let writes: Vec<String> = world
        .writes()
        .into_iter()
        .filter(|write| about(write) || write.starts_with("DELETE"))
        .map(|write| write.split(' ').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(writes, ["POST", "PUT", "DELETE"], "comment, close, delete");
    world.apply();
    world.assert_nothing_written();
}

#[test]
fn a_merge_request_is_closed_when_a_person_updates_the_ref_first() {
    let world = World::start();
    world.apply();
    let old = "ref: d83e8878b794cd2c379af53482024695a2d42eb7";
    world.edit(ORDERS_TARGET_FILE, old, &format!("ref: {ORDERS_NEW}"));
    is_closed(&world, MAIL, "nothing_due", "nothing is due any more");
    assert_eq!(world.project().open_merge_requests().len(), 3);
}

#[test]
fn the_merge_request_of_a_disabled_target_is_closed() {
    let world = World::start();
    world.apply();
    let old = "    name: regional\n";
    world.edit(PAYMENTS_FILE, old, &format!("{old}    disable: true\n"));
    is_closed(&world, REGIONAL, "target_gone", "its target is gone, disabled");
    assert_eq!(world.project().open_merge_requests().len(), 3);
}

#[test]
fn the_merge_request_of_a_removed_target_is_closed() {
    let world = World::start();
    world.apply();
    let from = "  # every regional namespace: one place in the file, moved for all of them\n";
    let text = world.text("main", PAYMENTS_FILE);
    let begin = text.find(from).unwrap();
    let end = text.find("\n# held by blocked_version").unwrap();
    world.edit(PAYMENTS_FILE, &text[begin..end], "");
    is_closed(&world, REGIONAL, "target_gone", "its target is gone, disabled");
}

#[test]
fn the_merge_request_of_a_blocked_commit_is_closed() {
    let world = World::start();
    world.apply();
    let component = "  url: https://github.com/example-shop/catalog\n";
    let blocked = format!("{component}  blockedVersions:\n  - {CATALOG_NEW}\n");
    world.edit("data/services/catalog/app.yml", component, &blocked);
    is_closed(&world, CANARY, "commit_blocked", CATALOG_NEW);
    assert!(world.request(PRODUCTION).state == MrState::Opened);
}

#[test]
fn a_closed_merge_request_is_opened_again_when_its_promotion_is_due_again() {
    let world = World::start();
    world.apply();
    let first = world.request(CANARY);
    world.edit(CATALOG_FILE, CANARY_TARGET, &CANARY_TARGET.replace("auto: true", "auto: false"));
    is_closed(&world, CANARY, "target_gone", "no longer promoted automatically");
    let text = CANARY_TARGET.replace("auto: true", "auto: false");
    world.edit(CATALOG_FILE, &text, CANARY_TARGET);
    let plan = world.apply_json();
    assert_eq!(plan.action(CANARY), "create: due");
    let second = world.request(CANARY);
    assert_eq!((second.state, &second.source_branch), (MrState::Opened, &first.source_branch));
    assert_ne!(second.iid, first.iid);
}

#[test]
fn nothing_is_left_of_a_merged_merge_request() {
    let world = World::start();
    world.apply();
    let merged = world.request(CANARY);
    world.project().merge("alice", merged.iid).unwrap();
    world.shop.deploy("catalog-canary", CATALOG_NEW, true, chrono::Utc::now());
    let plan = world.apply_json();
    assert_eq!(plan.decision(CANARY), "up_to_date");
    let about_canary = plan.list("merge_requests").iter().any(|r| r["iid"] == merged.iid);
    assert!(!about_canary, "{:?}", plan.list("merge_requests"));
    assert!(!world.branches().contains(&merged.source_branch));
    let text = world.text("main", CATALOG_FILE);
    assert!(text.contains(&format!("{CATALOG_NEW}   # moved")) && !text.contains(CATALOG_OLD));
    world.apply();
    world.assert_nothing_written();
}

#[test]
fn a_branch_left_after_a_merge_is_deleted() {
    let world = World::start();
    world.apply();
    let merged = world.request(MAIL);
    let tip = world.project().tip(&merged.source_branch).unwrap();
    world.project().merge("alice", merged.iid).unwrap();
    world.forge().settle();
    world.project().set_branch("sapm-bot", &merged.source_branch, &tip).unwrap();
    world.apply();
    let writes = world.writes();
    assert!(writes.len() == 1 && writes[0].starts_with("DELETE "), "{writes:?}");
    assert!(!world.branches().contains(&merged.source_branch));
    world.apply();
    world.assert_nothing_written();
}
