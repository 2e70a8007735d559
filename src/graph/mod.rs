//! Draws publishers and subscribers as SVG, Mermaid and DOT.
//!
//! A [`Member`] is a target with its channels. [`select()`] picks a part of the
//! inventory. Targets and channels become nodes; publishing and subscribing
//! become edges. A channel is a node of its own, so that a channel with many
//! publishers and subscribers needs one edge per member instead of one per
//! pair.
//!
//! Everything here is a pure function: the same members give the same bytes.

mod dot;
mod mermaid;
mod select;
mod svg;

use crate::domain::printable;
use layered_layout::{Column, Layout};

pub use dot::dot;
pub use mermaid::mermaid;
pub use select::{Picker, Scope, followed, select};
pub use svg::{STYLE, svg, svg_without_style};

/// The state of a node or an edge, shown as a colour and a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum State {
    /// Not known: the graph has no facts.
    #[default]
    Plain,
    /// A subscriber that is promoted.
    Promote,
    /// A subscriber that a gate blocks.
    Hold,
    /// A subscriber for which nothing is due.
    UpToDate,
    /// A subscriber in error, or a publisher without a commit.
    Error,
    /// Deployed successfully.
    Deployed,
    /// Not deployed yet, or without a usable record.
    Missing,
    /// Its deployment failed.
    Failed,
}

impl State {
    /// Its CSS class in the picture.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Promote => "promote",
            Self::Hold => "hold",
            Self::UpToDate => "up_to_date",
            Self::Error => "error",
            Self::Deployed => "deployed",
            Self::Missing => "missing",
            Self::Failed => "failed",
        }
    }
}

/// A target in the graph.
#[derive(Debug, Clone, Default)]
pub struct Member {
    /// Its uid: two members may have the same one.
    pub uid: String,
    /// `saas-file/resource-template[/name]/cluster/namespace`.
    pub label: String,
    /// First line: saas file, resource template and name.
    pub title: String,
    /// Second line: cluster and namespace.
    pub place: String,
    /// Its state.
    pub state: State,
    /// Third line: the state in words; empty without facts.
    pub status: String,
    /// Channels that it publishes to, with the state of the deployment.
    pub publishes: Vec<(String, State)>,
    /// Channels that it subscribes to.
    pub subscribes: Vec<String>,
}

/// The kind of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A target.
    Target,
    /// A channel.
    Channel,
}

/// A target or a channel.
#[derive(Debug, Clone)]
pub struct Node {
    /// `t0`, `t1`, … and `c0`, `c1`, …: its name in Mermaid and DOT.
    pub id: String,
    /// Its kind.
    pub kind: Kind,
    /// The target's uid; empty for a channel.
    pub uid: String,
    /// Its full name.
    pub label: String,
    /// Its text, line by line.
    pub lines: Vec<String>,
    /// Its state.
    pub state: State,
}

/// A target publishes to a channel, or subscribes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Index of the node it starts at.
    pub from: usize,
    /// Index of the node it ends at.
    pub to: usize,
    /// The state of the deployment.
    pub state: State,
}

/// A part of the inventory.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Targets in inventory order, then channels by name.
    pub nodes: Vec<Node>,
    /// Sorted by target, then by channel, without duplicates.
    pub edges: Vec<Edge>,
}

impl Graph {
    /// Lays out the graph: targets in even layers, channels in odd ones.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let node = |node: &Node| layered_layout::Node {
            column: match node.kind {
                Kind::Target => Column::Even,
                Kind::Channel => Column::Odd,
            },
            lines: node.lines.iter().map(|line| printable(line)).collect(),
        };
        layered_layout::layout(&layered_layout::Graph {
            nodes: self.nodes.iter().map(node).collect(),
            edges: self.edges.iter().map(|edge| (edge.from, edge.to)).collect(),
        })
    }
}
