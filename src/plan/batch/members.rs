//! What becomes of an open batch: what becomes of each of its members, by the table that merge requests of one edit site
//! have, and what follows for all of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::branch;
use super::super::content::Content;
use super::super::desired::Desired;
use super::super::keeping::fit_of;
use super::super::model::Reason;
use super::super::planner::{Existing, Planner};
use super::super::transition::{DesiredState, Fit, OpenMember, OpenState, Transition, transition};
use crate::decide::Gate;
use crate::domain::count;
use crate::inventory::TargetIx;
use crate::snapshot::ConfigRepoFacts;

/// What a batch is to have.
#[derive(Debug, Clone)]
pub(in super::super) struct BatchContent {
    pub(in super::super) content: Content,
    pub(in super::super) fit: Fit,
    /// Why members leave it.
    pub(super) left: Vec<Left>,
}

/// A batch all of whose members are held.
#[derive(Debug, Clone)]
pub(in super::super) struct HeldBatch {
    pub(in super::super) gate: Gate,
    pub(in super::super) reason: String,
    /// What it keeps, on the target branch as it is; `None` where that cannot be.
    pub(in super::super) content: Option<Content>,
    /// Do all members stay?
    pub(in super::super) is_whole: bool,
}

/// A member that leaves.
#[derive(Debug, Clone)]
pub(super) struct Left {
    pub(super) code: Reason,
    pub(super) reason: String,
}

/// What becomes of the members, by kind.
#[derive(Default)]
struct Members {
    /// The edit sites of those seen so far, by their branch.
    places: BTreeSet<String>,
    parts: Vec<Arc<Desired>>,
    /// Facts are missing: these stay as they are.
    unknown: Vec<(Reason, String)>,
    held: Vec<(Gate, String, Option<Arc<Desired>>)>,
    left: Vec<Left>,
}

impl<'a> Planner<'a> {
    /// What happens to an open batch that nobody but the bot touched.
    pub(in super::super) fn batch_transition(
        &mut self,
        repo: &ConfigRepoFacts,
        existing: &Existing<'a>,
    ) -> Transition {
        let in_scope = OpenMember::all(existing).filter(|member| self.is_in_scope(*member)).count();
        if in_scope == 0 {
            return Transition::StandBeside;
        }
        if in_scope < existing.trailers().members.len() {
            let reason = "left as it is: what becomes of it depends on its other promotions, which this run is not about";
            return Transition::Leave(Reason::OutOfScope, reason.to_owned());
        }
        let mut members = Members::default();
        for member in OpenMember::all(existing) {
            self.sort_member(member, &mut members);
        }
        let Members { parts, unknown, held, left, .. } = members;
        if let Some((code, reason)) = unknown.into_iter().next()
            && (left.is_empty() && held.is_empty())
        {
            return Transition::Leave(code, reason);
        }
        if !parts.is_empty() {
            return self.keep_members(repo, existing, parts, held, left);
        }
        let Some((gate, reason, _)) = held.first().cloned() else {
            let last = left.into_iter().next_back();
            let last = last.map(|left| (left.code, left.reason));
            let (code, reason) =
                last.unwrap_or((Reason::NothingDue, "nothing of it is due".to_owned()));
            return Transition::Close(code, reason);
        };
        let parts: Option<Vec<_>> = held.into_iter().map(|(.., part)| part).collect();
        let content = parts.and_then(|parts| Content::of(self.inventory, self.bundle, parts).ok());
        Transition::DraftBatch(HeldBatch { gate, reason, content, is_whole: left.is_empty() })
    }

    /// Is the run about a member, wherever its target is looked after?
    fn is_in_scope(&self, member: OpenMember<'_>) -> bool {
        let filter = &self.settings.filter;
        let mut known = self
            .inventory
            .subscribers()
            .filter(|(_, target)| member.declared.targets.contains(&target.uid))
            .peekable();
        if known.peek().is_none() {
            return filter.is_everything();
        }
        known.any(|(_, target)| filter.names(target))
    }

