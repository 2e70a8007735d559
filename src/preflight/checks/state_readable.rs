//! Can the state bucket be read? A run that cannot read it at all ends before this.

use serde_json::json;

use super::{Facts, Finding, counted};

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let errors = &facts.context.snapshot.deployment_record_errors;
    if errors.is_empty() {
        return Finding::pass("the state bucket can be read");
    }
    let first = errors.iter().next().map(|(key, failure)| format!("{key}: {}", failure.error));
    let summary = format!(
        "{} could not be read: {}",
        counted(errors.len(), "deployment record"),
        first.unwrap_or_default()
    );
    Finding::fail(summary)
        .advice("check the rights to the bucket: docs/permissions.md")
        .evidence(json!({ "keys": errors.keys().take(20).collect::<Vec<_>>() }))
}
