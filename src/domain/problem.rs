//! Problems of the input and failed lookups, described so that people can act on them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem_code::ProblemCode;

/// The severity of a problem.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something could not be handled: exit code 5.
    Error,
    /// Handled, but somebody should check it.
    Warning,
}

/// One problem and its source location.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema, Deserialize)]
pub struct Problem {
    /// Its severity.
    pub severity: Severity,
    /// What kind of problem it is, e.g. `dangling_ref`.
    pub code: ProblemCode,
    /// The datafile, relative to `data/` with a leading slash, as in `$ref`s.
    pub file: Option<String>,
    /// The source location in the file (YAML path), the repository, the record key or the URL.
    pub path: Option<String>,
    /// Line in the file, from 1, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in the line, from 1, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Line in which the source location ends, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    /// Column after the last character of the source location, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
    /// What is wrong and what to do about it.
    pub message: String,
    /// How to fix it, if the message does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Related source locations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
}

/// A source location related to a problem.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema, Deserialize)]
pub struct Related {
    /// What is there, e.g. `first declared here`.
    pub message: String,
    /// The datafile, relative to `data/` with a leading slash.
    pub file: String,
    /// YAML path in it; empty for the root.
    pub path: String,
    /// Line, from 1, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column, from 1, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

impl Problem {
    /// Creates a problem with the usual severity of its code.
    pub fn new(code: ProblemCode, message: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code,
            file: None,
            path: None,
            line: None,
            column: None,
            end_line: None,
            end_column: None,
            message: message.into(),
            help: None,
            related: Vec::new(),
        }
    }

    /// Lowers the severity to warning, where the problem blocks nothing.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Sets the help text.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Sorts by severity, file and source location, and removes duplicates.
    pub fn put_in_order(problems: &mut Vec<Self>) {
        problems.sort_by(|a, b| a.order().cmp(&b.order()));
        problems.dedup();
    }

    fn order(&self) -> impl Ord + '_ {
        (
            self.severity,
            self.file.as_deref(),
            self.line,
            self.column,
            self.code,
            self.path.as_deref(),
            self.message.as_str(),
        )
    }

    /// Sets the usual help text of the code, unless it has one.
    pub fn help_as_usual(&mut self) {
        if self.help.is_none() {
            self.help = self.code.usual_help().map(str::to_owned);
        }
    }

    /// Adds a related source location.
    #[must_use]
    pub fn related(
        mut self,
        message: impl Into<String>,
        file: impl Into<String>,
        path: impl Into<String>,
    ) -> Self {
        self.related.push(Related {
            message: message.into(),
            file: file.into(),
            path: path.into(),
            line: None,
            column: None,
        });
        self
    }

    /// Sets the datafile.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Sets the source location in the file, or what was fetched from outside.
    #[must_use]
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets line and column, from 1.
    #[must_use]
    pub fn at_line(mut self, line: u32, column: u32) -> Self {
        self.line = Some(line);
        self.column = Some(column);
        self
    }

    /// Is it an error?
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
