//! Rejections: a person closed an earlier merge request, or reverted its merge.

use std::collections::BTreeSet;

use super::batch::{BatchBy, describes_member, mentioned_places};
use super::branch;
use super::desired::{Desired, Group};
use super::message;
use super::model::Reason;
use super::planner::Planner;
use super::trailers::Trailers;
use crate::domain::{MrIid, mr_numbers};
use crate::inventory::TargetIx;
use crate::ports::GoneMerge;
use crate::snapshot::{MergeRequestFact, MrState, PastMergeRequest};

/// On a closed or merged merge request: open it again.
const AGAIN_LABEL: &str = "sapm/again";
/// So many merge requests for the same values, closed by the bot's user but not by this program, are no accident.
const CLOSED_BY_TWIN: usize = 2;
/// Edit sites whose mentions in descriptions a run looks up at most.
const MAX_MENTIONS: usize = 25;
/// Of more that the bot's user closed, the newest are looked at.
const MAX_CLOSED_BY_BOT: usize = 10;

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
        // All are asked for in one go.
        let (history, mentions) = (self.fetched_history(homes), self.fetched_mentions(desired));
        if let Some(reason) = self.find_merging(desired) {
            return Some(reason);
        }
        let mut past = match history? {
            Ok(past) => past,
            Err(reason) => return Some((Reason::FactsMissing, reason)),
        };
        past.extend(self.known_elsewhere(homes, desired));
        match mentions? {
            Ok(mentions) => past.extend(mentions),
            Err(reason) => return Some(reason),
        }
        past.sort_by_key(|past| std::cmp::Reverse((past.mr.created_at, past.mr.iid)));
        // Its branch is gone, or the list of open merge requests would have it.
        if let Some(past) = past.iter().find(|past| past.mr.state == MrState::Locked) {
            return Some(describe_merging(past.mr.iid));
        }
        let (mut merged_seen, mut asked_again, mut by_bot) = (false, false, Vec::new());
        for past in past {
            let state = past.mr.state;
            let trailers = past.tip.as_ref().and_then(|tip| Trailers::parse(&tip.message));
            let other_targets = trailers.as_ref().is_some_and(|trailers| {
                past.mr.source_branch != group.branch
                    && !desired.targets.iter().any(|target| trailers.names(target))
            });
            if other_targets {
                continue;
            }
            let counts = match state {
                MrState::Closed => !past.closed_by_bot && !self.was_closed_by_other_bot(past),
                MrState::Merged => !std::mem::replace(&mut merged_seen, true),
                MrState::Opened | MrState::Locked => false,
            };
            let same_values = match trailers {
                Some(trailers) => writes_values(&trailers, desired),
                None => self.describes_values(past, desired),
            };
            if !same_values {
                continue;
            }
            let again = past.mr.labels.contains(AGAIN_LABEL);
            if counts
                && !(state == MrState::Merged && self.was_reverted_by_other_bot(past, desired))
            {
                return (!again).then(|| describe_rejection(past));
            }
            asked_again |= again;
            if state == MrState::Closed && past.closed_by_bot && !asked_again {
                by_bot.push(past);
            }
        }
        self.find_twin(&by_bot)
    }

    /// Is GitLab merging a merge request about the targets whose branch is gone, and was not theirs by its name? Then its
    /// description alone tells. Until it is known that there is none, there is none.
    fn find_merging(&mut self, desired: &Desired) -> Option<(Reason, String)> {
        let Some(merging) = self.snapshot.being_merged.as_ref() else {
            self.missing.being_merged = true;
            return None;
        };
        let merging = match merging.as_result() {
            Ok(merging) => merging,
            Err(failure) => {
                let reason = format!("what GitLab is merging could not be read: {}", failure.error);
                return Some((Reason::FactsMissing, reason));
            }
        };
        let places = self.place_digests(desired);
        let is_about = |mr: &&MergeRequestFact| {
            let targets = message::described_targets(&mr.description);
            targets.iter().any(|target| desired.targets.contains(target))
                || mentioned_places(&mr.description).any(|place| places.contains(place))
        };
        merging.iter().find(is_about).map(|mr| describe_merging(mr.iid))
    }

    /// Merge requests that are over and that name the edit site in their description: the branch of a batch does not tell
    /// what it was about. The description only finds them. `None` while they still have to be asked for.
    ///
    /// GitLab limits searches by user and minute (30, where nothing else is set), so a run asks for a few.
    fn fetched_mentions(
        &mut self,
        desired: &Desired,
    ) -> Option<Result<Vec<&'a PastMergeRequest>, (Reason, String)>> {
        let Some(batches) = self.snapshot.past_batches.as_ref() else {
            self.missing.past_batches = true;
            return None;
        };
        let mut places = self.place_digests(desired);
        match batches.as_result() {
            Ok(batches) if batches.is_complete => {
                places.retain(|place| batches.places.contains(place));
            }
            // Where there are no batches, nothing depends on a search.
            Err(_) if self.settings.batch_by == BatchBy::None => return Some(Ok(Vec::new())),
            _ => {}
        }
        let (mut found, mut is_missing) = (Vec::new(), false);
        for place in places {
            match self.fetched_mentions_of(place) {
                Some(Ok(mentions)) => found.extend(mentions),
                Some(Err(reason)) => return Some(Err(reason)),
                // All are asked for in one go.
                None => is_missing = true,
            }
        }
        (!is_missing).then_some(Ok(found))
    }

    fn fetched_mentions_of(
        &mut self,
        place: String,
    ) -> Option<Result<&'a [PastMergeRequest], (Reason, String)>> {
        if self.admission.mentions_looked_up == MAX_MENTIONS {
            let reason = format!(
                "due, but a run looks up earlier merge requests of {MAX_MENTIONS} targets at most; targets that have been \
                 eligible longest go first"
            );
            return Some(Err((Reason::RunLimit, reason)));
        }
        self.admission.mentions_looked_up += 1;
        let snapshot = self.snapshot;
        match snapshot.mentions.get(&place).map(|mentions| mentions.as_result()) {
            Some(Ok(mentions)) => Some(Ok(mentions)),
            Some(Err(failure)) => {
                let reason =
                    format!("its earlier merge requests could not be read: {}", failure.error);
                Some(Err((Reason::FactsMissing, reason)))
            }
            None => {
                self.missing.mentions.insert(place);
                None
            }
        }
    }

    /// What descriptions may name the edit site of a promotion by: what it goes by now, and what it may have gone by
    /// before its declaration changed.
    fn place_digests(&self, desired: &Desired) -> BTreeSet<String> {
        let homes = self.homes_by_name(&desired.members);
        let digests = homes.iter().map(|branch| branch::digest_in(branch).to_owned());
        digests.chain([self.place_digest(desired)]).collect()
    }

    /// Does the description of one whose commit tells nothing name these values?
    fn describes_values(&self, past: &PastMergeRequest, desired: &Desired) -> bool {
        let description = &past.mr.description;
        message::described_values(description) == Some(&desired.values.digest())
            || self
                .place_digests(desired)
                .iter()
                .any(|place| describes_member(description, place, desired))
    }

    /// Were several of these, which the bot's user closed, closed by another program?
    fn find_twin(&mut self, by_bot: &[&PastMergeRequest]) -> Option<(Reason, String)> {
        if by_bot.len() < CLOSED_BY_TWIN {
            return None;
        }
        let newest = by_bot.iter().take(MAX_CLOSED_BY_BOT);
        let by_twin = newest.filter(|past| self.was_closed_by_twin(past.mr.iid));
        let by_twin: Vec<MrIid> = by_twin.map(|past| past.mr.iid).collect();
        (by_twin.len() >= CLOSED_BY_TWIN).then(|| describe_twin(&by_twin))
    }

    /// Was it closed by a bot that is known not to speak for people?
    fn was_closed_by_other_bot(&self, past: &PastMergeRequest) -> bool {
        let repo = self.snapshot.config_repo.as_ref();
        let closed_by = past.mr.closed_by;
        closed_by.is_some_and(|user| repo.is_some_and(|repo| repo.other_bot_ids().contains(&user)))
    }

    /// Did such a bot take the values of this merge out again?
    fn was_reverted_by_other_bot(&mut self, past: &PastMergeRequest, desired: &Desired) -> bool {
        let Some(repo) = self.snapshot.config_repo.as_ref() else { return false };
        let Some(merged_at) = past.mr.ended_at.filter(|_| !repo.other_bots.is_empty()) else {
            return false;
        };
        match self.snapshot.reverts.get(&past.mr.iid).map(|reverts| reverts.as_result()) {
            Some(reverts) => reverts.is_ok_and(|reverts| !reverts.is_empty()),
            None => {
                self.missing.reverts.insert(GoneMerge {
                    iid: past.mr.iid,
                    merged_at,
                    target_branch: past.mr.target_branch.clone(),
                    path: desired.path.clone(),
                    git_ref: desired.values.git_ref.clone(),
                });
                false
            }
        }
    }

    /// Did the bot's own user close it without the comment that this program makes before? Another program has this
    /// user.
    fn was_closed_by_twin(&mut self, iid: MrIid) -> bool {
        match self.snapshot.notes.get(&iid).map(|notes| notes.as_result()) {
            Some(notes) => notes.is_ok_and(|notes| {
                !notes.iter().any(|note| note.contains(message::CLOSED_BY_BOT_MARKER))
            }),
            None => {
                self.missing.notes.insert(iid);
                false
            }
        }
    }

    /// Is this branch all that tells of a rejection? No place goes by its name any more, so nobody would look it up.
    pub(super) fn keeps_a_rejection(&mut self, branch: &str, trailers: &Trailers) -> bool {
        let inventory = self.inventory;
        let known = inventory.subscribers().filter(|(_, t)| trailers.names(&t.uid));
        let known: Vec<TargetIx> = known.map(|(index, _)| index).collect();
        if known.is_empty() || self.homes_by_name(&known).contains(branch) {
            return false;
        }
        match self.fetched_history(&[branch.to_owned()].into()) {
            Some(Ok(past)) => past.iter().any(|past| {
                past.mr.state == MrState::Closed
                    && !past.closed_by_bot
                    && !past.mr.labels.contains(AGAIN_LABEL)
            }),
            Some(Err(_)) | None => true,
        }
    }

    /// Merge requests that name one of the targets from branches that were asked for because of others: those
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
            trailers.is_some_and(|t| desired.targets.iter().any(|uid| t.names(uid)))
        })
    }

    /// The earlier merge requests from these branches, or why they are not known; `None` while they still
    /// have to be asked for.
    pub(super) fn fetched_history(
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
                Err(format!("its earlier merge requests could not be read: {}", failure.error))
            }
        })
    }
}

