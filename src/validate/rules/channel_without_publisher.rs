//! Finds subscribed channels without a publisher: nothing is ever promoted through them.

use std::collections::BTreeMap;

use super::super::{Repo, place_below, subscription};
use crate::app_interface::TargetDeclaration;
use crate::domain::{Problem, ProblemCode};

/// Maximum number of channels for which similar names are searched.
const SUGGESTIONS: usize = 50;
/// Minimum similarity of a suggestion.
const ALIKE: f32 = 0.8;

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    let removed = find_removed_publishers(repo);
    let mut suggested: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for (_, target) in repo.inventory.subscribers() {
        for channel in &target.promotion.subscribe {
            if repo.inventory.publishers.contains_key(channel) {
                continue;
            }
            let message = format!("{}: channel {channel} has no publisher", target.label());
            let mut problem = Problem::new(ProblemCode::ChannelWithoutPublisher, message);
            let few = suggested.len() < SUGGESTIONS;
            let near = *suggested
                .entry(channel)
                .or_insert_with(|| if few { find_similar(repo, channel) } else { None });
            let removed = removed.get(channel.as_str()).map(Vec::as_slice).unwrap_or_default();
            if !removed.is_empty() {
                problem = problem
                    .help("enable the target that publishes it, or subscribe to another channel");
            } else if let Some(near) = near {
                problem = problem.help(format!("did you mean `{near}`?"));
            }
            for declaration in removed {
                let place = &declaration.declared_at;
                let note = "this target publishes it, but it is disabled or deleted";
                problem = problem.related(note, &place.file, &place.path);
            }
            problems.push(place_below(
                problem,
                target,
                &subscription(repo.bundle, target, channel),
            ));
        }
    }
}

/// A channel that has a publisher and a similar name.
fn find_similar<'a>(repo: &Repo<'a>, channel: &str) -> Option<&'a str> {
    let ratio = |name: &str| similar::TextDiff::from_chars(name, channel).ratio();
    repo.inventory
        .publishers
        .keys()
        .filter(|name| name.len().abs_diff(channel.len()) <= 3)
        .map(|name| (ratio(name), name.as_str()))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        // Of two equally similar names, the first in alphabetical order.
        .fold(None, |best: Option<(f32, &str)>, found| match best {
            Some(best) if best.0 >= found.0 => Some(best),
            _ => Some(found),
        })
        .map(|(_, name)| name)
}

/// Disabled and deleted targets, by the channels they would publish to.
fn find_removed_publishers<'a>(repo: &Repo<'a>) -> BTreeMap<&'a str, Vec<&'a TargetDeclaration>> {
    let mut removed: BTreeMap<&str, Vec<&TargetDeclaration>> = BTreeMap::new();
    let templates = repo.bundle.saas_files.iter().flat_map(|file| &file.resource_templates);
    for declaration in templates.flat_map(|template| &template.targets).filter(|d| d.removed) {
        for channel in declaration.promotion.iter().flat_map(|promotion| &promotion.publish) {
            removed.entry(channel).or_default().push(declaration);
        }
    }
    removed
}
