//! What open merge requests change, and what stands beside it.

use std::sync::Arc;

use super::desired::{Desired, Group};
use super::edits;
use super::model::Reason;
use super::planner::{Existing, Planner};
use super::trailers::{Member, Trailers};
use crate::domain::RepoPath;
use crate::snapshot::{CommitDetail, MergeRequestFact};

impl<'a> Planner<'a> {
    /// Takes an open merge request in with the content that it has.
    ///
    /// # Errors
    /// The name of the merge request that it does not merge beside.
    pub(super) fn admit_as_it_is(&mut self, existing: &Existing<'_>) -> Result<(), String> {
        let name = existing.mr.iid.to_string();
        let mut changes = Vec::new();
        for file in &existing.own.files {
            let datafile = file.path.datafile();
            let Some(text) = datafile.and_then(|path| self.bundle.text(path)) else {
                return Err(name);
            };
            changes.push((Arc::clone(text), file.change(name.clone())));
        }
        self.admission.standing.admit_all(&name, changes)
    }

    /// Notes that nobody knows what an open merge request changes in its file.
    pub(super) fn note_unread(&mut self, mr: &MergeRequestFact, tip: &CommitDetail) {
        if let Some(trailers) = Trailers::parse(&tip.message) {
            self.index
                .unread
                .extend(trailers.paths().into_iter().map(|path| (path.clone(), mr.iid)));
        }
    }

    /// Is there an open merge request in the same file whose change could not be read? Then nobody can
    /// say what fits beside it.
    pub(super) fn beside_unread(&self, path: &RepoPath) -> Option<(Reason, String)> {
        let iid = self.index.unread.get(path)?;
        let reason = format!("what {iid} changes in the same file could not be read");
        Some((Reason::FactsMissing, reason))
    }

    /// The text that the target branch has of a file.
    pub(super) fn target_text(&self, path: &RepoPath) -> Option<&'a str> {
        let file = path.datafile()?;
        self.bundle.text(file).map(|text| &**text)
    }

    /// What a branch writes at one edit site, made on the target branch as it is, for those of a group that it is
    /// about; where no group has it, for its targets wherever they are.
    pub(super) fn with_values(&self, group: Option<&Group>, declared: &Member) -> Option<Desired> {
        let members = match group {
            Some(group) => group.members.clone(),
            None => self.decisions.subscribers.keys().copied().collect(),
        };
        let desired = edits::with_values(self.inventory, self.bundle, &members, declared)?;
        let decision = self.decisions.subscribers.get(desired.members.first()?);
        let promotable_since = decision.and_then(|decision| decision.promotable_since);
        Some(Desired { promotable_since, ..desired })
    }
}
