//! Open merge requests that have the desired content: are they right, and what is written to keep or rebuild them?

use super::authorship::OwnFile;
use super::conflicts::Merge;
use super::desired::Desired;
use super::message;
use super::model::{Action, Reason, Step};
use super::planner::{Existing, Planner};
use super::steps::is_persons_draft;
use super::trailers::Trailers;
use super::transition::Fit;
use crate::ports::MergeRequestChange;
use crate::snapshot::{CommitDetail, ConfigRepoFacts, MergeRequestFact};

/// How many merge requests a run rebuilds at most because they are behind the target branch. The next merge puts all
/// others behind again, so most of a larger number would be rebuilt for nothing.
const MAX_REBUILT: usize = 10;
/// Why a merge request was rebuilt that has the right content.
pub(super) const REBUILT: &str =
    "rebuilt on the tip of the target branch, as this project merges nothing that is behind it";

/// How an open merge request fits what is due, by whether merging it gives the wanted texts.
pub(super) fn fit_of(repo: &ConfigRepoFacts, existing: &Existing<'_>, is_right: bool) -> Fit {
    let is_behind = is_behind(repo, existing.tip);
    if !is_right {
        Fit::Other
    } else if existing.mr.auto_merge {
        Fit::AutoMerge { is_behind }
    } else if is_behind && !is_persons_draft(existing.mr) {
        // Nobody merges a draft.
        Fit::RightAndBehind
    } else {
        Fit::Right
    }
}

impl Planner<'_> {
    /// How an open merge request fits what is due.
    pub(super) fn fit(
        &self,
        repo: &ConfigRepoFacts,
        existing: &Existing<'_>,
        desired: &Desired,
    ) -> Fit {
        fit_of(repo, existing, self.is_right(existing, desired))
    }

    /// Does merging it into the target branch give exactly the wanted text?
    fn is_right(&self, existing: &Existing<'_>, desired: &Desired) -> bool {
        existing.trailers().first().path == desired.path
            && !self.names_others(existing.trailers(), desired)
            && self.gives(existing.own.first(), &desired.old_text, desired.new_text())
    }

    /// Does merging a file of a branch into the target branch's text give this text?
    pub(super) fn gives(&self, file: &OwnFile<'_>, target: &str, new_text: String) -> bool {
        let (before, after) = (file.before, file.after());
        (before == target && *after == new_text)
            || self.merger.merge(before, target, &after) == Merge::Clean(new_text)
    }

    /// Does its commit name a subscriber that it is not about any more?
    fn names_others(&self, trailers: &Trailers, desired: &Desired) -> bool {
        let left: Vec<_> = trailers.targets().filter(|t| !desired.targets.contains(t)).collect();
        !left.is_empty()
            && self.inventory.subscribers().any(|(_, target)| left.contains(&&target.uid))
    }

    /// The same content on the tip of the target branch.
    ///
    /// # Errors
    /// Why this run does not rebuild it.
    pub(super) fn rebuild(
        &mut self,
        repo: &ConfigRepoFacts,
        existing: &Existing<'_>,
        desired: &Desired,
    ) -> Result<(), String> {
        let unread = self.beside_unread(&desired.path);
        self.count_rebuilt(unread, |planner| planner.admit_anew(existing, desired))?;
        let mr = existing.mr;
        let code = Reason::BehindTargetBranch;
        let mut planned = self.planned(mr, Action::Update, code, REBUILT.to_owned());
        let texts = self.fresh_texts(mr, desired);
        let change = texts.map(|(.., change)| change).unwrap_or_default();
        self.add_content(&mut planned, repo, existing, desired, change);
        self.push_own(planned, existing);
        Ok(())
    }

    /// Admits the content that a rebuilt merge request will have, if the run still rebuilds any.
    ///
    /// # Errors
    /// Why this run does not rebuild it.
    pub(super) fn count_rebuilt<Other: std::fmt::Display>(
        &mut self,
        unread: Option<(Reason, String)>,
        admit: impl FnOnce(&mut Self) -> Result<(), Other>,
    ) -> Result<(), String> {
        if self.admission.rebuilt == MAX_REBUILT {
            return Err(format!("a run rebuilds {MAX_REBUILT} at most, the oldest first"));
        }
        if let Some((_, reason)) = unread {
            return Err(reason);
        }
        admit(self).map_err(|other| format!("it could not be merged beside {other} then"))?;
        self.admission.rebuilt += 1;
        Ok(())
    }

    /// Keeps the content of a merge request; its texts are written anew where they are about other values.
    pub(super) fn keep(
        &mut self,
        existing: &Existing<'_>,
        desired: &Desired,
        why: (Reason, String),
    ) {
        let mr = existing.mr;
        let mut planned = self.planned(mr, Action::Keep, why.0, why.1);
        planned.targets.clone_from(&desired.targets);
        planned.files = self.unwritten_file(desired);
        planned.promotable_since = desired.promotable_since;
        if let Some((code, reason, change)) = self.fresh_texts(mr, desired) {
            (planned.action, planned.reason_code) = (Action::Update, code);
            planned.reason = reason.to_owned();
            planned.title = change.title.clone().unwrap_or_default();
            planned.steps = vec![Step::Change { iid: mr.iid, change }];
        }
        self.push_own(planned, existing);
    }

    /// The texts of a merge request that has the desired content, where they do not tell so.
    fn fresh_texts(
        &self,
        mr: &MergeRequestFact,
        desired: &Desired,
    ) -> Option<(Reason, &'static str, MergeRequestChange)> {
        let fresh =
            |description: &str| self.title(&self.words_of(desired).directed(description, 1));
        let mut change = MergeRequestChange::default();
        // The title tells it too: the description may be a person's.
        let stale = message::described_values(&mr.description)
            .is_some_and(|described| described != desired.values.digest())
            || message::names_other_commit(&mr.title, &desired.values.git_ref);
        if stale {
            let description = self.description(desired, &mr.description);
            change.title = Some(super::steps::keep_draft(mr, &fresh(&description)));
            change.description = Some(description);
            let change = message::follow(mr, change);
            return Some((
                Reason::Changed,
                "its title and description are about other values",
                change,
            ));
        }
        change.title = message::is_held_title(&mr.title).then(|| fresh(&mr.description));
        change.description =
            change.title.as_ref().and_then(|_| self.ready_description(&mr.description));
        change.title.is_some().then_some((
            Reason::ReadyAgain,
            "every gate passes again: ready to merge",
            change,
        ))
    }
}

/// Would GitLab merge the branch only once it was rebased? Not known of a branch that may stand on a newer commit than
/// the run has read.
pub(super) fn is_behind(repo: &ConfigRepoFacts, tip: &CommitDetail) -> bool {
    let is_on_base = tip.parents.contains(&repo.base_commit);
    repo.merge_method.needs_rebase() && !repo.is_outdated && !is_on_base
}
