//! Which requests can stand beside each other: any subset of the open ones
//! must merge cleanly, in any order.
//!
//! Tried by real three-way merges of the texts, not guessed from line numbers.

use std::collections::BTreeMap;

/// What a three-way merge gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merge {
    /// The merged text.
    Clean(String),
    /// It needs a person.
    Conflict,
}

/// A three-way merge of texts that behaves as git's.
pub trait MergeTexts {
    /// Merges what became of `base` on two sides.
    fn merge(&self, base: &str, ours: &str, theirs: &str) -> Merge;
}

/// A change as git will merge it: the text that it was made on, and what it made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) path: String,
    pub(super) base: String,
    pub(super) text: String,
    /// How people call the request: `!12`, or its branch.
    pub(super) name: String,
}

/// The requests that are open after the run, by file.
pub(super) struct Standing<'a> {
    merger: &'a dyn MergeTexts,
    /// By path: text on the target branch, the changes, and all of them merged into it.
    files: BTreeMap<String, File>,
}

struct File {
    target: String,
    changes: Vec<Change>,
    all_merged: String,
}

impl<'a> Standing<'a> {
    pub(super) fn new(merger: &'a dyn MergeTexts) -> Self {
        Self { merger, files: BTreeMap::new() }
    }

    /// Takes a change in beside the others, `target` being its file's text on the target branch.
    ///
    /// # Errors
    /// The name of the request that it cannot stand beside; its own name if it
    /// does not merge into the target branch.
    pub(super) fn admit(&mut self, target: &str, change: Change) -> Result<(), String> {
        let merger = self.merger;
        let file = self.files.entry(change.path.clone()).or_insert_with(|| File {
            target: target.to_owned(),
            changes: Vec::new(),
            all_merged: target.to_owned(),
        });
        let merge_into =
            |ours: &str, change: &Change| match merger.merge(&change.base, ours, &change.text) {
                Merge::Clean(text) => Some(text),
                Merge::Conflict => None,
            };
        let Some(alone) = merge_into(&file.target, &change) else { return Err(change.name) };
        for other in &file.changes {
            let fits = merge_into(&alone, other).is_some()
                && merge_into(&file.target, other)
                    .is_some_and(|other_alone| merge_into(&other_alone, &change).is_some());
            if !fits {
                return Err(other.name.clone());
            }
        }
        match merge_into(&file.all_merged, &change) {
            Some(merged) => file.all_merged = merged,
            None => {
                let other = file.changes.last().map_or(change.name, |other| other.name.clone());
                return Err(other);
            }
        }
        file.changes.push(change);
        Ok(())
    }
}
