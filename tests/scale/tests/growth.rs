//! The cost of each stage that needs no network, in numbers that other load on the machine does not change:
//! allocations, and instructions if valgrind is installed (`SAPM_REQUIRE_VALGRIND` makes its absence a failure).
//!
//! A stage may cost a tenth more than recorded here, and not much more than twice as much for twice the estate.
//! If a change makes it cheaper, or more expensive for a reason, record the numbers that the failed test prints, or
//! `cargo test -p scale --test growth -- --nocapture`.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::process::Command;

/// Saas files of the smaller estate; the larger one has twice as many.
const SERVICES: u64 = 40;

const STAGES: [&str; 8] =
    ["load", "load_known", "inventory", "decide", "plan", "report", "render", "branches"];

/// Allocations at [`SERVICES`].
const ALLOCATIONS: [(&str, u64); 8] = [
    ("load", 33_454),
    ("load_known", 25_861),
    ("inventory", 9_714),
    ("decide", 8_571),
    ("plan", 8_948),
    ("report", 5_792),
    ("render", 29_780),
    ("branches", 322),
];

/// Thousands of instructions of an unoptimised build at [`SERVICES`].
const INSTRUCTIONS: [(&str, u64); 8] = [
    ("load", 182_627),
    ("load_known", 134_457),
    ("inventory", 24_586),
    ("decide", 27_031),
    ("plan", 36_692),
    ("report", 5_616),
    ("render", 406_100),
    ("branches", 11_986),
];

type Costs = BTreeMap<String, u64>;

/// The costs as printed by `count`.
fn allocations(services: u64) -> Costs {
    let output = Command::new(env!("CARGO_BIN_EXE_count")).arg(services.to_string()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let costs = text.lines().map(|line| line.split_once(' ').unwrap());
    costs.map(|(stage, count)| (stage.to_owned(), count.parse().unwrap())).collect()
}

/// The costs as counted by callgrind, on one processor: otherwise another thread parses some of the files.
fn instructions(services: u64) -> Costs {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out");
    let output = Command::new("taskset")
        .args(["--cpu-list", &a_processor(), "valgrind", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(env!("CARGO_BIN_EXE_count"))
        .arg(services.to_string())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let calls = calls(&std::fs::read_to_string(file).unwrap());
    let cost = |stage: &&str| {
        let function = match *stage {
            // What the stage calls runs on another thread: the comparison of folders counts, which is most of it.
            "branches" => "sapm::clients::git::folders::find_differences".to_owned(),
            stage => format!("count::stage_{stage}"),
        };
        ((*stage).to_owned(), calls[&function] / 1_000)
    };
    STAGES.iter().map(cost).collect()
}

/// A processor that this process may use.
fn a_processor() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    list.trim().split([',', '-']).next().unwrap().to_owned()
}

/// What the calls of each function cost, in a file of callgrind: a line with its name, which stands there in full once
/// and as a number later, one with the number of calls, and one with a position and the cost.
fn calls(text: &str) -> Costs {
    let (mut names, mut calls) = (BTreeMap::new(), Costs::new());
    let mut called = "";
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let function = line.strip_prefix("cfn=").or_else(|| line.strip_prefix("fn="));
        if let Some((number, name)) = function.map(|f| f.split_once(' ').unwrap_or((f, ""))) {
            let name = if name.is_empty() { names[number] } else { name };
            names.insert(number, name);
            called = name;
        } else if line.starts_with("calls=") {
            let cost = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap();
            *calls.entry(called.to_owned()).or_default() += cost.parse::<u64>().unwrap();
        }
    }
    calls
}

fn assert_costs(what: &str, recorded: &[(&str, u64)], count: fn(u64) -> Costs) {
    let (once, twice) = (count(SERVICES), count(2 * SERVICES));
    println!("{what} at {SERVICES}: {once:?}, at {}: {twice:?}", 2 * SERVICES);
    for (stage, most) in recorded {
        let (once, twice) = (once[*stage], twice[*stage]);
        assert!(once <= most + most / 10, "{stage}: {once} {what}, recorded are {most}");
        let growth = twice as f64 / once as f64;
        assert!(growth < 2.5, "{stage}: {growth:.2} times the {what} for twice the estate");
    }
}

#[test]
fn allocations_grow_with_the_estate_and_are_no_more_than_recorded() {
    assert_costs("allocations", &ALLOCATIONS, allocations);
}

#[test]
fn instructions_grow_with_the_estate_and_are_no_more_than_recorded() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        assert!(std::env::var_os("SAPM_REQUIRE_VALGRIND").is_none(), "valgrind is not installed");
        println!("skipped: valgrind is not installed");
        return;
    }
    assert_costs("thousand instructions", &INSTRUCTIONS, instructions);
}
