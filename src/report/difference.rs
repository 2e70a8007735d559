//! What a change of the config repo does: the decisions that it changes, version 1 of the difference format.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::blocks::{self, Block, Line, Row, Table, Value};
use super::model::{PlanReport, SubscriberReport};
use super::style::{BOLD, FAINT, GREEN, Paint, RED, YELLOW};
use super::text::outcome_word;
use crate::decide::{Gate, Outcome};
use crate::domain::{CommitSha, Problem, RepoPath, TargetUid, count, short_ref, to_json};

/// The format's version.
const VERSION: u32 = 1;

/// Maximum targets, and problems of each kind, in text and Markdown. JSON has all.
const MAX_SHOWN: usize = 200;

/// The difference between the decisions before and after a change, on the same facts.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DifferenceReport {
    /// Version of the format: 1.
    pub version: u32,
    /// The time of the decisions.
    pub observed_at: DateTime<Utc>,
    /// What the files are compared with, as it was named.
    pub compared_to: String,
    /// Its commit.
    pub base_commit: CommitSha,
    /// Targets whose decision differs: errors first, then by label.
    pub targets: Vec<TargetDifference>,
    /// Problems that are there only after the change.
    pub new_problems: Vec<Problem>,
    /// Problems that are there only before the change.
    pub solved_problems: Vec<Problem>,
}

/// A target whose decision differs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TargetDifference {
    /// What the change does to it.
    pub effect: Effect,
    /// Digest of its identity.
    pub uid: TargetUid,
    /// `saas-file/resource-template[/name]/cluster/namespace`.
    pub label: String,
    /// Name of its app.
    pub app: String,
    /// Where it is declared, `data/…:LINE`; before the change, if it is gone.
    pub declared_at: String,
    /// Before the change; null if it was not promoted automatically.
    pub before: Option<Standing>,
    /// After the change; null if it is not promoted automatically any more.
    pub after: Option<Standing>,
}

/// What a change does to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It is in error after the change.
    Error,
    /// It can be promoted after the change.
    Promotable,
    /// A gate holds it after the change.
    Held,
    /// It was held or in error, and nothing is due after the change.
    Unblocked,
    /// It could be promoted, and nothing is due after the change.
    NothingDue,
    /// It is promoted automatically after the change; nothing is due.
    New,
    /// It is not promoted automatically any more.
    Gone,
    /// The decision is the same, for another reason or with another ref.
    Changed,
}

/// The decision on a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Standing {
    /// The decision.
    pub decision: Outcome,
    /// The first gate that blocks, if the decision is hold.
    pub held_by: Option<Gate>,
    /// Why, in one line.
    pub reason: String,
    /// The current ref.
    pub current_ref: String,
    /// The desired ref.
    pub desired_ref: String,
}

impl From<&SubscriberReport> for Standing {
    fn from(subscriber: &SubscriberReport) -> Self {
        Self {
            decision: subscriber.decision,
            held_by: subscriber.held_by,
            reason: subscriber.reason(),
            current_ref: subscriber.current_ref.clone(),
            desired_ref: subscriber.desired_ref.clone(),
        }
    }
}

impl Standing {
    /// In a few words.
    fn words(&self) -> String {
        let from = short_ref(&self.current_ref);
        match (self.decision, self.held_by) {
            (Outcome::Promote, _) => format!("promote {from} to {}", short_ref(&self.desired_ref)),
            (Outcome::Hold, Some(gate)) => {
                format!("hold at {from} by {}: {}", gate.as_str(), self.reason)
            }
            (Outcome::UpToDate, _) => format!("up to date at {from}"),
            (decision, _) => format!("{} at {from}: {}", outcome_word(decision), self.reason),
        }
    }
}

impl Effect {
    fn of(before: Option<&Standing>, after: Option<&Standing>) -> Self {
        let (was, is) = (before.map(|one| one.decision), after.map(|one| one.decision));
        match (was, is) {
            (_, None) => Self::Gone,
            (Some(was), Some(is)) if was == is => Self::Changed,
            (_, Some(Outcome::Error)) => Self::Error,
            (_, Some(Outcome::Promote)) => Self::Promotable,
            (_, Some(Outcome::Hold)) => Self::Held,
            (None, Some(Outcome::UpToDate)) => Self::New,
            (Some(Outcome::Promote), Some(Outcome::UpToDate)) => Self::NothingDue,
            (Some(_), Some(Outcome::UpToDate)) => Self::Unblocked,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Error => "in error",
            Self::Promotable => "promotable",
            Self::Held => "held",
            Self::Unblocked => "unblocked",
            Self::NothingDue => "nothing due",
            Self::New => "new",
            Self::Gone => "gone",
            Self::Changed => "changed",
        }
    }

    fn style(self) -> anstyle::Style {
        match self {
            Self::Error => RED,
            Self::Promotable | Self::Unblocked => GREEN,
            Self::Held => YELLOW,
            Self::NothingDue | Self::New | Self::Gone | Self::Changed => FAINT,
        }
    }
}

