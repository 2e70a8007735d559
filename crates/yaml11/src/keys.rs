//! Checks the keys of mappings, and finds where nodes are written.

use crate::error::ParseError;
use crate::path::{NodePath, Step};
use crate::tree::{Content, NodeId, Tree, flag};
use std::borrow::Cow;
use std::collections::HashSet;

/// Maximum warnings per file.
const MAX_WARNINGS: usize = 100;

/// Finds merge keys and duplicates, and refuses invalid keys.
pub(crate) fn check_keys(
    tree: &mut Tree,
    mapping: NodeId,
    duplicates: &mut Vec<(NodeId, NodeId)>,
) -> Result<(), ParseError> {
    let built = &*tree;
    let mut flags = 0;
    let few = built.raw_children(mapping).len() <= 16;
    let mut seen_few: Vec<Cow<'_, str>> = Vec::new();
    let mut seen_many: HashSet<Cow<'_, str>> = HashSet::new();
    for (key, value) in built.raw_pairs(mapping) {
        let at = built.position_of(key);
        if built.raw(built.resolve(key)).content != Content::Scalar {
            return Err(ParseError::BadKey { at });
        }
        if built.is_merge_key(key) {
            flags |= flag::MERGE;
            let is_mapping = |id: &NodeId| built.raw(*id).content == Content::Mapping;
            if !built.merge_sources(value).iter().all(is_mapping) {
                return Err(ParseError::BadMerge { at });
            }
            continue;
        }
        let text = built.key_text(key);
        let new = if few {
            let new = !seen_few.contains(&text);
            seen_few.push(text);
            new
        } else {
            seen_many.insert(text)
        };
        if !new {
            flags |= flag::DUPLICATES;
            if duplicates.len() < MAX_WARNINGS {
                duplicates.push((mapping, key));
            }
        }
    }
    tree.nodes[mapping.at()].flags |= flags;
    Ok(())
}

impl Tree {
    /// The index of a node among the written children of another.
    pub(crate) fn place_in(&self, parent: NodeId, id: NodeId) -> Option<usize> {
        // Nodes are numbered in the order of the text, so children are sorted.
        self.raw_children(parent).binary_search(&id).ok()
    }

    /// The path of a node where it is written.
    pub(crate) fn written_path(&self, id: NodeId) -> NodePath {
        let mut steps = Vec::new();
        let mut id = id;
        while id != self.root {
            let parent = NodeId(self.raw(id).parent);
            if parent == id {
                break;
            }
            let children = self.raw_children(parent);
            let place = self.place_in(parent, id).unwrap_or_default();
            steps.push(match self.raw(parent).content {
                Content::Mapping => Step::Key(
                    children
                        .get(place & !1)
                        .map(|key| self.key_text(*key).into_owned())
                        .unwrap_or_default(),
                ),
                _ => Step::Index(place),
            });
            id = parent;
        }
        NodePath::reversed(steps)
    }
}
