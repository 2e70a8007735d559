//! What was observed, over days: a file that each run makes longer.
//!
//! Names of fields are short, as there is an interval for each change of a decision. Intervals are appended on change
//! alone; what is older than 30 days is dropped.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::moves::our_moves;
use super::traits::{Mark, Traits};
use crate::app_interface::CurrentHash;
use crate::decide::{Gate, Outcome};
use crate::domain::{MrIid, TargetUid};
use crate::old_promoter::OldKind;
use crate::report::FactDifference;

/// The format's version.
const VERSION: u32 = 1;
/// Runs further apart than this leave a gap.
pub(super) const LONGEST_STEP: TimeDelta = TimeDelta::minutes(30);

/// Why a ledger cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// Not JSON of this shape.
    #[error("it is no ledger: {0}")]
    Unreadable(String),
    /// Another version.
    #[error("it is of version {0}, this program reads version {VERSION}")]
    Version(u32),
    /// Another config repo's.
    #[error("it is about the project {0}, not about {1}")]
    Project(String, String),
}

/// Runs without a gap between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// The first one.
    pub from: DateTime<Utc>,
    /// The last one.
    pub to: DateTime<Utc>,
    /// By day, how many they were.
    pub runs: BTreeMap<NaiveDate, usize>,
}

/// A decision for as long as it stayed the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// First run.
    #[serde(rename = "f")]
    pub from: DateTime<Utc>,
    /// Last run.
    #[serde(rename = "t")]
    pub to: DateTime<Utc>,
    /// The decision.
    #[serde(rename = "d")]
    pub decision: Outcome,
    /// The gate that blocks.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<Gate>,
    /// The ref that it should have; of a held one the ref that it has.
    #[serde(rename = "r")]
    pub git_ref: String,
    /// The commit that its publishers are at.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<String>,
    /// Is only a config hash due?
    #[serde(rename = "k", default, skip_serializing_if = "std::ops::Not::not")]
    pub hash_only: bool,
    /// The config hashes that it should have.
    #[serde(rename = "h", default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<CurrentHash>,
    /// What was found of it.
    #[serde(rename = "m", default, skip_serializing_if = "BTreeSet::is_empty")]
    pub marks: BTreeSet<Mark>,
    /// Why, for people.
    #[serde(rename = "y", default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Interval {
    /// Is it the same decision, whatever the reason says to the minute?
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let key = |one: &Self| {
            (one.decision, one.held_by, one.git_ref.clone(), one.candidate.clone(), one.hash_only)
        };
        key(self) == key(other) && self.hashes == other.hashes && self.marks == other.marks
    }

    /// `hold [slo]: …`.
    pub(super) fn words(&self) -> String {
        let word = match self.decision {
            Outcome::Promote => "promote",
            Outcome::UpToDate => "up to date",
            Outcome::Hold => "hold",
            Outcome::Error => "error",
        };
        let gate = self.held_by.map(|gate| format!(" [{}]", gate.as_str())).unwrap_or_default();
        let reason =
            if self.reason.is_empty() { String::new() } else { format!(": {}", self.reason) };
        format!("{word}{gate}{reason}")
    }
}

/// A target over time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetHistory {
    /// Its label.
    pub label: String,
    /// What explains differences.
    pub traits: Traits,
    /// Its decisions, the oldest first.
    pub intervals: Vec<Interval>,
}

/// How a merge request of the old promoter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OldState {
    /// Open.
    Opened,
    /// Merged.
    Merged,
    /// Closed.
    Closed,
}

/// A target that a merge request of the old promoter moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldMove {
    /// The target, if it is known.
    pub uid: Option<TargetUid>,
    /// Its label, or where it stands.
    pub label: String,
    /// Path of the file.
    pub file: String,
    /// Its ref before.
    pub from: String,
    /// Its ref after.
    pub to: String,
    /// Config hashes that it gets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<CurrentHash>,
    /// Does it go back to an older value?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reverts: bool,
}

/// A merge request of the old promoter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldFacts {
    /// Whose it is.
    pub kind: OldKind,
    /// Its author.
    pub author: String,
    /// Its page.
    pub url: String,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When anything about it changed last.
    pub updated_at: DateTime<Utc>,
    /// How it is.
    pub state: OldState,
    /// When it was merged or closed.
    pub ended_at: Option<DateTime<Utc>>,
    /// Who closed it.
    pub closed_by: Option<String>,
    /// The comment with which it was closed.
    pub closing: Option<String>,
    /// What it moves.
    pub moves: Vec<OldMove>,
    /// What it changes beside targets: files and YAML paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
    /// Does it change the layout of lines beside those of its targets?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reformats: bool,
    /// Why its diff could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Errors of ours, from a run to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// First run.
    pub from: DateTime<Utc>,
    /// Last run.
    pub to: DateTime<Utc>,
    /// How many.
    pub count: usize,
    /// What the first of them say.
    pub messages: BTreeSet<String>,
}

