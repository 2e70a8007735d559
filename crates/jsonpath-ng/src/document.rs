//! The document that expressions are evaluated on.

use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A JSON document whose objects can share members: thousands of namespaces refer to one
/// cluster, which is stored once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// Null, a boolean, a number or a text.
    Scalar(Value),
    /// A list.
    List(Vec<Document>),
    /// An object.
    Object(BTreeMap<String, Arc<Document>>),
}

impl Document {
    /// A member of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.as_object()?.get(name).map(AsRef::as_ref)
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Scalar(value) => value.as_str(),
            Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The elements, if it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(list) => Some(list),
            Self::Scalar(_) | Self::Object(_) => None,
        }
    }

    /// The members, if it is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&BTreeMap<String, Arc<Self>>> {
        match self {
            Self::Object(members) => Some(members),
            Self::Scalar(_) | Self::List(_) => None,
        }
    }

    /// A copy as plain JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Scalar(value) => value.clone(),
            Self::List(list) => list.iter().map(Self::to_value).collect(),
            Self::Object(members) => Value::Object(
                members.iter().map(|(name, value)| (name.clone(), value.to_value())).collect(),
            ),
        }
    }

    /// The amount of work to visit it: number of values, and length of texts.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Scalar(value) => 1 + value.as_str().map_or(0, str::len) / 64,
            Self::List(list) => 1 + list.iter().map(Self::size).sum::<usize>(),
            Self::Object(members) => 1 + members.values().map(|value| value.size()).sum::<usize>(),
        }
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(list) => Self::List(list.into_iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(
                members.into_iter().map(|(name, value)| (name, Arc::new(value.into()))).collect(),
            ),
            scalar => Self::Scalar(scalar),
        }
    }
}
