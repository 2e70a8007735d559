//! Values on their way through an expression.

use super::Match;
use serde_json::{Map, Value};
use std::rc::Rc;

/// A value of the document, or one that the expression made.
#[derive(Debug, Clone)]
pub(super) enum Val<'a> {
    Doc(&'a Value),
    /// No list and no object.
    Scalar(Rc<Value>),
    List(Rc<Vec<Val<'a>>>),
}

impl<'a> Val<'a> {
    pub(super) fn scalar(value: impl Into<Value>) -> Self {
        Self::Scalar(Rc::new(value.into()))
    }

    pub(super) fn list(values: Vec<Self>) -> Self {
        Self::List(Rc::new(values))
    }

    /// The value, if it is not a list that the expression made.
    pub(super) fn json(&self) -> Option<&Value> {
        match self {
            Self::Doc(value) => Some(value),
            Self::Scalar(value) => Some(value),
            Self::List(_) => None,
        }
    }

    pub(super) fn object(&self) -> Option<&'a Map<String, Value>> {
        match self {
            Self::Doc(Value::Object(map)) => Some(map),
            _ => None,
        }
    }

    /// The length of a list.
    pub(super) fn list_len(&self) -> Option<usize> {
        match self {
            Self::Doc(Value::Array(list)) => Some(list.len()),
            Self::List(list) => Some(list.len()),
            _ => None,
        }
    }

    /// An element of a list.
    pub(super) fn element(&self, index: usize) -> Option<Self> {
        match self {
            Self::Doc(Value::Array(list)) => list.get(index).map(Self::Doc),
            Self::List(list) => list.get(index).cloned(),
            _ => None,
        }
    }

    /// Elements of a list, values of an object; nothing otherwise.
    pub(super) fn children(&self) -> Vec<Self> {
        match self {
            Self::Doc(Value::Array(list)) => list.iter().map(Self::Doc).collect(),
            Self::Doc(Value::Object(map)) => map.values().map(Self::Doc).collect(),
            Self::List(list) => list.as_ref().clone(),
            _ => Vec::new(),
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Doc(value) => (*value).clone(),
            Self::Scalar(value) => value.as_ref().clone(),
            Self::List(list) => list.iter().map(Self::to_value).collect(),
        }
    }

    pub(super) fn into_match(self) -> Match<'a> {
        match self {
            Self::Doc(value) => Match::Node(value),
            made => Match::Computed(made.to_value()),
        }
    }
}

/// A value and what it was found in.
#[derive(Debug)]
pub(super) struct Datum<'a> {
    pub(super) value: Val<'a>,
    pub(super) context: Option<Rc<Datum<'a>>>,
}

/// What a path found, in order.
pub(super) type Found<'a> = Vec<Rc<Datum<'a>>>;

impl<'a> Datum<'a> {
    /// A value that was found in nothing.
    pub(super) fn root(value: Val<'a>) -> Rc<Self> {
        Rc::new(Self { value, context: None })
    }

    /// A value that was found in `context`.
    pub(super) fn within(value: Val<'a>, context: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self { value, context: Some(Rc::clone(context)) })
    }
}
