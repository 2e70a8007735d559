//! Promotions that go back, or whose commit is no descendant of the current one: their mark in title, description and
//! labels.
//!
//! The description is written from the facts; title and label follow what it says. So all three say the same, and
//! what the bot wrote before tells which label is its own to take off.

use std::collections::BTreeSet;

use super::super::markup::shorten;
use super::{TITLE, TITLE_LIMIT};
use crate::domain::CommitSha;
use crate::ports::MergeRequestChange;
use crate::snapshot::{MergeRequestFact, Relation};

/// On a merge request that goes back.
pub(in super::super) const ROLLBACK_LABEL: &str = "sapm/rollback";
/// Hidden in the description of a promotion that goes back.
const BACK: &str = "<!-- sapm:rollback=";
/// Hidden in the description of one that has diverged.
const DIVERGED: &str = "<!-- sapm:diverged=";

/// Where a promotion goes, if not ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Back,
    Diverged,
}

impl Direction {
    pub(super) fn of(relation: Relation) -> Option<Self> {
        match relation {
            Relation::Ahead => None,
            Relation::Behind => Some(Self::Back),
            Relation::Diverged => Some(Self::Diverged),
        }
    }

    /// What a description of the bot says of these commits.
    pub(super) fn described(description: &str, from: &CommitSha, to: &CommitSha) -> Option<Self> {
        let says = |direction: &Self| description.contains(&direction.marker(from, to));
        [Self::Back, Self::Diverged].into_iter().find(says)
    }

    pub(super) fn marker(self, from: &CommitSha, to: &CommitSha) -> String {
        let start = match self {
            Self::Back => BACK,
            Self::Diverged => DIVERGED,
        };
        format!("{start}{from}...{to} -->")
    }
}

/// The title of a merge request for so many promotions, which says first what its description does.
pub(in super::super) fn directed_title(title: &str, description: &str, parts: usize) -> String {
    let told = |marker: &str| description.matches(marker).count();
    let (back, diverged) = (told(BACK), told(DIVERGED));
    let what = match (back, diverged) {
        (0, 0) => return title.to_owned(),
        (back, _) if back >= parts => "Rollback",
        (0, diverged) if diverged >= parts => "Diverged",
        (0, _) => "Includes diverged code",
        _ => "Includes a rollback",
    };
    let (before, rest) = match title.split_once(TITLE) {
        Some((before, rest)) => (format!("{before}{TITLE} "), rest.trim_start()),
        None => (String::new(), title),
    };
    shorten(&format!("{before}{what}: {rest}"), TITLE_LIMIT)
}

/// The labels of a new merge request.
pub(in super::super) fn directed_labels(
    labels: &BTreeSet<String>,
    description: &str,
) -> BTreeSet<String> {
    let own = description.contains(BACK).then(|| ROLLBACK_LABEL.to_owned());
    labels.iter().cloned().chain(own).collect()
}

/// Lets the label of an open merge request follow its new description. One that the bot did not set is a person's, and
/// one that a person took off stays off until there is a new description.
pub(in super::super) fn follow(
    mr: &MergeRequestFact,
    mut change: MergeRequestChange,
) -> MergeRequestChange {
    let Some(description) = &change.description else { return change };
    let goes_back = description.contains(BACK);
    let has_label = mr.labels.contains(ROLLBACK_LABEL);
    if goes_back && !has_label {
        change.add_labels.insert(ROLLBACK_LABEL.to_owned());
    } else if !goes_back && has_label && mr.description.contains(BACK) {
        change.remove_labels.insert(ROLLBACK_LABEL.to_owned());
    }
    change
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(direction: Direction) -> String {
        let commit = |digit: &str| CommitSha::parse(&digit.repeat(40)).expect("a commit");
        direction.marker(&commit("a"), &commit("b"))
    }

    #[test]
    fn the_title_says_it_first() {
        let title = "[AutoPromoterV2] saas-orders/api to 9d562e12";
        assert_eq!(directed_title(title, "all is well", 1), title);
        let (back, diverged) = (marker(Direction::Back), marker(Direction::Diverged));
        for (description, parts, expected) in [
            (back.clone(), 1, "[AutoPromoterV2] Rollback: saas-orders/api to 9d562e12"),
            (diverged.clone(), 1, "[AutoPromoterV2] Diverged: saas-orders/api to 9d562e12"),
            (back.clone(), 3, "[AutoPromoterV2] Includes a rollback: saas-orders/api to 9d562e12"),
            (
                diverged.clone(),
                3,
                "[AutoPromoterV2] Includes diverged code: saas-orders/api to 9d562e12",
            ),
            (
                format!("{back}{diverged}"),
                2,
                "[AutoPromoterV2] Includes a rollback: saas-orders/api to 9d562e12",
            ),
        ] {
            assert_eq!(directed_title(title, &description, parts), expected);
        }
        let draft = format!("Draft: {title}");
        let expected = "Draft: [AutoPromoterV2] Rollback: saas-orders/api to 9d562e12";
        assert_eq!(directed_title(&draft, &back, 1), expected);
        assert_eq!(directed_title("Deploy it", &back, 1), "Rollback: Deploy it");
        let long = format!("[AutoPromoterV2] {}", "x".repeat(TITLE_LIMIT));
        assert!(directed_title(&long, &back, 1).chars().count() <= TITLE_LIMIT);
    }

    #[test]
    fn only_the_same_commits_were_described() {
        let commit = |digit: &str| CommitSha::parse(&digit.repeat(40)).expect("a commit");
        let description = format!("text\n\n{}\n", marker(Direction::Back));
        let described = |from, to| Direction::described(&description, &commit(from), &commit(to));
        assert_eq!(described("a", "b"), Some(Direction::Back));
        assert_eq!((described("b", "a"), described("a", "c")), (None, None));
    }
}
