//! Rejections: a person closed an earlier request, or reverted its merge.

use std::collections::BTreeSet;

use super::desired::{Desired, Group};
use super::message;
use super::model::Reason;
use super::planner::Planner;
use super::trailers::Trailers;
use crate::inventory::TargetIx;
use crate::snapshot::{MrState, PastMergeRequest};

/// On a closed or merged request: open it again.
const AGAIN_LABEL: &str = "sapm/again";

impl<'a> Planner<'a> {
    /// Did a person say no to these values?
    ///
    /// Asked of every branch that is known to have been the targets'; what is known of others tells as
    /// well, and GitLab's word that it is merging one counts too.
    pub(super) fn find_rejection(
        &mut self,
        group: &Group,
        desired: &Desired,
        homes: &BTreeSet<String>,
    ) -> Option<(Reason, String)> {
        let mut past = match self.fetched_history(homes)? {
            Ok(past) => past,
            Err(reason) => return Some((Reason::FactsMissing, reason)),
        };
        past.extend(self.known_elsewhere(homes, desired));
        past.sort_by_key(|past| std::cmp::Reverse((past.request.created_at, past.request.iid)));
        // Its branch is gone, or the list of open requests would have it.
        if let Some(past) = past.iter().find(|past| past.request.state == MrState::Locked) {
            let reason = format!("GitLab is merging {}: waits for it", past.request.iid);
            return Some((Reason::BeingMerged, reason));
        }
        let mut merged_seen = false;
        for past in past {
            let state = past.request.state;
            let trailers = past.tip.as_ref().and_then(|tip| Trailers::parse(&tip.message));
            let other_targets = trailers.as_ref().is_some_and(|trailers| {
                past.request.source_branch != group.branch
                    && !desired.targets.iter().any(|target| trailers.targets.contains(target))
            });
            if other_targets {
                continue;
            }
            let counts = match state {
                MrState::Closed => !past.closed_by_bot,
                MrState::Merged => !std::mem::replace(&mut merged_seen, true),
                MrState::Opened | MrState::Locked => false,
            };
            let same_values = match trailers {
                Some(trailers) => trailers.values == desired.values,
                None => {
                    let described = message::described_values(&past.request.description);
                    described == Some(&desired.values.digest())
                }
            };
            if counts && same_values {
                let again = past.request.labels.contains(AGAIN_LABEL);
                return (!again).then(|| describe_rejection(past));
            }
        }
        None
    }

    /// Is this branch all that tells of a rejection? No place goes by its name any more, so nobody would look it up.
    pub(super) fn keeps_a_rejection(&mut self, branch: &str, trailers: &Trailers) -> bool {
        let inventory = self.inventory;
        let known = inventory.subscribers().filter(|(_, t)| trailers.targets.contains(&t.uid));
        let known: Vec<TargetIx> = known.map(|(index, _)| index).collect();
        if known.is_empty() || self.homes_by_name(&known).contains(branch) {
            return false;
        }
        match self.fetched_history(&[branch.to_owned()].into()) {
            Some(Ok(past)) => past.iter().any(|past| {
                past.request.state == MrState::Closed
                    && !past.closed_by_bot
                    && !past.request.labels.contains(AGAIN_LABEL)
            }),
            Some(Err(_)) | None => true,
        }
    }

    /// Requests that name one of the targets from branches that were asked for because of others: those
    /// with whom it shared a place, say.
    fn known_elsewhere(
        &self,
        homes: &BTreeSet<String>,
        desired: &Desired,
    ) -> impl Iterator<Item = &'a PastMergeRequest> {
        let known = self.snapshot.past_merge_requests.iter();
        let others = known.filter(|(branch, _)| !homes.contains(*branch));
        others.filter_map(|(_, past)| past.as_result().ok()).flatten().filter(|past| {
            let trailers = past.tip.as_ref().and_then(|tip| Trailers::parse(&tip.message));
            trailers.is_some_and(|t| desired.targets.iter().any(|uid| t.targets.contains(uid)))
        })
    }

    /// The earlier requests from these branches, or why they are not known; `None` while they still
    /// have to be asked for.
    fn fetched_history(
        &mut self,
        branches: &BTreeSet<String>,
    ) -> Option<Result<Vec<&'a PastMergeRequest>, String>> {
        let snapshot = self.snapshot;
        let (mut all, mut failed, mut missing) = (Vec::new(), None, false);
        for branch in branches {
            match snapshot.past_merge_requests.get(branch).map(|past| past.as_result()) {
                Some(Ok(past)) => all.extend(past),
                Some(Err(failure)) => failed = Some(failure),
                None => {
                    self.missing.histories.insert(branch.clone());
                    missing = true;
                }
            }
        }
        if missing {
            return None;
        }
        Some(match failed {
            None => Ok(all),
            Some(failure) => {
                Err(format!("its earlier requests could not be read: {}", failure.error))
            }
        })
    }
}

/// A rejection, and how to ask for the promotion again.
fn describe_rejection(past: &PastMergeRequest) -> (Reason, String) {
    let (code, what) = match past.request.state {
        MrState::Closed => (Reason::ClosedByPerson, "closed by a person"),
        _ => (Reason::RolledBack, "merged, and then reverted"),
    };
    let iid = past.request.iid;
    let how = format!("to ask for it again, put the label {AGAIN_LABEL} on {iid}");
    (code, format!("{iid} for the same values was {what}; {how}"))
}
