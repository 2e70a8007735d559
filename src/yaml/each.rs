//! Trying many edits of one text.

use super::edit::{TargetEdit, edit, splices, written};
use super::error::EditError;
use super::splice::Splice;
use super::tree::{NodeId, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// Whether [`edit`] can make each of these changes without the others: its very answers.
///
/// The text is read again and compared once for all changes together, and in halves where that fails. A change of
/// what is used elsewhere too, or what another change is about as well, is tried alone: together they could be right
/// where one alone is not.
pub fn try_each(tree: &Tree, changes: &[Vec<TargetEdit>]) -> Vec<Result<(), EditError>> {
    let mut answers = vec![Ok(()); changes.len()];
    let planned: Vec<_> = changes.iter().map(|change| splices(tree, change)).collect();
    let shared = Shared::of(tree, planned.iter().flatten());
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    for (index, (edits, planned)) in changes.iter().zip(planned).enumerate() {
        match planned {
            Ok(splices) if !splices.iter().any(|splice| shared.has(splice.node)) => {
                together.push(Try { index, edits, splices });
            }
            _ => alone.push(index),
        }
    }
    let mut parts = vec![together.as_slice()];
    while let Some(part) = parts.pop() {
        match part {
            [] => {}
            [one] => alone.push(one.index),
            _ if is_right(tree, part) => {}
            _ => parts.extend(<[_; 2]>::from(part.split_at(part.len() / 2))),
        }
    }
    for index in alone {
        answers[index] = edit(tree, &changes[index]).map(drop);
    }
    answers
}

/// A change that nothing else can be mixed up with.
struct Try<'a> {
    index: usize,
    edits: &'a [TargetEdit],
    splices: Vec<Splice>,
}

fn is_right(tree: &Tree, part: &[Try<'_>]) -> bool {
    let edits: Vec<TargetEdit> = part.iter().flat_map(|one| one.edits).cloned().collect();
    let splices = part.iter().flat_map(|one| &one.splices).cloned().collect();
    written(tree, &edits, splices).is_ok()
}

/// What more than one change, or an alias, leads to.
struct Shared<'a> {
    tree: &'a Tree,
    nodes: BTreeSet<NodeId>,
}

impl<'a> Shared<'a> {
    fn of<'s>(tree: &'a Tree, changes: impl Iterator<Item = &'s Vec<Splice>>) -> Self {
        let mut nodes: BTreeSet<NodeId> = tree.aliases.iter().map(|(node, _)| *node).collect();
        let mut seen: BTreeMap<NodeId, usize> = BTreeMap::new();
        for (change, splices) in changes.enumerate() {
            for splice in splices {
                if *seen.entry(splice.node).or_insert(change) != change {
                    nodes.insert(splice.node);
                }
            }
        }
        Self { tree, nodes }
    }

    /// Is it the node, or something around it?
    fn has(&self, node: NodeId) -> bool {
        let mut node = node;
        loop {
            let parent = NodeId(self.tree.raw(node).parent);
            if self.nodes.contains(&node) {
                return true;
            }
            if parent == node {
                return false;
            }
            node = parent;
        }
    }
}
