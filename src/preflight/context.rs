//! What all checks start from: options, config repo, plan.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};

use super::queue_config::QueueConfig;
use crate::domain::{TargetUid, UidDigest, UserId};
use crate::old_promoter::Shapes;
use crate::plan::Settings;
use crate::report::{DayReport, Phase, PlanReport, SubscriberReport};
use crate::run::{ConfigRepo, Planned};
use crate::snapshot::Snapshot;

/// What is wanted of a preflight, beside what is wanted of a plan.
#[derive(Debug, Clone)]
pub struct PreflightOptions {
    /// When in the cut-over.
    pub phase: Phase,
    /// How the old promoter's merge requests look.
    pub shapes: Shapes,
    /// Its users; empty: the authors of what is found.
    pub old_users: BTreeSet<String>,
    /// How long it must have shown no sign of life.
    pub quiet: TimeDelta,
    /// How long to wait for the group `old`.
    pub wait: Duration,
    /// Longest time that the queue may need for the first runs.
    pub max_drain: TimeDelta,
    /// Checks that a person takes on, with the reason.
    pub accept: BTreeMap<String, String>,
    /// Do warnings count as failures?
    pub strict: bool,
    /// Which digest makes the uids of targets.
    pub digest: UidDigest,
    /// Days in a row that the comparison with the old promoter must have been green.
    pub require_green: u32,
}

/// What the token of the run may do.
#[derive(Debug, Clone, Default)]
pub struct TokenFacts {
    /// What `apply` would lack, each with what to do about it.
    pub missing: Vec<String>,
    /// Is it another user's, and not for writing? Then it says nothing about `apply`'s.
    pub is_of_a_reader: bool,
    /// The day from which on it is refused.
    pub expires_at: Option<NaiveDate>,
}

/// What all checks start from.
pub struct Context<'a> {
    /// What is wanted.
    pub options: &'a PreflightOptions,
    /// What is wanted of the plan.
    pub settings: &'a Settings,
    /// The config repo.
    pub repo: &'a ConfigRepo,
    /// The plan.
    pub planned: &'a Planned,
    /// Its public form.
    pub report: &'a PlanReport,
    /// The facts that it rests on.
    pub snapshot: &'a Snapshot,
    /// The token.
    pub token: TokenFacts,
    /// Who merges, by the config repo.
    pub queue: QueueConfig,
    /// What the comparison with the old promoter comes to by day; `None` without a ledger.
    pub shadow_days: Option<Vec<DayReport>>,
}

impl Context<'_> {
    /// Subscribers by uid.
    pub(super) fn subscribers(&self) -> BTreeMap<&TargetUid, &SubscriberReport> {
        self.report.subscribers.iter().map(|one| (&one.target.uid, one)).collect()
    }

    /// User name of the bot.
    pub(super) fn bot(&self) -> &str {
        self.snapshot.config_repo.as_ref().map_or("", |repo| &repo.bot.username)
    }

    /// Is it the bot, or was it?
    pub(super) fn is_bot(&self, user: UserId) -> bool {
        self.snapshot.config_repo.as_ref().is_some_and(|repo| repo.is_bot(user))
    }

    /// Names of users whose closings are no person's refusal.
    pub(super) fn other_bots(&self) -> BTreeSet<&str> {
        let repo = self.snapshot.config_repo.iter();
        repo.flat_map(|repo| &repo.other_bots).map(|bot| bot.username.as_str()).collect()
    }

    /// The branch that merge requests go to.
    pub(super) fn target_branch(&self) -> &str {
        let repo = self.snapshot.config_repo.as_ref();
        repo.map_or(&self.settings.target_branch, |repo| &repo.target_branch)
    }
}
