//! The result as a table that can stand in a Markdown file.

use std::time::Duration;

use crate::floor::Floor;
use crate::run::Ran;

pub fn print(scenario: &str, latency: u64, best: &Ran, all: &[Ran], floor: &Floor) {
    println!("\n### {scenario}, {latency} ms\n");
    println!("| stage | wall s | floor s | ratio | CPU s | peak MB |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    let row = |name: &str, wall: f64, floor: Option<f64>, cpu: f64, peak: f64| {
        let (floor, ratio) = match floor {
            Some(floor) if floor > 0.0 => (format!("{floor:.2}"), format!("{:.2}", wall / floor)),
            _ => (String::new(), String::new()),
        };
        println!("| {name} | {wall:.2} | {floor} | {ratio} | {cpu:.2} | {:.0} |", peak / 1e6);
    };
    let (mut wall, mut cpu) = (0.0, 0.0);
    for (name, stage) in &best.stages {
        let floor =
            floor.stages.iter().find(|(stage, _)| stage == name).and_then(|(_, floor)| *floor);
        row(name, stage.wall, floor, stage.cpu, stage.peak);
        wall += stage.wall;
        cpu += stage.cpu;
    }
    let total = best.wall.as_secs_f64();
    let peak = best.peak as f64;
    row("start, end", total - wall, None, best.cpu.as_secs_f64() - cpu, peak);
    row("whole", total, Some(floor.total), best.cpu.as_secs_f64(), peak);
    println!();
    let traffic: Vec<String> = best
        .traffic
        .iter()
        .map(|(kind, (requests, bytes))| {
            format!("{kind} {requests} ({:.2} MB)", *bytes as f64 / 1e6)
        })
        .collect();
    println!("Requests (bytes of answers): {}.", traffic.join(", "));
    println!(
        "Datafiles: {} seen, {} parsed. First request after {:.0} ms.",
        best.datafiles.0,
        best.datafiles.1,
        best.first_request.as_secs_f64() * 1e3
    );
    let walls: Vec<String> =
        all.iter().map(|ran| format!("{:.2}", ran.wall.as_secs_f64())).collect();
    let cpus: Vec<String> = all.iter().map(|ran| format!("{:.2}", seconds(ran.cpu))).collect();
    println!("All runs: wall {} s; CPU {} s.", walls.join(", "), cpus.join(", "));
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
