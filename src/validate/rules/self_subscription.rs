//! Finds targets that subscribe to a channel they publish to: they wait for their own deployment of
//! a commit that they do not have.

use super::super::{Repo, place_below, publication, subscription};
use crate::domain::{Problem, ProblemCode};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    for (_, target) in repo.inventory.subscribers() {
        for channel in &target.promotion.subscribe {
            if !target.promotion.publish.contains(channel) {
                continue;
            }
            let message =
                format!("{}: subscribes to channel {channel}, which it publishes", target.label());
            let there = target.declared_at.below(&publication(repo.bundle, target, channel));
            let problem = Problem::new(ProblemCode::SelfSubscription, message).related(
                "published here",
                &target.declared_at.file,
                there,
            );
            problems.push(place_below(
                problem,
                target,
                &subscription(repo.bundle, target, channel),
            ));
        }
    }
}
