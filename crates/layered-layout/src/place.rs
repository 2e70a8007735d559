//! Computes coordinates within a layer: near the neighbours, never overlapping.

/// Number of rounds back and forth.
const ROUNDS: usize = 8;

/// The middle of each item: as near to the middle of its neighbours as
/// order and heights allow.
///
/// `layers` lists items from top to bottom, `height` includes the gap to the next one.
pub(crate) fn place(
    layers: &[Vec<usize>],
    left: &[Vec<usize>],
    right: &[Vec<usize>],
    height: &[f64],
) -> Vec<f64> {
    let mut middle = vec![0.0; height.len()];
    for layer in layers {
        let mut top = 0.0;
        for &item in layer {
            middle[item] = top + height[item] / 2.0;
            top += height[item];
        }
    }
    for round in 0..ROUNDS {
        let rightwards = round % 2 == 0;
        for step in 0..layers.len() {
            let at = if rightwards { step } else { layers.len() - 1 - step };
            let neighbours = if rightwards { left } else { right };
            let wanted: Vec<f64> = layers[at]
                .iter()
                .map(|&item| mean(&neighbours[item], &middle).unwrap_or(middle[item]))
                .collect();
            for (&item, at) in layers[at].iter().zip(apart(&layers[at], &wanted, height)) {
                middle[item] = at;
            }
        }
    }
    middle
}

fn mean(items: &[usize], middle: &[f64]) -> Option<f64> {
    let sum: f64 = items.iter().map(|&item| middle[item]).sum();
    (!items.is_empty()).then(|| sum / items.len() as f64)
}

/// The positions nearest to the desired ones (least squares) that keep order
/// and distances. Items that push each other form blocks, which are at the
/// mean of their items' desired positions.
fn apart(layer: &[usize], wanted: &[f64], height: &[f64]) -> Vec<f64> {
    // Where an item would be if all distances were zero.
    let mut offset = 0.0;
    let mut offsets = Vec::with_capacity(layer.len());
    for (at, &item) in layer.iter().enumerate() {
        if at > 0 {
            offset += (height[layer[at - 1]] + height[item]) / 2.0;
        }
        offsets.push(offset);
    }
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (want, offset) in wanted.iter().zip(&offsets) {
        let mut block = (want - offset, 1);
        while let Some(&(sum, count)) = blocks.last() {
            if sum / count as f64 <= block.0 / block.1 as f64 {
                break;
            }
            block = (block.0 + sum, block.1 + count);
            blocks.pop();
        }
        blocks.push(block);
    }
    let bases =
        blocks.iter().flat_map(|&(sum, count)| std::iter::repeat_n(sum / count as f64, count));
    bases.zip(offsets).map(|(base, offset)| base + offset).collect()
}
