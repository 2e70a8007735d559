//! `parallel: N`: what each node takes, and all of them together.

use std::time::Duration;

use scale::Estate;

use crate::run::Ran;
use crate::{Args, Scenario, runs_in, start};

/// Steady runs of all nodes, for each number of nodes, in one world. They run one after the other, so that none takes
/// another's processor, and share the cache folder, as jobs with one cache key do.
pub fn measure(args: &Args, estate: &Estate, latency: u64) {
    let filled = start(estate);
    let folder = tempfile::tempdir().unwrap();
    let mut run = runs_in(args, &filled, folder.path());
    run.go();
    filled.forge.settle();
    run.go();
    filled.forge.set_latency(Duration::from_millis(latency));
    println!("\n### nodes, {:?}, {latency} ms\n", Scenario::Steady);
    println!(
        "| nodes | slowest, s | CPU of each, s | of all | most memory of each, MB | requests of each | of all |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for &total in &args.nodes {
        let nodes: Vec<Ran> = (1..=total)
            .map(|index| {
                run.node = Some((index, total));
                run.go()
            })
            .collect();
        print(&nodes);
    }
    filled.forge.assert_no_unknown_routes();
}

/// One line about the nodes, and one about the stages of the slowest.
fn print(nodes: &[Ran]) {
    let slowest = nodes.iter().max_by_key(|ran| ran.wall).expect("at least one node");
    let cpu = |ran: &Ran| ran.cpu.as_secs_f64();
    let memory = |ran: &Ran| ran.peak as f64 / 1e6;
    let requests = |ran: &Ran| ran.traffic.values().map(|(sent, _)| *sent as f64).sum::<f64>();
    let all = |of: &dyn Fn(&Ran) -> f64| nodes.iter().map(of).sum::<f64>();
    println!(
        "| {} | {:.1} | {} | {:.1} | {} | {} | {} |",
        nodes.len(),
        slowest.wall.as_secs_f64(),
        range(nodes, &cpu, 1),
        all(&cpu),
        range(nodes, &memory, 0),
        range(nodes, &requests, 0),
        all(&requests),
    );
    let stages = slowest.stages.iter().map(|(name, stage)| format!("{name} {:.1}", stage.wall));
    eprintln!("{} nodes, the slowest: {} s", nodes.len(), stages.collect::<Vec<_>>().join(", "));
    let kinds = |ran: &Ran| {
        let kinds = ran.traffic.iter().map(|(kind, (sent, _))| format!("{kind} {sent}"));
        kinds.collect::<Vec<_>>().join(", ")
    };
    eprintln!(
        "requests of the first: {}; of the last: {}",
        kinds(&nodes[0]),
        kinds(&nodes[nodes.len() - 1])
    );
}

/// The least and the most.
fn range(nodes: &[Ran], of: &dyn Fn(&Ran) -> f64, digits: usize) -> String {
    let values = nodes.iter().map(of);
    let (least, most) = values
        .fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)));
    if nodes.len() == 1 {
        format!("{most:.digits$}")
    } else {
        format!("{least:.digits$} to {most:.digits$}")
    }
}
