//! Whose a branch is: the bot's, if what it changes is what it declares. See [`super::verify`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::conflicts::Change;
use super::content::Content;
use super::desired::{Desired, EditSiteState, Group};
use super::edits;
use super::planner::{Groups, Planner};
use super::trailers::{Member, Trailers};
use super::verify::changed_files;
use crate::domain::{RepoPath, sha256_hex};
use crate::inventory::TargetIx;
use crate::snapshot::{CommitDetail, Lookup, TextChange};
use yaml11::Patch;

/// Whose the content of a branch is.
#[derive(Clone)]
pub(super) enum Authorship<'a> {
    /// The bot's.
    Ours(Arc<OwnChange<'a>>),
    /// Somebody else's.
    Foreign,
    /// It says that it is for another target branch: another bot's business, perhaps.
    OtherTargetBranch,
    /// It could not be found out.
    Unknown(String),
}

/// What a branch of the bot declares, and what it changes.
pub(super) struct OwnChange<'a> {
    pub(super) trailers: Trailers,
    /// By path; exactly one but for a batch.
    pub(super) files: Vec<OwnFile<'a>>,
}

/// A file that a branch of the bot changes.
pub(super) struct OwnFile<'a> {
    pub(super) path: RepoPath,
    /// The text below the tip.
    pub(super) before: &'a str,
    after: After<'a>,
}

/// The text at the tip.
enum After<'a> {
    /// The text of the target branch, and what was made of it.
    Made(Arc<str>, Patch),
    Read(&'a TextChange),
}

/// Branches without a place or a merge request that are looked into in one run: anybody who may push can
/// make any number of them.
const MAX_STRAYS: usize = 200;

impl<'a> OwnChange<'a> {
    /// The first file: the only one but for a batch.
    pub(super) fn first(&self) -> &OwnFile<'a> {
        &self.files[0]
    }
}

impl OwnFile<'_> {
    /// The text at the tip.
    pub(super) fn after(&self) -> Cow<'_, str> {
        match &self.after {
            After::Made(base, patch) => Cow::Owned(patch.apply(base)),
            After::Read(change) => Cow::Borrowed(&change.after),
        }
    }

    /// The change as it is to be merged; `name` is what people call its merge request.
    pub(super) fn change(&self, name: String) -> Change {
        match &self.after {
            After::Made(base, patch) => {
                Change::edit(self.path.clone(), Arc::clone(base), patch.clone(), name)
            }
            After::Read(change) => {
                Change::between(self.path.clone(), self.before, &change.after, name)
            }
        }
    }
}

