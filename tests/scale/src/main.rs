//! Runs `sapm` against the fakes, and compares each run's cost to its floor. See
//! `docs/performance.md`; started by `scripts/bench`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod floor;
mod nodes;
mod run;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::Utc;
use clap::{Parser, ValueEnum};
use forge::Forge;
use scale::{Estate, Filled, Size};

use floor::{Floor, Speeds};
use run::{Ran, Run};

/// Benchmark of whole runs.
#[derive(Parser)]
struct Args {
    /// The program to measure.
    #[arg(long, default_value = "target/release/sapm")]
    sapm: PathBuf,
    /// Size: 1 is 1,000 saas files, 6,000 targets, 10,000 files; several with commas.
    #[arg(long, value_delimiter = ',', default_value = "1")]
    size: Vec<usize>,
    /// Delay of each response of the fakes, in milliseconds; several with commas.
    #[arg(long, value_delimiter = ',', default_value = "0,30")]
    latency: Vec<u64>,
    /// Scenarios; several with commas.
    #[arg(long, value_delimiter = ',', default_value = "steady,create,refresh,cold")]
    scenario: Vec<Scenario>,
    /// Runs per scenario; the fastest is shown.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seed of the estate.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Merge requests that are due, opened or updated.
    #[arg(long, default_value_t = 25)]
    due: usize,
    /// `SAPM_CONCURRENCY`, which also determines the floor.
    #[arg(long, default_value_t = 32)]
    concurrency: usize,
    /// More arguments for `sapm apply`, separated by blanks.
    #[arg(long, default_value = "")]
    with: String,
    /// Instead of scenarios: steady runs of the nodes of `parallel: N`, one after the other; several N with commas.
    #[arg(long, value_delimiter = ',', value_name = "N")]
    nodes: Vec<usize>,
    /// Only start the fakes, print the environment for `sapm`, and wait for the end of standard input.
    #[arg(long)]
    serve: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum Scenario {
    /// All merge requests are open and up to date, the clone is in the cache: nothing to do.
    Steady,
    /// Merge requests are due.
    Create,
    /// Open merge requests have to be updated.
    Refresh,
    /// Steady, without a clone in the cache.
    Cold,
}

fn main() {
    let args = Args::parse();
    let started = Instant::now();
    println!("{}", machine());
    let mut smallest: BTreeMap<(u64, Scenario), Ran> = BTreeMap::new();
    for &size in &args.size {
        let estate = Estate::generate(Size::times(size, args.due), args.seed);
        let speeds = Speeds::measure(&estate);
        println!(
            "\n## size {size}\n\n{} saas files, {} files, {:.1} MB, {:.1} MB of them needed. On one thread \
             files are sniffed at {:.0} MB/s, and parsed at {:.1} MB/s.",
            estate.size.services,
            speeds.files,
            speeds.bytes as f64 / 1e6,
            speeds.needed_bytes as f64 / 1e6,
            speeds.sniffed / 1e6,
            speeds.parsed / 1e6,
        );
        if args.serve {
            return serve(&estate);
        }
        for &latency in &args.latency {
            if !args.nodes.is_empty() {
                nodes::measure(&args, &estate, latency);
                continue;
            }
            for &scenario in &args.scenario {
                let mut runs: Vec<Ran> = (0..runs_of(scenario, size, &args))
                    .map(|_| one(&args, &estate, scenario, latency))
                    .collect();
                runs.sort_by_key(|ran| ran.wall);
                let floor = Floor::of(
                    &estate.needs(),
                    &speeds,
                    scenario,
                    (latency, args.due),
                    args.concurrency,
                );
                table::print(scenario, latency, &runs, &floor);
                let best = runs.swap_remove(0);
                match smallest.get(&(latency, scenario)) {
                    Some(small) => table::compare(small, &best, size as f64 / args.size[0] as f64),
                    None => drop(smallest.insert((latency, scenario), best)),
                }
            }
        }
    }
    eprintln!("done in {:.0?}", started.elapsed());
}

/// The arguments of `sapm`: as many merge requests as are due may be opened.
fn with(args: &Args) -> Vec<String> {
    let most = ["--max-new-merge-requests".to_owned(), args.due.to_string()];
    let given = args.with.split_whitespace().map(str::to_owned);
    most.into_iter().chain(given).collect()
}

/// The machine of the measurement.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    format!("{cores} cores, {}; the fakes run on the same machine", model.unwrap_or("unknown"))
}

/// A run that writes needs a new world each time: at ten times the size, once is enough.
fn runs_of(scenario: Scenario, size: usize, args: &Args) -> usize {
    match scenario {
        Scenario::Steady | Scenario::Cold => args.runs,
        Scenario::Create | Scenario::Refresh => args.runs.div_ceil(size),
    }
    .max(1)
}

/// In memory if possible, because the disk is not measured.
fn start(estate: &Estate) -> Filled {
    let builder = Forge::builder();
    let memory = PathBuf::from("/dev/shm");
    let builder = if memory.is_dir() { builder.folder(memory) } else { builder };
    estate.fill(builder.start_blocking(), Utc::now())
}

/// Runs in this world that keep their files in `folder`.
fn runs_in<'a>(args: &'a Args, filled: &'a Filled, folder: &Path) -> Run<'a> {
    Run {
        sapm: &args.sapm,
        filled,
        cache: Some(folder.join("cache")),
        report: folder.join("report"),
        concurrency: args.concurrency,
        with: with(args),
        node: None,
    }
}

/// One measured run in its own world, prepared for the scenario.
fn one(args: &Args, estate: &Estate, scenario: Scenario, latency: u64) -> Ran {
    let filled = start(estate);
    let folder = tempfile::tempdir().unwrap();
    let mut run = runs_in(args, &filled, folder.path());
    if scenario == Scenario::Cold {
        run.cache = None;
    }
    if scenario != Scenario::Create {
        run.go();
        filled.forge.settle();
        run.go();
    } else {
        run.command("plan").go();
    }
    if scenario == Scenario::Refresh {
        filled.move_on(estate);
        // The limit of pipelines per minute (`--pipelines-per-minute`) applies only within a run.
    }
    filled.forge.settle();
    filled.forge.set_latency(Duration::from_millis(latency));
    let ran = run.go();
    filled.forge.assert_no_unknown_routes();
    ran
}

fn serve(estate: &Estate) {
    let filled = start(estate);
    for (key, value) in filled.environment() {
        println!("export {key}={value}");
    }
    println!("# {} bytes; ends with standard input", filled.bytes);
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}
