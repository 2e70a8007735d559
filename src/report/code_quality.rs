//! GitLab's code quality report: problems of the config repo at their lines.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::model::PlanReport;

/// Problems that name a file, as a JSON array.
pub fn code_quality(report: &PlanReport) -> String {
    let issues: Vec<_> = report
        .problems
        .iter()
        .filter_map(|problem| {
            let file = problem.file.as_ref()?;
            let identity =
                format!("{}\n{file}\n{:?}\n{}", problem.code, problem.path, problem.message);
            let fingerprint: String = Sha256::digest(identity.as_bytes())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            Some(json!({
                "type": "issue",
                "check_name": problem.code,
                "description": problem.message,
                "severity": if problem.is_error() { "major" } else { "minor" },
                "fingerprint": fingerprint,
                "location": {
                    "path": format!("data{file}"),
                    "lines": {"begin": problem.line.unwrap_or(1)},
                },
            }))
        })
        .collect();
    serde_json::to_string_pretty(&issues).unwrap_or_default() + "\n"
}
