//! Which merge requests can stand beside each other: any subset of the open ones must merge cleanly, in any order.
//!
//! Changes far apart in a file never meet, which their ranges tell. Changes close to each other are tried by real
//! three-way merges, and so is every change on top of all others: that is the proof.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::diff::Lines;
use crate::domain::RepoPath;
use yaml11::Patch;

/// Changes with more lines than this between them do not meet. A merge needs one line; where lines repeat, it may take
/// a change for one some lines further on.
const APART: usize = 16;

/// How many bytes of text are merged to try changes of one file that are close to each other. What is not tried by then
/// counts as a conflict: it waits for the merge request that is there.
const MAX_TRIED_BYTES: usize = 256 << 20;

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
    path: RepoPath,
    base: Arc<str>,
    patch: Patch,
    /// Our editor's work, which replaces values and nothing else.
    is_edit: bool,
    /// How people call the merge request: `!12`, or its branch.
    name: String,
}

impl Change {
    /// What a branch has, whoever made it.
    pub(super) fn between(path: RepoPath, base: &str, text: &str, name: String) -> Self {
        Self { path, base: base.into(), patch: Patch::between(base, text), is_edit: false, name }
    }

    /// What our editor is to make of a text.
    pub(super) fn edit(path: RepoPath, base: Arc<str>, patch: Patch, name: String) -> Self {
        Self { path, base, patch, is_edit: true, name }
    }
}

/// The merge requests that are open after the run, by file.
pub(super) struct Standing<'a> {
    merger: &'a dyn MergeTexts,
    /// By path: text on the target branch, the changes, and all of them merged into it.
    files: BTreeMap<RepoPath, File>,
}

#[derive(Clone)]
struct File {
    target: Arc<str>,
    lines: Arc<Lines>,
    changes: Vec<Admitted>,
    all_merged: Arc<str>,
    /// Bytes that may still be merged to try changes.
    to_try: usize,
}

/// A change that merges into the target branch.
#[derive(Clone)]
struct Admitted {
    change: Change,
    /// The lines of the target branch's text that it changes.
    lines: Vec<Range<usize>>,
}

impl<'a> Standing<'a> {
    pub(super) fn new(merger: &'a dyn MergeTexts) -> Self {
        Self { merger, files: BTreeMap::new() }
    }

    /// Takes a change in beside the others, `target` being its file's text on the target branch.
    ///
    /// # Errors
    /// The name of the merge request that it cannot stand beside; its own name if it
    /// does not merge into the target branch.
    pub(super) fn admit(&mut self, target: &Arc<str>, change: Change) -> Result<(), String> {
        let merger = self.merger;
        let file = self.files.entry(change.path.clone()).or_insert_with(|| File {
            target: Arc::clone(target),
            lines: Arc::new(Lines::of(target)),
            changes: Vec::new(),
            all_merged: Arc::clone(target),
            to_try: MAX_TRIED_BYTES,
        });
        let new = file.on_target(merger, change)?;
        if let Some(other) = file.conflicting(merger, &new) {
            return Err(other);
        }
        let Some(merged) = merge_into(merger, &file.all_merged, &new.change) else {
            let other = file.changes.last().map_or(new.change.name, |o| o.change.name.clone());
            return Err(other);
        };
        file.all_merged = merged.into();
        file.changes.push(new);
        Ok(())
    }

    /// Takes changes in, all of them or none, each with its file's text on the target branch. They take the place of
    /// those that the merge request `name` has by now.
    ///
    /// # Errors
    /// As [`Standing::admit`]; then nothing has changed.
    pub(super) fn admit_all(
        &mut self,
        name: &str,
        changes: Vec<(Arc<str>, Change)>,
    ) -> Result<(), String> {
        let has_change = |file: &File| file.changes.iter().any(|own| own.change.name == name);
        let before: Vec<RepoPath> = self
            .files
            .iter()
            .filter(|(_, file)| has_change(file))
            .map(|(path, _)| path.clone())
            .collect();
        let touched = before.iter().chain(changes.iter().map(|(_, change)| &change.path));
        let saved: BTreeMap<RepoPath, Option<File>> =
            touched.map(|path| (path.clone(), self.files.get(path).cloned())).collect();
        let merger = self.merger;
        let mut admitted = Ok(());
        for path in &before {
            let file = self.files.get_mut(path).filter(|_| admitted.is_ok());
            admitted = file.map_or(Ok(()), |file| file.take_out(merger, name)).and(admitted);
        }
        for (target, change) in changes {
            admitted = admitted.and_then(|()| self.admit(&target, change));
        }
        if admitted.is_err() {
            for (path, file) in saved {
                match file {
                    Some(file) => self.files.insert(path, file),
                    None => self.files.remove(&path),
                };
            }
        }
        admitted
    }
}

