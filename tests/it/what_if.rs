//! Forecasts, compared to a simulation by clock, and their properties.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use sapm::decide::{Decisions, EditChecker, Outcome};
use sapm::domain::CommitSha;
use sapm::inventory::{Inventory, TargetIx};
use sapm::snapshot::Snapshot;
use sapm::what_if::{Assumption, Change, Forecast, Limits, Stop, Stops, World, compare, forecast};

use crate::small_world::{AnyEdit, Spec, at, commit, deploy, read};

const FROM: &str = "2026-08-20T10:00:00Z";

fn spec(namespace: &str, digit: char, publish: &[&str], subscribe: &[&str]) -> Spec {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    Spec {
        namespace: namespace.to_owned(),
        git_ref: commit(digit),
        publish: owned(publish),
        subscribe: owned(subscribe),
        ..Spec::default()
    }
}

/// Two stages at `2`, canary at `1` follows both, production at `0` follows canary.
fn chain(canary: (u64, &str), production: (u64, &str)) -> Vec<Spec> {
    let waits = |spec: Spec, (soak_days, schedule): (u64, &str)| Spec {
        soak_days,
        schedule: schedule.to_owned(),
        ..spec
    };
    vec![
        spec("stage-a", '2', &["stage"], &[]),
        spec("stage-b", '2', &["stage"], &[]),
        waits(spec("canary", '1', &["canary"], &["stage"]), canary),
        waits(spec("production", '0', &[], &["canary"]), production),
    ]
}

/// A world whose publishers were deployed so many hours before the start.
fn world(targets: Vec<Spec>, hours: &[i64]) -> World<'static> {
    let (_, inventory) = read(&BTreeMap::from([("shop".to_owned(), targets)]));
    let mut snapshot = Snapshot::new(at(FROM));
    for (index, hours) in inventory.targets.indexes().zip(hours) {
        deploy(&inventory, &mut snapshot, index, at(FROM) - TimeDelta::hours(*hours));
    }
    World::new(&inventory, &snapshot, &AnyEdit)
}

fn index(inventory: &Inventory, namespace: &str) -> TargetIx {
    let mut targets = inventory.targets.indexed();
    targets.find(|(_, target)| target.namespace.name == namespace).unwrap().0
}

/// Moves as `time namespace from -> to`.
fn lines(world: &World<'_>, forecast: &Forecast) -> Vec<String> {
    let line = |step: &sapm::what_if::Move| {
        let name = &world.inventory.targets[step.target].namespace.name;
        format!("{} {name} {} -> {}", step.at.format("%d %H:%M"), &step.from[..1], &step.to[..1])
    };
    forecast.moves.iter().map(line).collect()
}

/// Rejects the promotions of these targets.
#[derive(Debug)]
struct Refused(BTreeSet<TargetIx>);

impl EditChecker for Refused {
    fn find_unsafe(&self, _: &Inventory, decisions: &Decisions) -> Vec<(TargetIx, String)> {
        let promoted = decisions.subscribers.values().filter(|d| d.outcome() == Outcome::Promote);
        let refused = promoted.filter(|decision| self.0.contains(&decision.target));
        refused.map(|decision| (decision.target, "it cannot be edited".to_owned())).collect()
    }
}

fn run(world: &World<'_>) -> Forecast {
    forecast(world.clone(), at(FROM), &Stops::new(), Limits::default())
}

/// Simulates the same by advancing a clock in steps of half an hour.
fn wound_on(mut world: World<'_>, until: DateTime<Utc>) -> Vec<(DateTime<Utc>, TargetIx, String)> {
    let mut moves = Vec::new();
    let mut now = at(FROM);
    while now <= until {
        let decisions = world.decide(now);
        let due: Vec<_> =
            decisions.subscribers.values().filter(|d| d.outcome() == Outcome::Promote).collect();
        for decision in &due {
            moves.push((now, decision.target, decision.desired_ref.clone()));
            world.promote(decision, now);
        }
        if due.is_empty() {
            now += TimeDelta::minutes(30);
        }
    }
    moves
}

