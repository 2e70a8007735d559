//! Finds subscribers that follow each other in a cycle: no new commit can enter it, and two targets with
//! different commits swap them forever. (`self_subscription` covers cycles of one.)

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::{Repo, place_below, subscription};
use crate::domain::{Problem, ProblemCode};
use crate::inventory::{Inventory, TargetIx};

/// Maximum members of a cycle that the message lists.
const SHOWN: usize = 12;

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    let graph = Graph::build(repo.inventory);
    let mut covered = BTreeSet::new();
    for &start in graph.on_or_between_circles().iter() {
        if covered.contains(&start) {
            continue;
        }
        let Some(circle) = graph.shortest_circle(start) else { continue };
        covered.extend(circle.iter().copied());
        problems.push(report_cycle(repo, &graph, &circle));
    }
}

/// The cycle in promotion order: the next target follows each target, the first follows the last.
fn report_cycle(repo: &Repo<'_>, graph: &Graph, circle: &[TargetIx]) -> Problem {
    let targets = &repo.inventory.targets;
    let labels: Vec<String> =
        circle.iter().take(SHOWN).map(|&index| targets[index].label()).collect();
    let more = match circle.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" -> {more} more"),
    };
    let message = format!(
        "targets promote each other in a cycle: {}{more} -> {}",
        labels.join(" -> "),
        labels[0]
    );
    let mut problem = Problem::new(ProblemCode::PromotionCycle, message);
    let spot = |from: TargetIx, to: TargetIx| {
        let channel = graph.channel(repo.inventory, from, to);
        (channel.clone(), subscription(repo.bundle, &targets[to], &channel))
    };
    for pair in circle.windows(2).take(SHOWN - 1) {
        let (channel, below) = spot(pair[0], pair[1]);
        let note = format!("{} follows it by channel {channel}", targets[pair[1]].label());
        let place = &targets[pair[1]].declared_at;
        problem = problem.related(note, &place.file, place.below(&below));
    }
    let (last, first) = (circle[circle.len() - 1], circle[0]);
    place_below(problem, &targets[first], &spot(last, first).1)
}

/// Targets and their subscribers, joined by channels.
struct Graph {
    /// Subscribers of each target, except itself.
    followers: BTreeMap<TargetIx, BTreeSet<TargetIx>>,
}

impl Graph {
    fn build(inventory: &Inventory) -> Self {
        let publishing = |index: TargetIx| !inventory.targets[index].promotion.publish.is_empty();
        // Only subscribers that publish can be part of a cycle.
        let members: BTreeSet<TargetIx> =
            inventory.subscribers.iter().copied().filter(|&index| publishing(index)).collect();
        let mut followers: BTreeMap<TargetIx, BTreeSet<TargetIx>> = BTreeMap::new();
        for &to in &members {
            for channel in &inventory.targets[to].promotion.subscribe {
                for (from, _) in inventory.publishers_of(channel) {
                    if from != to && members.contains(&from) {
                        followers.entry(from).or_default().insert(to);
                    }
                }
            }
        }
        Self { followers }
    }

    /// The targets that remain after repeatedly removing those without a publisher or a subscriber in
    /// the graph: targets on a cycle or on a path between two.
    fn on_or_between_circles(&self) -> BTreeSet<TargetIx> {
        let forward = &self.followers;
        let mut backward: BTreeMap<TargetIx, BTreeSet<TargetIx>> = BTreeMap::new();
        for (&from, tos) in forward {
            for &to in tos {
                backward.entry(to).or_default().insert(from);
            }
        }
        let mut left: BTreeSet<TargetIx> = forward.keys().chain(backward.keys()).copied().collect();
        for (edges, back) in [(forward, &backward), (&backward, forward)] {
            let mut degree: BTreeMap<TargetIx, usize> = left
                .iter()
                .map(|index| {
                    let from = back.get(index).into_iter().flatten();
                    (*index, from.filter(|from| left.contains(from)).count())
                })
                .collect();
            let mut free: Vec<TargetIx> = degree
                .iter()
                .filter(|(_, degree)| **degree == 0)
                .map(|(&index, _)| index)
                .collect();
            while let Some(index) = free.pop() {
                left.remove(&index);
                for to in edges.get(&index).into_iter().flatten() {
                    if let Some(degree) = degree.get_mut(to).filter(|degree| **degree > 0) {
                        *degree -= 1;
                        if *degree == 0 {
                            free.push(*to);
                        }
                    }
                }
            }
        }
        left
    }

    /// The shortest path from a target back to itself, by breadth-first search.
    fn shortest_circle(&self, start: TargetIx) -> Option<Vec<TargetIx>> {
        let mut came_from: BTreeMap<TargetIx, TargetIx> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            for &next in self.followers.get(&at).into_iter().flatten() {
                if next == start {
                    let mut way = vec![at];
                    while way[way.len() - 1] != start {
                        way.push(came_from[&way[way.len() - 1]]);
                    }
                    way.reverse();
                    return Some(way);
                }
                came_from.entry(next).or_insert_with(|| {
                    queue.push_back(next);
                    at
                });
            }
        }
        None
    }

    /// The first channel through which one target follows another.
    fn channel(&self, inventory: &Inventory, from: TargetIx, to: TargetIx) -> String {
        let publishes =
            |channel: &&String| inventory.targets[from].promotion.publish.contains(channel);
        let channel = inventory.targets[to].promotion.subscribe.iter().find(publishes);
        channel.cloned().unwrap_or_default()
    }
}
