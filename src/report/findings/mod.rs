//! The findings of `sapm validate`: version 1 of the JSON format, and its renderings.

mod junit;
mod markdown;
mod text;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

pub use junit::findings_junit;
pub use markdown::findings_markdown;
pub use text::findings_text;

use crate::app_interface::LoadCounts;
use crate::domain::{Problem, RepoPath, to_json};
use crate::validate::Findings;

/// The format's version.
const VERSION: u32 = 1;

/// The problems of a config repo.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FindingsReport {
    /// Version of the format: 1.
    pub version: u32,
    /// Datafiles seen.
    pub files: u64,
    /// How many of the problems are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
    /// Errors first, then by file and source location.
    pub problems: Vec<Problem>,
    /// The lines that problems refer to, by file and number.
    #[serde(skip)]
    pub lines: BTreeMap<(String, u32), String>,
}

impl FindingsReport {
    /// Counts the findings.
    pub fn new(findings: Findings, counts: LoadCounts) -> Self {
        let errors = findings.problems.iter().filter(|problem| problem.is_error()).count();
        Self {
            version: VERSION,
            files: counts.files,
            errors,
            warnings: findings.problems.len() - errors,
            problems: findings.problems,
            lines: findings.lines,
        }
    }

    /// The JSON form: pretty, a newline at the end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// `2 errors, 1 warning in 120 datafiles`.
    fn summary(&self) -> String {
        let count = |number: u64, word: &str| match number {
            1 => format!("1 {word}"),
            _ => format!("{number} {word}s"),
        };
        format!(
            "{}, {} in {}",
            count(self.errors as u64, "error"),
            count(self.warnings as u64, "warning"),
            count(self.files, "datafile")
        )
    }
}

/// `data/services/x.yml:12:9`, as far as known.
pub(super) fn place(file: &str, line: Option<u32>, column: Option<u32>) -> String {
    let part = |number: Option<u32>| number.map(|number| format!(":{number}")).unwrap_or_default();
    format!("{}{}{}", RepoPath::of_datafile(file), part(line), part(column))
}
