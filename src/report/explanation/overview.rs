//! The answer for a name that stands for several targets, such as an app: one line for each of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    AsOf, ExplainedMergeRequest, Explanation, Found, Since, advice, answer, merge_requests, words,
};
use crate::decide::{Gate, Outcome};
use crate::domain::{TargetUid, count, to_json};
use crate::inventory::TargetIx;
use crate::report::blocks::{self, Block, Line, Row, Table, Value};
use crate::report::model::{MergeRequestReport, SubscriberReport};
use crate::report::style::{BOLD, FAINT, Paint};
use crate::report::text::{ago, outcome_word};

/// Maximum targets in text and Markdown. JSON has all.
const MAX_SHOWN: usize = 300;

/// The format's version.
const VERSION: u32 = 1;

/// Short answers for all targets that a name stands for.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Overview {
    /// Version of the format: 1.
    pub version: u32,
    /// The time of the decisions.
    pub observed_at: DateTime<Utc>,
    /// Is that time the present?
    pub as_of: AsOf,
    /// The name as it was given.
    pub name: String,
    /// Were the open merge requests fetched from GitLab?
    pub merge_requests_known: bool,
    /// The targets in inventory order.
    pub targets: Vec<Brief>,
}

/// The short answer for one target.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Brief {
    /// Digest of its identity.
    pub uid: TargetUid,
    /// `saas-file/resource-template[/name]/cluster/namespace`.
    pub label: String,
    /// Name of its app.
    pub app: String,
    /// Name of its environment.
    pub environment: String,
    /// The decision.
    pub decision: Outcome,
    /// The first gate that blocks, if the decision is hold.
    pub held_by: Option<Gate>,
    /// Why, in one line.
    pub reason: String,
    /// Since when this has been so, and what happened then.
    pub since: Option<Since>,
    /// What to do about it.
    pub advice: Vec<String>,
}

/// The short answers for subscribers of a report, by uid. `found` is the input for any of them.
pub fn briefs(
    found: &Found<'_>,
    targets: impl IntoIterator<Item = TargetIx>,
) -> BTreeMap<TargetUid, Brief> {
    let subscribers = found.report.subscribers.iter();
    let subscribers: BTreeMap<&TargetUid, &SubscriberReport> =
        subscribers.map(|one| (&one.target.uid, one)).collect();
    let mut mrs = by_uid(found);
    let brief = |target: TargetIx| {
        let uid = &found.inventory.targets[target].uid;
        let mrs = mrs.remove(uid).unwrap_or_default();
        Some((uid.clone(), Brief::new(&Found { target, ..*found }, subscribers.get(uid)?, mrs)))
    };
    targets.into_iter().filter_map(brief).collect()
}

/// The merge requests of a report by their targets.
fn by_uid(found: &Found<'_>) -> BTreeMap<TargetUid, Vec<ExplainedMergeRequest>> {
    let mut by_uid: BTreeMap<TargetUid, Vec<ExplainedMergeRequest>> = BTreeMap::new();
    for planned in &found.report.merge_requests {
        for uid in &planned.targets {
            // No advice is about the texts of its files.
            let planned = MergeRequestReport { files: Vec::new(), ..planned.clone() };
            let mr = merge_requests::explain(found, planned);
            by_uid.entry(uid.clone()).or_default().push(mr);
        }
    }
    by_uid
}

impl Brief {
    fn new(
        found: &Found<'_>,
        subscriber: &SubscriberReport,
        merge_requests: Vec<ExplainedMergeRequest>,
    ) -> Self {
        let explanation = Explanation::unanswered(found, subscriber.clone(), merge_requests);
        Self {
            uid: subscriber.target.uid.clone(),
            label: subscriber.target.label(),
            app: subscriber.target.app.clone(),
            environment: subscriber.environment.clone(),
            decision: subscriber.decision,
            held_by: subscriber.held_by,
            reason: subscriber.reason(),
            since: answer::find_since(&explanation, found),
            advice: advice::advice(&explanation, found),
        }
    }
}

