//! GitLab's code quality report: problems of the config repo with their lines.

use serde_json::json;

use super::fingerprint::fingerprints;
use crate::domain::{Problem, RepoPath, printable, to_json};

/// Problems that have a file, as a JSON array. Errors are `major`, warnings `minor`.
pub fn code_quality(problems: &[Problem]) -> String {
    let issues: Vec<_> = problems
        .iter()
        .zip(fingerprints(problems))
        .filter_map(|(problem, fingerprint)| {
            let file = problem.file.as_ref()?;
            let begin = problem.line.unwrap_or(1);
            let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            Some(json!({
                "type": "issue",
                "check_name": problem.code,
                "description": printable(&format!("{}{help}", problem.message)),
                "severity": if problem.is_error() { "major" } else { "minor" },
                "fingerprint": fingerprint,
                "location": {
                    "path": printable(RepoPath::of_datafile(file).as_str()),
                    "lines": {"begin": begin, "end": problem.end_line.unwrap_or(begin)},
                },
            }))
        })
        .collect();
    to_json(&issues)
}
