//! Values during evaluation.

use super::{Document, Match};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// A value of the document, or one that the expression created.
#[derive(Debug, Clone)]
pub(super) enum Val<'a> {
    Doc(&'a Document),
    /// Not a list or an object.
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

    /// The value, unless it is a list or an object.
    pub(super) fn json(&self) -> Option<&Value> {
        match self {
            Self::Doc(Document::Scalar(value)) => Some(value),
            Self::Scalar(value) => Some(value),
            Self::Doc(_) | Self::List(_) => None,
        }
    }

    /// The value for comparisons. A list or an object is unordered, whatever it contains.
    pub(super) fn comparable(&self) -> Cow<'_, Value> {
        match self.json() {
            Some(value) => Cow::Borrowed(value),
            None if self.object().is_some() => Cow::Owned(Value::Object(Map::new())),
            None => Cow::Owned(Value::Array(Vec::new())),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        self.json().and_then(Value::as_str)
    }

    pub(super) fn object(&self) -> Option<&'a BTreeMap<String, Arc<Document>>> {
        match self {
            Self::Doc(document) => document.as_object(),
            _ => None,
        }
    }

    /// The length of a list.
    pub(super) fn list_len(&self) -> Option<usize> {
        match self {
            Self::Doc(document) => document.as_list().map(<[_]>::len),
            Self::List(list) => Some(list.len()),
            Self::Scalar(_) => None,
        }
    }

    /// An element of a list.
    pub(super) fn element(&self, index: usize) -> Option<Self> {
        match self {
            Self::Doc(document) => document.as_list()?.get(index).map(Self::Doc),
            Self::List(list) => list.get(index).cloned(),
            Self::Scalar(_) => None,
        }
    }

    /// Elements of a list, values of an object; otherwise nothing.
    pub(super) fn children(&self) -> Vec<Self> {
        match self {
            Self::Doc(Document::List(list)) => list.iter().map(Self::Doc).collect(),
            Self::Doc(Document::Object(map)) => {
                map.values().map(|value| Self::Doc(value)).collect()
            }
            Self::List(list) => list.as_ref().clone(),
            _ => Vec::new(),
        }
    }

    /// The amount of work to visit it.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Doc(document) => document.size(),
            Self::Scalar(value) => 1 + value.as_str().map_or(0, str::len) / 64,
            Self::List(list) => 1 + list.iter().map(Self::size).sum::<usize>(),
        }
    }

    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Doc(document) => document.to_value(),
            Self::Scalar(value) => value.as_ref().clone(),
            Self::List(list) => list.iter().map(Self::to_value).collect(),
        }
    }

    pub(super) fn into_match(self) -> Match<'a> {
        match self {
            Self::Doc(document) => Match::Node(document),
            made => Match::Computed(made.to_value()),
        }
    }
}

impl PartialEq for Val<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Doc(left), Self::Doc(right)) => left == right,
            (left, right) => match (left.json(), right.json()) {
                (Some(left), Some(right)) => left == right,
                _ => left.children() == right.children() && left.list_len() == right.list_len(),
            },
        }
    }
}

/// How a value was found in its context: the result of `` `path` ``.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    This,
    Root,
    Name(&'a str),
    /// As written: negative from the end.
    Index(i64),
    /// A function whose results keep their context.
    Function(&'static str),
}

/// A value and its context.
#[derive(Debug)]
pub(super) struct Datum<'a> {
    pub(super) value: Val<'a>,
    pub(super) step: Step<'a>,
    pub(super) context: Option<Rc<Datum<'a>>>,
}

/// The results of a path, in order.
pub(super) type Found<'a> = Vec<Rc<Datum<'a>>>;

impl<'a> Datum<'a> {
    /// A value without a context.
    pub(super) fn root(value: Val<'a>) -> Rc<Self> {
        Self::alone(value, Step::This)
    }

    pub(super) fn alone(value: Val<'a>, step: Step<'a>) -> Rc<Self> {
        Rc::new(Self { value, step, context: None })
    }

    /// A value found in `context`.
    pub(super) fn within(value: Val<'a>, step: Step<'a>, context: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self { value, step, context: Some(Rc::clone(context)) })
    }

    /// The elements of a list or members of an object, with the step to each.
    pub(super) fn children(self: &Rc<Self>) -> Vec<Rc<Self>> {
        let names = self.value.object().map(|object| object.keys().map(|name| Step::Name(name)));
        let mut names = names.into_iter().flatten();
        let children = (0..).zip(self.value.children());
        children
            .map(|(index, child)| {
                Self::within(child, names.next().unwrap_or(Step::Index(index)), self)
            })
            .collect()
    }
}
