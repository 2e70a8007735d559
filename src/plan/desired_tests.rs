use chrono::DateTime;
use datafiles::{Datafiles, SaasFile, Target};

use super::desired::{DesiredStates, EditSiteState};
use crate::app_interface::{Bundle, load};
use crate::decide::suppose_promoted;
use crate::domain::{CommitSha, UidDigest};
use crate::inventory::{Inventory, build};
use crate::validate::validate;
use yaml11::rereads;

/// A saas file with this many targets, each a place of its own.
fn loaded(targets: usize) -> (Bundle, Inventory) {
    let publisher = Target::new("/namespace.yml", "main").named("stage").publishes("ok");
    let mut saas = SaasFile::new("saas-shop", "/app.yml")
        .template("api", "https://git.example.com/shop/api")
        .target(&publisher);
    for number in 0..targets {
        let target = Target::new("/namespace.yml", &format!("{number:040x}"));
        saas = saas.target(&target.named(&format!("t{number}")).subscribes("ok", ""));
    }
    let bundle = load(&Datafiles::around(&saas).0).unwrap_or_else(|error| panic!("{error}"));
    let inventory = build(&bundle, UidDigest::default());
    assert_eq!(inventory.subscribers().count(), targets);
    (bundle, inventory)
}

#[test]
fn validating_a_wide_file_reads_it_again_once() {
    for targets in [2, 200] {
        let (bundle, inventory) = loaded(targets);
        let before = rereads();
        let found = validate(&bundle, &inventory, DateTime::UNIX_EPOCH);
        assert_eq!((found.problems, rereads() - before), (vec![], 1));
    }
}

#[test]
fn a_file_is_read_again_once_for_all_its_edits_however_often_a_run_plans() {
    const TARGETS: usize = 200;
    let (bundle, inventory) = loaded(TARGETS);
    let commit = CommitSha::parse(&"a".repeat(40)).unwrap_or_else(|| panic!("a commit"));
    let before = rereads();
    let decisions = suppose_promoted(&inventory, &bundle, &commit, "");
    assert_eq!(rereads() - before, 1);
    let desired_states = DesiredStates::of(&inventory, &bundle, &decisions);
    for _ in 0..3 {
        let groups = desired_states.groups(super::branch::PREFIX, "main");
        assert!(groups.values().all(|group| matches!(group.state, EditSiteState::Promote(_))));
        assert_eq!((groups.len(), rereads() - before), (TARGETS, 1 + 1));
    }
}