impl File {
    /// Where a change lands on the target branch.
    ///
    /// # Errors
    /// Its name, if it does not merge into it.
    fn on_target(&self, merger: &dyn MergeTexts, change: Change) -> Result<Admitted, String> {
        let mut change = change;
        let is_current = Arc::ptr_eq(&change.base, &self.target) || change.base == self.target;
        let lines = if is_current {
            change.base = Arc::clone(&self.target);
            self.lines.changed(&self.target, &change.patch)
        } else {
            let Some(alone) = merge_into(merger, &self.target, &change) else {
                return Err(change.name);
            };
            self.lines.changed(&self.target, &Patch::between(&self.target, &alone))
        };
        Ok(Admitted { change, lines })
    }

    /// Takes the change of a merge request out again.
    ///
    /// # Errors
    /// Its name, where the others cannot be merged again within what may be tried.
    fn take_out(&mut self, merger: &dyn MergeTexts, name: &str) -> Result<(), String> {
        self.changes.retain(|other| other.change.name != name);
        let mut all = String::from(&*self.target);
        for other in &self.changes {
            let to_try = self.to_try.checked_sub(self.target.len());
            let merged = to_try.and_then(|rest| {
                self.to_try = rest;
                merge_into(merger, &all, &other.change)
            });
            all = merged.ok_or_else(|| name.to_owned())?;
        }
        self.all_merged = all.into();
        Ok(())
    }

    /// The first merge request that a change cannot stand beside.
    fn conflicting(&mut self, merger: &dyn MergeTexts, new: &Admitted) -> Option<String> {
        for other in &self.changes {
            if !are_within(&other.lines, &new.lines, APART) {
                continue;
            }
            let (ours, theirs) = (&new.change, &other.change);
            let are_edits =
                [ours, theirs].iter().all(|c| c.is_edit && Arc::ptr_eq(&c.base, &self.target));
            let fits = if are_edits && are_within(&other.lines, &new.lines, 0) {
                ours.patch == theirs.patch
            } else {
                match self.to_try.checked_sub(4 * self.target.len()) {
                    None => false,
                    Some(rest) => {
                        self.to_try = rest;
                        fit(merger, &self.target, ours, theirs)
                    }
                }
            };
            if !fits {
                return Some(theirs.name.clone());
            }
        }
        None
    }
}

/// Are there no more than so many lines between two changes? Without any between them they touch each other.
fn are_within(a: &[Range<usize>], b: &[Range<usize>], apart: usize) -> bool {
    let near =
        |a: &Range<usize>, b: &Range<usize>| a.start <= b.end + apart && b.start <= a.end + apart;
    a.iter().any(|a| b.iter().any(|b| near(a, b)))
}

/// Can each of two changes be merged after the other one?
fn fit(merger: &dyn MergeTexts, target: &str, a: &Change, b: &Change) -> bool {
    let one_after_other = |first: &Change, second: &Change| {
        merge_into(merger, target, first).and_then(|text| merge_into(merger, &text, second))
    };
    one_after_other(a, b).is_some() && one_after_other(b, a).is_some()
}

fn merge_into(merger: &dyn MergeTexts, ours: &str, change: &Change) -> Option<String> {
    let theirs = change.patch.apply(&change.base);
    match merger.merge(&change.base, ours, &theirs) {
        Merge::Clean(text) => Some(text),
        Merge::Conflict => None,
    }
}
