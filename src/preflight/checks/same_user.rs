//! Is our user the old promoter's?

use serde_json::json;

use super::{Facts, Finding, old_users};

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    if facts.context.options.shapes.is_empty() {
        return Finding::skipped("no old promoter is looked for (--old none)");
    }
    let (bot, users) = (facts.context.bot(), old_users(facts));
    let evidence = json!({ "bot": bot, "old_users": users });
    if !users.iter().any(|user| user.eq_ignore_ascii_case(bot)) {
        return Finding::pass("sapm has a user of its own").evidence(evidence);
    }
    Finding::warn(format!("@{bot} is also the old promoter's user"))
        .advice(
            "never let both run at once: sapm cannot tell what the other one closes from what it closed itself. \
             Metrics by author cannot tell them apart either",
        )
        .evidence(evidence)
}
