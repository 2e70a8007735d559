//! Reads the nodes of a tree.

use crate::error::Position;
use crate::scalar::Scalar;
use crate::tree::{Content, Kind, Node, NodeId, Style, Tree, flag};
use std::borrow::Cow;
use std::ops::Range;

/// A node in its tree. Aliases are always resolved, so this is never an alias itself.
#[derive(Debug, Clone, Copy)]
pub struct NodeRef<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) id: NodeId,
}

impl<'a> NodeRef<'a> {
    pub(crate) fn resolve_alias(tree: &'a Tree, id: NodeId) -> Self {
        Self { tree, id: tree.resolve(id) }
    }

    fn raw(self) -> &'a Node {
        self.tree.raw(self.id)
    }

    /// The id of the node itself, even if it was reached through an alias.
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The kind of the node.
    pub fn kind(self) -> Kind {
        match self.raw().content {
            Content::Sequence => Kind::Sequence,
            Content::Mapping => Kind::Mapping,
            Content::Scalar | Content::Alias => Kind::Scalar,
        }
    }

    /// Its notation.
    pub fn style(self) -> Style {
        self.raw().style
    }

    /// The value of a key of a mapping, with merge keys and duplicates resolved; `None` for other nodes.
    pub fn get(self, key: &str) -> Option<NodeRef<'a>> {
        let found = self.tree.lookup(self.id, key)?;
        Some(Self::resolve_alias(self.tree, found.value))
    }

    /// Keys and values of a mapping, with merge keys and duplicates resolved, in the order of Python's
    /// dict. Keys that are not texts are given as [`Scalar::key_text`]. Empty for other nodes.
    pub fn entries(self) -> impl Iterator<Item = (Cow<'a, str>, NodeRef<'a>)> {
        let tree = self.tree;
        let entries = tree.effective(self.id).into_iter();
        entries.map(move |(key, value)| (key, Self::resolve_alias(tree, value)))
    }

    /// Do both scalars have the same text, tag and quotes, so that they have the same value?
    pub(crate) fn is_written_as(self, other: NodeRef<'_>) -> bool {
        let (a, b) = (self.raw(), other.raw());
        let is_plain = |node: &Node| node.style == Style::Plain;
        a.tag == b.tag
            && is_plain(a) == is_plain(b)
            && self.tree.value(self.id) == other.tree.value(other.id)
    }

    /// Does this mapping have exactly the keys and values that are written in it, without merge keys and duplicates?
    pub(crate) fn is_as_written(self) -> bool {
        !self.raw().has(flag::MERGE | flag::DUPLICATES)
    }

    /// The key and value of this written child of a mapping; `None` for keys.
    pub(crate) fn written_entry(self, child: usize) -> Option<(Cow<'a, str>, NodeRef<'a>)> {
        let pair = self.tree.raw_children(self.id).get(child / 2 * 2..child / 2 * 2 + 2)?;
        (child % 2 == 1)
            .then(|| (self.tree.key_text(pair[0]), Self::resolve_alias(self.tree, pair[1])))
    }

    /// The items of a list; empty for other nodes.
    pub fn items(self) -> impl ExactSizeIterator<Item = NodeRef<'a>> {
        let tree = self.tree;
        let items = match self.kind() {
            Kind::Sequence => tree.raw_children(self.id),
            _ => &[],
        };
        items.iter().map(move |id| Self::resolve_alias(tree, *id))
    }

    /// An item of a list, from 0.
    pub fn item(self, index: usize) -> Option<NodeRef<'a>> {
        let items = match self.kind() {
            Kind::Sequence => self.tree.raw_children(self.id),
            _ => &[],
        };
        items.get(index).map(|id| Self::resolve_alias(self.tree, *id))
    }

    /// The value of a scalar; `None` for lists and mappings.
    pub fn scalar(self) -> Option<Scalar<'a>> {
        self.tree.scalar_of(self.id)
    }

    /// The scalar as a text, see [`Scalar::text`].
    pub fn text(self) -> Option<Cow<'a, str>> {
        self.scalar()?.text()
    }

    /// Is it null or missing?
    pub fn is_null(self) -> bool {
        matches!(self.scalar(), Some(Scalar::Null))
    }

    /// The value of a boolean.
    pub fn as_bool(self) -> Option<bool> {
        match self.scalar()? {
            Scalar::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Where it begins, without anchor and tag.
    pub fn position(self) -> Position {
        self.tree.position_of(self.id)
    }

    /// Its bytes, without anchor and tag.
    pub fn span(self) -> Range<usize> {
        let node = self.raw();
        node.start as usize..node.end as usize
    }

    /// The node as JSON: dates as text, `.nan` and `.inf` as null, integers beyond 64 bits as floats.
    pub fn to_json(self) -> serde_json::Value {
        use serde_json::Value;
        match self.kind() {
            Kind::Mapping => {
                Value::Object(self.entries().map(|(k, v)| (k.into_owned(), v.to_json())).collect())
            }
            Kind::Sequence => Value::Array(self.items().map(Self::to_json).collect()),
            Kind::Scalar => match self.scalar() {
                None | Some(Scalar::Null) => Value::Null,
                Some(Scalar::Bool(value)) => Value::Bool(value),
                Some(Scalar::Float(value)) => value.into(),
                Some(Scalar::Str(text) | Scalar::Timestamp(text) | Scalar::Binary(text)) => {
                    text.into()
                }
                Some(Scalar::Int(digits)) => match (digits.parse::<i64>(), digits.parse::<u64>()) {
                    (Ok(n), _) => n.into(),
                    (_, Ok(n)) => n.into(),
                    _ => digits.parse::<f64>().ok().into(),
                },
            },
        }
    }
}
