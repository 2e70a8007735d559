#![doc = include_str!("../README.md")]

mod cycles;
mod layers;
mod layout;
mod order;
mod place;

pub use layout::{LINE_HEIGHT, Layout, NodeBox, PADDING, Route, layout};

/// The layers that a node can be in. Edges lead from one column to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Layers 0, 2, 4, …
    Even,
    /// Layers 1, 3, 5, …
    Odd,
}

/// A node of the graph.
#[derive(Debug, Clone)]
pub struct Node {
    /// The layers it can be in.
    pub column: Column,
    /// Its text, line by line. Long lines are wrapped.
    pub lines: Vec<String>,
}

/// Nodes and the edges between them.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Indexes of the nodes that an edge starts and ends at.
    pub edges: Vec<(usize, usize)>,
}
