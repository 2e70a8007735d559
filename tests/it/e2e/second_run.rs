//! A run with nothing to do writes nothing; a change is made in place.

use super::support::*;
use crate::shop::{CATALOG_NEW, CATALOG_NEXT, CATALOG_OLD, PROJECT, TOKEN};

#[test]
fn the_second_run_writes_nothing() {
    let world = World::start();
    world.apply();
    assert_eq!(world.puts(), 1);
    let (branches, requests) = (world.project().branches(), world.project().merge_requests());
    let plan = world.apply_json();
    world.assert_nothing_written();
    assert_eq!(plan.actions(), ["keep"; 4]);
    assert_eq!(world.project().branches(), branches);
    assert_eq!(world.project().merge_requests().len(), requests.len());
    world.forge().assert_no_unknown_routes();
}

#[test]
fn with_a_cached_clone_only_the_difference_is_fetched() {
    let world = World::start();
    let apply = || {
        world.forge().clear_log();
        world.sapm("apply").arg("--cache-dir").arg(world.path("cache")).expect(0)
    };
    let packs = || {
        let pack = format!("/{PROJECT}.git/git-upload-pack");
        let log = world.forge().log();
        log.iter().filter(|entry| entry.path == pack).map(|entry| entry.response_bytes).max()
    };
    assert!(apply().err.contains("from_cache=false"));
    let whole = packs().unwrap();
    assert!(whole > 2_000, "the config repo came over: {whole}");
    let second = apply();
    assert!(second.err.contains("from_cache=true"), "{}", second.err);
    world.assert_nothing_written();
    // The objects of the branches, which are not cached.
    assert!(packs().unwrap() < whole, "{:?} of {whole}", packs());
    world.edit(CATALOG_FILE, "description: how catalog is deployed", "description: now another");
    assert!(apply().err.contains("from_cache=true"));
    world.assert_nothing_written();
    assert!((1..whole).contains(&packs().unwrap()), "{:?} of {whole}", packs());
    for file in files_below(&world.path("cache")) {
        let bytes = std::fs::read(&file).unwrap();
        let found = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
        assert!(!found, "the token is in {}", file.display());
    }
}

#[test]
fn a_damaged_cached_clone_is_discarded() {
    let world = World::start();
    let apply = || world.sapm("apply").arg("--cache-dir").arg(world.path("cache")).expect(0).err;
    apply();
    for file in files_below(&world.path("cache")) {
        let mut permissions = std::fs::metadata(&file).unwrap().permissions();
        #[allow(clippy::permissions_set_readonly_false)]
        permissions.set_readonly(false);
        std::fs::set_permissions(&file, permissions).unwrap();
        std::fs::write(&file, "nonsense").unwrap();
    }
    world.forge().clear_log();
    assert!(apply().contains("from_cache=false"));
    world.assert_nothing_written();
    assert!(apply().contains("from_cache=true"));
}

#[test]
fn a_newer_commit_updates_the_merge_request_in_place() {
    let world = World::start();
    world.apply();
    let before = world.request(CANARY);
    world.shop.next_catalog();
    let plan = world.apply_json();
    assert_eq!(plan.action(CANARY), "update: changed");
    assert_eq!(plan.actions(), ["keep", "keep", "keep", "update"]);
    let project = format!("/api/v4/projects/{}", world.project().id());
    let wanted = [
        format!("POST {project}/repository/commits"),
        format!("PUT {project}/merge_requests/{}", before.iid),
    ];
    assert_eq!(world.writes(), wanted);
    let after = world.request(CANARY);
    assert_eq!((after.iid, &after.source_branch), (before.iid, &before.source_branch));
    assert!(after.title.ends_with(&format!(" to {}", &CATALOG_NEXT[..8])), "{}", after.title);
    assert!(after.description.contains(CATALOG_NEXT) && !after.description.contains(CATALOG_NEW));
    let comment = "   # moved by the promotion bot";
    let old = format!("{CATALOG_OLD}{comment}");
    let new = format!("{CATALOG_NEXT}{comment}");
    let wanted = world.text("main", CATALOG_FILE).replace(&old, &new);
    assert_eq!(world.text(&after.source_branch, CATALOG_FILE), wanted);
    assert_eq!(after.versions.len(), 2, "one push");
    world.apply();
    world.assert_nothing_written();
}

#[test]
fn a_held_merge_request_becomes_a_draft_and_is_ready_again_later() {
    let world = World::start();
    world.apply();
    let ready = world.request(CANARY);
    let now = chrono::Utc::now();
    world.shop.deploy("catalog-stage", CATALOG_NEW, false, now);
    let plan = world.apply_json();
    assert_eq!(plan.action(CANARY), "hold: held_by_gate");
    let change = format!("/api/v4/projects/{}/merge_requests/{}", world.project().id(), ready.iid);
    assert_eq!(world.writes(), [format!("PUT {change}")]);
    let draft = world.request(CANARY);
    assert!(draft.is_draft(), "{}", draft.title);
    assert!(draft.title.contains("held by deployment"), "{}", draft.title);
    assert_eq!((draft.iid, draft.versions.len()), (ready.iid, 1));
    world.apply();
    world.assert_nothing_written();
    world.shop.deploy("catalog-stage", CATALOG_NEW, true, now);
    let plan = world.apply_json();
    assert_eq!(plan.action(CANARY), "update: ready_again");
    assert_eq!(world.writes(), [format!("PUT {change}")]);
    assert_eq!(world.request(CANARY).title, ready.title);
    world.apply();
    world.assert_nothing_written();
}
