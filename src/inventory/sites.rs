//! Edit sites: places in files that move as one.
//!
//! Subscribers share a site when their refs are one and the same YAML node: a
//! shared target file, a selector that expands to many namespaces, an alias or
//! a merge key (domain rules, section 6).

use std::collections::{BTreeMap, BTreeSet};

use super::build::Inventory;
use crate::app_interface::Bundle;
use crate::domain::Problem;
use crate::yaml::{NodeId, Tree, Via};

/// A YAML node that holds a ref: the file, and the node in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SiteId {
    /// Path of the datafile.
    pub file: String,
    /// The node that holds the ref's text.
    pub node: NodeId,
}

/// A place that several subscribers may share.
#[derive(Debug, Clone, Default)]
pub struct EditSite {
    /// Its subscribers, as indexes into the inventory's targets, in order.
    pub members: Vec<usize>,
    /// Those among them whose own `ref` is an alias: they can get a value of their own.
    pub aliases: BTreeSet<usize>,
    /// Other users of the node, which no promotion moves: YAML paths.
    pub foreign_users: Vec<String>,
}

/// Finds the sites of all subscribers.
pub(super) fn find(bundle: &Bundle, inventory: &mut Inventory) {
    let mut by_file: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, target) in inventory.subscribers() {
        by_file.entry(target.place.file.clone()).or_default().push(index);
    }
    for (file, members) in by_file {
        let Some(tree) = bundle.sources.get(&file) else { continue };
        for index in members {
            let node = inventory.targets[index].node;
            match tree.ref_site(node) {
                Ok(site) => {
                    let id = SiteId { file: file.clone(), node: site.value };
                    let entry = inventory.sites.entry(id.clone()).or_default();
                    entry.members.push(index);
                    if matches!(site.via, Via::Alias { .. }) {
                        entry.aliases.insert(index);
                    }
                    inventory.site_of.insert(index, id);
                }
                // A missing ref is reported with the target; the rest here.
                Err(error) if inventory.targets[index].git_ref.is_ok() => {
                    refuse(inventory, index, &error.to_string());
                }
                Err(_) => {}
            }
        }
        foreign_users(tree, &file, inventory);
    }
}

fn refuse(inventory: &mut Inventory, index: usize, message: &str) {
    let target = &mut inventory.targets[index];
    let message = format!("its ref cannot be edited safely: {message}");
    let problem = Problem::error("unsafe_edit", format!("{}: {message}", target.label()))
        .in_file(&target.place.file)
        .at(&target.place.path)
        .at_line(target.place.line, target.place.column);
    target.broken.push(message);
    inventory.problems.push(problem);
}

/// Who else uses the nodes of the file's sites: disabled targets, targets that
/// only publish, or anything that an alias put there.
fn foreign_users(tree: &Tree, file: &str, inventory: &mut Inventory) {
    let nodes: Vec<NodeId> =
        inventory.sites.keys().filter(|id| id.file == file).map(|id| id.node).collect();
    for node in nodes {
        let id = SiteId { file: file.to_owned(), node };
        let Some(site) = inventory.sites.get(&id) else { continue };
        let own: Vec<NodeId> =
            site.members.iter().map(|&member| inventory.targets[member].node).collect();
        let foreign = tree.foreign_usages(node, &own);
        if let Some(site) = inventory.sites.get_mut(&id) {
            site.foreign_users = foreign.iter().map(ToString::to_string).collect();
        }
    }
}