impl<'a> Planner<'a> {
    /// Whose the content of a branch is; found out once for each.
    pub(super) fn authorship(
        &mut self,
        groups: &Groups,
        branch: &str,
        tip: &'a CommitDetail,
    ) -> Authorship<'a> {
        if let Some(known) = self.index.authorship.get(branch) {
            return known.clone();
        }
        let found = if self.may_look_into(groups, branch) {
            self.find_author(groups, branch, tip)
        } else {
            Authorship::Unknown(format!("more than {MAX_STRAYS} branches have no place"))
        };
        self.index.authorship.insert(branch.to_owned(), found.clone());
        found
    }

    fn may_look_into(&mut self, groups: &Groups, branch: &str) -> bool {
        let mut merge_requests = self.snapshot.merge_requests.values();
        if groups.contains_key(branch) || merge_requests.any(|mr| mr.source_branch == branch) {
            return true;
        }
        self.index.strays += 1;
        self.index.strays <= MAX_STRAYS
    }

    fn find_author(
        &mut self,
        groups: &Groups,
        branch: &str,
        tip: &'a CommitDetail,
    ) -> Authorship<'a> {
        let Some(trailers) = Trailers::parse(&tip.message) else { return Authorship::Foreign };
        if trailers.target_branch != self.target_branch {
            return Authorship::OtherTargetBranch;
        }
        let content =
            match self.snapshot.branch_contents.get(tip.sha.as_str()).map(Lookup::as_result) {
                Some(Ok(content)) => content,
                Some(Err(failure)) => return Authorship::Unknown(failure.error.clone()),
                None => return Authorship::Unknown("its content was not looked at".to_owned()),
            };
        let Some(digests) = changed_files(&trailers, content) else {
            return Authorship::Foreign;
        };
        if let Some(files) = self.made_again(groups, branch, &trailers, &digests) {
            return Authorship::Ours(Arc::new(OwnChange { trailers, files }));
        }
        match self.snapshot.declared_changes.get(tip.sha.as_str()).map(Lookup::as_result) {
            None => {
                self.missing.changes.insert(branch.to_owned());
                Authorship::Unknown("it is still to be compared with what it declares".to_owned())
            }
            Some(Err(failure)) => Authorship::Unknown(failure.error.clone()),
            Some(Ok(None)) => Authorship::Foreign,
            Some(Ok(Some(changes))) => {
                let files = changes.iter().map(|(path, change)| OwnFile {
                    path: path.clone(),
                    before: &change.before,
                    after: After::Read(change),
                });
                let files: Vec<_> = files.collect();
                if files.iter().map(|file| &file.path).ne(trailers.paths()) {
                    // A snapshot may say anything.
                    return Authorship::Unknown("its content is not recorded in full".to_owned());
                }
                Authorship::Ours(Arc::new(OwnChange { trailers, files }))
            }
        }
    }

    /// What a branch declares, made on the texts that the target branch has, if that gives the bytes that it has.
    fn made_again(
        &self,
        groups: &Groups,
        branch: &str,
        trailers: &Trailers,
        digests: &BTreeMap<&str, (&str, &str)>,
    ) -> Option<Vec<OwnFile<'a>>> {
        let mut targets = BTreeMap::new();
        for path in trailers.paths() {
            let text = self.target_text(path)?;
            let (before, _) = digests.get(path.as_str())?;
            if sha256_hex(text.as_bytes()) != *before {
                return None;
            }
            targets.insert(path.as_str(), text);
        }
        let part = |member: &Member| {
            let group = match &trailers.batch {
                None => groups.get(branch),
                Some(_) => self.group_about(groups, member),
            };
            self.part_again(group, member)
        };
        let parts: Option<Vec<_>> = trailers.members.iter().map(part).collect();
        let content = Content::of(self.inventory, self.bundle, parts?).ok()?;
        let file = |(path, old_text, patch): (&RepoPath, &Arc<str>, &Patch)| {
            let (_, after) = digests.get(path.as_str())?;
            let is_made = sha256_hex(patch.apply(old_text).as_bytes()) == *after;
            let after = After::Made(Arc::clone(old_text), patch.clone());
            let before = *targets.get(path.as_str())?;
            is_made.then(|| OwnFile { path: path.clone(), before, after })
        };
        content.patches().map(file).collect()
    }

    /// What a branch declares for one edit site, made on the text that the target branch has.
    fn part_again(&self, group: Option<&Group>, declared: &Member) -> Option<Arc<Desired>> {
        // Mostly it is the very change that is wanted, and that one is made already.
        if let Some(Group { state: EditSiteState::Promote(desired), .. }) = group
            && desired.is_declared_by(declared)
        {
            return Some(Arc::clone(desired));
        }
        let named = edits::named(self.inventory, declared);
        if named.len() != declared.targets.len() {
            return None;
        }
        let desired = edits::with_values(self.inventory, self.bundle, &named, declared)?;
        Some(Arc::new(desired)).filter(|desired| desired.path == declared.path)
    }

    /// The group that the first target of a batch's member is in.
    pub(super) fn group_about<'g>(
        &self,
        groups: &'g Groups,
        declared: &Member,
    ) -> Option<&'g Group> {
        let is_named = |at: &TargetIx| declared.targets.contains(&self.inventory.targets[*at].uid);
        groups.values().find(|group| group.members.iter().any(is_named))
    }
}
