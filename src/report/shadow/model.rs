//! The public form of a comparison with the old promoter: version 1 of its format.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app_interface::CurrentHash;
use crate::domain::{MrIid, TargetUid, to_json};

/// The format's version.
const VERSION: u32 = 1;

/// How a move of one side compares with the other side.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum MoveClass {
    /// Both, begun within a loop of each.
    Same,
    /// Both; `sapm` began earlier.
    OursEarlier,
    /// Both; the old promoter began earlier.
    TheirsEarlier,
    /// Only `sapm` wants it.
    OnlyOurs,
    /// Only the old promoter did it.
    OnlyTheirs,
    /// Both, with other config hashes, or with other changes beside the targets.
    ContentDiffers,
    /// The facts of `sapm` are missing.
    NotComparable,
}

impl MoveClass {
    /// All classes, in the order in which they are counted.
    pub const ALL: [Self; 7] = [
        Self::Same,
        Self::OursEarlier,
        Self::TheirsEarlier,
        Self::OnlyOurs,
        Self::OnlyTheirs,
        Self::ContentDiffers,
        Self::NotComparable,
    ];

    /// As JSON spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::OursEarlier => "ours_earlier",
            Self::TheirsEarlier => "theirs_earlier",
            Self::OnlyOurs => "only_ours",
            Self::OnlyTheirs => "only_theirs",
            Self::ContentDiffers => "content_differs",
            Self::NotComparable => "not_comparable",
        }
    }

    /// As people read it.
    pub fn words(self) -> String {
        self.name().replace('_', " ")
    }
}

/// Why both sides differ, found from evidence.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// A run of the old promoter ended early: its export was not written.
    TheirRunFailed,
    /// It moves every target of the file with the same namespace and channels.
    TwinRewritten,
    /// Its config hashes pass no gate but `deployment`.
    HashSkipsGates,
    /// Its config hash is the one of another commit.
    HashOfOtherCommit,
    /// A deployment record has a time in the future.
    FutureCheckIn,
    /// A channel stands twice in a list: it counts the soak time again.
    DuplicateChannel,
    /// Its blocked versions miss another spelling of the repository's address.
    BlockedSpelling,
    /// A text that looks like true counts as success.
    SuccessNotBoolean,
    /// Here all targets of an edit site move together.
    EditSiteWaits,
    /// One of both is narrowed to other targets.
    Narrowed,
    /// Two promotions with equal content hide one another.
    EqualHashHidden,
    /// A batch failed its merge check, and was opened again in parts.
    BatchBroken,
    /// A person closed it.
    PersonClosed,
    /// The values are equal, the layout is not.
    Reformatted,
    /// It sets something back: nothing explains that.
    Reverts,
    /// V1: no event came for it.
    V1NoEvent,
    /// V1 has no gate but the event.
    V1NoGate,
    /// V1 always writes config hashes.
    V1HashAlways,
    /// V1: the event was about an older commit.
    StaleEvent,
    /// A person explains it in the file of known differences.
    Known,
}

impl ReasonCode {
    /// As JSON spells it.
    pub fn name(self) -> String {
        let text = serde_json::to_string(&self).unwrap_or_default();
        text.trim_matches('"').to_owned()
    }
}

/// A reason with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct ReasonReport {
    /// Which.
    pub code: ReasonCode,
    /// The evidence, for people.
    pub evidence: String,
}

/// What `sapm` wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct OursReport {
    /// First run that wanted it.
    pub first: DateTime<Utc>,
    /// Last run that wanted it.
    pub last: DateTime<Utc>,
    /// Config hashes that it wanted.
    pub hashes: Vec<CurrentHash>,
}

/// What the old promoter did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct TheirsReport {
    /// Its merge requests that move it, the first one first.
    pub iids: Vec<MrIid>,
    /// Page of the first one.
    pub url: String,
    /// When the first one was opened.
    pub opened_at: DateTime<Utc>,
    /// When the last one was merged or closed; null while it is open.
    pub ended_at: Option<DateTime<Utc>>,
    /// Was one merged?
    pub merged: bool,
    /// Config hashes that it writes.
    pub hashes: Vec<CurrentHash>,
}

/// A target and the values that one of both sides wants for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct MoveReport {
    /// The target.
    pub uid: TargetUid,
    /// `saas-file/resource-template[/name]/cluster/namespace`.
    pub label: String,
    /// The ref that it gets.
    #[serde(rename = "ref")]
    pub git_ref: String,
    /// How both sides compare.
    pub class: MoveClass,
    /// How many minutes earlier `sapm` began; negative: later. Null unless both began.
    pub lead_minutes: Option<i64>,
    /// What `sapm` wanted; null if it never did.
    pub ours: Option<OursReport>,
    /// What the old promoter did; null if it never did.
    pub theirs: Option<TheirsReport>,
    /// What `sapm` decided instead, when the old promoter opened its merge request: `hold [slo]: …`.
    pub decided: Option<String>,
    /// Why they differ.
    pub reasons: Vec<ReasonReport>,
    /// Does it count as explained, or as a match?
    pub explained: bool,
}

