//! The lookups of a run, without duplicates.

use std::collections::{BTreeMap, BTreeSet};

use crate::decide::record_key;
use crate::domain::{GitRef, RepoId, RepoUrl, TargetUid};
use crate::inventory::{Inventory, Target};

/// The lookup of the commit at a ref of a repository.
pub(super) struct CommitQuestion {
    pub git_ref: String,
    /// The URL to fetch from: the [preferred](RepoUrl::preference) one of several spellings.
    pub url: RepoUrl,
    /// All spellings of the URL.
    pub spelled: BTreeSet<RepoUrl>,
    /// Channels and publishers of the records to read once the commit is known.
    pub records: Vec<(String, TargetUid)>,
}

/// All commits and records that decisions depend on.
pub(super) struct Questions {
    /// Moving refs, in order.
    pub commits: Vec<CommitQuestion>,
    /// Keys of records whose commit is in the config repo.
    pub records: BTreeSet<String>,
}

impl Questions {
    /// The lookups for these publishers.
    pub fn collect<'a>(
        inventory: &Inventory,
        publishers: impl Iterator<Item = &'a Target>,
    ) -> Self {
        let mut records = BTreeSet::new();
        let mut commits: BTreeMap<(&'a RepoId, &'a str), CommitQuestion> = BTreeMap::new();
        for target in publishers {
            let moving = match &target.git_ref {
                Ok(GitRef::Moving(moving)) => moving,
                Ok(GitRef::Pinned(sha)) => {
                    let keys =
                        find_channels(inventory, target).map(|c| record_key(c, &target.uid, sha));
                    records.extend(keys);
                    continue;
                }
                Err(_) => continue,
            };
            // Two spellings of one repository are one lookup.
            let question =
                commits.entry((target.repo_url.id(), moving.as_str())).or_insert_with(|| {
                    CommitQuestion {
                        git_ref: moving.clone(),
                        url: target.repo_url.clone(),
                        spelled: BTreeSet::new(),
                        records: Vec::new(),
                    }
                });
            if target.repo_url.preference() < question.url.preference() {
                question.url = target.repo_url.clone();
            }
            question.spelled.insert(target.repo_url.clone());
            let waiting = find_channels(inventory, target).map(|c| (c.clone(), target.uid.clone()));
            question.records.extend(waiting);
        }
        Self { commits: commits.into_values().collect(), records }
    }

    /// The maximum number of lookups.
    pub fn count(&self) -> usize {
        let waiting: usize = self.commits.iter().map(|question| question.records.len()).sum();
        self.commits.len() + self.records.len() + waiting
    }
}

/// The channels of a publisher that have subscribers.
fn find_channels<'a>(
    inventory: &'a Inventory,
    target: &'a Target,
) -> impl Iterator<Item = &'a String> {
    target.promotion.publish.iter().filter(|channel| inventory.subscribed.contains(*channel))
}
