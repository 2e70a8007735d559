//! The picture as SVG: accessible, without scripts, light and dark.

use std::fmt::Write as _;

use super::{Edge, Graph, Kind, Node, State};
use crate::domain::{count, printable};
use layered_layout::{LINE_HEIGHT, Layout, NodeBox, PADDING, Route};

/// The style sheet of a picture, for pages that hold several.
pub const STYLE: &str = include_str!("graph.css");

/// A standalone file with its style sheet and a background.
pub fn svg(graph: &Graph, title: &str) -> String {
    let style = format!("<style>{STYLE}svg.sapm-graph {{ background: Canvas; }}</style>\n");
    render(graph, title, &style)
}

/// For pages that include [`STYLE`] and show one picture at a time.
pub fn svg_without_style(graph: &Graph, title: &str) -> String {
    render(graph, title, "")
}

fn render(graph: &Graph, title: &str, style: &str) -> String {
    let Layout { width, height, nodes, routes } = graph.layout();
    let mut text = String::new();
    let _ = write!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"sapm-graph\" role=\"img\" \
         aria-labelledby=\"sapm-title sapm-desc\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n<title id=\"sapm-title\">{}</title>\n\
         <desc id=\"sapm-desc\">{}</desc>\n{style}",
        escape(title),
        escape(&describe_graph(graph)),
    );
    text.push_str(
        "<defs><marker id=\"sapm-arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path class=\"arrow\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n",
    );
    for (edge, route) in graph.edges.iter().zip(&routes) {
        write_path(&mut text, graph, edge, route);
    }
    for (node, place) in graph.nodes.iter().zip(&nodes) {
        write_group(&mut text, node, place);
    }
    text.push_str("</svg>\n");
    text
}

/// A text description of the graph for screen readers.
fn describe_graph(graph: &Graph) -> String {
    let channels = graph.nodes.iter().filter(|node| node.kind == Kind::Channel).count();
    let targets = graph.nodes.len() - channels;
    format!(
        "{} and {}. Arrows lead from a publisher to its channel, and from a channel to its subscribers.",
        count(targets, "target"),
        count(channels, "channel")
    )
}

fn write_path(text: &mut String, graph: &Graph, edge: &Edge, route: &Route) {
    let (from, to) = (&graph.nodes[edge.from], &graph.nodes[edge.to]);
    let mut classes = "edge".to_owned();
    if matches!(edge.state, State::Missing | State::Failed) && from.kind == Kind::Target {
        let _ = write!(classes, " {}", edge.state.class());
    }
    if route.backwards {
        classes.push_str(" backwards");
    }
    let verb = if from.kind == Kind::Target { "publishes to" } else { "is subscribed to by" };
    let cycle = if route.backwards { " (closes a cycle)" } else { "" };
    let _ = writeln!(
        text,
        "<path class=\"{classes}\" d=\"{}\"><title>{} {verb} {}{cycle}</title></path>",
        write_curve(&route.points),
        escape(&from.lines[0]),
        escape(&to.lines[0]),
    );
}

/// Curves between layers, straight lines across them.
fn write_curve(points: &[(i32, i32)]) -> String {
    let mut text = String::new();
    for (at, pair) in points.windows(2).enumerate() {
        let ((x, y), (to_x, to_y)) = (pair[0], pair[1]);
        if at == 0 {
            let _ = write!(text, "M{x} {y}");
        }
        let _ = if at % 2 == 1 {
            write!(text, "H{to_x}")
        } else {
            let middle = (x + to_x) / 2;
            write!(text, "C{middle} {y} {middle} {to_y} {to_x} {to_y}")
        };
    }
    text
}

fn write_group(text: &mut String, node: &Node, place: &NodeBox) {
    let kind = match node.kind {
        Kind::Target => "target",
        Kind::Channel => "channel",
    };
    let uid = match node.uid.as_str() {
        "" => String::new(),
        uid => format!(" data-uid=\"{}\"", escape(uid)),
    };
    let status = if node.kind == Kind::Target { node.lines.get(2) } else { None };
    let status = status.map(|status| format!(": {status}")).unwrap_or_default();
    let NodeBox { x, y, width, height, lines } = place;
    let radius = if node.kind == Kind::Channel { height / 2 } else { 5 };
    let _ = write!(
        text,
        "<g class=\"{kind} {}\"{uid}><title>{}{}</title><rect class=\"box\" x=\"{x}\" y=\"{y}\" \
         width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>",
        node.state.class(),
        escape(&node.label),
        escape(&status),
    );
    if node.kind == Kind::Target {
        let _ = write!(
            text,
            "<rect class=\"bar\" x=\"{x}\" y=\"{y}\" width=\"4\" height=\"{height}\" rx=\"2\"/>"
        );
    }
    let mut baseline = y + PADDING / 2 + LINE_HEIGHT - 4;
    for (own, line) in lines {
        let class = match (node.kind, own) {
            (Kind::Channel, _) => "name",
            (Kind::Target, 0) => "title",
            (Kind::Target, 1) => "place",
            (Kind::Target, _) => "status",
        };
        let left = x + PADDING;
        let _ = write!(
            text,
            "<text class=\"{class}\" x=\"{left}\" y=\"{baseline}\">{}</text>",
            escape(line)
        );
        baseline += LINE_HEIGHT;
    }
    text.push_str("</g>\n");
}

/// Escapes all XML markup.
fn escape(text: &str) -> String {
    let shown = printable(text);
    if !shown.contains(['<', '>', '&', '"', '\'']) {
        return shown;
    }
    let mut escaped = String::with_capacity(shown.len() + 16);
    for char in shown.chars() {
        match char {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            char => escaped.push(char),
        }
    }
    escaped
}