impl MoveReport {
    /// When it began, on whichever side was first.
    pub fn began_at(&self) -> DateTime<Utc> {
        let ours = self.ours.as_ref().map(|ours| ours.first);
        let theirs = self.theirs.as_ref().map(|theirs| theirs.opened_at);
        ours.into_iter().chain(theirs).min().unwrap_or_default()
    }
}

/// A publisher of which both sides see other facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
pub struct FactDifference {
    /// Its key in the state export.
    pub publisher: String,
    /// Commit and deployment state as the old promoter has them.
    pub theirs: String,
    /// The same as `sapm` has them.
    pub ours: String,
    /// First run of a row in which they differed.
    pub since: DateTime<Utc>,
    /// Last run of that row.
    pub until: DateTime<Utc>,
    /// Runs in a row.
    pub runs: usize,
}

/// What a day comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DayVerdict {
    /// Nothing is unexplained.
    Green,
    /// The same, with too few moves to count for more than half a day.
    Quiet,
    /// Too much was not observed to say.
    Incomplete,
    /// Something is unexplained.
    Red,
}

impl DayVerdict {
    /// As people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Quiet => "quiet",
            Self::Incomplete => "incomplete",
            Self::Red => "red",
        }
    }

    /// One character for a row of days.
    pub fn mark(self) -> char {
        match self {
            Self::Green => 'G',
            Self::Quiet => 'q',
            Self::Incomplete => '.',
            Self::Red => 'R',
        }
    }
}

/// A day.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema, Deserialize)]
pub struct DayReport {
    /// Which day (UTC).
    pub date: NaiveDate,
    /// What it comes to.
    pub verdict: DayVerdict,
    /// Why it is not green.
    pub remarks: Vec<String>,
    /// Runs of `sapm shadow`.
    pub runs: usize,
    /// Share of the day's time that runs cover, from 0 to 1.
    pub coverage: f64,
    /// Moves by class.
    pub classes: BTreeMap<MoveClass, usize>,
    /// Moves by class and reason; of several reasons the first.
    pub reasons: BTreeMap<MoveClass, BTreeMap<ReasonCode, usize>>,
    /// Moves that nothing explains.
    pub unexplained: usize,
    /// Publishers whose facts differed in two runs in a row.
    pub facts_differ: usize,
    /// Publishers that were compared in its last run.
    pub facts_compared: usize,
    /// By how many minutes `sapm` began earlier, of those that both began: 95 of 100 are below.
    pub lead_minutes_95: Option<i64>,
}

impl DayReport {
    /// How many moves it had.
    pub fn moves(&self) -> usize {
        self.classes.values().sum()
    }
}

/// The comparison with the old promoter.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ShadowReport {
    /// Version of the format: 1.
    pub version: u32,
    /// When it was made.
    pub observed_at: DateTime<Utc>,
    /// Path of the config repo's project.
    pub project: String,
    /// From when on the ledger knows; null without a ledger: then the answer is about the present alone.
    pub since: Option<DateTime<Utc>>,
    /// The old promoter's users, as far as they are known.
    pub old_users: BTreeSet<String>,
    /// How long its loop is, in seconds, by the times at which its export was written; null if that is not known.
    pub old_loop_seconds: Option<i64>,
    /// What today comes to; null without a ledger.
    pub verdict: Option<DayVerdict>,
    /// Days, the oldest first.
    pub days: Vec<DayReport>,
    /// All moves that can be told, the oldest first.
    pub moves: Vec<MoveReport>,
    /// Publishers whose facts differ in two runs in a row, or did.
    pub facts: Vec<FactDifference>,
    /// Entries of the file of known differences that explained something.
    pub known_used: BTreeSet<String>,
    /// What is amiss with ledger or file of known differences.
    pub warnings: Vec<String>,
}

impl ShadowReport {
    /// A report without moves.
    pub fn new(observed_at: DateTime<Utc>, project: String) -> Self {
        Self {
            version: VERSION,
            observed_at,
            project,
            since: None,
            old_users: BTreeSet::new(),
            old_loop_seconds: None,
            verdict: None,
            days: Vec::new(),
            moves: Vec::new(),
            facts: Vec::new(),
            known_used: BTreeSet::new(),
            warnings: Vec::new(),
        }
    }

    /// Moves that nothing explains.
    pub fn unexplained(&self) -> impl Iterator<Item = &MoveReport> {
        self.moves.iter().filter(|one| !one.explained)
    }

    /// The JSON form: pretty, a newline at the end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}
