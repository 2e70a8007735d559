//! Finds all locations in a document that share a node.

use crate::error::EditError;
use crate::node::NodeRef;
use crate::path::{NodePath, Step};
use crate::tree::{Content, Kind, NodeId, Tree};
use std::collections::BTreeSet;

/// Maximum number of locations in a list.
const MAX_USAGES: usize = 1000;

/// How a mapping gets the value of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Via {
    /// It is written in the mapping.
    Direct,
    /// The mapping contains an alias, `key: *x`.
    Alias {
        /// The alias. [`Tree::node`] resolves it.
        alias_at: NodeId,
    },
    /// A merge key adds it.
    Merge,
}

/// The location of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ValueSite {
    /// The scalar that contains the text.
    pub value: NodeId,
    /// How the mapping gets it.
    pub via: Via,
}

impl Tree {
    /// Finds the scalar value of a key.
    ///
    /// # Errors
    /// When the node is not a mapping, does not have the key, or has a list or a mapping there.
    pub fn value_site(&self, mapping: NodeId, key: &'static str) -> Result<ValueSite, EditError> {
        let node = self.node(mapping);
        let at = node.position();
        if node.kind() != Kind::Mapping {
            let what = format!("what should have `{key}`");
            return Err(EditError::WrongKind { at, what, wanted: "a mapping" });
        }
        let found = self.lookup(node.id(), key).ok_or(EditError::Missing { at, what: key })?;
        let value = self.node(found.value);
        if value.kind() != Kind::Scalar {
            let (at, what) = (value.position(), key.to_owned());
            return Err(EditError::WrongKind { at, what, wanted: "a string" });
        }
        let via = if found.mapping != node.id() {
            Via::Merge
        } else if self.raw(found.value).content == Content::Alias {
            Via::Alias { alias_at: found.value }
        } else {
            Via::Direct
        };
        Ok(ValueSite { value: value.id(), via })
    }

    /// Every path of a node: where it is written, and where aliases and merge keys refer to
    /// it. In the order of the text; at most 1,000.
    pub fn usages(&self, node: NodeId) -> Vec<NodePath> {
        let node = self.node(node).id();
        let mut walk =
            Walk { leads: self.leading_to(node), node, path: NodePath::root(), found: Vec::new() };
        walk.visit(self.root());
        walk.found
    }

    /// The nodes that contain this one, directly or not.
    fn leading_to(&self, node: NodeId) -> BTreeSet<NodeId> {
        let mut leads = BTreeSet::new();
        let mut todo = vec![node];
        while let Some(id) = todo.pop() {
            if !leads.insert(id) {
                continue;
            }
            todo.push(NodeId(self.raw(id).parent));
            let first = self.aliases.partition_point(|(target, _)| *target < id);
            let same = self.aliases[first..].iter().take_while(|(target, _)| *target == id);
            todo.extend(same.map(|(_, alias)| *alias));
        }
        leads
    }
}

struct Walk {
    leads: BTreeSet<NodeId>,
    node: NodeId,
    path: NodePath,
    found: Vec<NodePath>,
}

impl Walk {
    /// Recursion is limited by the depth of the document.
    fn visit(&mut self, at: NodeRef<'_>) {
        if self.found.len() >= MAX_USAGES {
            return;
        }
        if at.id() == self.node {
            self.found.push(self.path.clone());
            return;
        }
        match at.kind() {
            Kind::Scalar => {}
            Kind::Sequence => {
                for place in self.leading_children(at) {
                    if let Some(item) = at.item(place) {
                        self.step(|| Step::Index(place), item);
                    }
                }
            }
            Kind::Mapping if at.is_as_written() => {
                for place in self.leading_children(at) {
                    if let Some((key, value)) = at.written_entry(place) {
                        self.step(|| Step::Key(key.into_owned()), value);
                    }
                }
            }
            Kind::Mapping => {
                for (key, value) in at.entries() {
                    self.step(|| Step::Key(key.into_owned()), value);
                }
            }
        }
    }

    /// The indexes of the children that lead to the node. Visits only those, because a list
    /// of targets may be long and this is called for each of them.
    fn leading_children(&self, at: NodeRef<'_>) -> Vec<usize> {
        let children = at.tree.raw_children(at.id());
        let (Some(first), Some(last)) = (children.first(), children.last()) else {
            return Vec::new();
        };
        let leads = self.leads.range(*first..=*last);
        leads.filter_map(|id| at.tree.place_in(at.id(), *id)).collect()
    }

    fn step(&mut self, step: impl FnOnce() -> Step, to: NodeRef<'_>) {
        if self.leads.contains(&to.id()) {
            self.path.push(step());
            self.visit(to);
            self.path.pop();
        }
    }
}

/// Is the list of paths incomplete?
pub(crate) fn is_cut(usages: &[NodePath]) -> bool {
    usages.len() >= MAX_USAGES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    const TEXT: &str = "\
x: &x abc
targets:
- &t
  name: a
  ref: *x
- <<: *t
  name: b
- {<<: *t, ref: own}
- *t
";

    #[test]
    fn paths_are_found_through_aliases_and_merge_keys() {
        let tree = Tree::parse(TEXT.as_bytes(), &Limits::default()).expect("it reads");
        let targets: Vec<NodeRef<'_>> =
            tree.root().get("targets").expect("is there").items().collect();
        let site = tree.value_site(targets[0].id(), "ref").expect("has a ref");
        assert!(matches!(site.via, Via::Alias { .. }));
        assert_eq!(tree.value_site(targets[1].id(), "ref").expect("has a ref").via, Via::Merge);
        assert_eq!(tree.value_site(targets[2].id(), "ref").expect("has a ref").via, Via::Direct);
        let show = |paths: Vec<NodePath>| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            show(tree.usages(site.value)),
            ["x", "targets[0].ref", "targets[1].ref", "targets[3].ref"]
        );
        assert_eq!(show(tree.usages(targets[0].id())), ["targets[0]", "targets[3]"]);
    }
}
