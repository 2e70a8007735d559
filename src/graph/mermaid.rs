//! Mermaid, for GitLab's and GitHub's Markdown.

use std::fmt::Write as _;

use super::{Graph, Kind, State};
use crate::domain::printable;

/// The colours of the states, one class per state.
const CLASSES: [(State, &str); 7] = [
    (State::Promote, "fill:#dcf5e3,stroke:#1a7f37,color:#0b3d1a"),
    (State::Hold, "fill:#fff1d6,stroke:#9a6700,color:#4d3300"),
    (State::UpToDate, "fill:#eef0f3,stroke:#6e7781,color:#24292f"),
    (State::Error, "fill:#ffe1de,stroke:#c0362c,color:#5c120c"),
    (State::Deployed, "fill:#e1f0ff,stroke:#0969da,color:#0a2f5c"),
    (State::Missing, "fill:#f6f8fa,stroke:#6e7781,color:#24292f,stroke-dasharray:4 3"),
    (State::Failed, "fill:#ffe1de,stroke:#c0362c,color:#5c120c,stroke-dasharray:4 3"),
];

/// A flow chart: targets as boxes, channels as rounded boxes.
pub fn mermaid(graph: &Graph) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for node in &graph.nodes {
        let (open, close) = if node.kind == Kind::Channel { ("([", "])") } else { ("[", "]") };
        let status = match node.kind {
            Kind::Target => node.lines.get(2),
            Kind::Channel => None,
        };
        let status = status.map(|status| format!("<br>{}", escape(status))).unwrap_or_default();
        let _ = writeln!(text, "  {}{open}\"{}{status}\"{close}", node.id, escape(&node.label));
    }
    for edge in &graph.edges {
        let _ = writeln!(text, "  {} --> {}", graph.nodes[edge.from].id, graph.nodes[edge.to].id);
    }
    for (state, style) in CLASSES {
        let ids: Vec<&str> = graph
            .nodes
            .iter()
            .filter(|node| node.state == state)
            .map(|node| node.id.as_str())
            .collect();
        if !ids.is_empty() {
            let _ = writeln!(text, "  classDef {} {style}", state.class());
            let _ = writeln!(text, "  class {} {}", ids.join(","), state.class());
        }
    }
    text
}

/// Replaces every character that is markup to Mermaid (a Markdown string begins with a
/// backtick), to HTML, or to the code fence around the chart by an entity code.
/// Mermaid decodes them in quoted labels.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in printable(text).chars() {
        if "\"<>&#;`*~\\%$".contains(char) {
            let _ = write!(escaped, "#{};", u32::from(char));
        } else {
            escaped.push(char);
        }
    }
    escaped
}