/// Does a commit write these values, for these targets where it is a batch?
fn writes_values(trailers: &Trailers, desired: &Desired) -> bool {
    trailers.members.iter().any(|member| {
        let is_about = trailers.batch.is_none()
            || desired.targets.iter().any(|target| member.targets.contains(target));
        is_about && member.values == desired.values
    })
}

fn describe_merging(iid: MrIid) -> (Reason, String) {
    (Reason::BeingMerged, format!("GitLab is merging {iid}: waits for it"))
}

/// Merge requests that were opened and closed again for nothing, and how to end that.
fn describe_twin(iids: &[MrIid]) -> (Reason, String) {
    let numbers = mr_numbers(iids);
    let newest = iids[0];
    let reason = format!(
        "{numbers} for the same values were closed by the bot's own user, and not by this program: another one seems to \
         use this user; once it is stopped, put the label {AGAIN_LABEL} on {newest} to ask for it again"
    );
    (Reason::ClosedByTwin, reason)
}

/// A rejection, and how to ask for the promotion again.
fn describe_rejection(past: &PastMergeRequest) -> (Reason, String) {
    let (code, what) = match past.mr.state {
        MrState::Closed => (Reason::ClosedByPerson, "closed by a person"),
        _ => (Reason::RolledBack, "merged, and then reverted"),
    };
    let iid = past.mr.iid;
    let how = format!("to ask for it again, put the label {AGAIN_LABEL} on {iid}");
    (code, format!("{iid} for the same values was {what}; {how}"))
}
