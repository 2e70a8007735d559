//! The gates: one condition per file, each with its evidence.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::publishers::{Deployment, PublisherState};
use crate::domain::CommitSha;
use crate::inventory::Target;
use crate::snapshot::Snapshot;

pub(super) mod blocked_version;
pub(super) mod deployment;
pub(super) mod edit_site;
mod evidence;
pub(super) mod same_ref;
pub(super) mod schedule;
pub(super) mod slo;
pub(super) mod soak;

pub(crate) use blocked_version::is_blocked;
pub use evidence::{DeploymentEvidence, Evidence, SloEvidence};

/// The gates, in evaluation order. The first that blocks holds the promotion.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Every publisher has deployed its current commit successfully.
    Deployment,
    /// All publishers are at one commit.
    SameRef,
    /// The commit has been deployed upstream long enough.
    Soak,
    /// The current time is within the schedule.
    Schedule,
    /// No SLO is breached.
    Slo,
    /// The commit is not blocked.
    BlockedVersion,
    /// All subscribers of an edit site are promoted to the same values.
    EditSite,
}

impl Gate {
    /// All gates, in their order.
    pub const ALL: [Self; 7] = [
        Self::Deployment,
        Self::SameRef,
        Self::Soak,
        Self::Schedule,
        Self::Slo,
        Self::BlockedVersion,
        Self::EditSite,
    ];

    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::SameRef => "same_ref",
            Self::Soak => "soak",
            Self::Schedule => "schedule",
            Self::Slo => "slo",
            Self::BlockedVersion => "blocked_version",
            Self::EditSite => "edit_site",
        }
    }

    /// Its condition, for people who do not know the gate.
    pub fn passes_when(self) -> &'static str {
        match self {
            Self::Deployment => "every publisher has deployed its current commit successfully",
            Self::SameRef => "all publishers are at the same commit",
            Self::Soak => {
                "the commit has been deployed upstream for soakDays (the times of all publishers added up)"
            }
            Self::Schedule => "the current time is within promotion.schedule (cron, UTC)",
            Self::Slo => "no SLO of the target's documents is below its target",
            Self::BlockedVersion => "the commit is not in blockedVersions of the app",
            Self::EditSite => "all subscribers of the edit site are promoted to the same values",
        }
    }
}

/// Does a gate let the promotion pass?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateOutcome {
    /// The gate passes.
    Pass,
    /// The gate blocks. `hold` in JSON.
    #[serde(rename = "hold")]
    Blocked,
    /// The gate does not apply.
    NotApplicable,
}

/// The result of a gate for one subscriber.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GateResult {
    /// The gate.
    pub gate: Gate,
    /// Does it let the promotion pass?
    pub outcome: GateOutcome,
    /// The outcome explained.
    pub reason: String,
    /// The required and actual values.
    pub evidence: Evidence,
    /// When it can pass next, if that can be known and nothing else changes.
    pub next_possible_at: Option<DateTime<Utc>>,
}

impl GateResult {
    fn new(
        gate: Gate,
        outcome: GateOutcome,
        reason: impl Into<String>,
        evidence: Evidence,
    ) -> Self {
        Self { gate, outcome, reason: reason.into(), evidence, next_possible_at: None }
    }

    fn pass(gate: Gate, reason: impl Into<String>, evidence: Evidence) -> Self {
        Self::new(gate, GateOutcome::Pass, reason, evidence)
    }

    fn blocked(gate: Gate, reason: impl Into<String>, evidence: Evidence) -> Self {
        Self::new(gate, GateOutcome::Blocked, reason, evidence)
    }

    fn not_applicable(gate: Gate, reason: impl Into<String>, evidence: Evidence) -> Self {
        Self::new(gate, GateOutcome::NotApplicable, reason, evidence)
    }

    fn next_at(mut self, at: Option<DateTime<Utc>>) -> Self {
        self.next_possible_at = at;
        self
    }

    /// Does it block?
    pub fn blocks(&self) -> bool {
        self.outcome == GateOutcome::Blocked
    }
}

/// A (channel, publisher) pair that a subscriber follows.
pub(super) struct Followed<'a> {
    pub(super) channel: &'a str,
    pub(super) publisher: &'a Target,
    pub(super) state: &'a PublisherState,
}

impl<'a> Followed<'a> {
    pub(super) fn deployment(&self) -> Option<&'a Deployment> {
        self.state.deployments.get(self.channel)
    }

    pub(super) fn has_usable_record(&self) -> bool {
        self.deployment().is_some_and(Deployment::is_usable)
    }

    pub(super) fn commit(&self) -> Option<&'a CommitSha> {
        self.state.commit.as_ref().ok()
    }
}

/// What the gates evaluate.
pub(super) struct Context<'a> {
    pub(super) subscriber: &'a Target,
    pub(super) snapshot: &'a Snapshot,
    pub(super) followed: Vec<Followed<'a>>,
    /// The commit that all publishers are at, if they are at one.
    pub(super) candidate: Option<&'a CommitSha>,
    /// Would anything change if all gates passed? `None` if that cannot be known.
    pub(super) due: Option<bool>,
}

impl Context<'_> {
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.snapshot.observed_at
    }
}
