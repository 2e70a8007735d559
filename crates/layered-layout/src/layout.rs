//! Computes positions: layers from left to right, connected components
//! one below the other.

use crate::layers::{Item, Layered, layered};
use crate::order::reduce_crossings;
use crate::place::place;
use crate::{Column, Graph};

/// Maximum characters per line; longer text is wrapped.
const LINE: usize = 40;
/// Width of a character, in hundredths of a pixel: monospaced fonts of 12 pixels have 7.0 to 7.25.
const CHARACTER: usize = 728;
/// Height of a line.
pub const LINE_HEIGHT: i32 = 16;
/// Space around the text of a node.
pub const PADDING: i32 = 10;
/// Space between two layers, for the curves.
const BETWEEN_LAYERS: i32 = 56;
/// Space between two nodes of a layer.
const BETWEEN_NODES: i32 = 14;
/// Space for an edge that passes a layer.
const PASS: i32 = 12;
/// Space between two components.
const BETWEEN_PARTS: i32 = 26;
/// Space around everything.
const MARGIN: i32 = 12;
/// Space between the ends of two edges on a node's side.
const PORT: i32 = 9;

/// The box of a node, in pixels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeBox {
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Width.
    pub width: i32,
    /// Height.
    pub height: i32,
    /// Its text lines, each with the number of the node's own line that it is a part of.
    pub lines: Vec<(usize, String)>,
}

/// The route of an edge: alternating curves and straight lines, beginning with a curve.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// An even number of points.
    pub points: Vec<(i32, i32)>,
    /// It leads from right to left, because it closes a cycle.
    pub backwards: bool,
}

/// The result, in pixels.
#[derive(Debug, Clone, Default)]
pub struct Layout {
    /// Width of the picture.
    pub width: i32,
    /// Height of the picture.
    pub height: i32,
    /// By index of the node.
    pub nodes: Vec<NodeBox>,
    /// By index of the edge.
    pub routes: Vec<Route>,
}

/// Lays out a graph.
pub fn layout(graph: &Graph) -> Layout {
    let boxes: Vec<NodeBox> = graph.nodes.iter().map(|node| sized(&node.lines)).collect();
    let widest = |column: Column| {
        let in_column = graph.nodes.iter().zip(&boxes).filter(|(node, _)| node.column == column);
        in_column.map(|(_, sized)| sized.width).max().unwrap_or_default()
    };
    let widths = [widest(Column::Even), widest(Column::Odd)];
    let mut layout = Layout {
        width: 2 * MARGIN,
        height: 2 * MARGIN,
        nodes: boxes,
        routes: vec![Route::default(); graph.edges.len()],
    };
    let mut top = MARGIN;
    for part in parts(graph) {
        let bottom = Part::new(graph, &part, widths).draw(&mut layout, top);
        layout.height = bottom + MARGIN;
        top = bottom + BETWEEN_PARTS;
    }
    layout
}

/// A box with room for its text.
fn sized(lines: &[String]) -> NodeBox {
    let lines: Vec<(usize, String)> = lines
        .iter()
        .enumerate()
        .flat_map(|(at, line)| wrapped(line).into_iter().map(move |part| (at, part)))
        .collect();
    let widest = lines.iter().map(|(_, line)| cells(line)).max().unwrap_or_default();
    let text = i32::try_from(widest * CHARACTER / 100).unwrap_or(i32::MAX / 4);
    let height = i32::try_from(lines.len()).unwrap_or(1).max(1) * LINE_HEIGHT;
    NodeBox { x: 0, y: 0, width: text + 2 * PADDING, height: height + PADDING, lines }
}

/// Wraps a text, if possible after a `/`, `-` or blank.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut width) = (String::new(), 0);
    for char in text.chars() {
        if width + cells_of(char) > LINE {
            let cut = line.rfind(['/', '-', ' ', '_', ':']).map_or(line.len(), |at| at + 1);
            let rest = if cut * 2 > line.len() { line.split_off(cut) } else { String::new() };
            width = cells(&rest);
            lines.push(std::mem::replace(&mut line, rest));
        }
        line.push(char);
        width += cells_of(char);
    }
    lines.push(line);
    lines
}

fn cells(text: &str) -> usize {
    text.chars().map(cells_of).sum()
}

/// How many columns of a monospaced font a character takes: two from Hangul on,
/// which is too many for some characters but too few for none.
fn cells_of(char: char) -> usize {
    if char < '\u{1100}' { 1 } else { 2 }
}

/// The connected components, each as a graph with the indexes of its nodes and edges.
fn parts(graph: &Graph) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut edges_at: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes.len()];
    for (index, &(from, to)) in graph.edges.iter().enumerate() {
        edges_at[from].push(index);
        edges_at[to].push(index);
    }
    let mut seen = vec![false; graph.nodes.len()];
    let mut parts = Vec::new();
    for start in 0..graph.nodes.len() {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        let mut nodes = vec![start];
        let mut at = 0;
        while let Some(&node) = nodes.get(at) {
            at += 1;
            for &index in &edges_at[node] {
                let (from, to) = graph.edges[index];
                for next in [from, to] {
                    if !std::mem::replace(&mut seen[next], true) {
                        nodes.push(next);
                    }
                }
            }
        }
        nodes.sort_unstable();
        let mut edges: Vec<usize> =
            nodes.iter().flat_map(|&node| edges_at[node].iter().copied()).collect();
        edges.sort_unstable();
        edges.dedup();
        parts.push((nodes, edges));
    }
    parts
}

