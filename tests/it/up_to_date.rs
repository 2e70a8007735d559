//! A target is up to date if nothing would be due even if every gate passed.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sapm::decide::{Outcome, SubscriberDecision, decide, record_key};
use sapm::domain::CommitSha;
use sapm::report::publisher_data;
use sapm::snapshot::{Failure, Snapshot};
use serde_json::{Value, json};

use crate::small_world::{Spec, at, commit, read};

/// The record of a publisher in the bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Record {
    Missing,
    Unusable,
    Unread,
    Failed,
    Succeeded,
}

use Record::{Failed, Missing, Succeeded, Unread, Unusable};

/// Decides on a subscriber of one channel with these publishers: their commits and records.
fn decision(own: char, hash: Option<&str>, publishers: &[(char, Record)]) -> SubscriberDecision {
    let channel = vec!["stage".to_owned()];
    let mut specs: Vec<Spec> = publishers
        .iter()
        .enumerate()
        .map(|(number, (digit, _))| Spec {
            namespace: format!("stage-{number}"),
            git_ref: commit(*digit),
            publish: channel.clone(),
            ..Spec::default()
        })
        .collect();
    specs.push(Spec {
        namespace: "production".to_owned(),
        git_ref: commit(own),
        subscribe: channel,
        hash: hash.map(str::to_owned),
        ..Spec::default()
    });
    let (bundle, inventory) = read(&BTreeMap::from([("shop".to_owned(), specs)]));
    let mut snapshot = Snapshot::new(at("2026-08-20T10:00:00Z"));
    for (target, (digit, record)) in inventory.targets.iter().zip(publishers) {
        let key = record_key("stage", &target.uid, &CommitSha::parse(&commit(*digit)).unwrap());
        let stored = |success| {
            json!({"success": success, "saas_file": "saas-shop", "target_config_hash": "00ff",
                   "check_in": "2026-08-19T10:00:00Z"})
        };
        let value = match record {
            Missing => continue,
            Unread => {
                snapshot.deployment_record_errors.insert(key, Failure::new("no answer"));
                continue;
            }
            Unusable => json!({"success": "yes"}),
            Failed => stored(false),
            Succeeded => stored(true),
        };
        snapshot.deployment_records.insert(key, value);
    }
    let mut decisions = decide(&inventory, &snapshot, &bundle, &|_| true);
    let last = inventory.targets.indexes().last().unwrap();
    decisions.subscribers.remove(&last).unwrap()
}

#[test]
fn records_do_not_matter_without_config_hashes() {
    for record in [Missing, Unusable, Unread, Failed, Succeeded] {
        let one = decision('2', None, &[('2', record)]);
        let two = decision('2', None, &[('2', Succeeded), ('2', record)]);
        for decision in [one, two] {
            assert_eq!(
                decision.outcome(),
                Outcome::UpToDate,
                "{record:?}: {:?}",
                decision.errors()
            );
            assert_eq!((decision.held_by(), decision.desired_ref), (None, commit('2')));
        }
    }
}

#[test]
fn config_hashes_come_from_the_first_publishers_record() {
    // Nothing is new, whatever the second publisher's record says.
    for record in [Missing, Unusable, Unread, Failed, Succeeded] {
        let known = decision('2', Some("00ff"), &[('2', Succeeded), ('2', record)]);
        assert_eq!(known.outcome(), Outcome::UpToDate, "{record:?}: {:?}", known.errors());
    }
    for (hash, first, outcome) in [
        ("00ff", Missing, Outcome::Hold),
        ("00ff", Unusable, Outcome::Hold),
        ("00ff", Unread, Outcome::Error),
        ("00ff", Failed, Outcome::UpToDate),
        ("other", Failed, Outcome::Hold),
        ("other", Succeeded, Outcome::Promote),
        ("", Succeeded, Outcome::Promote),
        ("", Missing, Outcome::Hold),
    ] {
        let decision = decision('2', Some(hash), &[('2', first), ('2', Succeeded)]);
        assert_eq!(decision.outcome(), outcome, "{hash} {first:?}: {:?}", decision.errors());
    }
}

#[test]
fn the_first_of_two_publishers_with_one_name_is_exported() {
    let publisher = |digit| Spec {
        namespace: "stage".to_owned(),
        git_ref: commit(digit),
        publish: vec!["stage".to_owned()],
        ..Spec::default()
    };
    let twice = BTreeMap::from([("shop".to_owned(), vec![publisher('1'), publisher('2')])]);
    let (_, report) = crate::page::small::report(&twice, "2026-08-20T10:00:00Z", &[]);
    let export: Value = serde_json::from_str(&publisher_data(&report)).unwrap();
    let commits: Vec<&Value> =
        export.as_object().unwrap().values().map(|entry| &entry["commit_sha"]).collect();
    assert_eq!(commits, [&json!(commit('1'))]);
}

fn records() -> impl Strategy<Value = Record> {
    prop::sample::select(vec![Missing, Unusable, Unread, Failed, Succeeded])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_is_due_if_all_are_at_one_commit(
        own in prop::sample::select(vec!['1', '2']),
        publishers in prop::collection::vec(
            (prop::sample::select(vec!['1', '2']), records()), 1..4),
    ) {
        let decision = decision(own, None, &publishers);
        let same = publishers.iter().all(|(digit, _)| *digit == own);
        prop_assert_eq!(decision.outcome() == Outcome::UpToDate, same, "{:?}", decision);
        let moves = decision.outcome() == Outcome::Promote;
        prop_assert!(!moves || publishers.iter().all(|(_, record)| *record == Succeeded));
    }
}
