//! Can the config repo be used? A run that cannot use it at all ends before this.

use serde_json::json;

use super::{Facts, Finding, counted};

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let inventory = &facts.context.repo.inventory;
    let counts = facts.context.repo.bundle.counts;
    let evidence = json!({
        "datafiles": counts.files, "saas_files": counts.saas_files, "publishers": inventory.targets.len(),
        "subscribers": inventory.subscribers.len(),
    });
    if counts.saas_files == 0 {
        return Finding::fail("the config repo has no saas file")
            .advice("is this the right repo and branch?")
            .evidence(evidence);
    }
    let summary = format!("{} can be promoted", counted(inventory.subscribers.len(), "target"));
    Finding::pass(summary).evidence(evidence)
}
