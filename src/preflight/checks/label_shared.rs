//! Would the old promoter take our merge requests for its own, by their labels?

use serde_json::json;

use super::{Facts, Finding, old_promoter_alive, some};
use crate::report::CheckOutcome;

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let options = &facts.context.options;
    if options.shapes.is_empty() {
        return Finding::skipped("no old promoter is looked for (--old none)");
    }
    let labels = &facts.context.settings.labels;
    let own = options.shapes.own_labels();
    let shared: Vec<&str> = own.iter().copied().filter(|label| labels.contains(*label)).collect();
    let evidence = json!({ "ours": labels, "theirs": own });
    if shared.is_empty() {
        return Finding::pass("no label is the old promoter's").evidence(evidence);
    }
    if old_promoter_alive::check(facts).outcome == CheckOutcome::Pass {
        let summary = format!("{} is the old promoter's label, which is off", some(shared));
        return Finding::pass(summary).evidence(evidence);
    }
    let summary = format!(
        "the old promoter closes every merge request with the label {}, and may still run",
        some(shared)
    );
    Finding::fail(summary)
        .advice("stop it first, or use another label until then (--label, SAPM_LABELS)")
        .evidence(evidence)
}
