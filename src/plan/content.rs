//! What a merge request writes: the desired changes of one edit site or, in a batch, of several, by file.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::conflicts::Change;
use super::desired::{Desired, file_edit};
use super::edits::{source, unsafe_edit};
use super::model::FileEdit;
use super::trailers::{BatchMark, Member, Trailers};
use crate::app_interface::{Bundle, TargetEdit};
use crate::domain::{RepoPath, TargetUid};
use crate::inventory::Inventory;
use yaml11::Patch;

/// Desired changes that are written by one commit.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    /// By edit site, in the order of the trailers.
    pub(super) parts: Vec<Arc<Desired>>,
    /// By path.
    files: Vec<File>,
}

/// All that changes in a file.
#[derive(Debug, Clone)]
struct File {
    path: RepoPath,
    old_text: Arc<str>,
    patch: Patch,
}

impl Content {
    /// The content of a commit with these parts.
    ///
    /// # Errors
    /// When they cannot be edited together.
    pub(super) fn of(
        inventory: &Inventory,
        bundle: &Bundle,
        parts: impl IntoIterator<Item = Arc<Desired>>,
    ) -> Result<Self, String> {
        let mut content = Self::default();
        content.parts.extend(parts);
        content.parts.sort_by_cached_key(|part| part.member());
        let paths: BTreeSet<RepoPath> =
            content.parts.iter().map(|part| part.path.clone()).collect();
        for path in paths {
            let file = content.file(inventory, bundle, &path)?;
            content.files.push(file);
        }
        Ok(content)
    }

    /// The same with one more part.
    ///
    /// # Errors
    /// As above.
    pub(super) fn with(
        &self,
        inventory: &Inventory,
        bundle: &Bundle,
        part: &Arc<Desired>,
    ) -> Result<Self, String> {
        let mut content = self.clone();
        content.parts.push(Arc::clone(part));
        content.parts.sort_by_cached_key(|part| part.member());
        let file = content.file(inventory, bundle, &part.path)?;
        match content.files.binary_search_by(|file| file.path.cmp(&part.path)) {
            Ok(at) => content.files[at] = file,
            Err(at) => content.files.insert(at, file),
        }
        Ok(content)
    }

    /// All parts of a file together: their lines may touch each other.
    fn file(
        &self,
        inventory: &Inventory,
        bundle: &Bundle,
        path: &RepoPath,
    ) -> Result<File, String> {
        let parts: Vec<&Arc<Desired>> =
            self.parts.iter().filter(|part| part.path == *path).collect();
        let old_text = Arc::clone(&parts[0].old_text);
        let patch = match parts.as_slice() {
            [part] => part.patch.clone(),
            parts => {
                let edits: Vec<TargetEdit> =
                    parts.iter().flat_map(|part| part.edits(inventory)).collect();
                let file = path.datafile().unwrap_or_default();
                yaml11::patch(source(bundle, file)?, &edits).map_err(unsafe_edit)?
            }
        };
        Ok(File { path: path.clone(), old_text, patch })
    }

    /// Does it change nothing?
    pub(super) fn is_empty(&self) -> bool {
        self.files.iter().all(|file| file.patch.is_empty())
    }

    /// The files with their texts on the target branch and what changes in them.
    pub(super) fn patches(&self) -> impl Iterator<Item = (&RepoPath, &Arc<str>, &Patch)> {
        self.files.iter().map(|file| (&file.path, &file.old_text, &file.patch))
    }

    /// The files with their texts on the target branch and their new texts.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&RepoPath, &str, String)> {
        let text = |file: &File| file.patch.apply(&file.old_text);
        self.files.iter().map(move |file| (&file.path, &*file.old_text, text(file)))
    }

    /// The changes as they are to be merged, each with its file's text on the target branch; `name` is what people call
    /// the merge request.
    pub(super) fn changes(&self, name: &str) -> Vec<(Arc<str>, Change)> {
        let change = |file: &File| {
            let base = Arc::clone(&file.old_text);
            Change::edit(file.path.clone(), base, file.patch.clone(), name.to_owned())
        };
        self.files.iter().map(|file| (Arc::clone(&file.old_text), change(file))).collect()
    }

    /// The files as they are to be written.
    pub(super) fn file_edits(&self) -> Vec<FileEdit> {
        let edit = |file: &File| file_edit(&file.path, &file.old_text, &file.patch);
        self.files.iter().map(edit).collect()
    }

    /// About how long the texts and diffs of its files are, in bytes.
    pub(super) fn estimate_size(&self) -> usize {
        // The diff has lines of both texts.
        let size = |file: &File| 3 * (file.old_text.len() + file.patch.added_bytes());
        self.files.iter().map(size).sum()
    }

    /// About how long what its commit declares is, in bytes.
    pub(super) fn declared_bytes(&self) -> usize {
        self.parts.iter().map(|part| part.declared_bytes()).sum()
    }

    /// What its commit declares of each part.
    pub(super) fn members(&self) -> Vec<Member> {
        self.parts.iter().map(|part| part.member()).collect()
    }

    /// What its commit says of itself.
    pub(super) fn trailers(
        &self,
        target_branch: &str,
        labels: &BTreeSet<String>,
        batch: Option<BatchMark>,
    ) -> Trailers {
        Trailers {
            members: self.members(),
            target_branch: target_branch.to_owned(),
            depends_on: self.parts.iter().flat_map(|part| part.depends_on.clone()).collect(),
            labels: labels.clone(),
            batch,
        }
    }

    /// The subscribers that it promotes, sorted.
    pub(super) fn targets(&self) -> Vec<TargetUid> {
        let mut targets: Vec<TargetUid> =
            self.parts.iter().flat_map(|part| part.targets.clone()).collect();
        targets.sort();
        targets
    }
}