impl Overview {
    /// Answers for several targets. `found` is the input for any of them.
    pub fn new(found: &Found<'_>, name: &str, targets: &[TargetIx]) -> Self {
        let mut briefs = briefs(found, targets.iter().copied());
        let uid = |target: &TargetIx| &found.inventory.targets[*target].uid;
        Self {
            version: VERSION,
            observed_at: found.snapshot.observed_at,
            as_of: found.as_of,
            name: name.trim().to_owned(),
            merge_requests_known: found.snapshot.config_repo.is_some(),
            targets: targets.iter().filter_map(|target| briefs.remove(uid(target))).collect(),
        }
    }

    /// The JSON form: pretty, a newline at the end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// For a terminal or a job log.
    pub fn text(&self, paint: Paint) -> String {
        blocks::text(&self.blocks(), paint)
    }

    /// For an issue, a chat or a merge request, with the same content as the text.
    pub fn markdown(&self) -> String {
        blocks::markdown(&self.blocks())
    }

    fn blocks(&self) -> Vec<Block> {
        let counts = [Outcome::Error, Outcome::Hold, Outcome::Promote, Outcome::UpToDate];
        let counts = counts.into_iter().filter_map(|outcome| {
            let count = self.targets.iter().filter(|brief| brief.decision == outcome).count();
            (count > 0).then(|| format!("{count} {}", outcome_word(outcome)))
        });
        let counts: Vec<String> = counts.collect();
        let sentence = format!(
            "{} stands for {}: {}",
            self.name,
            count(self.targets.len(), "target"),
            counts.join(", ")
        );
        let mut out = vec![
            Block::Title { subject: self.name.clone(), sentence, style: BOLD },
            Block::Fact("as of", Value::own(words::time_as_of(self.observed_at, self.as_of))),
        ];
        let rows = self.targets.iter().take(MAX_SHOWN).map(|brief| self.row(brief)).collect();
        let head = &["decision", "target", "held by", "since", "what to do"];
        out.push(Block::Table(Table { head, rows }));
        let more = self.targets.len().saturating_sub(MAX_SHOWN);
        if more > 0 {
            let narrow = "--env-name, --app-name and --saas-file-name select some";
            out.push(Block::Note(Value::own(format!("and {more} more; {narrow}"))));
        }
        let due = self.targets.iter().find(|brief| brief.decision != Outcome::UpToDate);
        if let Some(one) = due.or(self.targets.first()) {
            let ask = format!("All gates and facts of one: sapm explain {}", one.label);
            out.push(Block::Note(Value::new(ask).faint()));
        }
        out
    }

    fn row(&self, brief: &Brief) -> Row {
        let word = outcome_word(brief.decision);
        let gate = brief.held_by.map(Gate::as_str).unwrap_or_default();
        let since = brief.since.as_ref().map(|since| ago(since.at, self.observed_at));
        let what = brief.advice.first().map_or(brief.reason.as_str(), String::as_str);
        let more = match brief.advice.len() {
            0 | 1 => String::new(),
            more => format!(" (and {} more)", more - 1),
        };
        let mut line = Line::styled(Paint::of_outcome(brief.decision), format!("{word:<10}"))
            .then(Line::new(format!(" {}", brief.label)));
        if !gate.is_empty() {
            line = line.then(Line::new(format!(", by {gate}")));
        }
        if let Some(since) = &since {
            line = line.then(Line::styled(FAINT, format!(", since {since}")));
        }
        let cells = vec![
            Value::own(word),
            Value::new(&brief.label),
            Value::own(gate),
            Value::own(since.unwrap_or_default()),
            Value::new(format!("{what}{more}")),
        ];
        Row { cells, lines: vec![line.then(Line::new(format!(": {what}{more}")))] }
    }
}
