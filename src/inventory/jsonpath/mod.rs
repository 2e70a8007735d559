//! Namespace selectors: the dialect of jsonpath_ng.ext (Python, 1.8), evaluated here.
//!
//! `$` may be left out. `namespace[?(@.cluster.name=="c" & @.labels.tier =~ "can.*")]`: `&` joins
//! comparisons, `=~` searches anywhere in a text with Python's `re.search`, a whole number on the
//! right makes the left one a whole number too, a bare word on the right is a text, a missing path
//! never matches, not even with `!=`. A filter looks into what stands before it: two in a row look
//! into each namespace.
//!
//! Differences from jsonpath_ng on purpose: evaluation never changes the document (1.8 turns
//! objects under a filter into lists), is bounded, and what would raise in Python is an error
//! value; regular expressions are compiled, and `&` between paths is refused, when an expression
//! is read; the path function and repeated texts and lists (`"x" * 3`) are refused.

mod access;
mod arithmetic;
mod ast;
mod brackets;
mod compare;
mod datum;
mod eval;
mod functions;
mod indexed;
mod parser;
mod pattern;
mod pattern_class;
mod pattern_group;
mod sort;
mod token;

use serde_json::Value;

pub use indexed::Indexed;

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {message}")]
pub struct JsonPathError {
    /// Where it is, in characters, from 1; behind the last one if something is missing there.
    pub position: usize,
    /// What is wrong there.
    pub message: String,
}

/// Why an expression could not be evaluated on a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Two values of types that have no order, or a value that is no number where one is needed.
    #[error("cannot {0}")]
    Type(String),
    /// An index behind the ends of a list, or one of an object.
    #[error("no element {0}")]
    Index(i64),
    /// The parent of the document or of a computed value.
    #[error("`parent` of something that has none")]
    NoParent,
    /// A regular expression that backtracks without end.
    #[error("regular expression gives up: {0}")]
    Pattern(String),
    /// More values visited than [`Expression::MAX_WORK`].
    #[error("expression visits more than {0} values")]
    TooMuchWork(u64),
    /// The document is nested too deeply.
    #[error("document is nested too deeply")]
    TooDeep,
}

/// What an expression selects.
#[derive(Debug, Clone, PartialEq)]
pub enum Match<'a> {
    /// A value in the document.
    Node(&'a Value),
    /// A value that the expression makes: a length, a sum, a sorted list.
    Computed(Value),
}

impl<'a> Match<'a> {
    /// The value in the document, `None` if it is none of the document's.
    #[must_use]
    pub fn node(&self) -> Option<&'a Value> {
        match self {
            Self::Node(value) => Some(value),
            Self::Computed(_) => None,
        }
    }

    /// The value, wherever it comes from.
    #[must_use]
    pub fn value(&self) -> &Value {
        match self {
            Self::Node(value) => value,
            Self::Computed(value) => value,
        }
    }
}

/// An expression in the dialect of jsonpath_ng.ext.
#[derive(Debug, Clone)]
pub struct Expression {
    path: ast::Path,
}

impl Expression {
    /// How many values an evaluation may visit.
    pub const MAX_WORK: u64 = 5_000_000;

    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// What jsonpath_ng.ext refuses, and what it takes but cannot evaluate: a regular expression
    /// that Python does not compile, `&` between paths, a slice with step 0.
    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        parser::parse(text).map(|path| Self { path })
    }

    /// What the expression selects in the document, in the order and with the duplicates of
    /// jsonpath_ng's `find`.
    ///
    /// # Errors
    ///
    /// Where jsonpath_ng raises, and if the expression takes too long. See [`SelectError`].
    pub fn select<'a>(&self, document: &'a Value) -> Result<Vec<Match<'a>>, SelectError> {
        eval::select(&self.path, document, Self::MAX_WORK)
    }
}