/// What was observed, over days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Version of the format: 1.
    pub version: u32,
    /// The config repo's project.
    pub project: String,
    /// The first run.
    pub since: DateTime<Utc>,
    /// Runs, with the gaps between them.
    pub segments: Vec<Segment>,
    /// Targets by uid.
    pub targets: BTreeMap<TargetUid, TargetHistory>,
    /// Merge requests of the old promoter.
    pub merge_requests: BTreeMap<MrIid, OldFacts>,
    /// Times at which its export was seen to be written.
    pub exports: BTreeSet<DateTime<Utc>>,
    /// Our errors.
    pub troubles: Vec<Trouble>,
    /// Most errors in a run, by day.
    pub errors: BTreeMap<NaiveDate, usize>,
    /// Publishers whose facts differ, or did in two runs in a row.
    pub facts: Vec<FactDifference>,
    /// How many publishers were compared in the last run.
    pub facts_compared: usize,
    /// By channel: commit by config hash.
    pub hashes: BTreeMap<String, BTreeMap<String, String>>,
}

impl Ledger {
    /// An empty one.
    pub fn new(project: &str, since: DateTime<Utc>) -> Self {
        Self {
            version: VERSION,
            project: project.to_owned(),
            since,
            segments: Vec::new(),
            targets: BTreeMap::new(),
            merge_requests: BTreeMap::new(),
            exports: BTreeSet::new(),
            troubles: Vec::new(),
            errors: BTreeMap::new(),
            facts: Vec::new(),
            facts_compared: 0,
            hashes: BTreeMap::new(),
        }
    }

    /// Reads the JSON form of a project's ledger; without a project whichever it is.
    ///
    /// # Errors
    /// When it is none, of another version, or about another project.
    pub fn from_json(bytes: &[u8], project: Option<&str>) -> Result<Self, LedgerError> {
        let ledger: Self = serde_json::from_slice(bytes)
            .map_err(|error| LedgerError::Unreadable(error.to_string()))?;
        if ledger.version != VERSION {
            return Err(LedgerError::Version(ledger.version));
        }
        match project {
            Some(project) if ledger.project != project => {
                Err(LedgerError::Project(ledger.project, project.to_owned()))
            }
            _ => Ok(ledger),
        }
    }

    /// The JSON form, on one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The last run; the first one if there was none.
    pub fn last_run(&self) -> DateTime<Utc> {
        self.segments.last().map_or(self.since, |segment| segment.to)
    }

    /// The same with a merge request for each move that `sapm` wanted, in place of the old promoter's: compared, all moves are
    /// the same, or the comparison is wrong.
    #[must_use]
    pub fn against_itself(&self) -> Self {
        let mut mirrored = Self { merge_requests: BTreeMap::new(), ..self.clone() };
        for (number, (key, ours)) in our_moves(self).into_iter().enumerate() {
            let label = self.targets.get(&key.uid).map(|history| history.label.clone());
            let one = OldMove {
                uid: Some(key.uid),
                label: label.unwrap_or_default(),
                file: String::new(),
                from: if key.hash_only { key.git_ref.clone() } else { String::new() },
                to: key.git_ref,
                hashes: ours.hashes,
                reverts: false,
            };
            let facts = OldFacts {
                kind: OldKind::Sapm,
                author: String::new(),
                url: String::new(),
                opened_at: ours.first,
                updated_at: ours.last,
                state: OldState::Merged,
                ended_at: Some(ours.last),
                closed_by: None,
                closing: None,
                moves: vec![one],
                others: Vec::new(),
                reformats: false,
                error: None,
            };
            mirrored.merge_requests.insert(MrIid(number as u64 + 1), facts);
        }
        mirrored
    }

    /// Did runs look at this time? (From a run to the next one, if that is near.)
    pub(super) fn covers(&self, at: DateTime<Utc>) -> bool {
        self.segments.iter().any(|segment| segment.from <= at && at <= segment.to + LONGEST_STEP)
    }

    /// How long the old promoter's loop is, by its export: the median of the times between.
    pub(super) fn old_loop(&self) -> Option<TimeDelta> {
        let times: Vec<_> = self.exports.iter().collect();
        let mut steps: Vec<TimeDelta> = times
            .windows(2)
            .map(|pair| *pair[1] - *pair[0])
            .filter(|step| *step <= LONGEST_STEP)
            .collect();
        steps.sort_unstable();
        steps.get(steps.len() / 2).copied()
    }
}
