//! DOT, for Graphviz.

use std::fmt::Write as _;

use super::{Graph, Kind, State};
use crate::domain::printable;

/// A directed graph: targets as boxes, channels as rounded boxes.
pub fn dot(graph: &Graph) -> String {
    let mut text =
        "digraph promotions {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n"
            .to_owned();
    for node in &graph.nodes {
        let mut attributes = String::new();
        if node.kind == Kind::Channel {
            attributes.push_str(", style=rounded");
        }
        if let Some(status) = node.lines.get(2) {
            let _ = write!(attributes, ", xlabel=\"{}\"", escape(status));
        }
        if let Some(colour) = choose_colour(node.state) {
            let _ = write!(attributes, ", color=\"{colour}\"");
        }
        let _ = writeln!(text, "  {} [label=\"{}\"{attributes}];", node.id, escape(&node.label));
    }
    for edge in &graph.edges {
        let (from, to) = (&graph.nodes[edge.from], &graph.nodes[edge.to]);
        let style = match edge.state {
            State::Missing => " [style=dashed]",
            State::Failed => " [color=\"#c0362c\"]",
            _ => "",
        };
        let _ = writeln!(text, "  {} -> {}{style};", from.id, to.id);
    }
    text.push_str("}\n");
    text
}

fn choose_colour(state: State) -> Option<&'static str> {
    match state {
        State::Plain => None,
        State::Promote => Some("#1a7f37"),
        State::Hold => Some("#9a6700"),
        State::UpToDate | State::Missing => Some("#6e7781"),
        State::Error | State::Failed => Some("#c0362c"),
        State::Deployed => Some("#0969da"),
    }
}

fn escape(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('"', "\\\"")
}
