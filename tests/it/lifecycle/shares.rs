//! Nodes that share the work, in random worlds: together they come to what one
//! run comes to, and every branch has exactly one of them.

use std::sync::Arc;

use fastrand::Rng;
use forge::Checkpoint;
use sapm::domain::Shard;

use super::driver::Run;
use super::lab::{Lab, block_on, story};
use super::moves::{self, Commits};
use super::people::Scene;
use super::sweep::{differences, seen};
use sapm::inventory::TargetIx;

const WORLDS: u64 = 12;
const STEPS: usize = 6;

/// A run of every node, in a random order.
async fn nodes(lab: &Lab, rng: &mut Rng, total: u32) -> Vec<String> {
    let mut order: Vec<u32> = (1..=total).collect();
    rng.shuffle(&mut order);
    let mut told = Vec::new();
    for index in order {
        lab.bot.settings.borrow_mut().filter.share = Some(Shard::new(index, total).unwrap());
        let run = lab.run().await;
        told.extend(story(&run).into_iter().map(|line| format!("node {index}: {line}")));
    }
    lab.bot.settings.borrow_mut().filter.share = None;
    told
}

/// What each request comes to, and which branches are deleted.
fn actions(run: &Run) -> Vec<String> {
    let merge_requests = run.plan.merge_requests.iter();
    let merge_requests =
        merge_requests.map(|r| format!("{} {:?} {:?}", r.branch, r.action, r.reason_code));
    merge_requests.chain(run.plan.leftovers.iter().map(|step| format!("{step:?}"))).collect()
}

/// From one state, every merge request and branch is one node's, which does with it what one run would do.
async fn each_has_one_node(lab: &Lab, total: u32, before: &Checkpoint) -> Result<(), String> {
    let mut together = Vec::new();
    for index in 1..=total {
        lab.bot.project.restore(before);
        lab.bot.settings.borrow_mut().filter.share = Some(Shard::new(index, total).unwrap());
        together.extend(actions(&lab.run().await));
    }
    lab.bot.settings.borrow_mut().filter.share = None;
    lab.bot.project.restore(before);
    let mut alone = actions(&lab.run().await);
    lab.bot.project.restore(before);
    together.sort();
    alone.sort();
    if together == alone { Ok(()) } else { Err(format!("{together:#?} instead of {alone:#?}")) }
}

/// The subscribers of all nodes are all subscribers, each once, and a place is one node's.
fn is_partition(lab: &Lab, total: u32) {
    let loaded = lab.bot.loaded(&lab.bot.main());
    let inventory = &loaded.inventory;
    let shares: Vec<Shard> = (1..=total).map(|index| Shard::new(index, total).unwrap()).collect();
    let node = |subscriber: TargetIx| {
        let file = &inventory.targets[subscriber].declared_at.file;
        let nodes: Vec<_> = shares.iter().filter(|share| share.has(file)).collect();
        assert_eq!(nodes.len(), 1, "{file} of {total}");
        nodes[0].index()
    };
    for site in inventory.sites.values() {
        let first = node(site.members[0]);
        assert!(site.members.iter().all(|&member| node(member) == first));
    }
    assert!(inventory.subscribers.iter().all(|&subscriber| node(subscriber) <= total));
}

async fn world(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let lab = Lab::new(moves::world(&mut rng));
    lab.bot.settings.borrow_mut().max_new_merge_requests = 100;
    let scene = Scene {
        world: lab.bot.forge.world(),
        project: lab.bot.project.clone(),
        bot: lab.bot.id,
        persons: Default::default(),
        honest: Default::default(),
    };
    let scene = Arc::new(scene);
    let mut commits = Commits(0);
    let mut told = lab.config.borrow().lines();
    for _ in 0..STEPS {
        for _ in 0..3 {
            told.push(moves::facts(&lab, &mut rng, &mut commits));
        }
        told.push(moves::rewrite(&lab, &mut rng));
        let deed = moves::deed(&scene, &mut rng);
        told.push(format!("{deed:?}"));
        deed.act(&scene);
        let total = rng.u32(2..=7);
        (1..=7).for_each(|total| is_partition(&lab, total));
        let before = lab.bot.project.checkpoint();
        if let Err(difference) = each_has_one_node(&lab, total, &before).await {
            panic!("seed {seed}, {total} nodes: {difference}\n{told:#?}");
        }
        let mut runs = nodes(&lab, &mut rng, total).await;
        // What one node closed may have stood in another's way.
        runs.extend(nodes(&lab, &mut rng, total).await);
        let shared = seen(&lab);
        lab.bot.project.restore(&before);
        for _ in 0..2 {
            runs.extend(story(&lab.run().await));
        }
        let whole = seen(&lab);
        let different = differences(&whole, &shared);
        assert!(
            different.is_empty(),
            "seed {seed}, {total} nodes: {different:#?}\n{told:#?}\n{runs:#?}"
        );
    }
}

#[test]
fn nodes_come_to_what_one_run_comes_to() {
    for seed in 0..WORLDS {
        block_on(world(seed));
    }
}
