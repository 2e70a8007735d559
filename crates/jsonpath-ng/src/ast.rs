//! Parsed expressions.

use super::pattern::Pattern;
use super::sub::Sub;
use std::sync::Arc;

/// An expression or a part of one.
#[derive(Debug, Clone)]
pub(super) enum Path {
    /// `$`: the outermost value.
    Root,
    /// `@`: the current value.
    This,
    /// `` `parent` ``.
    Parent,
    /// Names of fields; `*` means all.
    Fields(Vec<String>),
    Index(Vec<i64>),
    Slice(Slice),
    /// Every step continues from the results of those before it.
    Chain(Box<Path>, Vec<Step>),
    /// The results of each, one after the other.
    Union(Vec<Path>),
    Filter(Vec<Condition>),
    /// Sort keys; the flag means descending.
    Sort(Vec<(Path, bool)>),
    Function(Function),
    Arithmetic(Box<Operand>, Operator, Box<Operand>),
}

/// A step of a chain.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// `a.b`, `a[0]`.
    Child(Path),
    /// `a..b`.
    Descend(Path),
    /// `a where b`, `a wherenot b`: the flag says that something must be found.
    Where(Path, bool),
}

/// `[start:end:step]`, as Python slices.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slice {
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
    /// Not 0.
    pub(super) step: Option<i64>,
}

/// A comparison of a filter.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) left: Path,
    /// `None`: it is enough that something is found.
    pub(super) test: Option<Test>,
}

/// The test that a condition applies to a value.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Compare(Comparison, Literal),
    /// `=~`.
    Matches(Arc<Pattern>),
    /// `=~` with a whole number: nothing matches it.
    MatchesNumber,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Text(String),
    Integer(i128),
    Float(f64),
    Bool(bool),
}

/// An expression in back quotes.
#[derive(Debug, Clone)]
pub(super) enum Function {
    Len,
    Keys,
    Path,
    Sorted,
    Str,
    Split(Split),
    Sub(Sub),
}

/// `` `split(chars, segment, max_split)` ``.
#[derive(Debug, Clone)]
pub(super) struct Split {
    pub(super) separator: String,
    /// `None`: all of them, as a list.
    pub(super) segment: Option<i64>,
    /// Negative: no limit.
    pub(super) limit: i64,
}

/// A side of an arithmetic operation.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    Path(Path),
    Constant(Literal),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
}

impl Path {
    /// Continues from this path; chains stay flat.
    pub(super) fn append_step(self, step: Step) -> Self {
        match self {
            Self::Chain(first, mut steps) => {
                steps.push(step);
                Self::Chain(first, steps)
            }
            first => Self::Chain(Box::new(first), vec![step]),
        }
    }

    /// This path or the other. Unions stay flat.
    pub(super) fn or(self, other: Self) -> Self {
        match self {
            Self::Union(mut paths) => {
                paths.push(other);
                Self::Union(paths)
            }
            first => Self::Union(vec![first, other]),
        }
    }
}

impl Literal {
    pub(super) fn to_value(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Integer(number) => clamped(*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Bool(value) => (*value).into(),
        }
    }
}

/// A whole number, limited to the range of an index.
pub(super) fn clamped(number: i128) -> i64 {
    let limit = if number < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(number).unwrap_or(limit)
}