/// A component during layout.
struct Part<'a> {
    nodes: &'a [usize],
    edges: &'a [usize],
    layered: Layered,
    /// Widths of even and odd layers.
    widths: [i32; 2],
}

impl<'a> Part<'a> {
    fn new(graph: &Graph, part: &'a (Vec<usize>, Vec<usize>), widths: [i32; 2]) -> Self {
        let (nodes, edges) = part;
        // Both lists are sorted.
        let at = |node: usize| nodes.binary_search(&node).unwrap_or_default();
        let own = Graph {
            nodes: nodes.iter().map(|&node| graph.nodes[node].clone()).collect(),
            edges: edges
                .iter()
                .map(|&edge| graph.edges[edge])
                .map(|(from, to)| (at(from), at(to)))
                .collect(),
        };
        let mut layered = layered(&own);
        reduce_crossings(&mut layered);
        Self { nodes, edges, layered, widths }
    }

    /// Sets boxes and routes below `top`; returns the lower end.
    fn draw(&self, layout: &mut Layout, top: i32) -> i32 {
        let layered = &self.layered;
        let heights: Vec<i32> = layered
            .items
            .iter()
            .map(|item| match item {
                Item::Node(node) => layout.nodes[self.nodes[*node]].height + BETWEEN_NODES,
                Item::Pass(_) => PASS,
            })
            .collect();
        let as_floats: Vec<f64> = heights.iter().map(|&height| f64::from(height)).collect();
        let middles = place(&layered.layers, &layered.left, &layered.right, &as_floats);
        let tops = middles.iter().zip(&as_floats).map(|(middle, height)| middle - height / 2.0);
        let highest = tops.fold(f64::MAX, f64::min);
        let middle: Vec<i32> =
            middles.iter().map(|at| top + (at - highest).round() as i32).collect();
        let mut bottom = top;
        for (item, kind) in layered.items.iter().enumerate() {
            let Item::Node(node) = kind else { continue };
            let (x, width) = self.column(layered.layer[item]);
            let place = &mut layout.nodes[self.nodes[*node]];
            (place.x, place.width) = (x, width);
            place.y = middle[item] - place.height / 2;
            layout.width = layout.width.max(x + width + MARGIN);
        }
        for (item, &at) in middle.iter().enumerate() {
            bottom = bottom.max(at + heights[item] / 2);
        }
        self.routes(layout, &middle);
        bottom
    }

    /// Left edge and width of a layer.
    fn column(&self, layer: usize) -> (i32, i32) {
        let [even, odd] = self.widths;
        let pairs = i32::try_from(layer / 2).unwrap_or(i32::MAX);
        let left = MARGIN + pairs * (even + odd + 2 * BETWEEN_LAYERS);
        if layer.is_multiple_of(2) { (left, even) } else { (left + even + BETWEEN_LAYERS, odd) }
    }

    fn routes(&self, layout: &mut Layout, middle: &[i32]) {
        let leaving = self.ports(layout, middle, true);
        let reaching = self.ports(layout, middle, false);
        for (edge, chain) in self.layered.chains.iter().enumerate() {
            let Some((&first, rest)) = chain.split_first() else { continue };
            let (x, width) = self.column(self.layered.layer[first]);
            let mut points = vec![(x + width, leaving[edge])];
            for &item in rest {
                let (x, width) = self.column(self.layered.layer[item]);
                let y = middle[item];
                match self.layered.items[item] {
                    Item::Pass(_) => points.extend([(x, y), (x + width, y)]),
                    Item::Node(_) => points.push((x, reaching[edge])),
                }
            }
            let backwards = self.layered.reversed[edge];
            if backwards {
                points.reverse();
            }
            layout.routes[self.edges[edge]] = Route { points, backwards };
        }
    }

    /// Where each edge touches the node at its left (or right) end: distributed over
    /// the node's side, in the order of the other ends.
    fn ports(&self, layout: &Layout, middle: &[i32], leaving: bool) -> Vec<i32> {
        let chains = &self.layered.chains;
        let mut at_node: Vec<Vec<(i32, usize)>> = vec![Vec::new(); self.nodes.len()];
        for (edge, chain) in chains.iter().enumerate() {
            if let ([first, second, ..], [.., before, last]) = (&chain[..], &chain[..]) {
                let (node, other) = if leaving { (*first, *second) } else { (*last, *before) };
                at_node[node].push((middle[other], edge));
            }
        }
        let mut ports = vec![0; chains.len()];
        for (node, mut edges) in at_node.into_iter().enumerate() {
            edges.sort_unstable();
            let gaps = i32::try_from(edges.len()).unwrap_or(i32::MAX).saturating_sub(1);
            let room = layout.nodes[self.nodes[node]].height - PADDING;
            let spread = room.min(gaps.saturating_mul(PORT));
            for (at, (_, edge)) in (0..).zip(edges) {
                let offset = if gaps == 0 { 0 } else { spread * at / gaps - spread / 2 };
                ports[edge] = middle[node] + offset;
            }
        }
        ports
    }
}
