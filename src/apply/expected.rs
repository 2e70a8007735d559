//! What is written to, as it should be when it is looked at.

use std::time::Duration;

use crate::domain::CommitSha;
use crate::plan::{Seen, Step};

/// What a merge request, or its branch, should look like, and how long was waited when it was looked at last.
pub(super) struct Expected {
    pub(super) seen: Option<Seen>,
    pub(super) looked: Option<Duration>,
}

impl Expected {
    /// What the bot has changed itself is no surprise.
    pub(super) fn after(&mut self, step: &Step) {
        let (Some(Seen::Request { title, labels, .. }), Step::Change { change, .. }) =
            (&mut self.seen, step)
        else {
            return;
        };
        if let Some(new) = &change.title {
            title.clone_from(new);
        }
        labels.retain(|label| !change.remove_labels.contains(label));
        labels.extend(change.add_labels.iter().cloned());
    }

    /// Was auto-merge set when it was planned?
    pub(super) fn had_auto_merge(&self) -> bool {
        matches!(self.seen, Some(Seen::Request { auto_merge: true, .. }))
    }

    /// The branch's tip as it should be.
    pub(super) fn tip(&self) -> Option<CommitSha> {
        match self.seen.as_ref()? {
            Seen::Request { tip, .. } | Seen::Branch { tip, .. } => tip.clone(),
        }
    }

    /// The same for a commit of the bot.
    pub(super) fn after_commit(&mut self, sha: CommitSha) {
        if let Some(Seen::Request { tip, .. } | Seen::Branch { tip, .. }) = &mut self.seen {
            *tip = Some(sha);
        }
    }
}
