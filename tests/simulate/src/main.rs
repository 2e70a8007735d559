//! Prints what promotions and people wait for, for each policy. See `docs/merge-queues.md`; started by `scripts/simulate`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use simulate::{Load, Outcome, Policy, Queue, Range, quantile, simulate};

/// Simulates days of a merge queue.
#[derive(Parser)]
struct Args {
    /// Days of each policy, each with its own seed, from 1 on.
    #[arg(long, default_value_t = 16)]
    seeds: u64,
    /// Promotions that become due in a day; several with commas.
    #[arg(long, value_delimiter = ',', default_value = "120")]
    promotions: Vec<f64>,
    /// Per cent of them that are bad; several with commas.
    #[arg(long, value_delimiter = ',', default_value = "2")]
    bad: Vec<f64>,
    /// Merge requests of people in a day.
    #[arg(long, default_value_t = Load::default().people)]
    people: f64,
    /// What merges; several with commas.
    #[arg(long, value_delimiter = ',', default_value = "serial")]
    queue: Vec<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// One after the other: rebase, pipeline, merge. Two are rebased in a round.
    Serial,
    /// A merge train of 20.
    Train,
}

fn main() {
    let args = Args::parse();
    let started = Instant::now();
    for &kind in &args.queue {
        for &promotions in &args.promotions {
            for &bad in &args.bad {
                let load =
                    Load { promotions, bad: bad / 100.0, people: args.people, ..Load::default() };
                table(kind, &load, args.seeds);
            }
        }
    }
    eprintln!("done in {:.0?}", started.elapsed());
}

fn table(kind: Kind, load: &Load, seeds: u64) {
    let queue = match kind {
        Kind::Serial => Queue::Serial { rebases: 2 },
        Kind::Train => Queue::Train { parallel: 20 },
    };
    println!(
        "\n## {} promotions a day, {} % bad, {} of people, {}\n",
        load.promotions,
        load.bad * 100.0,
        load.people,
        match kind {
            Kind::Serial => "a serial queue",
            Kind::Train => "a merge train",
        }
    );
    println!(
        "| policy | median | p95 | max | bot pipelines per promotion | requests opened | once behind a bad one, % | \
         people with `lgtm`, p95 | merges an hour |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for policy in Policy::all() {
        let days = days(&policy, queue, load, seeds);
        let range = |of: &dyn Fn(&Outcome) -> f64| {
            Range::of(&days.iter().map(of).collect::<Vec<_>>()).to_string()
        };
        let cells = [
            range(&|day| quantile(&day.waits, 0.5)),
            range(&|day| quantile(&day.waits, 0.95)),
            range(&|day| quantile(&day.waits, 1.0)),
            range(&|day| day.pipelines as f64 / day.waits.len() as f64),
            range(&|day| day.opened as f64),
            range(&|day| 100.0 * day.behind_bad as f64 / day.waits.len() as f64),
            range(&|day| quantile(&day.people, 0.95)),
            range(&|day| 60.0 / Range::of(&day.gaps).mean),
        ];
        println!("| {} | {} |", policy.name, cells.join(" | "));
    }
}

/// The days with these seeds, on all cores, in the order of the seeds.
fn days(policy: &Policy, queue: Queue, load: &Load, seeds: u64) -> Vec<Outcome> {
    let next = AtomicU64::new(1);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > seeds {
                return done;
            }
            done.push((seed, simulate(policy, queue, load, seed)));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut done: Vec<(u64, Outcome)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a whole day")).collect()
    });
    done.sort_by_key(|(seed, _)| *seed);
    done.into_iter().map(|(_, day)| day).collect()
}
