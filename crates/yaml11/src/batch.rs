//! Tries many edits of one text.

use crate::edit::{AliasMode, Edit, checked, patch};
use crate::error::EditError;
use crate::patch::Patch;
use crate::splice::Splice;
use crate::tree::{NodeId, Tree};
use std::collections::{BTreeMap, BTreeSet};

/// Maximum bytes of edited text that are parsed again for the edits of one file, any of which could fail.
const MAX_REREAD_BYTES: usize = 64 << 20;

/// Minimum number of times that an edited text may be parsed again, however large it is.
const MIN_REREADS: usize = 8;

/// The result of [`edit`](crate::edit()) for each of these changes made on its own.
///
/// The text is parsed again and compared once for all changes together, and in halves if that fails. A change of
/// something that is also used elsewhere, or that another change affects too, is tried on its own: together they could
/// be valid although one alone is not. The number of tries is limited; changes that were not tried are refused.
pub fn try_each<E: Edit>(tree: &Tree, changes: &[Vec<E>]) -> Vec<Result<Patch, EditError>> {
    let planned: Vec<_> =
        changes.iter().map(|change| E::splices(tree, change, AliasMode::InPlace)).collect();
    let shared = Shared::collect_shared(tree, &planned);
    let mut batch = Batch {
        tree,
        changes,
        rereads: (MAX_REREAD_BYTES / tree.text().len().max(1)).max(MIN_REREADS),
        answers: vec![Ok(Patch::default()); changes.len()],
    };
    let (mut together, mut alone) = (Vec::new(), Vec::new());
    for (index, planned) in planned.into_iter().enumerate() {
        match planned {
            Ok(splices) if !splices.iter().any(|splice| shared.contains(splice.node)) => {
                together.push(Try { index, splices });
            }
            Ok(_) | Err(EditError::Shared { .. }) => alone.push(index),
            Err(error) => batch.answers[index] = Err(error),
        }
    }
    let mut parts = vec![together.as_slice()];
    while let Some(part) = parts.pop() {
        match part {
            [] => {}
            [one] => batch.alone(one.index),
            _ if batch.are_right(part) => {}
            _ => parts.extend(<[_; 2]>::from(part.split_at(part.len() / 2))),
        }
    }
    alone.into_iter().for_each(|index| batch.alone(index));
    batch.answers
}

/// A change that does not affect any other.
struct Try {
    index: usize,
    splices: Vec<Splice>,
}

struct Batch<'a, E> {
    tree: &'a Tree,
    changes: &'a [Vec<E>],
    /// How many more times an edited text may be parsed.
    rereads: usize,
    answers: Vec<Result<Patch, EditError>>,
}

impl<E: Edit> Batch<'_, E> {
    /// Tries changes together. If the result is valid, each of them is.
    fn are_right(&mut self, part: &[Try]) -> bool {
        let Some(rest) = self.rereads.checked_sub(1) else { return false };
        self.rereads = rest;
        let edits: Vec<E> = part.iter().flat_map(|one| &self.changes[one.index]).cloned().collect();
        let all = part.iter().flat_map(|one| &one.splices).cloned().collect();
        if checked(self.tree, &edits, all).is_err() {
            return false;
        }
        for one in part {
            self.answers[one.index] = crate::splice::patch(self.tree, one.splices.clone());
        }
        true
    }

    fn alone(&mut self, index: usize) {
        let change = &self.changes[index];
        self.answers[index] = match self.rereads.checked_sub(1) {
            Some(rest) => {
                self.rereads = rest;
                patch(self.tree, change)
            }
            None => Err(EditError::NotTried {
                at: self.tree.position_of(change.first().map_or(self.tree.root, Edit::node)),
            }),
        };
    }
}

/// The nodes on the way to what more than one change, or an alias, leads to.
struct Shared<'a> {
    tree: &'a Tree,
    nodes: BTreeSet<NodeId>,
}

impl<'a> Shared<'a> {
    fn collect_shared(tree: &'a Tree, changes: &[Result<Vec<Splice>, EditError>]) -> Self {
        let mut nodes: BTreeSet<NodeId> = tree.aliases.iter().map(|(node, _)| *node).collect();
        let mut seen: BTreeMap<NodeId, usize> = BTreeMap::new();
        for (change, splices) in changes.iter().enumerate() {
            for splice in splices.iter().flatten() {
                if *seen.entry(splice.node).or_insert(change) != change {
                    nodes.insert(splice.node);
                }
            }
        }
        Self { tree, nodes }
    }

    /// Does the set contain the node, or one around it?
    fn contains(&self, node: NodeId) -> bool {
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
