//! The publishers that a subscriber follows, and what they make due.

use super::gates::Followed;
use super::publishers::PublisherState;
use crate::app_interface::CurrentHash;
use crate::domain::{CommitSha, Problem, ProblemCode};
use crate::inventory::{Inventory, Target};

/// The (channel, publisher) pairs that a subscriber follows. Missing publishers and commits go to `errors`.
pub(super) fn follow<'a>(
    inventory: &'a Inventory,
    states: &'a [PublisherState],
    target: &'a Target,
    problems: &mut Vec<Problem>,
    errors: &mut Vec<String>,
) -> Vec<Followed<'a>> {
    let mut followed = Vec::new();
    let place = |problem: Problem| {
        problem
            .in_file(&target.declared_at.file)
            .at(&target.declared_at.path)
            .at_line(target.declared_at.line, target.declared_at.column)
    };
    for channel in &target.promotion.subscribe {
        let mut any = false;
        for (index, publisher) in inventory.publishers_of(channel) {
            any = true;
            let state = &states[index.position()];
            if let Err(failure) = &state.commit {
                errors.push(format!(
                    "the commit of {} is not known: {}",
                    publisher.label(),
                    failure.error
                ));
            }
            if !publisher.repo_url.is_same(&target.repo_url) {
                problems.push(place(Problem::new(
                    ProblemCode::OtherRepository,
                    format!(
                        "{} deploys {}, but channel {channel} is published by {}, which deploys {}",
                        target.label(),
                        target.repo_url,
                        publisher.label(),
                        publisher.repo_url
                    ),
                )));
            }
            followed.push(Followed { channel, publisher, state });
        }
        if !any {
            let message = format!("channel {channel} has no publisher");
            problems.push(place(Problem::new(
                ProblemCode::ChannelWithoutPublisher,
                format!("{}: {message}", target.label()),
            )));
            errors.push(message);
        }
    }
    followed
}

/// Records that could not be read. They matter only if something may be due.
pub(super) fn unread_records(followed: &[Followed<'_>]) -> Vec<String> {
    let unread = followed.iter().filter_map(|followed| {
        let failure = followed.state.unread.get(followed.channel)?;
        Some(format!(
            "the deployment record of {} for channel {} could not be read: {}",
            followed.publisher.label(),
            followed.channel,
            failure.error
        ))
    });
    unread.collect()
}

/// Would anything change if every gate passed? `None` if that cannot be known yet.
///
/// If the publishers are at the target's own commit, only config hashes can differ. Without
/// hashes the records do not matter: a missing or failed one changes nothing.
pub(super) fn is_due(
    target: &Target,
    followed: &[Followed<'_>],
    candidate: Option<&CommitSha>,
    wanted_hashes: &[CurrentHash],
) -> Option<bool> {
    if followed.is_empty() {
        return Some(false);
    }
    let current = &target.promotion.current_hashes;
    let moves_ref = candidate?.as_str() != target.current_ref();
    let all_usable = followed.iter().all(Followed::has_usable_record);
    if moves_ref || wanted_hashes.iter().any(|hash| !current.contains(hash)) {
        return all_usable.then_some(true);
    }
    // The first publisher of a channel determines its desired hash.
    let hashes_known = || {
        target.promotion.subscribe.iter().all(|channel| {
            let first = followed.iter().find(|followed| followed.channel == channel);
            first.is_some_and(Followed::has_usable_record)
        })
    };
    let asks_for_hashes = target.promotion.redeploy_on_publisher_config_change;
    (!asks_for_hashes || hashes_known()).then_some(false)
}

/// The commit that all publishers are at.
pub(super) fn single_commit<'a>(followed: &[Followed<'a>]) -> Option<&'a CommitSha> {
    let first = followed.first()?.state.commit.as_ref().ok()?;
    followed.iter().all(|followed| followed.commit() == Some(first)).then_some(first)
}

/// The desired hashes of the subscribed channels (domain rules, section 5): that of each
/// channel's first publisher if its record is for the commit to promote, else the
/// current one.
pub(super) fn wanted_hashes(
    inventory: &Inventory,
    states: &[PublisherState],
    target: &Target,
    candidate: Option<&CommitSha>,
) -> Vec<CurrentHash> {
    if !target.promotion.redeploy_on_publisher_config_change {
        return Vec::new();
    }
    let mut wanted = Vec::new();
    for channel in &target.promotion.subscribe {
        let published = inventory.publishers_of(channel).next().and_then(|(index, _)| {
            let state = &states[index.position()];
            let deployment = state.deployments.get(channel)?;
            let commit = state.commit.as_ref().ok()?;
            // The hash of a failed deployment counts here, because it decides whether something is due.
            // The deployment gate blocks the promotion anyway.
            (deployment.is_usable() && Some(commit) == candidate).then_some(deployment)
        });
        match published.and_then(|d| d.saas_file.clone().zip(d.target_config_hash.clone())) {
            Some((parent_saas, target_config_hash)) => wanted.push(CurrentHash {
                channel: channel.clone(),
                parent_saas,
                target_config_hash,
            }),
            None => wanted.extend(
                target.promotion.current_hashes.iter().filter(|h| h.channel == *channel).cloned(),
            ),
        }
    }
    wanted.sort();
    wanted.dedup();
    wanted
}

/// The current hashes of the channels that the target subscribes to.
pub(super) fn current_hashes(target: &Target) -> Vec<CurrentHash> {
    if !target.promotion.redeploy_on_publisher_config_change {
        return Vec::new();
    }
    let mut current: Vec<_> = target
        .promotion
        .current_hashes
        .iter()
        .filter(|hash| target.promotion.subscribe.contains(&hash.channel))
        .cloned()
        .collect();
    current.sort();
    current.dedup();
    current
}
