//! Are our merge requests approved, where change-owners wants an approval?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Facts, Finding, counted, some};
use crate::preflight::queue_config::Role;

/// The line that approves, for change-owners.
const LGTM: &str = "/lgtm";
/// What a label with a priority begins with.
const PRIORITY: &str = "bot/approved: ";

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let (context, queue) = (facts.context, &facts.context.queue);
    let change_types: BTreeMap<_, _> =
        queue.change_types.iter().filter(|(_, change_type)| !change_type.disabled).collect();
    if change_types.is_empty() {
        return Finding::skipped("the config repo has no change types: nobody asks for approvals");
    }
    let footer = context.settings.description_footer.as_deref().unwrap_or_default();
    if !footer.lines().any(|line| line.trim() == LGTM) {
        return Finding::fail(
            "change-owners approves by a line /lgtm, and descriptions do not have it",
        )
        .advice("set --description-footer /lgtm (SAPM_DESCRIPTION_FOOTER)")
        .evidence(json!({ "footer": footer }));
    }
    let roles = roles(facts);
    let uncovered = uncovered(facts, &roles);
    let priorities: BTreeSet<&String> = roles
        .iter()
        .flat_map(|role| &role.self_service)
        .filter_map(|(path, _)| change_types.get(path)?.priority.as_ref())
        .collect();
    let evidence = json!({
        "roles": roles.iter().map(|role| &role.name).collect::<Vec<_>>(),
        "uncovered": uncovered, "priorities": priorities,
    });
    judge(facts, &roles, &uncovered, &priorities).evidence(evidence)
}

fn judge(
    facts: &Facts<'_>,
    roles: &[&Role],
    uncovered: &BTreeMap<&str, usize>,
    priorities: &BTreeSet<&String>,
) -> Finding {
    let context = facts.context;
    if roles.is_empty() {
        return Finding::fail(format!("@{} is in no role with self service", context.bot()))
            .advice("add it to one, as a bot (/access/bot-1.yml) or as a user");
    }
    if !uncovered.is_empty() {
        let named =
            uncovered.iter().map(|(file, count)| format!("{file} ({})", counted(*count, "target")));
        let summary = format!("the roles of @{} do not cover {}", context.bot(), some(named));
        return Finding::fail(summary)
            .advice("add these saas files to self_service of one of its roles");
    }
    let wanted: Vec<&str> =
        context.settings.labels.iter().filter_map(|label| label.strip_prefix(PRIORITY)).collect();
    let others: Vec<_> =
        priorities.iter().filter(|priority| !wanted.contains(&priority.as_str())).collect();
    if !others.is_empty() {
        let named = some(others.iter().map(|priority| priority.as_str()));
        let summary = format!(
            "change-owners replaces the label by that of the change type: {PRIORITY}{named}"
        );
        return Finding::warn(summary)
            .advice("give --label the priority of the change type, or change that");
    }
    Finding::pass("descriptions approve, and the roles of our user cover all saas files")
}

/// Roles with self service that our user has, as a user or as a bot.
fn roles<'a>(facts: &Facts<'a>) -> Vec<&'a Role> {
    let bot = facts.context.bot();
    let has = |names: &BTreeSet<String>| names.iter().any(|name| name.eq_ignore_ascii_case(bot));
    let roles = facts.context.queue.roles.values();
    roles
        .filter(|role| !role.self_service.is_empty() && (has(&role.users) || has(&role.bots)))
        .collect()
}

/// Files that a promotion edits and that no role covers, with the number of their targets.
fn uncovered<'a>(facts: &Facts<'a>, roles: &[&Role]) -> BTreeMap<&'a str, usize> {
    let covered: BTreeSet<&String> =
        roles.iter().flat_map(|role| &role.self_service).flat_map(|(_, files)| files).collect();
    let mut found = BTreeMap::new();
    for subscriber in &facts.context.report.subscribers {
        if !covered.contains(&subscriber.edit_file) {
            *found.entry(subscriber.edit_file.as_str()).or_default() += 1;
        }
    }
    found
}
