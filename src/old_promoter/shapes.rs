//! How merge requests of the old promoters look.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::branch;

/// Whose merge request it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum OldKind {
    /// The integration of qontract-reconcile.
    Sapm,
    /// The event-driven promoter.
    V1,
    /// Somebody else's, under a label, title or branch that was named, or under the label by which SAPM takes merge
    /// requests for its own.
    Other,
}

impl OldKind {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sapm => "SAPM",
            Self::V1 => "V1",
            Self::Other => "other",
        }
    }
}

/// The label by which SAPM takes merge requests for its own, whoever opened them.
const SAPM_LABEL: &str = "SAPM";
const SAPM_BRANCHES: [&str; 2] = ["SAPM-", "SAPMCanary-"];
const V1_BRANCH: &str = "auto_promoter-";
const SAPM_TITLES: [&str; 2] = ["[SAPM", "[auto-promotion]"];
const V1_TITLE: &str = "[auto_promoter]";
/// What makes a draft of a title.
const DRAFT: &str = "Draft: ";
/// Random hex digits at the end of a branch name.
const DIGITS: usize = 6;

/// Why shapes cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ShapeError {
    /// Not a regular expression.
    #[error("{option}: {error}")]
    Pattern {
        /// The option that gave it.
        option: &'static str,
        /// What is wrong.
        error: regex::Error,
    },
}

/// Shapes of another in-house promoter.
#[derive(Debug, Clone, Default)]
pub struct UserShapes {
    /// Patterns that a source branch matches.
    pub branches: Vec<String>,
    /// Labels.
    pub labels: Vec<String>,
    /// Patterns that a title matches.
    pub titles: Vec<String>,
}

/// The shapes that are looked for.
#[derive(Debug, Clone)]
pub struct Shapes {
    kinds: Vec<OldKind>,
    branches: Vec<regex::Regex>,
    labels: Vec<String>,
    titles: Vec<regex::Regex>,
}

impl Shapes {
    /// Shapes of these promoters, and those that were named.
    ///
    /// # Errors
    /// When a pattern is none.
    pub fn new(kinds: Vec<OldKind>, named: UserShapes) -> Result<Self, ShapeError> {
        let patterns = |texts: Vec<String>, option: &'static str| {
            let pattern = |text: String| regex::Regex::new(&text);
            let read: Result<Vec<_>, _> = texts.into_iter().map(pattern).collect();
            read.map_err(|error| ShapeError::Pattern { option, error })
        };
        Ok(Self {
            kinds,
            branches: patterns(named.branches, "--old-branch")?,
            labels: named.labels,
            titles: patterns(named.titles, "--old-title")?,
        })
    }

    /// Is anything looked for?
    pub fn is_empty(&self) -> bool {
        let named = !self.branches.is_empty() || !self.labels.is_empty() || !self.titles.is_empty();
        self.kinds.is_empty() && !named
    }

    /// Is this promoter looked for?
    pub fn has(&self, kind: OldKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// Beginnings of the names of branches that the old promoters make.
    pub fn branch_prefixes(&self) -> Vec<&'static str> {
        let mut prefixes = Vec::new();
        if self.has(OldKind::Sapm) {
            // Both, as one begins like the other.
            prefixes.push("SAPM");
        }
        if self.has(OldKind::V1) {
            prefixes.push(V1_BRANCH);
        }
        prefixes
    }

    /// Labels by which an old promoter takes merge requests for its own.
    pub fn own_labels(&self) -> Vec<&str> {
        let sapm = self.has(OldKind::Sapm).then_some(SAPM_LABEL);
        sapm.into_iter().chain(self.labels.iter().map(String::as_str)).collect()
    }

    /// Whose branch it is, by its name alone.
    pub fn kind_of_branch(&self, branch: &str) -> Option<OldKind> {
        let kind = if SAPM_BRANCHES.iter().any(|prefix| is_branch(branch, prefix)) {
            OldKind::Sapm
        } else if is_branch(branch, V1_BRANCH) {
            OldKind::V1
        } else {
            let named = self.branches.iter().any(|pattern| pattern.is_match(branch));
            return named.then_some(OldKind::Other);
        };
        self.has(kind).then_some(kind)
    }

    /// Whose merge request it is; `None` where it is none of an old promoter's, or one of our own.
    pub fn kind_of(
        &self,
        source_branch: &str,
        title: &str,
        labels: &std::collections::BTreeSet<String>,
    ) -> Option<OldKind> {
        if source_branch.starts_with(branch::PREFIX) || branch::has_digest(source_branch) {
            return None;
        }
        if let Some(kind) = self.kind_of_branch(source_branch) {
            return Some(kind);
        }
        let bare = title.strip_prefix(DRAFT).unwrap_or(title);
        let by_title = if SAPM_TITLES.iter().any(|begin| bare.starts_with(begin)) {
            Some(OldKind::Sapm)
        } else {
            bare.starts_with(V1_TITLE).then_some(OldKind::V1)
        };
        if let Some(kind) = by_title.filter(|kind| self.has(*kind)) {
            return Some(kind);
        }
        let named = self.titles.iter().any(|pattern| pattern.is_match(title))
            || self.own_labels().iter().any(|label| labels.contains(*label));
        named.then_some(OldKind::Other)
    }
}

/// A prefix and six hex digits.
fn is_branch(name: &str, prefix: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    name.strip_prefix(prefix)
        .is_some_and(|rest| rest.chars().count() == DIGITS && rest.chars().all(is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(branch: &str, title: &str, labels: &[&str]) -> Option<OldKind> {
        let kinds = vec![OldKind::Sapm, OldKind::V1];
        let shapes = Shapes::new(kinds, UserShapes::default()).expect("shapes");
        shapes.kind_of(branch, title, &labels.iter().map(|label| (*label).to_owned()).collect())
    }

    #[test]
    fn branches_titles_and_the_label_tell_whose_it_is() {
        let (sapm, v1, other) = (Some(OldKind::Sapm), Some(OldKind::V1), Some(OldKind::Other));
        assert_eq!(kind("SAPM-0a1b2c", "anything", &[]), sapm);
        assert_eq!(kind("SAPMCanary-0a1b2c", "anything", &[]), sapm);
        assert_eq!(kind("auto_promoter-abc123", "anything", &[]), v1);
        assert_eq!(kind("x", "[SAPM] auto-promotion ID 1 - batch size: 1", &[]), sapm);
        assert_eq!(kind("x", "Draft: [SAPMCanary] auto-promotion ID 1", &[]), sapm);
        assert_eq!(kind("x", "[auto_promoter] openshift-saas-deploy", &[]), v1);
        assert_eq!(kind("alice-x", "Tune", &["SAPM"]), other);
    }

    #[test]
    fn what_only_looks_alike_is_nobodys() {
        for branch in ["SAPM-notes", "SAPM-0A1B2C", "SAPM-0a1b2c3", "auto_promoter-abc12", "SAPM-"]
        {
            assert_eq!(kind(branch, "Tune", &[]), None, "{branch}");
        }
        assert_eq!(kind("alice-x", "Tune", &["promotion"]), None);
        assert_eq!(kind("auto-promoter-v2/a-b-0f", "[AutoPromoterV2] a", &["SAPM"]), None);
    }
}
