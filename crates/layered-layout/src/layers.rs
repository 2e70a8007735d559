//! Assigns layers: every node is to the right of its predecessors, and long edges are split into
//! pieces between adjacent layers.

use crate::cycles::back_edges;
use crate::{Column, Graph};

/// An item of a layer: a node of the graph, or a point where an edge passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// By index into the graph's nodes.
    Node(usize),
    /// By index into the graph's edges.
    Pass(usize),
}

/// The graph in layers.
#[derive(Debug, Default)]
pub(crate) struct Layered {
    /// Items; the first are the graph's nodes, in their order.
    pub items: Vec<Item>,
    /// The layer of each item.
    pub layer: Vec<usize>,
    /// Items by layer, from top to bottom.
    pub layers: Vec<Vec<usize>>,
    /// For each edge of the graph its items, from left to right.
    pub chains: Vec<Vec<usize>>,
    /// Which edges of the graph lead from right to left.
    pub reversed: Vec<bool>,
    /// Neighbours in the layer to the left.
    pub left: Vec<Vec<usize>>,
    /// Neighbours in the layer to the right.
    pub right: Vec<Vec<usize>>,
}

pub(crate) fn layered(graph: &Graph) -> Layered {
    let reversed = back_edges(graph);
    let forward: Vec<(usize, usize)> = graph
        .edges
        .iter()
        .zip(&reversed)
        .map(|(&(from, to), &reversed)| if reversed { (to, from) } else { (from, to) })
        .collect();
    let layer = assign(graph, &forward);
    let mut layered = Layered {
        items: (0..graph.nodes.len()).map(Item::Node).collect(),
        layer,
        reversed,
        ..Layered::default()
    };
    for (edge, &(from, to)) in forward.iter().enumerate() {
        let mut chain = vec![from];
        for layer in layered.layer[from] + 1..layered.layer[to] {
            chain.push(layered.items.len());
            layered.items.push(Item::Pass(edge));
            layered.layer.push(layer);
        }
        chain.push(to);
        layered.chains.push(chain);
    }
    layered.left = vec![Vec::new(); layered.items.len()];
    layered.right = layered.left.clone();
    for chain in &layered.chains {
        for pair in chain.windows(2) {
            layered.right[pair[0]].push(pair[1]);
            layered.left[pair[1]].push(pair[0]);
        }
    }
    let count = layered.layer.iter().max().map_or(0, |last| last + 1);
    layered.layers = vec![Vec::new(); count];
    for (item, &layer) in layered.layer.iter().enumerate() {
        layered.layers[layer].push(item);
    }
    layered
}

/// The longest path to each node. A node without predecessors is placed right before
/// its successors. Each node gets a layer of its column.
fn assign(graph: &Graph, edges: &[(usize, usize)]) -> Vec<usize> {
    let count = graph.nodes.len();
    let mut leaving = vec![Vec::new(); count];
    let mut waiting = vec![0_usize; count];
    for &(from, to) in edges {
        leaving[from].push(to);
        waiting[to] += 1;
    }
    let sources: Vec<usize> = (0..count).filter(|&node| waiting[node] == 0).collect();
    let first = |node: usize| usize::from(graph.nodes[node].column == Column::Odd);
    let mut layer: Vec<usize> = (0..count).map(first).collect();
    let mut ready = sources.clone();
    while let Some(node) = ready.pop() {
        for &to in &leaving[node] {
            layer[to] = layer[to].max(layer[node] + 1);
            waiting[to] -= 1;
            if waiting[to] == 0 {
                ready.push(to);
            }
        }
    }
    for source in sources {
        if let Some(next) = leaving[source].iter().map(|&to| layer[to]).min() {
            layer[source] = next - 1;
        }
    }
    layer
}
