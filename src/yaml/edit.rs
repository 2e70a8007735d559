//! Promoting targets in the text of a datafile.

use super::error::{EditError, ParseError, Position};
use super::patch::Patch;
use super::path::{NodePath, Step};
use super::quote::{Quoting, write_scalar};
use super::site::is_cut;
use super::splice::{self, Splice};
use super::tree::{Content, Kind, Limits, NodeId, Tree};
use super::value::first_difference;

/// What is to become of one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetEdit {
    /// The target's mapping.
    pub target: NodeId,
    /// Its new `ref`; `None`: the `ref` stays.
    pub new_ref: Option<String>,
    /// What to do about a `ref` that is an alias.
    pub ref_mode: RefMode,
    /// The config hashes that it is to have.
    pub hashes: Vec<HashEdit>,
}

/// Where a new `ref` goes if the target has an alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RefMode {
    /// To the scalar that the alias stands for: all that use it change.
    #[default]
    InPlace,
    /// In the place of the alias. A `ref` that is no alias has a value of its own anyway.
    OwnValue,
}

/// A config hash that a target is to have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HashEdit {
    /// The channel.
    pub channel: String,
    /// The publisher's saas file.
    pub parent_saas: String,
    /// The hash.
    pub target_config_hash: String,
}

/// The text with the targets promoted and every other byte as it was.
///
/// Each target gets its `ref`. For each hash, every item of `promotion.promotion_data` of that channel, and in it every
/// `parent_saas_config` of that `parent_saas`, gets the hash; if there is none, an item is appended, to a list that is
/// made if need be. What has the wanted text already stays as it is written, so that editing twice changes nothing.
///
/// The new text is read again and compared with what it should mean, see [`verify`].
///
/// # Errors
/// When something on the way is not what it has to be (a duplicate key, no mapping, an odd notation), when a value
/// that changes is also that of another place, or when the new text does not read as it should.
pub fn edit(tree: &Tree, edits: &[TargetEdit]) -> Result<String, EditError> {
    patch(tree, edits).map(|patch| patch.apply(tree.text()))
}

/// What [`edit`] changes.
///
/// # Errors
/// Those of [`edit`].
pub fn patch(tree: &Tree, edits: &[TargetEdit]) -> Result<Patch, EditError> {
    let first = Plan::new(tree, edits, RefMode::InPlace).run();
    let Err(EditError::Shared { .. }) = first else {
        return first;
    };
    // a hash that is an alias of one that has to stay can have a value of its own
    Plan::new(tree, edits, RefMode::OwnValue).run().or(first)
}

