//! The histories of code repositories that have refs, but no objects.

use std::collections::BTreeSet;

use crate::state::CommitInfo;

/// Commits of all such repositories, parents before their children.
#[derive(Debug, Clone, Default)]
pub(crate) struct History(pub Vec<CommitInfo>);

impl History {
    pub fn find(&self, sha: &str) -> Option<&CommitInfo> {
        self.0.iter().find(|commit| commit.sha == sha)
    }

    /// A commit and its ancestors.
    fn reach<'a>(&'a self, sha: &'a str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut todo = vec![sha];
        while let Some(sha) = todo.pop() {
            if found.insert(sha) {
                let parents = self.find(sha).map(|commit| commit.parents.as_slice());
                todo.extend(parents.unwrap_or_default().iter().map(String::as_str));
            }
        }
        found
    }

    /// As `git log FROM..TO`, the newest first.
    pub fn range(&self, from: &str, to: &str) -> Vec<&CommitInfo> {
        let (hidden, shown) = (self.reach(from), self.reach(to));
        let is_in = |commit: &&CommitInfo| {
            let sha = commit.sha.as_str();
            shown.contains(sha) && !hidden.contains(sha)
        };
        self.0.iter().rev().filter(is_in).collect()
    }

    pub fn merge_base(&self, one: &str, two: &str) -> Option<&CommitInfo> {
        let (one, two) = (self.reach(one), self.reach(two));
        let is_common = |commit: &&CommitInfo| {
            one.contains(commit.sha.as_str()) && two.contains(commit.sha.as_str())
        };
        self.0.iter().rev().find(is_common)
    }
}
