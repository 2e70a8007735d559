//! What is written to, as it should be when it is looked at.

use std::time::Duration;

use crate::domain::CommitSha;
use crate::observe::ports::RequestChange;
use crate::plan::{Seen, Step};

/// What a request, or its branch, should look like, and how long was waited when it was looked at last.
pub(super) struct Expected {
    pub(super) seen: Option<Seen>,
    pub(super) looked: Option<Duration>,
}

impl Expected {
    /// What the bot has changed itself is no surprise.
    pub(super) fn after(&mut self, step: &Step) {
        let Some(Seen::Request { title, .. }) = &mut self.seen else { return };
        if let Step::Change { change: RequestChange { title: Some(new), .. }, .. } = step {
            title.clone_from(new);
        }
    }

    /// The same for a commit of the bot.
    pub(super) fn after_commit(&mut self, sha: CommitSha) {
        if let Some(Seen::Request { tip, .. } | Seen::Branch { tip, .. }) = &mut self.seen {
            *tip = Some(sha);
        }
    }
}
