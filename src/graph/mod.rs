//! Who publishes to whom, as a picture: SVG, Mermaid and DOT.
//!
//! A [`Member`] is a target with its channels. [`select()`] picks a part of the
//! inventory; targets and channels become nodes, and what a target publishes
//! or subscribes becomes an edge. A channel is a node of its own, so that a
//! channel with many publishers and subscribers takes as many edges as it has
//! members, and not their product.
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

/// How things stand with a node or an edge: its colour, and a word in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum State {
    /// Nothing is known: a graph without facts.
    #[default]
    Plain,
    /// A subscriber that is promoted.
    Promote,
    /// A subscriber that a gate blocks.
    Hold,
    /// A subscriber for which nothing is due.
    UpToDate,
    /// A subscriber that cannot be decided on, or a publisher without a commit.
    Error,
    /// Deployed successfully.
    Deployed,
    /// Not deployed yet, or without a usable record.
    Missing,
    /// Its deployment failed.
    Failed,
}

impl State {
    /// Its name as a class of the picture.
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

/// A target as the graph sees it.
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
    /// How things stand.
    pub state: State,
    /// The state in words, third line; empty without facts.
    pub status: String,
    /// Channels that it publishes to, with the state of the deployment.
    pub publishes: Vec<(String, State)>,
    /// Channels that it subscribes to.
    pub subscribes: Vec<String>,
}

/// What a node stands for.
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
    /// `t0`, `t1`, … and `c0`, `c1`, …: names in Mermaid and DOT.
    pub id: String,
    /// What it stands for.
    pub kind: Kind,
    /// The target's uid; empty for a channel.
    pub uid: String,
    /// Its name in full.
    pub label: String,
    /// What is written in it, line by line.
    pub lines: Vec<String>,
    /// How things stand.
    pub state: State,
}

/// A target publishes to a channel, or subscribes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Index of the node that it leaves.
    pub from: usize,
    /// Index of the node that it reaches.
    pub to: usize,
    /// How the deployment went that it stands for.
    pub state: State,
}

/// A part of the inventory.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// Targets in inventory order, then channels by name.
    pub nodes: Vec<Node>,
    /// Each once: by target, then by channel.
    pub edges: Vec<Edge>,
}

impl Graph {
    /// Lays the graph out: targets in even layers, channels in odd ones.
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
