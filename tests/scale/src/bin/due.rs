//! `sapm plan` where many targets of few files are due, against the bounds of `docs/performance.md`; started by
//! `scripts/bench-due`. No network: the facts are a snapshot.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use scale::{Due, wait};

/// Benchmark of many due targets in few files.
#[derive(Parser)]
struct Args {
    /// The program to measure.
    #[arg(long, default_value = "target/release/sapm")]
    sapm: PathBuf,
    /// Runs of each; the fastest is shown.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds after which a run is ended.
    #[arg(long, default_value_t = 150)]
    limit: u64,
    /// `FILESxTARGETS[xBYTES]`, several with commas; all cases with a bound if it is not given.
    #[arg(long, value_delimiter = ',')]
    case: Vec<String>,
}

/// A case and what it may take.
struct Case {
    due: Due,
    seconds: Option<u64>,
    megabytes: Option<u64>,
}

fn bounded() -> Vec<Case> {
    [
        (1, 1_000, 0, 2, Some(200)),
        (1, 2_000, 0, 4, None),
        (1, 50, 4 << 20, 5, None),
        (500, 100, 0, 40, Some(1_000)),
    ]
    .map(|(files, targets, bytes, seconds, megabytes)| Case {
        due: Due { files, targets, bytes },
        seconds: Some(seconds),
        megabytes,
    })
    .into()
}

fn parse(case: &str) -> Case {
    let numbers: Vec<usize> = case.split('x').map(|number| number.parse().unwrap()).collect();
    let due = Due { files: numbers[0], targets: numbers[1], bytes: *numbers.get(2).unwrap_or(&0) };
    Case { due, seconds: None, megabytes: None }
}

fn main() {
    let args = Args::parse();
    let cases = match args.case.as_slice() {
        [] => bounded(),
        cases => cases.iter().map(|case| parse(case)).collect(),
    };
    println!("| files | due in each | bytes of each | wall s | CPU s | most memory, MB | bound |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | --- |");
    for case in cases {
        let folder = tempfile::tempdir().unwrap();
        let bytes = write(&case.due, folder.path());
        let runs = (0..args.runs).map(|_| run(&args, folder.path()));
        let best = runs.min_by_key(|ran| ran.as_ref().map_or(Duration::MAX, |ran| ran.0));
        let bound =
            [case.seconds.map(|s| format!("{s} s")), case.megabytes.map(|mb| format!("{mb} MB"))];
        let bound: Vec<String> = bound.into_iter().flatten().collect();
        let figures = match best.flatten() {
            Some((wall, cpu, peak)) => format!(
                "{:.2} | {:.2} | {:.0}",
                wall.as_secs_f64(),
                cpu.as_secs_f64(),
                peak as f64 / 1e6
            ),
            None => format!("ended after {} | | ", args.limit),
        };
        println!(
            "| {} | {} | {bytes} | {figures} | {} |",
            case.due.files,
            case.due.targets,
            bound.join(", ")
        );
    }
}

/// Writes the repo and the snapshot; gives the size of a saas file.
fn write(due: &Due, folder: &Path) -> usize {
    let mut bytes = 0;
    for (path, text) in due.files() {
        if path == "data/saas/0.yml" {
            bytes = text.len();
        }
        let path = folder.join("repo").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::write(folder.join("snapshot.json"), due.snapshot().to_string()).unwrap();
    bytes
}

/// Time, processor time and most memory of a run; `None` if it had to be ended.
fn run(args: &Args, folder: &Path) -> Option<(Duration, Duration, u64)> {
    let started = Instant::now();
    let child = Command::new("timeout")
        .arg(args.limit.to_string())
        .arg(&args.sapm)
        .arg("plan")
        .arg("--app-interface")
        .arg(folder.join("repo"))
        .arg("--snapshot")
        .arg(folder.join("snapshot.json"))
        .arg("--report-dir")
        .arg(folder.join("report"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    // `timeout` waits for the program, so its figures are those of its children.
    let (status, cpu, peak) = wait(child);
    let wall = started.elapsed();
    match libc::WEXITSTATUS(status) {
        124 => None,
        0 => Some((wall, cpu, peak)),
        other => panic!("sapm ended with {other}"),
    }
}
