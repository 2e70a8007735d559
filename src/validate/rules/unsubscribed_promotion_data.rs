//! Finds items of `promotion_data` for channels that the target does not subscribe to: nothing
//! updates them.

use std::collections::BTreeSet;

use super::super::{Repo, place_below};
use crate::domain::{Problem, ProblemCode};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    for (_, target) in repo.inventory.subscribers() {
        let tree = repo.bundle.tree(&target.declared_at.file);
        let data =
            tree.and_then(|tree| tree.node(target.node).get("promotion")?.get("promotion_data"));
        let mut seen = BTreeSet::new();
        for (index, item) in data.into_iter().flat_map(|list| list.items().enumerate()) {
            let Some(channel) = item.get("channel").and_then(|channel| channel.text()) else {
                continue;
            };
            if target.promotion.subscribe.iter().any(|name| *name == channel)
                || !seen.insert(channel.to_string())
            {
                continue;
            }
            let message = format!(
                "{}: promotion data for channel {channel}, which it does not subscribe to",
                target.label()
            );
            let problem = Problem::new(ProblemCode::UnsubscribedPromotionData, message);
            let below = format!("promotion.promotion_data[{index}].channel");
            problems.push(place_below(problem, target, &below));
        }
    }
}
