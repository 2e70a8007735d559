//! Orders the items of each layer to reduce crossings.

use crate::layers::Layered;

/// Number of sweeps back and forth.
const SWEEPS: usize = 12;

/// Orders each layer by the middle of its neighbours, sweep by sweep, and keeps the best order found.
pub(crate) fn reduce_crossings(layered: &mut Layered) {
    by_depth(layered);
    let mut best = (crossings(layered), layered.layers.clone());
    for sweep in 0..SWEEPS {
        if best.0 == 0 {
            break;
        }
        let rightwards = sweep % 2 == 0;
        let mut position = positions(layered);
        let count = layered.layers.len();
        for step in 1..count {
            let at = if rightwards { step } else { count - 1 - step };
            let neighbours = if rightwards { &layered.left } else { &layered.right };
            sort_by_middle(&mut layered.layers[at], neighbours, &mut position);
        }
        let now = crossings(layered);
        if now < best.0 {
            best = (now, layered.layers.clone());
        }
    }
    layered.layers = best.1;
}

/// The initial order: that of a walk over the connected items, so that
/// connected items start near each other.
fn by_depth(layered: &mut Layered) {
    let mut rank = vec![usize::MAX; layered.items.len()];
    let mut next = 0;
    for layer in &layered.layers {
        for &start in layer {
            let mut stack = vec![start];
            while let Some(item) = stack.pop() {
                if rank[item] != usize::MAX {
                    continue;
                }
                rank[item] = next;
                next += 1;
                stack.extend(layered.left[item].iter().rev());
                stack.extend(layered.right[item].iter().rev());
            }
        }
    }
    for layer in &mut layered.layers {
        layer.sort_by_key(|&item| rank[item]);
    }
}

fn positions(layered: &Layered) -> Vec<usize> {
    let mut position = vec![0; layered.items.len()];
    for layer in &layered.layers {
        for (at, &item) in layer.iter().enumerate() {
            position[item] = at;
        }
    }
    position
}

/// Items without neighbours on that side keep their position.
fn sort_by_middle(layer: &mut [usize], neighbours: &[Vec<usize>], position: &mut [usize]) {
    let mut keyed: Vec<(f64, usize)> = layer
        .iter()
        .map(|&item| {
            let near = &neighbours[item];
            let sum: usize = near.iter().map(|&other| position[other]).sum();
            let middle = if near.is_empty() {
                position[item] as f64
            } else {
                sum as f64 / near.len() as f64
            };
            (middle, item)
        })
        .collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (at, (place, (_, item))) in layer.iter_mut().zip(keyed).enumerate() {
        *place = item;
        position[item] = at;
    }
}

/// Number of crossings between adjacent layers.
fn crossings(layered: &Layered) -> u64 {
    let position = positions(layered);
    let mut total = 0;
    for pair in layered.layers.windows(2) {
        // Below[n]: how many of the ends so far are at n, in a tree of partial sums.
        let mut below = vec![0_u64; pair[1].len() + 1];
        let mut seen = 0;
        for &item in &pair[0] {
            let mut ends: Vec<usize> =
                layered.right[item].iter().map(|&other| position[other]).collect();
            ends.sort_unstable();
            for &end in &ends {
                let (mut at, mut not_after) = (end + 1, 0);
                while at > 0 {
                    not_after += below[at];
                    at &= at - 1;
                }
                total += seen - not_after;
            }
            for end in ends {
                let mut at = end + 1;
                while at < below.len() {
                    below[at] += 1;
                    at += at & at.wrapping_neg();
                }
                seen += 1;
            }
        }
    }
    total
}
