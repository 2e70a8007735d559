//! Labels of open merge requests follow the configuration, as far as no person decided otherwise.

use std::collections::BTreeSet;

use super::model::Step;
use super::planner::{Existing, Planner};
use crate::domain::{Problem, ProblemCode, quoted};
use crate::ports::MergeRequestChange;
use crate::snapshot::LabelEvent;

impl Planner<'_> {
    /// The write that gives an open merge request the configured labels, and takes off those that the bot set when they
    /// were configured. `is_new`: it gets new content, and all labels with it.
    pub(super) fn follow_labels(&mut self, existing: &Existing<'_>, is_new: bool) -> Option<Step> {
        let request = existing.request;
        let configured = &self.settings.labels;
        let mut add: BTreeSet<String> = configured.difference(&request.labels).cloned().collect();
        let mut remove = existing.trailers().labels.clone();
        remove.retain(|label| !configured.contains(label) && request.labels.contains(label));
        if add.is_empty() && remove.is_empty() {
            return None;
        }
        if !is_new || !remove.is_empty() {
            let events = self.label_events_of(existing)?;
            remove.retain(|label| last_by_person(&events, label, true).is_none());
            if !is_new {
                let removed = |label: &String| last_by_person(&events, label, false);
                let kept_off: Vec<_> =
                    add.iter().filter_map(|label| Some((label.clone(), removed(label)?))).collect();
                for (label, event) in kept_off {
                    add.remove(&label);
                    self.report_removed_label(existing, event);
                }
            }
        }
        let change = MergeRequestChange {
            add_labels: add,
            remove_labels: remove,
            ..MergeRequestChange::default()
        };
        let iid = request.iid;
        (change != MergeRequestChange::default()).then_some(Step::Change { iid, change })
    }

    /// What people did to the labels while the content that is there now was there, oldest first; `None` while it is not
    /// known, or cannot be had: then the labels stay as they are.
    fn label_events_of(&mut self, existing: &Existing<'_>) -> Option<Vec<LabelEvent>> {
        let Some(events) = self.snapshot.label_events.get(&existing.request.iid) else {
            self.missing.label_events.insert(existing.request.iid);
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
        let iid = existing.request.iid;
        let message = format!(
            "{iid}: {} removed the label {}, so it stays off until the merge request gets new content; put it on again \
             if it is needed to merge",
            quoted(&event.user),
            quoted(&event.label)
        );
        self.plan.problems.push(
            Problem::new(ProblemCode::LabelRemoved, message).at(existing.request.web_url.clone()),
        );
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
