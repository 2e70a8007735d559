//! Is a merge request of the old promoter open?

use std::collections::BTreeMap;

use serde_json::json;

use super::{Facts, Finding, counted};
use crate::domain::MrIid;
use crate::report::{Advice, Phase};

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    if facts.context.options.shapes.is_empty() {
        return Finding::skipped("no old promoter is looked for (--old none)");
    }
    let open = match &facts.seen.open {
        Ok(open) => open,
        Err(failure) => return Finding::not_known("the open merge requests", failure),
    };
    let requests = &facts.seen.old_merge_requests;
    if requests.is_empty() && open.is_cut {
        let failure = crate::snapshot::Failure::new("there are too many to list them all");
        return Finding::not_known("all open merge requests", &failure);
    }
    if requests.is_empty() {
        return Finding::pass("no merge request of the old promoter is open");
    }
    let (count, is) = (requests.len(), if requests.len() == 1 { "is" } else { "are" });
    let summary = format!("{} of the old promoter {is} open", counted(count, "merge request"));
    let mut by_advice: BTreeMap<Advice, Vec<MrIid>> = BTreeMap::new();
    for old in requests {
        by_advice.entry(old.advice).or_default().push(old.iid);
    }
    let finding = match facts.phase() {
        Phase::Prepare => Finding::warn(summary),
        Phase::Go | Phase::After => Finding::fail(summary),
    };
    let lists: Vec<String> = by_advice
        .iter()
        .map(|(advice, iids)| {
            let numbers: Vec<String> = iids.iter().map(ToString::to_string).collect();
            format!("{} {}", advice.word(), numbers.join(" "))
        })
        .collect();
    let again = match facts.phase() {
        Phase::Prepare => String::new(),
        Phase::Go | Phase::After => ", then `sapm preflight --wait 1h`".to_owned(),
    };
    let by_word: BTreeMap<&str, &Vec<MrIid>> =
        by_advice.iter().map(|(advice, iids)| (advice.word(), iids)).collect();
    finding.advice(format!("{}{again}", lists.join(", "))).evidence(json!({
        "count": count, "by_advice": by_word, "list_is_cut": open.is_cut,
    }))
}
