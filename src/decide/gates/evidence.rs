//! The evidence of gate results: required and actual values.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::decide::DeploymentState;
use crate::domain::{CommitSha, TargetUid};

/// The values that a gate compared.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Evidence {
    /// Of `deployment`.
    Deployments {
        /// One per (channel, publisher) pair that has not deployed its commit successfully.
        deployments: Vec<DeploymentEvidence>,
    },
    /// Of `same_ref`.
    Commits {
        /// Uids of the publishers at each commit.
        commits: BTreeMap<CommitSha, Vec<TargetUid>>,
        /// Uids of publishers whose commit is not known.
        unknown: Vec<TargetUid>,
    },
    /// Of `soak`.
    Soak {
        /// Times of the deployments that count.
        check_ins: usize,
        /// The target's `soakDays`.
        required_days: u64,
        /// Days since the deployments, added up.
        soaked_days: f64,
    },
    /// Of `schedule`.
    Schedule {
        /// The cron expression; empty without a schedule.
        schedule: String,
    },
    /// Of `slo`.
    Slos {
        /// One per SLO and namespace.
        slos: Vec<SloEvidence>,
    },
    /// Of `slo`, where the commit is in `hotfixVersions`.
    Hotfix {
        /// The commit.
        hotfix: CommitSha,
    },
    /// Of `edit_site`, where it blocks the promotion.
    WaitsFor {
        /// The file in which both are edited.
        file: String,
        /// The target it waits for.
        label: String,
        /// The uid of that target.
        waits_for: TargetUid,
    },
    /// Of `edit_site`, if all members are promoted together.
    Shared {
        /// How many other targets share the edit site.
        shared_with: usize,
    },
    /// The gate compared nothing, or only what the target itself has.
    Nothing {},
}

/// The deployment by one publisher of a channel. Whoever has the uid finds the rest among the publishers.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeploymentEvidence {
    /// The channel.
    pub channel: String,
    /// The publisher's uid.
    pub publisher: TargetUid,
    /// The state in its record; null if the record could not be read.
    pub state: Option<DeploymentState>,
}

/// One SLO in one namespace: required and actual value.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SloEvidence {
    /// The cluster of the namespace.
    pub cluster: String,
    /// Name of the SLO document.
    pub document: String,
    /// Path of the SLO document from `data/`, with a leading slash.
    pub file: String,
    /// Name of the SLO.
    pub name: String,
    /// The namespace.
    pub namespace: String,
    /// Its source location in the document, if another one has the same names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Key of its value in the snapshot.
    pub slo: String,
    /// The lowest value that meets the SLO.
    pub target: f64,
    /// The actual value; null if not known.
    pub value: Option<f64>,
}

impl Evidence {
    /// The SLOs that the gate checked.
    pub fn slos(&self) -> &[SloEvidence] {
        match self {
            Self::Slos { slos } => slos,
            _ => &[],
        }
    }

    /// Label of the target that an edit site waits for.
    pub fn waits_for(&self) -> Option<&str> {
        match self {
            Self::WaitsFor { label, .. } => Some(label),
            _ => None,
        }
    }
}
