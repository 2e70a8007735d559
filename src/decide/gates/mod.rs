//! The gates: one condition a file, each with its evidence.

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

/// The gates, in the order in which the first that blocks is named.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Every publisher's current commit is deployed successfully.
    Deployment,
    /// All publishers are at one commit.
    SameRef,
    /// It has been deployed upstream for long enough.
    Soak,
    /// Now is within the schedule.
    Schedule,
    /// No SLO is breached.
    Slo,
    /// The commit is not blocked.
    BlockedVersion,
    /// All subscribers of the same place in a file are to be promoted to the same values.
    EditSite,
}

impl Gate {
    /// All of them, in their order.
    pub const ALL: [Self; 7] = [
        Self::Deployment,
        Self::SameRef,
        Self::Soak,
        Self::Schedule,
        Self::Slo,
        Self::BlockedVersion,
        Self::EditSite,
    ];

    /// The name as it stands in JSON.
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

    /// When it passes, for people who do not know the gate.
    pub fn passes_when(self) -> &'static str {
        match self {
            Self::Deployment => "every publisher has deployed its current commit successfully",
            Self::SameRef => "all publishers are at one and the same commit",
            Self::Soak => {
                "the commit has been deployed upstream for soakDays (the times of all publishers added up)"
            }
            Self::Schedule => "now is within promotion.schedule (cron, UTC)",
            Self::Slo => "no SLO of the target's documents is below its target",
            Self::BlockedVersion => "the commit is not in blockedVersions of the app",
            Self::EditSite => "all who share the place in the file are promoted to the same values",
        }
    }
}

/// Does a gate let the promotion pass?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateOutcome {
    /// It does.
    Pass,
    /// It does not. `hold` in JSON.
    #[serde(rename = "hold")]
    Blocked,
    /// It has nothing to say here.
    NotApplicable,
}

/// What a gate says of one subscriber.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GateResult {
    /// Which gate.
    pub gate: Gate,
    /// Does it let the promotion pass?
    pub outcome: GateOutcome,
    /// The verdict in words.
    pub reason: String,
    /// What it rests on: required and actual values.
    pub evidence: Evidence,
    /// When it can pass next, if nothing else changes and that can be known.
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

/// What the gates look at.
pub(super) struct Context<'a> {
    pub(super) subscriber: &'a Target,
    pub(super) snapshot: &'a Snapshot,
    pub(super) followed: Vec<Followed<'a>>,
    /// The commit that all publishers are at, if they are at one.
    pub(super) candidate: Option<&'a CommitSha>,
    /// Would anything change if all gates passed? `None`: nobody can say.
    pub(super) due: Option<bool>,
}

impl Context<'_> {
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.snapshot.observed_at
    }
}
