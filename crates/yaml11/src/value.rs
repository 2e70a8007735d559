//! Compares the meaning of a document to its expected meaning after an edit.

use crate::edit::Edit;
use crate::node::NodeRef;
use crate::path::{NodePath, Step};
use crate::scalar::Scalar;
use crate::tree::{Kind, NodeId, Tree};
use std::collections::BTreeMap;

/// A value with all aliases and merge keys resolved.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The kind and text of a scalar, and its value as a text.
    Leaf(&'static str, String, Option<String>),
    /// A list.
    List(Vec<Value>),
    /// Keys and values.
    Map(BTreeMap<String, Value>),
}

type Edits<'a, E> = BTreeMap<NodeId, Vec<&'a E>>;

/// The first location where a document differs from another one with these edits, and the difference.
pub(crate) fn first_difference<E: Edit>(
    old: &Tree,
    new: &Tree,
    edits: &[E],
) -> Option<(NodePath, String)> {
    let mut by_target = Edits::<E>::new();
    for edit in edits {
        by_target.entry(old.node(edit.node()).id()).or_default().push(edit);
    }
    let mut way = Vec::new();
    let why = differs(old.root(), new.root(), &by_target, &mut way)?;
    Some((NodePath::reversed(way), why))
}

/// Compares node by node. Values are only built for edited nodes and differences, which are a small part.
///
/// The steps of the path are innermost first.
fn differs<E: Edit>(
    old: NodeRef<'_>,
    new: NodeRef<'_>,
    edits: &Edits<'_, E>,
    way: &mut Vec<Step>,
) -> Option<String> {
    let mut by_values =
        || Value::of_node(old, edits).differs(&Value::of_node(new, &Edits::<E>::new()), way);
    if edits.contains_key(&old.id()) {
        return by_values();
    }
    match (old.kind(), new.kind()) {
        (Kind::Sequence, Kind::Sequence) if old.items().len() == new.items().len() => {
            old.items().zip(new.items()).enumerate().find_map(|(i, (old, new))| {
                let why = differs(old, new, edits, way)?;
                way.push(Step::Index(i));
                Some(why)
            })
        }
        (Kind::Mapping, Kind::Mapping) => {
            let (olds, news): (Vec<_>, Vec<_>) = (old.entries().collect(), new.entries().collect());
            if !olds.iter().map(|(key, _)| key).eq(news.iter().map(|(key, _)| key)) {
                return by_values();
            }
            olds.into_iter().zip(news).find_map(|((key, old), (_, new))| {
                let why = differs(old, new, edits, way)?;
                way.push(Step::Key(key.into_owned()));
                Some(why)
            })
        }
        (Kind::Scalar, Kind::Scalar) if old.is_written_as(new) => None,
        _ => by_values(),
    }
}

impl Value {
    fn of_node<E: Edit>(node: NodeRef<'_>, edits: &Edits<'_, E>) -> Self {
        let mut value = match node.kind() {
            Kind::Sequence => {
                Self::List(node.items().map(|item| Self::of_node(item, edits)).collect())
            }
            Kind::Mapping => Self::Map(
                node.entries()
                    .map(|(key, value)| (key.into_owned(), Self::of_node(value, edits)))
                    .collect(),
            ),
            Kind::Scalar => match node.scalar() {
                Some(scalar) => Self::leaf(&scalar),
                None => Self::List(Vec::new()),
            },
        };
        for edit in edits.get(&node.id()).into_iter().flatten() {
            edit.apply_to(&mut value);
        }
        value
    }

    fn leaf(scalar: &Scalar<'_>) -> Self {
        let kind = match scalar {
            Scalar::Null => "null",
            Scalar::Bool(_) => "bool",
            Scalar::Int(_) => "int",
            Scalar::Float(_) => "float",
            Scalar::Str(_) => "str",
            Scalar::Timestamp(_) => "timestamp",
            Scalar::Binary(_) => "binary",
        };
        Self::Leaf(kind, scalar.key_text().into_owned(), scalar.text().map(|t| t.into_owned()))
    }

    /// A text.
    #[must_use]
    pub fn str(text: &str) -> Self {
        Self::Leaf("str", text.to_owned(), Some(text.to_owned()))
    }

    /// Is its value this text?
    #[must_use]
    pub fn reads(&self, text: &str) -> bool {
        matches!(self, Self::Leaf(_, _, Some(t)) if t == text)
    }

    /// Is it null?
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Leaf("null", ..))
    }

    /// The value of a key.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// Sets the text of a key, unless it already has this value.
    pub fn set(&mut self, key: &str, text: &str) {
        if let Self::Map(map) = self
            && !map.get(key).is_some_and(|old| old.reads(text))
        {
            map.insert(key.to_owned(), Self::str(text));
        }
    }

    /// The steps of the path are innermost first.
    fn differs(&self, other: &Self, way: &mut Vec<Step>) -> Option<String> {
        match (self, other) {
            (Self::List(a), Self::List(b)) => {
                for (i, (a, b)) in a.iter().zip(b).enumerate() {
                    if let Some(why) = a.differs(b, way) {
                        way.push(Step::Index(i));
                        return Some(why);
                    }
                }
                (a.len() != b.len()).then(|| format!("{} items instead of {}", b.len(), a.len()))
            }
            (Self::Map(a), Self::Map(b)) => {
                for (key, value) in a {
                    let why = match b.get(key) {
                        None => Some("it is gone".to_owned()),
                        Some(other) => value.differs(other, way),
                    };
                    if let Some(why) = why {
                        way.push(Step::Key(key.clone()));
                        return Some(why);
                    }
                }
                let new = b.keys().find(|key| !a.contains_key(*key))?;
                way.push(Step::Key(new.clone()));
                Some("it is new".to_owned())
            }
            (a, b) if a == b => None,
            (Self::Leaf(kind_a, a, _), Self::Leaf(kind_b, b, _)) => {
                Some(format!("{kind_b} {b:?} instead of {kind_a} {a:?}"))
            }
            _ => Some("it is something else".to_owned()),
        }
    }
}
