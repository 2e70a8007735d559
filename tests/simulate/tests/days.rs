//! Days with fixed seeds.

use simulate::{Load, Outcome, Policy, Queue, quantile, simulate};

const SERIAL: Queue = Queue::Serial { rebases: 2 };

fn policy(name: &str) -> Policy {
    Policy::all().into_iter().find(|policy| policy.name == name).expect("a policy")
}

fn quiet() -> Load {
    Load { promotions: 20.0, people: 5.0, apps: 6, hours: 4.0, ..Load::default() }
}

fn day(queue: Queue, load: &Load) -> Outcome {
    simulate(&policy("one for each target"), queue, load, 1)
}

#[test]
fn a_day_is_the_same_every_time() {
    assert_eq!(day(SERIAL, &quiet()), day(SERIAL, &quiet()));
}

#[test]
fn everything_good_is_merged_and_takes_a_pipeline_at_least() {
    for queue in [SERIAL, Queue::Train { parallel: 20 }] {
        let load = Load { bad: 0.0, flaky: 0.0, ..quiet() };
        let day = day(queue, &load);
        assert!(day.waits.len() > 10, "{day:?}");
        assert!(day.waits.iter().all(|wait| (4.0..47.0 * 60.0).contains(wait)), "{day:?}");
        assert!(day.pipelines >= day.opened && day.behind_bad == 0, "{day:?}");
    }
}

#[test]
fn more_load_takes_longer_and_a_train_is_faster_than_a_serial_queue() {
    let median = |queue, promotions| {
        let load = Load { promotions, ..quiet() };
        quantile(&day(queue, &load).waits, 0.5)
    };
    assert!(median(SERIAL, 10.0) < median(SERIAL, 60.0));
    assert!(median(Queue::Train { parallel: 20 }, 60.0) < median(SERIAL, 60.0));
}

/// Each waits less than the one after it, in the median at the calibrated load.
const ORDER: [&str; 3] = ["batches of 10", "batches of 10 by app", "one for each target"];

#[test]
fn policies_keep_their_order() {
    // As busy as the usual day, for half of it.
    let usual = Load::default();
    let (promotions, people) = (usual.promotions / 2.0, usual.people / 2.0);
    let load = Load { promotions, people, hours: usual.hours / 2.0, ..usual };
    let medians = ORDER.map(|name| {
        let waits = |seed| simulate(&policy(name), SERIAL, &load, seed).waits;
        quantile(&(1..=2).flat_map(waits).collect::<Vec<_>>(), 0.5)
    });
    assert!(medians.is_sorted_by(|less, more| less < more), "{ORDER:?}: {medians:?}");
}
