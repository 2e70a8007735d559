//! Whose a branch is: the bot's, if what it changes is what it declares. See [`super::verify`].

use std::borrow::Cow;
use std::sync::Arc;

use super::conflicts::Change;
use super::desired::{self, Desired, EditSiteState, Group};
use super::planner::{Groups, Planner};
use super::trailers::Trailers;
use super::verify::changed_file;
use crate::domain::sha256_hex;
use crate::snapshot::{CommitDetail, Lookup, TextChange};

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
    /// The file's text below the tip.
    pub(super) before: &'a str,
    after: After<'a>,
}

/// The file's text at the tip.
enum After<'a> {
    Made(Arc<Desired>),
    Read(&'a TextChange),
}

/// Branches without a place or a merge request that are looked into in one run: anybody who may push can
/// make any number of them.
const MAX_STRAYS: usize = 200;

impl OwnChange<'_> {
    /// The file's text at the tip.
    pub(super) fn after(&self) -> Cow<'_, str> {
        match &self.after {
            After::Made(desired) => Cow::Owned(desired.new_text()),
            After::Read(change) => Cow::Borrowed(&change.after),
        }
    }

    /// The change as it is to be merged; `name` is what people call its merge request.
    pub(super) fn change(&self, name: String) -> Change {
        match &self.after {
            After::Made(desired) => desired.change(name),
            After::Read(change) => {
                Change::between(self.trailers.path.clone(), self.before, &change.after, name)
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
        if let Some(known) = self.authorship.get(branch) {
            return known.clone();
        }
        let found = if self.may_look_into(groups, branch) {
            self.find_author(groups, branch, tip)
        } else {
            Authorship::Unknown(format!("more than {MAX_STRAYS} branches have no place"))
        };
        self.authorship.insert(branch.to_owned(), found.clone());
        found
    }

    fn may_look_into(&mut self, groups: &Groups, branch: &str) -> bool {
        let mut merge_requests = self.snapshot.merge_requests.values();
        if groups.contains_key(branch) || merge_requests.any(|mr| mr.source_branch == branch) {
            return true;
        }
        self.strays += 1;
        self.strays <= MAX_STRAYS
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
        let Some((before, after)) = changed_file(&trailers, content) else {
            return Authorship::Foreign;
        };
        let target = self.target_text(&trailers.path);
        if let Some(text) = target.filter(|text| sha256_hex(text.as_bytes()) == before)
            && let Some(desired) = self.made_again(groups.get(branch), &trailers, after)
        {
            let after = After::Made(desired);
            return Authorship::Ours(Arc::new(OwnChange { trailers, before: text, after }));
        }
        match self.snapshot.declared_changes.get(tip.sha.as_str()).map(Lookup::as_result) {
            None => {
                self.missing.changes.insert(branch.to_owned());
                Authorship::Unknown("it is still to be compared with what it declares".to_owned())
            }
            Some(Err(failure)) => Authorship::Unknown(failure.error.clone()),
            Some(Ok(None)) => Authorship::Foreign,
            Some(Ok(Some(change))) => Authorship::Ours(Arc::new(OwnChange {
                trailers,
                before: &change.before,
                after: After::Read(change),
            })),
        }
    }

    /// What a branch declares, made on the text that the target branch has, if that gives these bytes.
    fn made_again(
        &self,
        group: Option<&Group>,
        trailers: &Trailers,
        digest: &str,
    ) -> Option<Arc<Desired>> {
        let is_made = |desired: &Arc<Desired>| sha256_hex(desired.new_text().as_bytes()) == digest;
        // Mostly it is the very change that is wanted, and that one is made already.
        if let Some(Group { state: EditSiteState::Promote(desired), .. }) = group
            && desired.values == trailers.values
            && desired.path == trailers.path
            && trailers.targets.iter().eq(&desired.targets)
        {
            return Some(Arc::clone(desired)).filter(is_made);
        }
        let named = desired::named(self.inventory, trailers);
        if named.len() != trailers.targets.len() {
            return None;
        }
        let desired = desired::with_values(self.inventory, self.bundle, &named, trailers)?;
        Some(Arc::new(desired)).filter(|desired| desired.path == trailers.path).filter(is_made)
    }
}
