//! Finds errors in the config repo that would stop a promotion.
//!
//! Loading and the inventory report what they cannot use. The rules find the rest, one file each in
//! `rules`. Then `places` gives every problem its exact source location, and `help` says how
//! to fix it. `validate` makes no network calls. Problems that the files do not show (a deleted
//! branch, a deployment record) are found by a run.

mod places;
mod rules;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::app_interface::Bundle;
use crate::domain::{Problem, ProblemCode, Severity};
use crate::inventory::{Inventory, Target};
use yaml11::NodeRef;

/// The input of the rules.
pub(crate) struct Repo<'a> {
    bundle: &'a Bundle,
    inventory: &'a Inventory,
    now: DateTime<Utc>,
}

/// The problems of a config repo, with the lines of text that they refer to.
#[derive(Debug, Default)]
pub struct Findings {
    /// Errors first, then by file and source location, without duplicates.
    pub problems: Vec<Problem>,
    /// The lines that problems refer to, by file and number, without line ends. Other lines are not kept.
    pub lines: BTreeMap<(String, u32), String>,
}

/// Applies every rule. `now` matters only for schedules that never open again.
pub fn validate(bundle: &Bundle, inventory: &Inventory, now: DateTime<Utc>) -> Findings {
    let repo = Repo { bundle, inventory, now };
    let mut problems = bundle.problems.clone();
    problems.extend(inventory.problems.iter().cloned());
    problems.extend(bundle.doubts.iter().chain(&inventory.doubts).cloned());
    for rule in rules::ALL {
        rule(&repo, &mut problems);
    }
    let mut places = places::Places::new(bundle);
    for problem in &mut problems {
        if problem.code == ProblemCode::PublisherSelectorWithoutMatch {
            // A run has to go on without the target. Here the selector can still be corrected.
            problem.severity = Severity::Error;
        }
        places.locate(problem);
        problem.help_as_usual();
    }
    Problem::put_in_order(&mut problems);
    Findings { problems, lines: places.lines }
}

/// Sets the source location of the problem to something below a target, e.g. `promotion.schedule`.
fn place_below(problem: Problem, target: &Target, below: &str) -> Problem {
    let place = &target.declared_at;
    problem.in_file(&place.file).at(place.below(below)).at_line(place.line, place.column)
}

/// The path of a text in a list below a target, e.g. `promotion.publish[1]`.
fn find_item_path(bundle: &Bundle, target: &Target, list: &[&str], text: &str) -> String {
    let tree = bundle.tree(&target.declared_at.file);
    let node = tree
        .and_then(|tree| list.iter().try_fold(tree.node(target.node), |node, key| node.get(key)));
    let index = node.and_then(|node| find_index(node, text));
    format!("{}[{}]", list.join("."), index.unwrap_or_default())
}

/// The index of a text in a list.
fn find_index(list: NodeRef<'_>, text: &str) -> Option<usize> {
    list.items().position(|item| item.text().is_some_and(|found| found == text))
}

/// The path where a target subscribes to a channel.
fn subscription(bundle: &Bundle, target: &Target, channel: &str) -> String {
    find_item_path(bundle, target, &["promotion", "subscribe"], channel)
}

/// The path where a target publishes to a channel.
fn publication(bundle: &Bundle, target: &Target, channel: &str) -> String {
    find_item_path(bundle, target, &["promotion", "publish"], channel)
}
