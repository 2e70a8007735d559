//! Changing values in the text of a document.

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

/// Where a new text goes if there is an alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AliasMode {
    /// To the scalar that the alias stands for: all that use it change.
    #[default]
    InPlace,
    /// In the place of the alias. What is no alias has a value of its own anyway.
    OwnValue,
}

/// A change of one node, as a rule for its value and as changes of the text that follow it. The text is checked against
/// the rule, so that a mistake in one of them is found out.
pub trait Edit: Clone {
    /// The node whose value changes.
    fn node(&self) -> NodeId;

    /// The rule: makes the new value of the old one.
    fn apply_to(&self, value: &mut Value);

    /// The changes of the text that these edits take together, made with an [`Editor`]. What stands for several places
    /// and is not the edit's own to choose is changed by `mode`.
    ///
    /// # Errors
    /// When something on the way is not what it has to be.
    fn splices(tree: &Tree, edits: &[Self], mode: AliasMode) -> Result<Vec<Splice>, EditError>;
}

/// The text with the edits made and every other byte as it was.
///
/// What has the wanted text already stays as it is written, so that editing twice changes nothing. The new text is read
/// again and compared with what it should mean, see [`verify`].
///
/// # Errors
/// When something on the way is not what it has to be (a duplicate key, no mapping, an odd notation), when a value
/// that changes is also that of another place, or when the new text does not read as it should.
pub fn edit<E: Edit>(tree: &Tree, edits: &[E]) -> Result<String, EditError> {
    patch(tree, edits).map(|patch| patch.apply(tree.text()))
}

/// What [`edit`] changes.
///
/// # Errors
/// Those of [`edit`].
pub fn patch<E: Edit>(tree: &Tree, edits: &[E]) -> Result<Patch, EditError> {
    let run = |mode| checked(tree, edits, E::splices(tree, edits, mode)?);
    let first = run(AliasMode::InPlace);
    let Err(EditError::Shared { .. }) = first else {
        return first;
    };
    // an alias of a value that has to stay can have a value of its own
    run(AliasMode::OwnValue).or(first)
}

/// Does a text differ from the old one by the wanted edits and nothing else? Compares all values, with aliases and
/// merge keys worked in.
///
/// # Errors
/// The first place where it does not.
pub fn verify<E: Edit>(old: &Tree, new: &Tree, wanted: &[E]) -> Result<(), EditError> {
    match first_difference(old, new, wanted) {
        None => Ok(()),
        Some((path, why)) => Err(EditError::Verification { at: nearest(old, &path), path, why }),
    }
}

/// Where a path leads, or the last node on the way that is there.
fn nearest(tree: &Tree, path: &NodePath) -> Position {
    let mut path = path.clone();
    loop {
        if let Some(node) = tree.at_path(&path) {
            return node.position();
        }
        path.pop();
    }
}

/// The changes as a patch, once the new text was read again and found right.
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
        why: format!("the new text can't be read ({e})"),
    })?;
    verify(tree, &new, edits).map_err(|e| foreign(tree, &changed, e))?;
    Ok(patch)
}

/// Makes changes of a text, and refuses what cannot be changed safely.
pub struct Editor<'a> {
    tree: &'a Tree,
    splices: Vec<Splice>,
    /// New items, by the mapping and the key of the list that they are for.
    items: Vec<(NodeId, &'static str, Vec<Entry>)>,
}

impl<'a> Editor<'a> {
    /// No changes yet.
    #[must_use]
    pub fn new(tree: &'a Tree) -> Self {
        Self { tree, splices: Vec::new(), items: Vec::new() }
    }

    /// The first place of a mapping that is to be changed, by `what` it is.
    ///
    /// # Errors
    /// When it is no mapping, when duplicate keys are on any way to it, when too many places have it, or none.
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
        // an overwritten duplicate, say
        let missing = || EditError::Missing { at: node.position(), what: "place that has it" };
        usages.into_iter().next().ok_or_else(missing)
    }

    /// Refuses duplicate keys from the root to a node.
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

    /// The value of a key as written.
    ///
    /// # Errors
    /// When the key is there twice.
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

    /// Gives a scalar as written, or the one that an alias stands for, another text.
    ///
    /// # Errors
    /// When it is no scalar, or is written in a way that is not edited.
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

    /// Adds a key with a text to a mapping that does not have it.
    ///
    /// # Errors
    /// When the mapping is written in a way that is not edited.
    pub fn add_key(&mut self, mapping: NodeId, key: &str, text: &str) -> Result<(), EditError> {
        self.tree.add_key(mapping, key, text, &mut self.splices)
    }

    /// Appends an item to the list under a key of a mapping, which is made if need be. Equal ones are appended once.
    pub fn append(&mut self, mapping: NodeId, key: &'static str, item: Entry) {
        match self.items.iter_mut().find(|(of, under, _)| *of == mapping && *under == key) {
            None => self.items.push((mapping, key, vec![item])),
            Some((_, _, items)) if items.contains(&item) => {}
            Some((_, _, items)) => items.push(item),
        }
    }

    /// The changes of the text, not tried yet.
    ///
    /// # Errors
    /// When a list is written in a way that is not edited.
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

/// That a node is not what it has to be.
#[must_use]
pub fn wrong_kind(tree: &Tree, node: NodeId, what: &str, wanted: &'static str) -> EditError {
    EditError::WrongKind { at: tree.position_of(node), what: what.to_owned(), wanted }
}

thread_local! {
    static REREADS: Cell<usize> = const { Cell::new(0) };
}

/// How many edited texts this thread has read again, for tests of what edits cost.
#[must_use]
pub fn rereads() -> usize {
    REREADS.get()
}

fn reread(text: &str) -> Result<Tree, ParseError> {
    REREADS.set(REREADS.get() + 1);
    // an edit may bring a document a little over the limits that it was read with
    let limits = Limits { bytes: usize::MAX, depth: 1000, nodes: u64::MAX };
    Tree::parse(text.as_bytes(), &limits)
}

/// A place that differs because it shares a changed node is told as such.
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
