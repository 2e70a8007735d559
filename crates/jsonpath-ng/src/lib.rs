#![doc = include_str!("../README.md")]

mod access;
mod arithmetic;
mod ast;
mod brackets;
mod budget;
mod compare;
mod datum;
mod document;
mod engine;
mod eval;
mod functions;
mod indexed;
mod parser;
mod pattern;
mod pattern_class;
mod pattern_group;
mod shape;
mod sort;
mod sub;
mod token;

use budget::Budget;
use pattern::Pattern;
use serde_json::Value;
use std::sync::Arc;

pub use document::Document;
pub use indexed::Indexed;
pub use shape::{Shape, UnknownField};

/// Why a text is not an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {message}")]
pub struct JsonPathError {
    /// The position in characters, from 1; after the last one if something is missing there.
    pub position: usize,
    /// What is wrong there.
    pub message: String,
}

/// Why an expression could not be evaluated on a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Two values without an order, or a value that is not a number where one is needed.
    #[error("cannot {0}")]
    Type(String),
    /// An index beyond the ends of a list, or an index of an object.
    #[error("no element {0}")]
    Index(i64),
    /// The parent of the document or of a computed value.
    #[error("`parent` of something that has none")]
    NoParent,
    /// A regular expression that cannot be compiled, or backtracks without end.
    #[error("the regular expression failed: {0}")]
    Pattern(String),
    /// More work than [`Expression::MAX_WORK`].
    #[error(
        "it takes more than {0} steps; ask for less, or without back-references and look-around"
    )]
    TooMuchWork(u64),
    /// More work than the expressions of a run may do together.
    #[error(
        "the selectors of the config repo take more than {} steps together",
        Expression::MAX_RUN_WORK
    )]
    RunExhausted,
    /// More memory than [`Expression::MAX_MEMORY`].
    #[error("it takes more than {} MiB of memory", Expression::MAX_MEMORY >> 20)]
    TooMuchMemory,
    /// The document is nested too deeply.
    #[error("the document is nested too deeply")]
    TooDeep,
}

/// A result of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Match<'a> {
    /// A value in the document.
    Node(&'a Document),
    /// A value that the expression computes: a length, a sum, a sorted list.
    Computed(Value),
}

impl<'a> Match<'a> {
    /// The value in the document; `None` if it is computed.
    #[must_use]
    pub fn node(&self) -> Option<&'a Document> {
        match self {
            Self::Node(value) => Some(value),
            Self::Computed(_) => None,
        }
    }

    /// A copy of the value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Node(value) => value.to_value(),
            Self::Computed(value) => value.clone(),
        }
    }
}

/// An expression in the dialect of jsonpath_ng.ext.
#[derive(Debug, Clone)]
pub struct Expression {
    path: ast::Path,
    /// Its regular expressions, without duplicates.
    patterns: Vec<Arc<Pattern>>,
}

impl Expression {
    /// Maximum work of an evaluation: visited values, steps of regular expressions.
    pub const MAX_WORK: u64 = budget::MAX_WORK;

    /// Maximum work of the evaluations of a run together, beyond what each may always do.
    pub const MAX_RUN_WORK: u64 = budget::MAX_RUN_WORK;

    /// Maximum bytes that an evaluation holds at once, including its regular expressions.
    pub const MAX_MEMORY: usize = budget::MAX_MEMORY;

    /// Parses an expression.
    ///
    /// # Errors
    ///
    /// What jsonpath_ng.ext rejects, and what it accepts but cannot evaluate: a regular expression
    /// that Python does not compile, `&` between paths, a slice with step 0. Also regular
    /// expressions that are too large.
    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        parser::parse(text).map(|(path, patterns)| Self { path, patterns })
    }

    /// The results of the expression in the document, in the order and with the duplicates of
    /// jsonpath_ng's `find`.
    ///
    /// # Errors
    ///
    /// Where jsonpath_ng raises an exception, and if the expression takes too long. See [`SelectError`].
    pub fn select<'a>(&self, document: &'a Document) -> Result<Vec<Match<'a>>, SelectError> {
        let budget = Budget::new(Self::MAX_WORK);
        self.prepare(&budget)?;
        eval::select(&self.path, document, &budget)
    }

    /// The fields that the expression uses and that no document of this shape has, in order.
    #[must_use]
    pub fn unknown_fields(&self, document: &'static Shape) -> Vec<UnknownField> {
        shape::unknown_fields(&self.path, document)
    }

    /// Compiles the regular expressions, which also counts as work.
    fn prepare(&self, budget: &Budget) -> Result<(), SelectError> {
        self.patterns.iter().try_for_each(|pattern| pattern.prepare(budget))
    }
}
