//! Finds publishers that deploy another repository than their subscriber: a mirror, or a mistake.

use super::super::{Repo, place_below, publication, subscription};
use crate::domain::{Problem, ProblemCode};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    for (_, target) in repo.inventory.subscribers() {
        for channel in &target.promotion.subscribe {
            for (_, publisher) in repo.inventory.publishers_of(channel) {
                if publisher.repo_url.is_same(&target.repo_url) {
                    continue;
                }
                let message = format!(
                    "{} deploys {}, but channel {channel} is published by {}, which deploys {}",
                    target.label(),
                    target.repo_url,
                    publisher.label(),
                    publisher.repo_url
                );
                let there =
                    publisher.declared_at.below(&publication(repo.bundle, publisher, channel));
                let problem = Problem::new(ProblemCode::OtherRepository, message).related(
                    "published here",
                    &publisher.declared_at.file,
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
}
