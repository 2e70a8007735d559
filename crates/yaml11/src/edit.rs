//! Edits values in the text of a document.

use std::cell::Cell;

use crate::error::{EditError, ParseError, Position};
use crate::insert::Entry;
use crate::patch::Patch;
use crate::path::{NodePath, Step};
use crate::quote::{Quoting, write_scalar};
use crate::splice::{self, Splice};
use crate::tree::{Content, Kind, Limits, NodeId, Tree};
use crate::usages::is_cut;
use crate::value::{Value, first_difference};

/// Where the new text goes if the value is an alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AliasMode {
    /// Into the anchored scalar, so that all its users change.
    #[default]
    InPlace,
    /// In place of the alias. Other values are edited as usual.
    OwnValue,
}

/// An edit of one node, both as a rule for its value and as changes of the text. The new text is checked against
/// the rule, so that a mistake in one of them is detected.
pub trait Edit: Clone {
    /// The node that is edited.
    fn node(&self) -> NodeId;

    /// The rule: computes the new value from the old one.
    fn apply_to(&self, value: &mut Value);

    /// The changes of the text for all these edits, made with an [`Editor`]. `mode` decides about values that are
    /// shared between several locations.
    ///
    /// # Errors
    /// When a node on the way is not as expected.
    fn splices(tree: &Tree, edits: &[Self], mode: AliasMode) -> Result<Vec<Splice>, EditError>;
}

/// The text with the edits made and every other byte unchanged.
///
/// A value that is already as desired keeps its notation, so editing twice changes nothing. The new text is parsed
/// again and checked with [`verify`].
///
/// # Errors
/// When a node on the way is not as expected (a duplicate key, not a mapping, an unsupported notation), when an edited
/// value is shared with another location, or when the new text does not parse as it should.
pub fn edit<E: Edit>(tree: &Tree, edits: &[E]) -> Result<String, EditError> {
    patch(tree, edits).map(|patch| patch.apply(tree.text()))
}

/// The changes of [`edit`].
///
/// # Errors
/// Those of [`edit`].
pub fn patch<E: Edit>(tree: &Tree, edits: &[E]) -> Result<Patch, EditError> {
    let run = |mode| checked(tree, edits, E::splices(tree, edits, mode)?);
    let first = run(AliasMode::InPlace);
    let Err(EditError::Shared { .. }) = first else {
        return first;
    };
    // an alias of a value that must not change can be replaced
    run(AliasMode::OwnValue).or(first)
}

/// Checks that a text differs from the old one by the wanted edits and nothing else. Compares all values, with aliases
/// and merge keys resolved.
///
/// # Errors
/// The first location that differs in another way.
pub fn verify<E: Edit>(old: &Tree, new: &Tree, wanted: &[E]) -> Result<(), EditError> {
    match first_difference(old, new, wanted) {
        None => Ok(()),
        Some((path, why)) => Err(EditError::Verification { at: nearest(old, &path), path, why }),
    }
}

/// Where a path leads, or the last existing node on the way.
fn nearest(tree: &Tree, path: &NodePath) -> Position {
    let mut path = path.clone();
    loop {
        if let Some(node) = tree.at_path(&path) {
            return node.position();
        }
        path.pop();
    }
}

/// Makes a patch of the changes, after parsing and checking the new text.
pub(crate) fn checked<E: Edit>(
    tree: &Tree,
    edits: &[E],
    splices: Vec<Splice>,
) -> Result<Patch, EditError> {
    let mut changed: Vec<NodeId> = splices.iter().map(|s| s.node).collect();
    changed.sort_unstable();
    if changed.is_empty() {
        return Ok(Patch::default());
    }
    let patch = splice::patch(tree, splices)?;
    let new = reread(&patch.apply(tree.text())).map_err(|e| EditError::Verification {
        at: tree.position_of(changed[0]),
        path: tree.written_path(changed[0]),
        why: format!("the new text cannot be parsed ({e})"),
    })?;
    verify(tree, &new, edits).map_err(|e| foreign(tree, &changed, e))?;
    Ok(patch)
}

/// Collects changes of a text, and refuses what cannot be changed safely.
pub struct Editor<'a> {
    tree: &'a Tree,
    splices: Vec<Splice>,
    /// New items, by mapping and key of their list.
    items: Vec<(NodeId, &'static str, Vec<Entry>)>,
}

impl<'a> Editor<'a> {
    /// Creates an editor without changes.
    #[must_use]
    pub fn new(tree: &'a Tree) -> Self {
        Self { tree, splices: Vec::new(), items: Vec::new() }
    }

    /// The path to a mapping that is going to be changed. Errors call it `what`.
    ///
    /// # Errors
    /// When it is not a mapping, when a path to it has duplicate keys, or when too many locations share it, or none.
    pub fn way_to(&self, mapping: NodeId, what: &'static str) -> Result<NodePath, EditError> {
        let tree = self.tree;
        let node = tree.node(mapping);
        if node.kind() != Kind::Mapping {
            return Err(wrong_kind(tree, node.id(), what, "a mapping"));
        }
        let usages = tree.usages(node.id());
        if is_cut(&usages) {
            return Err(EditError::TooManyUsers { at: node.position() });
        }
        for way in &usages {
            self.check_way(way)?;
        }
        // for example an overwritten duplicate
        let missing = || EditError::Missing { at: node.position(), what: "place that has it" };
        usages.into_iter().next().ok_or_else(missing)
    }

