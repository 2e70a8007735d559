//! What is wrong in the config repo and would stop a promotion, as far as the files tell.
//!
//! Loading and the inventory note what they cannot use; the rest is found by the rules, one a
//! file in `rules`. `places` then gives every problem the exact place in the text, and `help`
//! says what to do about it. Nobody is asked: what only the world knows (a branch that is gone,
//! a deployment record) is found by a run.

mod places;
mod rules;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::app_interface::Bundle;
use crate::domain::{Problem, ProblemCode, Severity};
use crate::inventory::{Inventory, Target};
use yaml11::NodeRef;

/// What the rules look at.
pub(crate) struct Repo<'a> {
    bundle: &'a Bundle,
    inventory: &'a Inventory,
    now: DateTime<Utc>,
}

/// The problems of a config repo, with the lines of text that they are about.
#[derive(Debug, Default)]
pub struct Findings {
    /// Errors first, then by file and place; each once.
    pub problems: Vec<Problem>,
    /// The lines that problems name, by file and number, without line ends. No other text is kept.
    pub lines: BTreeMap<(String, u32), String>,
}

/// Applies every rule. `now` is only asked whether a schedule ever opens again.
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
            // A run can only go on without it. Here somebody can still correct the selector.
            problem.severity = Severity::Error;
        }
        places.locate(problem);
        problem.help_as_usual();
    }
    Problem::put_in_order(&mut problems);
    Findings { problems, lines: places.lines }
}

/// The problem, placed at something below a target, e.g. `promotion.schedule`.
fn at(problem: Problem, target: &Target, below: &str) -> Problem {
    let place = &target.declared_at;
    problem.in_file(&place.file).at(place.below(below)).at_line(place.line, place.column)
}

/// Where a text stands in a list below a target, e.g. `promotion.publish[1]`.
fn item_of(bundle: &Bundle, target: &Target, list: &[&str], text: &str) -> String {
    let tree = bundle.sources.get(&target.declared_at.file);
    let node = tree
        .and_then(|tree| list.iter().try_fold(tree.node(target.node), |node, key| node.get(key)));
    let index = node.and_then(|node| index_of(node, text));
    format!("{}[{}]", list.join("."), index.unwrap_or_default())
}

/// The index of a text in a list.
fn index_of(list: NodeRef<'_>, text: &str) -> Option<usize> {
    list.items().position(|item| item.text().is_some_and(|found| found == text))
}

/// Where a target names a channel that it subscribes to.
fn subscription(bundle: &Bundle, target: &Target, channel: &str) -> String {
    item_of(bundle, target, &["promotion", "subscribe"], channel)
}

/// Where a target names a channel that it publishes to.
fn publication(bundle: &Bundle, target: &Target, channel: &str) -> String {
    item_of(bundle, target, &["promotion", "publish"], channel)
}