    fn sort_member(&mut self, member: OpenMember<'_>, members: &mut Members) {
        let group = self.group_about(&self.index.all_groups, member.declared).cloned();
        if let Some(group) = &group
            && !members.places.insert(group.branch.clone())
        {
            // One target became an alias of another, or both moved to a shared file.
            let reason = "another promotion of it changes the same place of the file now";
            members.left.push(Left { code: Reason::Superseded, reason: reason.to_owned() });
            return;
        }
        let desired = self.desired_state(member, group.as_ref(), |_| Fit::Other);
        let as_it_is = || self.with_values(group.as_ref(), member.declared).map(Arc::new);
        let is_declared =
            |at: &TargetIx| member.declared.targets.contains(&self.inventory.targets[*at].uid);
        let wanted = match &desired {
            DesiredState::Promote(desired, _) => desired.members.clone(),
            DesiredState::Held(..) => {
                let at_its_site = group.iter().flat_map(|group| &group.members);
                at_its_site.copied().filter(is_declared).collect()
            }
            _ => Vec::new(),
        };
        if let Some(iid) = self.claimed(&wanted, Some(member.iid))
            && (iid < member.iid || !wanted.iter().all(is_declared))
        {
            let reason = format!("{iid} is about one of its targets");
            members.left.push(Left { code: Reason::WaitsForRequest, reason });
            return;
        }
        match transition(OpenState::Own, None, desired) {
            Transition::Update(desired) => members.parts.push(desired),
            Transition::Draft(gate, reason) => members.held.push((gate, reason, as_it_is())),
            Transition::Close(code, reason) => members.left.push(Left { code, reason }),
            Transition::Leave(code, reason) => {
                match as_it_is() {
                    Some(part) => members.parts.push(part),
                    None => members.left.push(Left { code, reason: reason.clone() }),
                }
                members.unknown.push((code, reason));
            }
            // The table has no other row for these.
            _ => {}
        }
    }

    /// Some members stay: those that a gate holds come back with another batch, as one of them must not stop the rest.
    fn keep_members(
        &mut self,
        repo: &ConfigRepoFacts,
        existing: &Existing<'a>,
        parts: Vec<Arc<Desired>>,
        held: Vec<(Gate, String, Option<Arc<Desired>>)>,
        mut left: Vec<Left>,
    ) -> Transition {
        let held = held.into_iter().map(|(_, reason, _)| reason);
        left.extend(held.map(|reason| Left { code: Reason::HeldByGate, reason }));
        let mut content = Content::default();
        for part in self.order_parts(parts) {
            match content.with(self.inventory, self.bundle, &part) {
                Ok(more) => content = more,
                Err(reason) => left.push(Left { code: Reason::WaitsForRequest, reason }),
            }
        }
        if content.parts.is_empty() {
            let reason = left.into_iter().next_back().map(|left| left.reason).unwrap_or_default();
            return Transition::Leave(Reason::FactsMissing, reason);
        }
        let fit = fit_of(repo, existing, self.has_content(existing, &content));
        Transition::Batch(BatchContent { content, fit, left })
    }

    /// In the order of candidates: what has been eligible longest comes first.
    pub(super) fn order_parts(&self, mut parts: Vec<Arc<Desired>>) -> Vec<Arc<Desired>> {
        parts.sort_by_cached_key(|part| {
            let prefix = self.settings.branches.of_new();
            let branch = branch::name(prefix, &self.target_branch, self.place_key(part));
            (part.promotable_since.is_none(), part.promotable_since, branch)
        });
        parts
    }

    /// Does it declare these members, and does merging it give exactly their texts?
    fn has_content(&self, existing: &Existing<'_>, content: &Content) -> bool {
        let files = &existing.own.files;
        existing.trailers().members == content.members()
            && files.iter().map(|file| &file.path).eq(content.patches().map(|(path, ..)| path))
            && files
                .iter()
                .zip(content.texts())
                .all(|(file, (_, target, text))| self.gives(file, target, text))
    }
}

/// Why members leave, for people: the first one's reason, and how many others there are.
pub(super) fn describe_left(left: &[Left]) -> Option<String> {
    let (first, others) = left.split_first()?;
    let others = match others.len() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(format!("goes on without {}{others}: {}", count(left.len(), "promotion"), first.reason))
}
