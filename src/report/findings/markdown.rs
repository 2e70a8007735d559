//! Problems as a Markdown table.

use std::fmt::Write as _;

use super::{FindingsReport, place};
use crate::report::markdown::cell;

/// The counts, then a table row per problem.
pub fn findings_markdown(report: &FindingsReport) -> String {
    let mut text = format!("# Problems of the config repo\n\n{}.\n", report.summary());
    if report.problems.is_empty() {
        return text;
    }
    text.push_str(
        "\n| severity | code | place | problem | what to do |\n| --- | --- | --- | --- | --- |\n",
    );
    for problem in &report.problems {
        let file = problem.file.as_deref();
        let place = file.map(|file| place(file, problem.line, problem.column)).unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            if problem.is_error() { "error" } else { "warning" },
            cell(problem.code.as_str()),
            cell(&place),
            cell(&problem.message),
            cell(problem.help.as_deref().unwrap_or_default())
        );
    }
    text
}
