//! What a gate's result rests on: required and actual values.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use crate::decide::DeploymentState;
use crate::domain::{CommitSha, TargetUid};

/// What a gate looked at.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Evidence {
    /// Of `deployment`.
    Deployments {
        /// One for each (channel, publisher) pair.
        deployments: Vec<DeploymentEvidence>,
    },
    /// Of `same_ref`.
    Commits {
        /// The publishers (labels) at each commit.
        commits: BTreeMap<String, Vec<String>>,
        /// The publishers whose commit is not known.
        unknown: Vec<String>,
    },
    /// Of `soak`.
    Soak {
        /// Deployments whose time counts.
        check_ins: usize,
        /// `soakDays` of the target.
        required_days: u64,
        /// The days since the deployments, added up.
        soaked_days: f64,
    },
    /// Of `schedule`.
    Schedule {
        /// The cron expression; empty without one.
        schedule: String,
    },
    /// Of `slo`.
    Slos {
        /// One for each SLO and namespace that was looked up.
        slos: Vec<SloEvidence>,
    },
    /// Of `slo`, where the commit is in `hotfixVersions`.
    Hotfix {
        /// The commit.
        hotfix: CommitSha,
    },
    /// Of `blocked_version`.
    Commit {
        /// The commit to promote.
        commit_sha: CommitSha,
    },
    /// Of `edit_site`, where it blocks the promotion.
    WaitsFor {
        /// The file that both are edited in.
        file: String,
        /// The target that it waits for.
        label: String,
        /// Its uid.
        waits_for: TargetUid,
    },
    /// Of `edit_site`, where all move together.
    Shared {
        /// How many other targets share the edit site.
        shared_with: usize,
    },
    /// Nothing had to be looked at.
    Nothing {},
}

/// The deployment by one publisher of a channel.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeploymentEvidence {
    /// The channel.
    pub channel: String,
    /// When it was deployed, if the record says so.
    pub check_in: Option<DateTime<Utc>>,
    /// The publisher's commit, if it is known.
    pub commit_sha: Option<CommitSha>,
    /// The publisher, for people.
    pub label: String,
    /// The publisher's uid.
    pub publisher: TargetUid,
    /// The publisher's ref, if it has a usable one.
    #[serde(rename = "ref")]
    pub git_ref: Option<String>,
    /// What its record says; null where it could not be read.
    pub state: Option<DeploymentState>,
}

/// One SLO at one namespace: what is required, and what is.
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
    /// Where it stands in the document, if another one has the same names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Key of its value in the snapshot.
    pub slo: String,
    /// The lowest value that meets it.
    pub target: f64,
    /// The actual value; null if it is not known.
    pub value: Option<f64>,
}

impl Evidence {
    /// The SLOs that were looked up.
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