impl DifferenceReport {
    /// Compares the decisions of two reports.
    pub fn new(
        before: &PlanReport,
        after: &PlanReport,
        compared_to: String,
        base_commit: CommitSha,
    ) -> Self {
        let by_uid = |report: &'_ PlanReport| -> BTreeMap<TargetUid, usize> {
            let uids = report.subscribers.iter().map(|one| one.target.uid.clone());
            uids.zip(0..).collect()
        };
        let (old, new) = (by_uid(before), by_uid(after));
        let uids: BTreeSet<&TargetUid> = old.keys().chain(new.keys()).collect();
        let mut targets: Vec<TargetDifference> = uids
            .into_iter()
            .filter_map(|uid| {
                let old = old.get(uid).map(|at| &before.subscribers[*at]);
                let new = new.get(uid).map(|at| &after.subscribers[*at]);
                TargetDifference::between(old, new)
            })
            .collect();
        targets.sort_by(|a, b| (a.effect, &a.label).cmp(&(b.effect, &b.label)));
        Self {
            version: VERSION,
            observed_at: after.observed_at,
            compared_to,
            base_commit,
            targets,
            new_problems: missing_from(&before.problems, &after.problems),
            solved_problems: missing_from(&after.problems, &before.problems),
        }
    }

    /// Does the change make no difference?
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.new_problems.is_empty() && self.solved_problems.is_empty()
    }

    /// The JSON form: pretty, a newline at the end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// For a terminal or a job log.
    pub fn text(&self, paint: Paint) -> String {
        blocks::text(&self.blocks(), paint)
    }

    /// For a merge request, with the same content as the text.
    pub fn markdown(&self) -> String {
        blocks::markdown(&self.blocks())
    }

    /// The counts alone.
    pub fn markdown_in_short(&self) -> String {
        let mut blocks = self.blocks();
        blocks.truncate(2);
        blocks::markdown(&blocks)
    }

    fn blocks(&self) -> Vec<Block> {
        let subject = "This change".to_owned();
        let sentence = format!("{subject} {}", self.sentence());
        let short = self.base_commit.short();
        let base = match self.compared_to.as_str() == self.base_commit.as_str() {
            true => short.to_owned(),
            false => format!("{} ({short})", self.compared_to),
        };
        let mut out = vec![
            Block::Title { subject, sentence, style: BOLD },
            Block::Fact("compared to", Value::new(base)),
        ];
        if !self.targets.is_empty() {
            let rows = self.targets.iter().take(MAX_SHOWN).map(TargetDifference::row);
            let head = &["effect", "target", "before", "after"];
            out.extend([
                Block::Section("Targets".to_owned()),
                Block::Table(Table { head, rows: rows.collect() }),
            ]);
            out.extend(more(self.targets.len()));
        }
        out.extend(problems("New problems", &self.new_problems));
        out.extend(problems("Solved problems", &self.solved_problems));
        out
    }

    /// What the change does, in one sentence without its subject.
    fn sentence(&self) -> String {
        let mut effects: BTreeMap<Effect, usize> = BTreeMap::new();
        for target in &self.targets {
            *effects.entry(target.effect).or_default() += 1;
        }
        let effects: Vec<String> = effects
            .into_iter()
            .map(|(effect, count)| format!("{count} {}", effect.word()))
            .collect();
        let mut sentence = match effects.as_slice() {
            [] => "makes no difference to any promotion".to_owned(),
            effects => format!(
                "makes a difference to {}: {}",
                count(self.targets.len(), "target"),
                effects.join(", ")
            ),
        };
        for (what, problems) in [("new", &self.new_problems), ("solved", &self.solved_problems)] {
            if !problems.is_empty() {
                let _ = write!(sentence, "; {}", count(problems.len(), &format!("{what} problem")));
            }
        }
        sentence
    }
}

impl TargetDifference {
    fn between(
        before: Option<&SubscriberReport>,
        after: Option<&SubscriberReport>,
    ) -> Option<Self> {
        let of = after.or(before)?;
        let [before, after] = [before, after].map(|one| one.map(Standing::from));
        (before != after).then(|| Self {
            effect: Effect::of(before.as_ref(), after.as_ref()),
            uid: of.target.uid.clone(),
            label: of.target.label(),
            app: of.target.app.clone(),
            declared_at: format!("{}:{}", RepoPath::of_datafile(&of.edit_file), of.edit_line),
            before,
            after,
        })
    }

    fn row(&self) -> Row {
        let words = |standing: &Option<Standing>| {
            standing.as_ref().map_or("not promoted automatically".to_owned(), Standing::words)
        };
        let (before, after) = (words(&self.before), words(&self.after));
        let word = self.effect.word();
        let lines = vec![
            Line::styled(self.effect.style(), format!("{word:<11}"))
                .then(Line::new(format!(" {}", self.label))),
            Line::new(format!("{:12}before: {before}", "")),
            Line::new(format!("{:12}after:  {after}", "")),
        ];
        let cells =
            vec![Value::own(word), Value::new(&self.label), Value::new(before), Value::new(after)];
        Row { cells, lines }
    }
}

fn more(all: usize) -> Option<Block> {
    let more = all.checked_sub(MAX_SHOWN).filter(|more| *more > 0)?;
    Some(Block::Note(Value::own(format!("and {more} more: difference.json has all"))))
}

fn problems(title: &str, problems: &[Problem]) -> Vec<Block> {
    if problems.is_empty() {
        return Vec::new();
    }
    let line = |problem: &Problem| {
        let file = problem.file.as_ref().map(|file| format!("{}: ", RepoPath::of_datafile(file)));
        let severity = if problem.is_error() { "error" } else { "warning" };
        format!("{severity}: {}{} [{}]", file.unwrap_or_default(), problem.message, problem.code)
    };
    let lines = problems.iter().take(MAX_SHOWN).map(line).collect();
    let mut out = vec![Block::Section(title.to_owned()), Block::Bullets(lines)];
    out.extend(more(problems.len()));
    out
}

/// The problems of `all` that are not among `known`, wherever in the file they are: a change moves lines.
fn missing_from(known: &[Problem], all: &[Problem]) -> Vec<Problem> {
    let key = |problem: &Problem| (problem.code, problem.file.clone(), problem.message.clone());
    let known: BTreeSet<_> = known.iter().map(key).collect();
    all.iter().filter(|problem| !known.contains(&key(problem))).cloned().collect()
}
