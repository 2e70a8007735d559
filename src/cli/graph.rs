//! `sapm graph`: who publishes to whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::args::{GraphArgs, GraphFormat};
use super::config::{Environment, Source};
use super::exit::{Exit, Fatal};
use super::job::gitlab_access;
use super::output::print;
use super::pipeline::Mode;
use super::source::{Opening, load_config_repo};
use crate::domain::UidDigest;
use crate::inventory::Inventory;
use crate::plan::Narrowing;

/// Reads the config repo and prints its graph.
///
/// # Errors
/// When the config repo cannot be read at all.
pub fn run(args: &GraphArgs, environment: &BTreeMap<String, String>) -> Result<Exit, Fatal> {
    let variables = Environment(environment);
    let loaded = load_config_repo(&Opening {
        source: Source::resolve(&args.source, &variables)?,
        branch: args.source.target_branch.clone().filter(|branch| !branch.is_empty()),
        gitlab: gitlab_access(&variables),
        other: None,
        mode: Mode::Plan,
        digest: UidDigest::default(),
    })?;
    let graph = Graph::new(&loaded.inventory, &Narrowing::of(&args.narrowing));
    print(&match args.format {
        GraphFormat::Mermaid => graph.mermaid(),
        GraphFormat::Dot => graph.dot(),
    })?;
    Ok(Exit::Done)
}

/// Targets by index with their labels, and edges by channel.
struct Graph {
    nodes: BTreeMap<usize, String>,
    edges: BTreeSet<(usize, usize, String)>,
}

impl Graph {
    fn new(inventory: &Inventory, narrowing: &Narrowing) -> Self {
        let mut graph = Self { nodes: BTreeMap::new(), edges: BTreeSet::new() };
        for (index, target) in
            inventory.subscribers().filter(|(_, target)| narrowing.includes(target))
        {
            graph.nodes.insert(index, target.label());
            for channel in &target.promotion.subscribe {
                for (publisher, from) in inventory.publishers_of(channel) {
                    graph.nodes.insert(publisher, from.label());
                    graph.edges.insert((publisher, index, channel.clone()));
                }
            }
        }
        graph
    }

    fn mermaid(&self) -> String {
        let escape = |text: &str| text.replace('"', "&quot;").replace(['\n', '\r'], " ");
        let mut text = "flowchart LR\n".to_owned();
        for (index, label) in &self.nodes {
            let _ = writeln!(text, "  t{index}[\"{}\"]", escape(label));
        }
        for (from, to, channel) in &self.edges {
            let _ = writeln!(text, "  t{from} -->|\"{}\"| t{to}", escape(channel));
        }
        text
    }

    fn dot(&self) -> String {
        let escape =
            |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r'], " ");
        let mut text = "digraph promotions {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
        for (index, label) in &self.nodes {
            let _ = writeln!(text, "  t{index} [label=\"{}\"];", escape(label));
        }
        for (from, to, channel) in &self.edges {
            let _ = writeln!(text, "  t{from} -> t{to} [label=\"{}\"];", escape(channel));
        }
        text.push_str("}\n");
        text
    }
}
