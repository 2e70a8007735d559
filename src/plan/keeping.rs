//! Open requests that have the wanted content: kept as they are, left to GitLab's auto-merge, or rebuilt on the tip
//! where the project merges nothing that is behind the target branch.

use std::sync::Arc;

use super::actions::is_persons_draft;
use super::conflicts::Merge;
use super::desired::Desired;
use super::lifecycle::{Existing, Planner};
use super::message;
use super::model::{Action, Reason, Step};
use super::trailers::Trailers;
use crate::ports::RequestChange;
use crate::snapshot::{CommitDetail, ConfigRepoFacts, MergeRequestFact};

/// How many requests a run rebuilds at most because they are behind the target branch. The next merge puts all
/// others behind again, so most of a larger number would be rebuilt for nothing.
const MAX_REBUILT: usize = 10;

/// A request that is not right as it is, with what is wanted of it.
type Stale<'e> = (Existing<'e>, Arc<Desired>);

impl Planner<'_> {
    /// Keeps a request that has auto-merge set (or is on a merge train) and the wanted content; gives any other one back.
    /// A push would take auto-merge away, so it stands where it stands, and others have to fit beside it.
    pub(super) fn keep_for_auto_merge<'e>(
        &mut self,
        repo: &ConfigRepoFacts,
        existing: Existing<'e>,
        desired: Arc<Desired>,
    ) -> Option<Stale<'e>> {
        let is_left = existing.request.auto_merge
            && self.claims_to_wait_for(&existing, &desired).is_none()
            && self.is_right(&existing, &desired);
        if !is_left {
            return Some((existing, desired));
        }
        let _ = self.admit_as_it_is(&existing);
        let reason = if is_behind(repo, existing.tip) {
            "auto-merge is set, so it is not rebuilt, though it is behind the target branch: outside of a merge \
             train GitLab merges it only once somebody rebases it, or cancels auto-merge so that the next run does"
        } else {
            "auto-merge is set, and it has the wanted content: left as it is as long as it merges"
        };
        self.keep(&existing, &desired, (Reason::AutoMerge, reason.to_owned()));
        None
    }

    /// Keeps a request whose content is right, or rebuilds it; gives it back if it has to be refreshed.
    pub(super) fn keep_if_right<'e>(
        &mut self,
        repo: &ConfigRepoFacts,
        existing: Existing<'e>,
        desired: Arc<Desired>,
    ) -> Option<Stale<'e>> {
        if !self.is_right(&existing, &desired) {
            return Some((existing, desired));
        }
        let mut why = (Reason::AsWanted, "open, with the wanted content".to_owned());
        // Nobody merges a draft.
        if is_behind(repo, existing.tip) && !is_persons_draft(existing.request) {
            let Err(reason) = self.rebuild(repo, &existing, &desired) else { return None };
            let reason = format!(
                "behind the target branch, so this project does not merge it before it is rebuilt: {reason}"
            );
            why = (Reason::BehindTargetBranch, reason);
        }
        // Beside the others its change may fit when it is made on the tip.
        if self.admit_as_it_is(&existing).is_err() {
            return Some((existing, desired));
        }
        self.keep(&existing, &desired, why);
        None
    }

    /// Does merging it into the target branch give exactly the wanted text?
    fn is_right(&self, existing: &Existing<'_>, desired: &Desired) -> bool {
        let (before, after) = (existing.own.before, existing.own.after());
        let new_text = desired.new_text();
        existing.trailers().path == desired.path
            && !self.names_others(existing.trailers(), desired)
            && ((before == &*desired.old_text && *after == new_text)
                || self.merger.merge(before, &desired.old_text, &after) == Merge::Clean(new_text))
    }

    /// Does its commit name a subscriber that it is not about any more?
    fn names_others(&self, trailers: &Trailers, desired: &Desired) -> bool {
        let left: Vec<_> =
            trailers.targets.iter().filter(|t| !desired.targets.contains(t)).collect();
        !left.is_empty()
            && self.inventory.subscribers().any(|(_, target)| left.contains(&&target.uid))
    }

    /// The same content on the tip of the target branch.
    ///
    /// # Errors
    /// Why this run does not rebuild it.
    fn rebuild(
        &mut self,
        repo: &ConfigRepoFacts,
        existing: &Existing<'_>,
        desired: &Desired,
    ) -> Result<(), String> {
        if self.rebuilt == MAX_REBUILT {
            return Err(format!("a run rebuilds {MAX_REBUILT} at most, the oldest first"));
        }
        if let Some((_, reason)) = self.beside_unread(&desired.path) {
            return Err(reason);
        }
        self.admit_anew(existing, desired)
            .map_err(|other| format!("it could not be merged beside {other} then"))?;
        self.rebuilt += 1;
        let request = existing.request;
        let reason = "rebuilt on the tip of the target branch, as this project merges nothing that is behind it";
        let code = Reason::BehindTargetBranch;
        let mut planned = self.planned(request, Action::Update, code, reason.to_owned());
        let texts = self.fresh_texts(request, desired);
        let change = texts.map(|(.., change)| change).unwrap_or_default();
        self.made_anew(&mut planned, repo, existing, desired, change);
        self.push_own(planned, request);
        Ok(())
    }

    /// Keeps the content of a request; its texts are written anew where they are about other values.
    fn keep(&mut self, existing: &Existing<'_>, desired: &Desired, why: (Reason, String)) {
        let request = existing.request;
        let mut planned = self.planned(request, Action::Keep, why.0, why.1);
        planned.targets.clone_from(&desired.targets);
        planned.files = self.unwritten_file(desired);
        planned.promotable_since = desired.promotable_since;
        if let Some((code, reason, change)) = self.fresh_texts(request, desired) {
            (planned.action, planned.reason_code) = (Action::Update, code);
            planned.reason = reason.to_owned();
            planned.title = change.title.clone().unwrap_or_default();
            planned.steps = vec![Step::Change { iid: request.iid, change }];
        }
        self.push_own(planned, request);
    }

    /// The texts of a request that has the wanted content, where they do not tell so.
    fn fresh_texts(
        &self,
        request: &MergeRequestFact,
        desired: &Desired,
    ) -> Option<(Reason, &'static str, RequestChange)> {
        let fresh = message::title(self.inventory, desired);
        let mut change = RequestChange::default();
        // The title tells it too: the description may be a person's.
        let stale = message::described_values(&request.description)
            .is_some_and(|described| described != desired.values.digest())
            || message::names_other_commit(&request.title, &desired.values.git_ref);
        if stale {
            change.title = Some(super::actions::keep_draft(request, &fresh));
            change.description = Some(self.description(desired));
            return Some((
                Reason::Changed,
                "its title and description are about other values",
                change,
            ));
        }
        change.title = message::is_held_title(&request.title).then_some(fresh);
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