#[test]
fn a_chain_is_followed_to_its_end() {
    let world = world(chain((2, ""), (1, "0 8-9 * * mon-fri")), &[12, 12, 48]);
    let forecast = run(&world);
    // Both stages soak in parallel: 24 of 48 hours are over, so canary has 12 h left.
    // Canary is promoted before production's window opens on Friday, and its soak time starts again.
    assert_eq!(lines(&world, &forecast), ["20 22:00 canary 1 -> 2", "24 08:00 production 0 -> 2"]);
    let waited: Vec<_> =
        forecast.moves.iter().map(|step| step.waited.unwrap().gate.as_str()).collect();
    assert_eq!(waited, ["soak", "schedule"]);
    assert!(!forecast.cut_short && forecast.stays.is_empty());
}

#[test]
fn an_assumption_moves_what_follows_it_and_nothing_else() {
    let world = world(chain((0, ""), (1, "")), &[24, 24, 24]);
    let plain = run(&world);
    let mut assumed = world.clone();
    for name in ["stage-a", "stage-b"] {
        let assumption = Assumption {
            publisher: index(&world.inventory, name),
            commit: CommitSha::parse(&commit('3')).unwrap(),
            success: true,
        };
        assumed.assume(&assumption, at(FROM));
    }
    let after = run(&assumed);
    assert_eq!(
        lines(&world, &after),
        ["20 10:00 canary 1 -> 3", "20 10:00 production 0 -> 1", "21 10:00 production 1 -> 3"]
    );
    let difference = compare(&plain, &after);
    assert_eq!(difference.changes, [Change::New, Change::Same, Change::New]);
    assert_eq!(difference.gone.len(), 2, "nobody gets 2 any more: {:?}", difference.gone);
}

#[test]
fn one_of_two_publishers_is_not_enough_and_a_failure_blocks() {
    let world = world(chain((0, ""), (0, "")), &[24, 24, 24]);
    let assume = |success| {
        let mut assumed = world.clone();
        let publisher = index(&world.inventory, "stage-a");
        let commit = CommitSha::parse(&commit(if success { '3' } else { '2' })).unwrap();
        assumed.assume(&Assumption { publisher, commit, success }, at(FROM));
        run(&assumed)
    };
    let canary = index(&world.inventory, "canary");
    for (success, gate) in [(true, "same_ref"), (false, "deployment")] {
        let forecast = assume(success);
        assert!(forecast.moves.iter().all(|step| step.target != canary), "{forecast:?}");
        let stay = forecast.stays.iter().find(|stay| stay.target == canary).unwrap();
        assert_eq!(stay.held_by.unwrap().as_str(), gate);
    }
}

#[test]
fn rejections_are_respected() {
    let world = world(chain((0, ""), (0, "")), &[24, 24, 24]);
    let canary = index(&world.inventory, "canary");
    let stop = |digit: Option<char>| {
        let commit = digit.map(|digit| CommitSha::parse(&commit(digit)).unwrap());
        let stops = Stops::from([(canary, Stop { commit, reason: "closed".to_owned() })]);
        forecast(world.clone(), at(FROM), &stops, Limits::default())
    };
    for digit in [None, Some('2')] {
        let forecast = stop(digit);
        assert_eq!(lines(&world, &forecast), ["20 10:00 production 0 -> 1"]);
        assert_eq!(forecast.stays[0].reason, "closed");
    }
    assert_eq!(lines(&world, &stop(Some('7'))).len(), 3, "another commit is not concerned");
}

#[test]
fn a_promotion_cycle_ends() {
    // Each follows the other, with different commits: they swap forever.
    let targets = vec![spec("a", '1', &["a"], &["b"]), spec("b", '2', &["b"], &["a"])];
    let world = world(targets, &[1, 1]);
    let limits = Limits { rounds: 20, ..Limits::default() };
    let forecast = forecast(world, at(FROM), &Stops::new(), limits);
    assert!(forecast.cut_short);
    assert_eq!(forecast.moves.len(), 40);
}

