#![doc = include_str!("../README.md")]

mod cycles;
mod layers;
mod layout;
mod order;
mod place;

pub use layout::{LINE_HEIGHT, Layout, NodeBox, PADDING, Route, layout};

/// Which layers a node can lie in. Edges lead from one column to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Layers 0, 2, 4, …
    Even,
    /// Layers 1, 3, 5, …
    Odd,
}

/// What is laid out.
#[derive(Debug, Clone)]
pub struct Node {
    /// Which layers it can lie in.
    pub column: Column,
    /// What is written in it, line by line. Long lines are wrapped.
    pub lines: Vec<String>,
}

/// Nodes and the edges between them.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Indexes of the node that an edge leaves, and of the one that it reaches.
    pub edges: Vec<(usize, usize)>,
}
