//! The nodes of a document.

use crate::error::{ParseError, Position, Warning};
use crate::node::NodeRef;
use crate::path::{NodePath, Step};
use crate::scalar::{Scalar, resolve_plain, resolve_tagged};
use crate::tag::Tag;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::sync::Arc;

/// Limits of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file. Never more than 4 GiB, whatever the value.
    pub bytes: usize,
    /// Levels of lists and mappings, with aliases resolved. Never more than 1,000.
    pub depth: usize,
    /// Nodes, with aliases expanded.
    pub nodes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 16 << 20, depth: 100, nodes: 1_000_000 }
    }
}

/// A node of one [`Tree`]. Do not use it with another tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub(crate) u32);

impl NodeId {
    pub(crate) fn at(self) -> usize {
        self.0 as usize
    }
}

/// The kind of a node, with aliases resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A single value.
    Scalar,
    /// A list.
    Sequence,
    /// Keys and values.
    Mapping,
}

/// The notation of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Style {
    /// A scalar without quotes, or a missing value.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|` or `>`
    BlockScalar,
    /// A list or mapping in `[…]` or `{…}`.
    Flow,
    /// A list or mapping by indentation.
    Block,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Content {
    Scalar,
    Sequence,
    Mapping,
    Alias,
}

/// Bits of [`Node::flags`].
pub(crate) mod flag {
    /// Inside a flow list or mapping.
    pub const IN_FLOW: u8 = 1;
    /// A mapping with a merge key.
    pub const MERGE: u8 = 2;
    /// A mapping with a duplicate key.
    pub const DUPLICATES: u8 = 4;
    /// The value is in `Tree::decoded`, not in the text.
    pub const DECODED: u8 = 8;
    /// There is an anchor.
    pub const ANCHOR: u8 = 16;
    /// A scalar of no bytes.
    pub const EMPTY: u8 = 32;
}

/// A node. Offsets are in bytes of the original text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub content: Content,
    pub style: Style,
    pub tag: Tag,
    pub flags: u8,
    /// The bytes of the node without anchor and tag. Block lists and mappings end with the last entry in
    /// them.
    pub start: u32,
    pub end: u32,
    /// The bytes of anchor and tag; both 0 if there are none.
    pub properties: (u32, u32),
    pub line: u32,
    pub column: u32,
    pub parent: u32,
    /// Scalars: the range of the value. Lists and mappings: the range of `Tree::children` (alternating keys and
    /// values for mappings). Aliases: the node they refer to.
    pub a: u32,
    pub b: u32,
}

impl Node {
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// A document: its text and its nodes.
#[derive(Debug, Clone)]
pub struct Tree {
    pub(crate) text: Arc<str>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) children: Vec<NodeId>,
    /// Each node with an alias that refers to it, in order.
    pub(crate) aliases: Vec<(NodeId, NodeId)>,
    /// Values that differ from the text.
    pub(crate) decoded: String,
    pub(crate) root: NodeId,
    pub(crate) warnings: Vec<Warning>,
}

impl Tree {
    /// Parses a document as `PyYAML`'s safe loader does (YAML 1.1).
    ///
    /// - A byte order mark is skipped. It counts in offsets, but not in columns. Empty input is a null.
    /// - There is one document per file: a second one is an error, even an empty one (a `---` at the end). A `...`
    ///   marker followed only by comments is allowed.
    /// - Tags that a safe loader does not know are an error for the whole file, as in `PyYAML`.
    /// - Duplicate keys: the last one counts, with a warning.
    ///
    /// # Errors
    /// When the bytes are not UTF-8 or not YAML, or exceed the limits.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, ParseError> {
        crate::build::parse(bytes, limits)
    }

    /// The original text, including a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same text, shared.
    pub fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// The top node.
    pub fn root(&self) -> NodeRef<'_> {
        self.node(self.root)
    }

    /// The node with this id, with an alias resolved. An id of another tree gives an arbitrary node, or the root if it
    /// is out of range.
    pub fn node(&self, id: NodeId) -> NodeRef<'_> {
        let id = if id.at() < self.nodes.len() { id } else { self.root };
        NodeRef { tree: self, id: self.resolve(id) }
    }

    /// Problems that did not prevent reading, in the order of the text.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The node at a path.
    pub fn at_path(&self, path: &NodePath) -> Option<NodeRef<'_>> {
        path.steps().iter().try_fold(self.root(), |node, step| match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.item(*index),
        })
    }

    pub(crate) fn raw(&self, id: NodeId) -> &Node {
        &self.nodes[id.at()]
    }

    pub(crate) fn resolve(&self, id: NodeId) -> NodeId {
        match self.raw(id).content {
            Content::Alias => NodeId(self.raw(id).a),
            _ => id,
        }
    }

    /// The children, with aliases not resolved.
    pub(crate) fn raw_children(&self, id: NodeId) -> &[NodeId] {
        let node = self.raw(id);
        match node.content {
            Content::Sequence | Content::Mapping => {
                &self.children[node.a as usize..node.b as usize]
            }
            _ => &[],
        }
    }

    /// The written keys and values of a mapping.
    pub(crate) fn raw_pairs(
        &self,
        id: NodeId,
    ) -> impl DoubleEndedIterator<Item = (NodeId, NodeId)> + '_ {
        let children = match self.raw(id).content {
            Content::Mapping => self.raw_children(id),
            _ => &[],
        };
        children.chunks_exact(2).map(|pair| (pair[0], pair[1]))
    }

    /// The text of a scalar, after escapes and folding; empty for other nodes.
    pub(crate) fn value(&self, id: NodeId) -> &str {
        let node = self.raw(id);
        if node.content != Content::Scalar {
            return "";
        }
        let source = if node.has(flag::DECODED) { self.decoded.as_str() } else { &self.text };
        source.get(node.a as usize..node.b as usize).unwrap_or_default()
    }

    pub(crate) fn scalar_of(&self, id: NodeId) -> Option<Scalar<'_>> {
        let node = self.raw(id);
        if node.content != Content::Scalar {
            return None;
        }
        let value = self.value(id);
        Some(match node.tag {
            Tag::None if node.style == Style::Plain => resolve_plain(value),
            Tag::None => Scalar::Str(value),
            tag => resolve_tagged(value, tag).unwrap_or(Scalar::Str(value)),
        })
    }

    /// The text of a key. Keys are scalars or aliases of scalars.
    pub(crate) fn key_text(&self, id: NodeId) -> Cow<'_, str> {
        let id = self.resolve(id);
        let node = self.raw(id);
        if node.tag == Tag::None && node.style != Style::Plain {
            return Cow::Borrowed(self.value(id));
        }
        self.scalar_of(id).map(|s| s.key_text()).unwrap_or_default()
    }

    /// Is this written key a merge key, `<<` without quotes?
    pub(crate) fn is_merge_key(&self, id: NodeId) -> bool {
        let node = self.raw(self.resolve(id));
        match node.tag {
            Tag::Merge => true,
            Tag::None => node.style == Style::Plain && self.value(self.resolve(id)) == "<<",
            Tag::NonSpecific => self.value(self.resolve(id)) == "<<",
            _ => false,
        }
    }

    pub(crate) fn position_of(&self, id: NodeId) -> Position {
        let node = self.raw(id);
        Position { line: node.line, column: node.column }
    }
}