    /// Refuses duplicate keys on the path from the root to a node.
    ///
    /// # Errors
    /// The first duplicate.
    pub fn check_way(&self, way: &NodePath) -> Result<(), EditError> {
        let mut node = self.tree.root().id();
        let mut path = NodePath::root();
        for step in way.steps() {
            node = match step {
                Step::Key(key) => self.child(node, key, &path)?,
                Step::Index(i) => self.tree.raw_children(node).get(*i).copied(),
            }
            .map_or(node, |id| self.tree.resolve(id));
            path.push(step.clone());
        }
        Ok(())
    }

    /// The value of a key, with aliases not resolved.
    ///
    /// # Errors
    /// When the key is duplicate.
    pub fn child(
        &self,
        mapping: NodeId,
        key: &str,
        path: &NodePath,
    ) -> Result<Option<NodeId>, EditError> {
        let Some(found) = self.tree.lookup(mapping, key) else {
            return Ok(None);
        };
        match self.tree.duplicate_of(found.mapping, key) {
            None => Ok(Some(found.value)),
            Some(later) => Err(EditError::DuplicateKey {
                at: self.tree.position_of(later),
                path: path.key(key),
            }),
        }
    }

    /// Replaces the text of a scalar, or of the one that an alias refers to.
    ///
    /// # Errors
    /// When it is not a scalar, or its notation is not supported.
    pub fn replace(
        &mut self,
        written: NodeId,
        text: &str,
        mode: AliasMode,
        path: &NodePath,
    ) -> Result<(), EditError> {
        let tree = self.tree;
        let node = tree.node(written);
        if node.kind() != Kind::Scalar {
            return Err(wrong_kind(tree, node.id(), &path.to_string(), "a single value"));
        }
        if node.text().is_some_and(|old| old == text) {
            return Ok(());
        }
        let splice = if mode == AliasMode::OwnValue && tree.raw(written).content == Content::Alias {
            let span = tree.raw(written).start as usize..tree.raw(written).end as usize;
            let own = write_scalar(text, Quoting::Plain, tree.context_of(written));
            Splice::inline(span, own, written)
        } else {
            tree.new_scalar(node.id(), text, path)?
        };
        self.splices.push(splice);
        Ok(())
    }

    /// Adds a key with a text value to a mapping that does not have it.
    ///
    /// # Errors
    /// When the notation of the mapping is not supported.
    pub fn add_key(&mut self, mapping: NodeId, key: &str, text: &str) -> Result<(), EditError> {
        self.tree.add_key(mapping, key, text, &mut self.splices)
    }

    /// Appends an item to the list under a key of a mapping, creating the list if needed. Equal items are added once.
    pub fn append(&mut self, mapping: NodeId, key: &'static str, item: Entry) {
        match self.items.iter_mut().find(|(of, under, _)| *of == mapping && *under == key) {
            None => self.items.push((mapping, key, vec![item])),
            Some((_, _, items)) if items.contains(&item) => {}
            Some((_, _, items)) => items.push(item),
        }
    }

    /// The collected changes, not checked yet.
    ///
    /// # Errors
    /// When the notation of a list is not supported.
    pub fn finish(mut self) -> Result<Vec<Splice>, EditError> {
        let tree = self.tree;
        for (mapping, key, items) in std::mem::take(&mut self.items) {
            let found = tree.lookup(mapping, key);
            let list = found.map(|found| tree.resolve(found.value));
            match (found, list) {
                (Some(_), Some(list)) if tree.raw(list).content == Content::Sequence => {
                    tree.add_items(list, &items, &mut self.splices)?;
                }
                (Some(found), _) if found.mapping == mapping => {
                    tree.fill_list(mapping, found.value, &items, &mut self.splices)?;
                }
                _ => tree.add_list(mapping, key, &items, &mut self.splices)?,
            }
        }
        Ok(self.splices)
    }
}

/// The error for a node of the wrong kind.
#[must_use]
pub fn wrong_kind(tree: &Tree, node: NodeId, what: &str, wanted: &'static str) -> EditError {
    EditError::WrongKind { at: tree.position_of(node), what: what.to_owned(), wanted }
}

thread_local! {
    static REREADS: Cell<usize> = const { Cell::new(0) };
}

/// How many edited texts this thread has parsed again, for tests of the cost of edits.
#[must_use]
pub fn rereads() -> usize {
    REREADS.get()
}

fn reread(text: &str) -> Result<Tree, ParseError> {
    REREADS.set(REREADS.get() + 1);
    // an edit may exceed the limits that the original was read with by a little
    let limits = Limits { bytes: usize::MAX, depth: 1000, nodes: u64::MAX };
    Tree::parse(text.as_bytes(), &limits)
}

/// Reports a location that differs because it shares a changed node as such.
fn foreign(tree: &Tree, changed: &[NodeId], error: EditError) -> EditError {
    let EditError::Verification { path, .. } = &error else {
        return error;
    };
    let mut way = path.clone();
    while !way.steps().is_empty() {
        if let Some(node) = tree.at_path(&way)
            && changed.contains(&node.id())
        {
            return EditError::Shared { at: node.position(), path: path.clone() };
        }
        way.pop();
    }
    error
}
