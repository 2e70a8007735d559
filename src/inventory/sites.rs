//! Edit sites: parts of files that are edited as a whole.
//!
//! Subscribers share an edit site when a promotion would edit the same YAML
//! node for all of them: a shared target file, a selector that expands to many namespaces,
//! an alias or a merge key (domain rules, section 6). A promotion edits the
//! ref and, with redeployOnPublisherConfigChange, the promotion block.

use std::collections::{BTreeMap, BTreeSet};

use super::build::Inventory;
use super::keys::EditSiteKey;
use crate::app_interface::Bundle;
use crate::domain::{Problem, ProblemCode};
use crate::inventory::TargetIx;
use yaml11::{NodeId, NodePath, Step, Tree, Via};

/// An edit site: the file, and the first YAML node in it that is edited.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SiteId {
    /// Path of the datafile.
    pub file: String,
    /// The node.
    pub node: NodeId,
}

/// An edit site, which several subscribers may share.
#[derive(Debug, Clone, Default)]
pub struct EditSite {
    /// Its subscribers, as indexes into the inventory's targets, in order.
    pub members: Vec<TargetIx>,
    /// Members whose own `ref` is an alias. They can get a value of their own.
    pub aliases: BTreeSet<TargetIx>,
    /// Its key: that of the first target in the text that has the ref itself. `None` if all members
    /// are aliases of a node outside any target, so that each can only get a value of its own.
    pub key: Option<EditSiteKey>,
    /// Do the members share more than the ref?
    pub shares_promotion: bool,
    /// YAML paths of other users of its nodes, which no promotion edits.
    pub foreign_users: Vec<String>,
    /// Refused targets of the same declarations, whose identity another target has (indexes into
    /// [`Inventory::refused`]). They must not change, so no member can be promoted.
    pub refused: Vec<usize>,
}

impl EditSite {
    /// Can a member get a value of its own, so that the others keep theirs?
    pub fn can_leave(&self, member: TargetIx) -> bool {
        self.aliases.contains(&member) && !self.shares_promotion && self.refused.is_empty()
    }
}

/// Finds the edit sites of all subscribers. `owners` are the targets that have the refused ones' identities.
pub(super) fn find(bundle: &Bundle, inventory: &mut Inventory, owners: &[TargetIx]) {
    let mut by_file: BTreeMap<String, Vec<TargetIx>> = BTreeMap::new();
    for (index, target) in inventory.subscribers() {
        by_file.entry(target.declared_at.file.clone()).or_default().push(index);
    }
    for (file, members) in by_file {
        if let Some(tree) = bundle.tree(&file) {
            find_in_file(tree, &file, (&members, owners), inventory);
        }
    }
}

fn find_in_file(
    tree: &Tree,
    file: &str,
    (members, owners): (&[TargetIx], &[TargetIx]),
    inventory: &mut Inventory,
) {
    let mut groups = Groups::default();
    let mut aliases = BTreeSet::new();
    for &index in members {
        let target = &inventory.targets[index];
        match tree.value_site(target.node, "ref") {
            Ok(site) => {
                groups.join(site.value, index);
                if matches!(site.via, Via::Alias { .. }) {
                    aliases.insert(index);
                }
                for node in find_promotion_nodes(tree, target) {
                    groups.join(node, index);
                }
            }
            // A missing ref is reported with the target, the rest here.
            Err(error) if target.git_ref.is_ok() => {
                reject_edit(inventory, index, &error.to_string())
            }
            Err(_) => {}
        }
    }
    for (node, nodes, members) in groups.into_sites() {
        let targets: BTreeSet<NodeId> =
            members.iter().map(|&member| inventory.targets[member].node).collect();
        let holders = members.iter().filter(|member| !aliases.contains(*member));
        let owner = holders.min_by_key(|&&member| inventory.targets[member].node);
        let site = EditSite {
            key: owner.map(|&owner| inventory.targets[owner].key.clone()),
            aliases: members.iter().copied().filter(|member| aliases.contains(member)).collect(),
            shares_promotion: nodes.iter().any(|(node, users)| *users > 1 && !is_ref(tree, *node)),
            foreign_users: nodes
                .keys()
                .flat_map(|node| find_foreign_users(tree, *node, &targets))
                .map(|path| path.to_string())
                .collect(),
            // Targets of one declaration always change together.
            refused: (inventory.refused.iter().zip(owners).enumerate())
                .filter(|(_, (other, owner))| {
                    let shares = other.declared_at.file == file && targets.contains(&other.node);
                    shares && other.is_subscriber() && !members.contains(owner)
                })
                .map(|(at, _)| at)
                .collect(),
            members,
        };
        let id = SiteId { file: file.to_owned(), node };
        for &member in &site.members {
            inventory.site_of.insert(member, id.clone());
        }
        inventory.sites.insert(id, site);
    }
}

