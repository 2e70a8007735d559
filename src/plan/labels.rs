//! Labels of open merge requests: they vouch for content, and follow the configuration as far as no person decided
//! otherwise.

use std::collections::BTreeSet;

use super::message;
use super::model::Step;
use super::planner::{Existing, Planner};
use crate::domain::{Problem, ProblemCode, quoted};
use crate::ports::MergeRequestChange;
use crate::snapshot::{LabelEvent, MergeRequestFact, MrState};

/// On a merge request that somebody took over: the bot's own labels are gone.
pub(super) const TAKEN_OVER_LABEL: &str = "sapm/taken-over";

impl Planner<'_> {
    /// The writes that end the bot's vouching, once for each takeover: labels first, as the comment
    /// tells the next run that they are gone. Nothing of what GitLab is merging right now.
    pub(super) fn steps_to_disown(&mut self, mr: &MergeRequestFact, body: String) -> Vec<Step> {
        if mr.state == MrState::Locked {
            return Vec::new();
        }
        let comment = self.comment_once(mr.iid, message::TAKEN_OVER_MARKER.into(), body);
        let is_marked = mr.labels.contains(TAKEN_OVER_LABEL);
        // The operator's text may approve, as the labels may.
        let description = self.without_footer(&mr.description);
        let is_due = !is_marked || comment.is_some() || description.is_some();
        let change = is_due.then(|| MergeRequestChange {
            description,
            add_labels: [TAKEN_OVER_LABEL.to_owned()].into(),
            remove_labels: self.settings.labels.intersection(&mr.labels).cloned().collect(),
            ..MergeRequestChange::default()
        });
        let change = change.map(|change| Step::Change { iid: mr.iid, change });
        change.into_iter().chain(comment).collect()
    }

    /// The write that makes the bot vouch again for a merge request that was handed back.
    /// `description` and `is_held`: as they will be.
    pub(super) fn restore_labels(
        &self,
        mr: &MergeRequestFact,
        description: &str,
        is_held: bool,
    ) -> Option<Step> {
        let change = MergeRequestChange {
            description: (!is_held).then(|| self.with_footer(description)).flatten(),
            add_labels: self.settings.labels.difference(&mr.labels).cloned().collect(),
            remove_labels: [TAKEN_OVER_LABEL.to_owned()].into(),
            ..MergeRequestChange::default()
        };
        let is_back = mr.labels.contains(TAKEN_OVER_LABEL);
        is_back.then_some(Step::Change { iid: mr.iid, change })
    }

    /// The write that gives an open merge request the configured labels, and takes off those that the bot set when they
    /// were configured. `description`: as it will be. `is_new`: it gets new content, and all labels with it.
    pub(super) fn follow_labels(
        &mut self,
        existing: &Existing<'_>,
        description: &str,
        is_new: bool,
    ) -> Option<Step> {
        let (mr, configured) = (existing.mr, &self.settings.labels);
        let lacking: BTreeSet<String> = configured.difference(&mr.labels).cloned().collect();
        let mut remove = existing.trailers().labels.clone();
        remove.retain(|label| !configured.contains(label) && mr.labels.contains(label));
        if lacking.is_empty() && remove.is_empty() {
            return None;
        }
        let mut change = MergeRequestChange::default();
        if is_new {
            change.add_labels.clone_from(&lacking);
        }
        if !is_new || !remove.is_empty() {
            let events = self.label_events_of(existing)?;
            remove.retain(|label| last_by_person(&events, label, true).is_none());
            change.remove_labels = remove;
            if !is_new {
                self.add_labels((existing, description), lacking, &events, &mut change);
            }
        }
        let iid = mr.iid;
        (change != MergeRequestChange::default()).then_some(Step::Change { iid, change })
    }

    /// Adds those that were not set before. GitLab leaves out what the bot may not set, without an error: the commit,
    /// or a marker in the description, tells that it was tried.
    fn add_labels(
        &mut self,
        (existing, description): (&Existing<'_>, &str),
        lacking: BTreeSet<String>,
        events: &[LabelEvent],
        change: &mut MergeRequestChange,
    ) {
        let digest = message::labels_digest(&self.settings.labels);
        let was_tried = message::described_labels(description) == Some(&digest);
        for label in lacking {
            if let Some(event) = last_by_person(events, &label, false) {
                self.report_removed_label(existing, event);
            } else if !was_tried && !existing.trailers().labels.contains(&label) {
                change.add_labels.insert(label);
            }
        }
        if !change.add_labels.is_empty() {
            change.description = message::with_labels_marker(description, &digest);
            if change.description.is_none() {
                // A person's description has no place for the marker: the next content brings the labels.
                change.add_labels.clear();
            }
        }
    }

    /// What people did to the labels while the content that is there now was there, oldest first; `None` while it is
    /// not known, or cannot be had: then the labels stay as they are.
    fn label_events_of(&mut self, existing: &Existing<'_>) -> Option<Vec<LabelEvent>> {
        let Some(events) = self.snapshot.label_events.get(&existing.mr.iid) else {
            self.missing.label_events.insert(existing.mr.iid);
            return None;
        };
        let repo = self.snapshot.config_repo.as_ref()?;
        let since = existing.tip.committed_at;
        let by_person = events.as_result().ok()?.iter().filter(|event| {
            !repo.is_bot(event.user_id) && since.is_none_or(|since| event.at >= since)
        });
        Some(by_person.cloned().collect())
    }

    fn report_removed_label(&mut self, existing: &Existing<'_>, event: &LabelEvent) {
        let iid = existing.mr.iid;
        let message = format!(
            "{iid}: {} removed the label {}, so it stays off until the merge request gets new content; put it on again \
             if it is needed to merge",
            quoted(&event.user),
            quoted(&event.label)
        );
        self.plan
            .problems
            .push(Problem::new(ProblemCode::LabelRemoved, message).at(existing.mr.web_url.clone()));
    }
}

/// The last change of a label, if it is of this kind.
fn last_by_person<'e>(
    events: &'e [LabelEvent],
    label: &str,
    added: bool,
) -> Option<&'e LabelEvent> {
    let last = events.iter().rev().find(|event| event.label == label);
    last.filter(|event| event.added == added)
}
