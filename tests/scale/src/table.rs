//! The result as tables that can stand in a Markdown file.

use crate::Scenario;
use crate::floor::Floor;
use crate::run::Ran;

/// What the fastest of some runs took, beside the floor, and the times of all. `runs` begin with the fastest.
pub fn print(scenario: Scenario, latency: u64, runs: &[Ran], floor: &Floor) {
    let best = &runs[0];
    println!("\n### {}, {latency} ms\n", format!("{scenario:?}").to_lowercase());
    println!("| stage | wall s | floor s | ratio | CPU s | its floor | most memory so far, MB |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let row = |name: &str, wall: f64, floor: Option<f64>, cpu: f64, reading: &str, peak: f64| {
        let (floor, ratio) = beside(wall, floor);
        let peak = peak / 1e6;
        println!("| {name} | {wall:.2} | {floor} | {ratio} | {cpu:.2} | {reading} | {peak:.0} |");
    };
    let reading = format!("{:.2}", floor.reading);
    let (mut wall, mut cpu) = (0.0, 0.0);
    for (name, stage) in &best.stages {
        let least = floor.stages.iter().find(|(stage, _)| stage == name).map(|(_, floor)| *floor);
        let reading = if name == "load" { reading.as_str() } else { "" };
        row(name, stage.wall, least, stage.cpu, reading, stage.peak);
        wall += stage.wall;
        cpu += stage.cpu;
    }
    let (total, used) = (best.wall.as_secs_f64(), best.cpu.as_secs_f64());
    row("start, end", total - wall, None, used - cpu, "", best.peak as f64);
    row("whole", total, Some(floor.total), used, &reading, best.peak as f64);
    println!("\n| requests | sent | floor | bytes of the answers |");
    println!("| --- | ---: | ---: | ---: |");
    for (kind, (sent, bytes)) in &best.traffic {
        let least = floor.requests.iter().find(|(name, _)| name == kind);
        let least = least.map(|(_, least)| least.to_string()).unwrap_or_default();
        println!("| {kind} | {sent} | {least} | {bytes} |");
    }
    let (seen, parsed) = best.datafiles;
    let first = best.first_mr.as_secs_f64() * 1e3;
    println!("\nDatafiles: {seen} seen, {parsed} parsed. First request after {first:.0} ms.");
    let all = |of: fn(&Ran) -> f64| {
        runs.iter().map(|ran| format!("{:.2}", of(ran))).collect::<Vec<_>>().join(", ")
    };
    let (walls, cpus) = (all(|ran| ran.wall.as_secs_f64()), all(|ran| ran.cpu.as_secs_f64()));
    println!("All runs: wall {walls} s; CPU {cpus} s.");
}

/// How a larger estate compares with the first one, which is `factor` times smaller.
pub fn compare(small: &Ran, large: &Ran, factor: f64) {
    let wall = large.wall.as_secs_f64() / small.wall.as_secs_f64();
    let cpu = large.cpu.as_secs_f64() / small.cpu.as_secs_f64();
    let peak = large.peak as f64 / small.peak as f64;
    println!(
        "Of {factor} times the size: {wall:.1} times the wall time, {cpu:.1} times the CPU, {peak:.1} times the memory."
    );
}

fn beside(wall: f64, floor: Option<f64>) -> (String, String) {
    match floor {
        Some(floor) if floor > 0.0 => (format!("{floor:.2}"), format!("{:.2}", wall / floor)),
        _ => (String::new(), String::new()),
    }
}