/// The nodes that config hashes are written into: the promotion block, and the list in it.
fn find_promotion_nodes(tree: &Tree, target: &super::Target) -> Vec<NodeId> {
    if !target.promotion.redeploy_on_publisher_config_change {
        return Vec::new();
    }
    let block = tree.node(target.node).get("promotion");
    let data = block.and_then(|block| block.get("promotion_data"));
    block.into_iter().chain(data).map(|node| node.id()).collect()
}

fn is_ref(tree: &Tree, node: NodeId) -> bool {
    tree.node(node).scalar().is_some()
}

/// Other uses of a node than those that a promotion of these targets edits.
fn find_foreign_users(tree: &Tree, node: NodeId, targets: &BTreeSet<NodeId>) -> Vec<NodePath> {
    let own = |path: &NodePath| {
        let mut holder = path.parent();
        if matches!(path.steps().last(), Some(Step::Key(key)) if key == "promotion_data") {
            holder = holder.and_then(|block| block.parent());
        }
        let holder = holder.and_then(|path| tree.at_path(&path));
        holder.is_some_and(|holder| targets.contains(&holder.id()))
    };
    let mut usages = tree.usages(node);
    usages.retain(|path| !own(path));
    usages
}

fn reject_edit(inventory: &mut Inventory, index: TargetIx, message: &str) {
    let target = &mut inventory.targets[index];
    let message = format!("its ref cannot be edited safely: {message}");
    let problem = Problem::new(ProblemCode::UnsafeEdit, format!("{}: {message}", target.label()))
        .in_file(&target.declared_at.file)
        .at(&target.declared_at.path)
        .at_line(target.declared_at.line, target.declared_at.column);
    target.broken.push(message);
    inventory.problems.push(problem);
}

/// Groups members that share nodes.
#[derive(Default)]
struct Groups {
    /// Users of each node, in order.
    users: BTreeMap<NodeId, Vec<TargetIx>>,
}

impl Groups {
    fn join(&mut self, node: NodeId, member: TargetIx) {
        let users = self.users.entry(node).or_default();
        // Members are added one after the other.
        if users.last() != Some(&member) {
            users.push(member);
        }
    }

    /// First node, all nodes with their number of users, and members of each site.
    fn into_sites(self) -> Vec<(NodeId, BTreeMap<NodeId, usize>, Vec<TargetIx>)> {
        let mut sites: Vec<(BTreeMap<NodeId, usize>, BTreeSet<TargetIx>)> = Vec::new();
        let mut site_of: BTreeMap<TargetIx, usize> = BTreeMap::new();
        for (node, users) in self.users {
            let touched: BTreeSet<usize> =
                users.iter().filter_map(|user| site_of.get(user).copied()).collect();
            let site = touched.first().copied().unwrap_or_else(|| {
                sites.push(Default::default());
                sites.len() - 1
            });
            for other in touched.into_iter().skip(1) {
                let (nodes, members) = std::mem::take(&mut sites[other]);
                sites[site].0.extend(nodes);
                sites[site].1.extend(members);
            }
            sites[site].0.insert(node, users.len());
            sites[site].1.extend(users);
            for &member in &sites[site].1 {
                site_of.insert(member, site);
            }
        }
        sites
            .into_iter()
            .filter_map(|(nodes, members)| {
                let first = *nodes.keys().next()?;
                Some((first, nodes, members.into_iter().collect()))
            })
            .collect()
    }
}