const SCHEDULES: [&str; 6] =
    ["", "* * * * *", "0 8 * * mon-fri", "*/30 22-4 * * *", "0 12 8-14 * 5", "0 0 30 2 *"];

fn waits() -> impl Strategy<Value = (u64, &'static str)> {
    (0_u64..5, prop::sample::select(&SCHEDULES[..]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_forecast_equals_a_simulation_by_clock(
        canary in waits(),
        production in waits(),
        hours in prop::collection::vec(-30_i64..120, 3),
    ) {
        let world = world(chain(canary, production), &hours);
        let limits = Limits { horizon: TimeDelta::days(8), ..Limits::default() };
        let forecast = forecast(world.clone(), at(FROM), &Stops::new(), limits);
        let moves: Vec<_> =
            forecast.moves.iter().map(|step| (step.at, step.target, step.to.clone())).collect();
        prop_assert_eq!(moves, wound_on(world, forecast.until));
    }

    #[test]
    fn uneditable_targets_are_never_promoted_and_block_followers(
        canary in waits(),
        refused in prop::collection::btree_set(2_usize..4, 0..3),
    ) {
        let specs = BTreeMap::from([("shop".to_owned(), chain(canary, (0, "")))]);
        let (_, inventory) = read(&specs);
        let mut snapshot = Snapshot::new(at(FROM));
        for index in inventory.targets.indexes().take(3) {
            deploy(&inventory, &mut snapshot, index, at(FROM) - TimeDelta::hours(12));
        }
        let index = |position| inventory.targets.indexes().nth(position).unwrap();
        let refused: BTreeSet<_> = refused.into_iter().map(index).collect();
        let edits = Refused(refused.clone());
        let mut world = World::new(&inventory, &snapshot, &edits);
        let forecast = run(&world);
        for step in &forecast.moves {
            prop_assert!(!refused.contains(&step.target), "{:?}", forecast);
        }
        if refused.contains(&index(2)) {
            prop_assert!(forecast.moves.iter().all(|step| step.to != commit('2')));
        }
        for (index, decision) in &world.decide(forecast.until).subscribers {
            let promotes = decision.outcome() == Outcome::Promote;
            prop_assert!(!promotes || !refused.contains(index), "{:?}", decision);
        }
    }

    #[test]
    fn a_forecast_is_right_to_the_second(
        production in waits(),
        seconds in -200_000_i64..400_000,
    ) {
        let mut targets = chain((0, ""), production);
        targets.remove(1);
        targets[1].git_ref = commit('2');
        let (_, inventory) = read(&BTreeMap::from([("shop".to_owned(), targets)]));
        let mut snapshot = Snapshot::new(at(FROM));
        let ago = [TimeDelta::days(9), TimeDelta::seconds(seconds)];
        for (index, ago) in inventory.targets.indexes().zip(ago) {
            deploy(&inventory, &mut snapshot, index, at(FROM) - ago);
        }
        let mut world = World::new(&inventory, &snapshot, &AnyEdit);
        let forecast = run(&world);
        let own = index(&inventory, "production");
        let now = world.decide(at(FROM)).subscribers.remove(&own).unwrap();
        let Some(step) = forecast.moves.first() else {
            prop_assert_eq!(now.outcome(), Outcome::Hold);
            prop_assert!(forecast.stays.iter().any(|stay| stay.target == own));
            return Ok(());
        };
        for gate in now.gates.iter() {
            prop_assert!(gate.next_possible_at.is_none_or(|next| next <= step.at), "{:?}", gate);
        }
        prop_assert_eq!(world.decide(step.at).subscribers[&own].outcome(), Outcome::Promote);
        if step.at > at(FROM) {
            let before = step.at - TimeDelta::seconds(1);
            prop_assert_eq!(world.decide(before).subscribers[&own].outcome(), Outcome::Hold);
        }
    }
}