/// Does a text differ from the old one by the wanted edits and nothing else? Compares all values, with aliases and
/// merge keys worked in.
///
/// # Errors
/// The first place where it does not.
pub fn verify(old: &Tree, new: &Tree, wanted: &[TargetEdit]) -> Result<(), EditError> {
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

/// The changes of the text that [`edit`] tries first.
pub(super) fn splices(tree: &Tree, edits: &[TargetEdit]) -> Result<Vec<Splice>, EditError> {
    Plan::new(tree, edits, RefMode::InPlace).splices()
}

/// The changes as a patch, once the new text was read again and found right.
pub(super) fn checked(
    tree: &Tree,
    edits: &[TargetEdit],
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

struct Plan<'a> {
    tree: &'a Tree,
    edits: &'a [TargetEdit],
    hash_mode: RefMode,
    splices: Vec<Splice>,
    /// New items by the mapping `promotion` that they are for.
    items: Vec<(NodeId, Vec<&'a HashEdit>)>,
}

impl<'a> Plan<'a> {
    fn new(tree: &'a Tree, edits: &'a [TargetEdit], hash_mode: RefMode) -> Self {
        Self { tree, edits, hash_mode, splices: Vec::new(), items: Vec::new() }
    }

    fn run(self) -> Result<Patch, EditError> {
        let (tree, edits) = (self.tree, self.edits);
        checked(tree, edits, self.splices()?)
    }

    /// The changes of the text, not tried yet.
    fn splices(mut self) -> Result<Vec<Splice>, EditError> {
        for edit in self.edits {
            self.target(edit)?;
        }
        for (promotion, hashes) in std::mem::take(&mut self.items) {
            self.append(promotion, &hashes)?;
        }
        Ok(self.splices)
    }

    fn target(&mut self, edit: &'a TargetEdit) -> Result<(), EditError> {
        let tree = self.tree;
        let target = tree.node(edit.target);
        if target.kind() != Kind::Mapping {
            return Err(wrong_kind(tree, target.id(), "the target", "a mapping"));
        }
        let usages = tree.usages(target.id());
        if is_cut(&usages) {
            return Err(EditError::TooManyUsers { at: target.position() });
        }
        for way in &usages {
            self.check_way(way)?;
        }
        // an overwritten duplicate, say
        let Some(way) = usages.into_iter().next() else {
            return Err(EditError::Missing {
                at: target.position(),
                what: "place that has this target",
            });
        };
        if let Some(text) = &edit.new_ref {
            self.new_ref(target.id(), &way, text, edit.ref_mode)?;
        }
        for (i, hash) in edit.hashes.iter().enumerate() {
            let same = |other: &&HashEdit| {
                other.channel == hash.channel && other.parent_saas == hash.parent_saas
            };
            if edit.hashes[..i].iter().find(same).is_some_and(|other| other != hash) {
                return Err(EditError::Conflict {
                    at: target.position(),
                    what: format!("{} of {}", hash.channel, hash.parent_saas),
                });
            }
            self.hash(target.id(), &way, hash)?;
        }
        Ok(())
    }

    /// Refuses duplicate keys from the root to a node.
    fn check_way(&self, way: &NodePath) -> Result<(), EditError> {
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

    /// The value of a key as written, refused if the key is there twice.
    fn child(
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

    fn new_ref(
        &mut self,
        target: NodeId,
        way: &NodePath,
        text: &str,
        mode: RefMode,
    ) -> Result<(), EditError> {
        let site = self.tree.ref_site(target)?;
        let written = self.child(target, "ref", way)?.unwrap_or(site.value);
        self.replace(written, text, mode, &way.key("ref"))
    }

    /// Gives a scalar as written, or the one that an alias stands for, another text.
    fn replace(
        &mut self,
        written: NodeId,
        text: &str,
        mode: RefMode,
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
        let splice = if mode == RefMode::OwnValue && tree.raw(written).content == Content::Alias {
            let span = tree.raw(written).start as usize..tree.raw(written).end as usize;
            let own = write_scalar(text, Quoting::Plain, tree.context_of(written));
            Splice::inline(span, own, written)
        } else {
            tree.new_scalar(node.id(), text, path)?
        };
        self.splices.push(splice);
        Ok(())
    }

    fn hash(
        &mut self,
        target: NodeId,
        way: &NodePath,
        hash: &'a HashEdit,
    ) -> Result<(), EditError> {
        let tree = self.tree;
        let at = tree.position_of(target);
        let promotion = self
            .child(target, "promotion", way)?
            .ok_or(EditError::Missing { at, what: "promotion" })?;
        let promotion = tree.resolve(promotion);
        let way = way.key("promotion");
        if tree.raw(promotion).content != Content::Mapping {
            return Err(wrong_kind(tree, promotion, &way.to_string(), "a mapping"));
        }
        let list = self.child(promotion, "promotion_data", &way)?;
        let way = way.key("promotion_data");
        let mut any = false;
        if let Some(list) = list {
            let list = tree.node(list);
            if list.kind() != Kind::Sequence && !list.is_null() {
                return Err(wrong_kind(tree, list.id(), &way.to_string(), "a list"));
            }
            for (i, item) in list.items().enumerate() {
                if item.get("channel").and_then(|c| c.text()).is_none_or(|c| c != hash.channel) {
                    continue;
                }
                any |= self.hash_in(item.id(), &way.index(i), hash)?;
            }
        }
        if !any {
            match self.items.iter_mut().find(|(of, _)| *of == promotion) {
                None => self.items.push((promotion, vec![hash])),
                Some((_, hashes)) if hashes.contains(&hash) => {}
                Some((_, hashes)) => hashes.push(hash),
            }
        }
        Ok(())
    }

    /// Sets a hash in an item of its channel; says if there is a place for it.
    fn hash_in(
        &mut self,
        item: NodeId,
        way: &NodePath,
        hash: &HashEdit,
    ) -> Result<bool, EditError> {
        let tree = self.tree;
        let is = |entry: NodeId, key: &str, text: &str| {
            tree.node(entry).get(key).and_then(|v| v.text()).is_some_and(|t| t == text)
        };
        let Some(data) = tree.node(item).get("data") else {
            return Ok(false);
        };
        let way = way.key("data");
        let mut any = false;
        for (i, entry) in data.items().map(|e| e.id()).enumerate() {
            if !is(entry, "type", "parent_saas_config")
                || !is(entry, "parent_saas", &hash.parent_saas)
            {
                continue;
            }
            any = true;
            let way = way.index(i);
            self.check_way(&way)?;
            match self.child(entry, "target_config_hash", &way)? {
                Some(written) => self.replace(
                    written,
                    &hash.target_config_hash,
                    self.hash_mode,
                    &way.key("target_config_hash"),
                )?,
                None => tree.add_hash(entry, &hash.target_config_hash, &mut self.splices)?,
            }
        }
        Ok(any)
    }

    fn append(&mut self, promotion: NodeId, hashes: &[&HashEdit]) -> Result<(), EditError> {
        let tree = self.tree;
        let key = "promotion_data";
        let found = tree.lookup(promotion, key);
        let list = found.map(|f| tree.resolve(f.value));
        match (found, list) {
            (Some(_), Some(list)) if tree.raw(list).content == Content::Sequence => {
                tree.add_items(list, hashes, &mut self.splices)
            }
            (Some(found), _) if found.mapping == promotion => {
                tree.fill_list(promotion, found.value, hashes, &mut self.splices)
            }
            _ => tree.add_list(promotion, key, hashes, &mut self.splices),
        }
    }
}

fn wrong_kind(tree: &Tree, node: NodeId, what: &str, wanted: &'static str) -> EditError {
    EditError::WrongKind { at: tree.position_of(node), what: what.to_owned(), wanted }
}

#[cfg(test)]
thread_local! {
    /// How many edited texts this thread has read again.
    pub(crate) static REREAD: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

fn reread(text: &str) -> Result<Tree, ParseError> {
    #[cfg(test)]
    REREAD.set(REREAD.get() + 1);
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
