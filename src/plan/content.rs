//! What the branches of open requests contain, without asking for it where the
//! trailers' digests tell.

use super::conflicts::Change;
use super::desired::{self, Desired, Group};
use super::lifecycle::{Existing, Planner};
use super::model::Reason;
use super::trailers::{Trailers, text_digest};
use crate::domain::CommitSha;
use crate::snapshot::{CommitDetail, MergeRequestFact, Snapshot};

/// The texts of a request's file.
pub(super) enum Texts {
    /// On the base, on the branch.
    Known(String, String),
    /// The file is not there on one of them.
    Gone,
    /// Noted as needed.
    Missing,
    Failed(String),
}

impl<'a> Planner<'a> {
    /// Takes an open request in with the content that it has.
    pub(super) fn admit_as_it_is(
        &mut self,
        existing: &Existing<'_>,
        group: Option<&Group>,
    ) -> Result<(), String> {
        let path = existing.trailers.path.clone();
        let Some(target) = self.target_text(&path) else {
            return Err(format!("!{}", existing.request.iid));
        };
        let target = target.to_owned();
        match self.texts(existing, group, None) {
            Texts::Known(base, text) => {
                let name = format!("!{}", existing.request.iid);
                self.standing.admit(&target, Change { path, base, text, name })
            }
            Texts::Missing => Ok(()),
            Texts::Failed(_) => {
                self.unread.insert(path, existing.request.iid);
                Ok(())
            }
            Texts::Gone => Err(format!("!{}", existing.request.iid)),
        }
    }

    /// Notes that nobody knows what an open request changes in its file.
    pub(super) fn note_unread(&mut self, request: &MergeRequestFact, tip: &CommitDetail) {
        if let Some(trailers) = Trailers::parse(&tip.message) {
            self.unread.insert(trailers.path, request.iid);
        }
    }

    /// Is there an open request in the same file whose change could not be read? Then nobody can
    /// say what fits beside it.
    pub(super) fn beside_unread(&self, path: &str) -> Option<(Reason, String)> {
        let iid = self.unread.get(path)?;
        let reason = format!("what !{iid} changes in the same file could not be read");
        Some((Reason::FactsMissing, reason))
    }

    fn target_text(&self, path: &str) -> Option<&'a str> {
        let file = path.strip_prefix("data")?;
        self.bundle.sources.get(file).map(|tree| tree.text())
    }

    /// The texts of a request's file on its base and on its branch, without
    /// asking for them where the trailers' digests tell them.
    pub(super) fn texts(
        &mut self,
        existing: &Existing<'_>,
        group: Option<&Group>,
        desired: Option<&Desired>,
    ) -> Texts {
        let trailers = &existing.trailers;
        let candidates = self.candidate_texts(group, desired, trailers);
        let known =
            |digest: &str| candidates.iter().find(|text| text_digest(text) == digest).cloned();
        let rebased = existing.base != trailers.base;
        let base = match known(&trailers.base_digest).filter(|_| !rebased) {
            Some(text) => Ok(Some(text)),
            None => self.file(&existing.base, &trailers.path),
        };
        let text = match known(&trailers.text_digest).filter(|_| !rebased) {
            Some(text) => Ok(Some(text)),
            None => self.file(&existing.tip.sha, &trailers.path),
        };
        match (base, text) {
            (Ok(Some(base)), Ok(Some(text))) => Texts::Known(base, text),
            (Err(None), _) | (_, Err(None)) => Texts::Missing,
            (Err(Some(error)), _) | (_, Err(Some(error))) => Texts::Failed(error),
            _ => Texts::Gone,
        }
    }

    /// Texts that a branch may well have: the target branch's, and that with its values.
    fn candidate_texts(
        &self,
        group: Option<&Group>,
        desired: Option<&Desired>,
        trailers: &Trailers,
    ) -> Vec<String> {
        let mut candidates: Vec<String> =
            self.target_text(&trailers.path).map(str::to_owned).into_iter().collect();
        let same_values = desired.is_some_and(|desired| desired.values == trailers.values);
        if let Some(desired) = desired {
            candidates.push(desired.new_text.clone());
        }
        if !same_values {
            candidates.extend(self.with_values(group, trailers).map(|desired| desired.new_text));
        }
        candidates
    }

    /// What a branch writes, made on the target branch as it is, for those of a group that it is
    /// about; where no group has it, for its targets wherever they are.
    pub(super) fn with_values(
        &self,
        group: Option<&Group>,
        trailers: &Trailers,
    ) -> Option<Desired> {
        let (inventory, bundle, decisions) = (self.inventory, self.bundle, self.decisions);
        let members = match group {
            Some(group) => group.members.clone(),
            None => decisions.subscribers.keys().copied().collect(),
        };
        desired::with_values(inventory, bundle, decisions, &members, trailers)
    }

    /// A file's text; `Err(None)` if it has to be asked for first.
    fn file(&mut self, commit: &CommitSha, path: &str) -> Result<Option<String>, Option<String>> {
        match self
            .snapshot
            .files
            .get(&Snapshot::file_key(commit, path))
            .map(|file| file.as_result())
        {
            Some(Ok(text)) => Ok(text.clone()),
            Some(Err(failure)) => Err(Some(failure.error.clone())),
            None => {
                self.plan.needs.files.insert((commit.clone(), path.to_owned()));
                Err(None)
            }
        }
    }
}
