use chrono::DateTime;

use super::desired::{DesiredStates, PlaceState};
use crate::app_interface::{Bundle, Entry, FileTree, TreeError, load};
use crate::decide::suppose_promoted;
use crate::domain::{CommitSha, UidDigest};
use crate::inventory::{Inventory, build};
use crate::validate::validate;
use yaml11::rereads;

/// A saas file with this many targets, each a place of its own.
struct Wide(usize);

const FILES: [(&str, &str); 4] = [
    ("/app.yml", "$schema: /app-sre/app-1.yml\nname: shop\n"),
    ("/stage.yml", "$schema: /app-sre/environment-1.yml\nname: stage\n"),
    ("/cluster.yml", "$schema: /openshift/cluster-1.yml\nname: c1\n"),
    (
        "/namespace.yml",
        "$schema: /openshift/namespace-1.yml\nname: shop\ncluster: {$ref: /cluster.yml}\n\
         app: {$ref: /app.yml}\nenvironment: {$ref: /stage.yml}\n",
    ),
];

impl FileTree for Wide {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        let mut text = "$schema: /app-sre/saas-file-2.yml\nname: saas-shop\napp: {$ref: /app.yml}\n\
                        resourceTemplates:\n- name: api\n  url: https://git.example.com/shop/api\n  \
                        targets:\n  - {name: stage, namespace: {$ref: /namespace.yml}, ref: main, \
                        promotion: {publish: [ok]}}\n"
            .to_owned();
        for number in 0..self.0 {
            text += &format!(
                "  - name: t{number}\n    namespace: {{$ref: /namespace.yml}}\n    \
                 ref: '{number:040x}'\n    promotion: {{auto: true, subscribe: [ok]}}\n"
            );
        }
        visitor(Entry::File("/saas.yml", text.as_bytes()));
        FILES.iter().for_each(|(path, text)| visitor(Entry::File(path, text.as_bytes())));
        Ok(())
    }
}

fn loaded(targets: usize) -> (Bundle, Inventory) {
    let bundle = load(&Wide(targets)).unwrap_or_else(|error| panic!("{error}"));
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
        let groups = desired_states.groups("main");
        assert!(groups.values().all(|group| matches!(group.state, PlaceState::Promote(_))));
        assert_eq!((groups.len(), rereads() - before), (TARGETS, 1 + 1));
    }
}
