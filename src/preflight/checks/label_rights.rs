//! May our user put labels on, or does housekeeping take them off again?

use serde_json::json;

use super::{Facts, Finding, old_users, some};

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let queue = &facts.context.queue;
    let Some(housekeeping) = &queue.housekeeping else {
        return Finding::skipped("no housekeeping is configured for this project");
    };
    let removed = removed(facts);
    let Some(allowed) = &housekeeping.labels_allowed else {
        return Finding::pass("everybody may put labels on")
            .evidence(json!({ "removed": removed }));
    };
    let bot = facts.context.bot();
    let roles: Vec<_> = allowed.iter().filter_map(|path| queue.roles.get(path)).collect();
    let names = |name: &&str| name.eq_ignore_ascii_case(bot);
    let is_in = roles.iter().any(|role| role.users.iter().map(String::as_str).any(|n| names(&n)));
    let evidence = json!({
        "bot": bot, "roles": allowed,
        "users": roles.iter().flat_map(|role| &role.users).collect::<Vec<_>>(), "removed": removed,
    });
    if is_in {
        return Finding::pass("our user is in a role that may put labels on").evidence(evidence);
    }
    // The old promoter and housekeeping have the token of the instance in common.
    if old_users(facts).iter().map(String::as_str).any(|n| names(&n)) {
        return Finding::pass("our user is housekeeping's own").evidence(evidence);
    }
    let summary = format!(
        "housekeeping takes off labels that @{bot} puts on: only users of {} may",
        some(allowed.clone())
    );
    let as_bot = roles.iter().any(|role| role.bots.iter().map(String::as_str).any(|n| names(&n)));
    let advice = if as_bot {
        "bots of a role do not count: use the token of a user of the role, or add one to it"
    } else {
        "add the user to such a role by a datafile of /access/user-1.yml, or use the token of a user who is in it"
    };
    Finding::fail(summary).advice(advice).evidence(evidence)
}

/// Labels that somebody else took off our open merge requests.
fn removed(facts: &Facts<'_>) -> Vec<serde_json::Value> {
    let own = facts.around.own.values();
    own.flat_map(|own| own.labels.iter().flatten().map(move |event| (own, event)))
        .filter(|(_, event)| !event.added && !facts.context.is_bot(event.user_id))
        .map(|(own, event)| {
            json!({ "iid": own.fact.iid, "label": event.label, "user": event.user, "at": event.at })
        })
        .collect()
}
