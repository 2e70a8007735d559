//! What `sapm record` wrote: version 1 of the JSON format, as text and as Markdown.

use schemars::JsonSchema;
use serde::Serialize;

use super::blocks::{self, Block, Line, Row, Table, Value};
use super::style::{BOLD, FAINT, GREEN, Paint, RED};
use crate::decide::DeploymentState;
use crate::domain::{CommitSha, TargetUid, count, to_json};
use crate::inventory::Inventory;
use crate::record::{DeploymentRecord, DeploymentReport, RecordOutcome, Written};

/// The format's version.
const VERSION: u32 = 1;

/// The records of a report.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RecordReport {
    /// Version of the format: 1.
    pub version: u32,
    /// Was it a dry run, which writes nothing?
    pub dry_run: bool,
    /// Where the records are: `s3://BUCKET[/PREFIX]` or `file:///DIR`.
    pub state: String,
    /// The commit that was deployed.
    pub commit_sha: CommitSha,
    /// Did the deployment succeed?
    pub success: bool,
    /// One for each channel of each target: targets as they were named, channels in file order.
    pub records: Vec<RecordedDeployment>,
}

/// A record.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RecordedDeployment {
    /// Digest of the target's identity.
    pub uid: TargetUid,
    /// Name of the saas file's app.
    pub app: String,
    /// Name of the saas file.
    pub saas_file: String,
    /// Name of the resource template.
    pub resource_template: String,
    /// The target's own name.
    pub target: Option<String>,
    /// Name of the cluster.
    pub cluster: String,
    /// Name of the namespace.
    pub namespace: String,
    /// The channel.
    pub channel: String,
    /// Key of the record in the state.
    pub key: String,
    /// What was there before.
    pub before: DeploymentState,
    /// Why that was not usable; null if it was, or if there was none.
    pub before_reason: Option<String>,
    /// What was done.
    pub action: RecordAction,
    /// Why it was not written; null otherwise.
    pub error: Option<String>,
    /// The record that follows from the report.
    pub record: DeploymentRecord,
    /// The name in texts.
    #[serde(skip)]
    pub label: String,
}

/// What was done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordAction {
    /// It was written, and read again.
    Written,
    /// It said the same already.
    Unchanged,
    /// A dry run would write it.
    WouldWrite,
    /// It was not written, or is not there as it was written.
    Failed,
}

impl RecordReport {
    /// The public form of the outcomes.
    pub fn new(
        inventory: &Inventory,
        (state, dry_run): (String, bool),
        report: &DeploymentReport,
        outcomes: Vec<RecordOutcome>,
    ) -> Self {
        let records = outcomes.into_iter().map(|outcome| {
            let target = &inventory.targets[outcome.planned.target];
            let (action, error) = match outcome.written {
                Written::Written => (RecordAction::Written, None),
                Written::Unchanged => (RecordAction::Unchanged, None),
                Written::Planned => (RecordAction::WouldWrite, None),
                Written::Failed(error) => (RecordAction::Failed, Some(error)),
            };
            RecordedDeployment {
                uid: target.uid.clone(),
                app: target.app.name.clone(),
                saas_file: target.saas_file.clone(),
                resource_template: target.resource_template.clone(),
                target: target.name.clone(),
                cluster: target.namespace.cluster.name.clone(),
                namespace: target.namespace.name.clone(),
                channel: outcome.planned.channel,
                key: outcome.planned.key,
                before: outcome.before,
                before_reason: outcome.before_reason,
                action,
                error,
                record: outcome.record,
                label: target.label(),
            }
        });
        Self {
            version: VERSION,
            dry_run,
            state,
            commit_sha: report.commit.clone(),
            success: report.success,
            records: records.collect(),
        }
    }

    /// The JSON form: pretty, a newline at the end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// How many records this was done with.
    pub fn count(&self, action: RecordAction) -> usize {
        self.records.iter().filter(|record| record.action == action).count()
    }

    fn blocks(&self) -> Vec<Block> {
        let records = count(self.records.len(), "record");
        let counts = [
            (RecordAction::Written, "written"),
            (RecordAction::Unchanged, "unchanged"),
            (RecordAction::WouldWrite, "to write (dry run)"),
            (RecordAction::Failed, "failed"),
        ];
        let counts = counts.into_iter().filter_map(|(action, word)| match self.count(action) {
            0 => None,
            number => Some(format!("{number} {word}")),
        });
        let result = if self.success { "succeeded" } else { "failed" };
        let subject = format!("deployment of {} {result}", self.commit_sha.short());
        let counts = counts.collect::<Vec<_>>().join(", ");
        let sentence = format!("{subject}: {records} in {}, {counts}", self.state);
        let style = if self.success { GREEN } else { RED };
        let head = &["target", "channel", "action", "before", "after", "key"];
        let rows = self.records.iter().map(RecordedDeployment::row).collect();
        vec![Block::Title { subject, sentence, style }, Block::Table(Table { head, rows })]
    }
}

impl RecordedDeployment {
    fn row(&self) -> Row {
        let (word, style) = match self.action {
            RecordAction::Written => ("written", BOLD),
            RecordAction::Unchanged => ("unchanged", FAINT),
            RecordAction::WouldWrite => ("would write", BOLD),
            RecordAction::Failed => ("failed", RED),
        };
        let before = match &self.before_reason {
            Some(reason) => format!("{} ({reason})", name_state(self.before)),
            None => name_state(self.before).to_owned(),
        };
        let record = &self.record;
        let after = if record.success {
            format!("success since {}", record.check_in)
        } else if record.has_succeeded_once {
            format!("failed since {}, has succeeded once", record.check_in)
        } else {
            format!("failed since {}", record.check_in)
        };
        let mut lines = vec![
            Line::styled(style, format!("{word:<12}"))
                .then(Line::new(format!("{} on {}", self.label, self.channel))),
            Line::new(format!("{:<12}{before} -> {after}", "")),
            Line::styled(FAINT, format!("{:<12}{}", "", self.key)),
        ];
        if let Some(error) = &self.error {
            lines.push(Line::styled(RED, format!("{:<12}{error}", "")));
        }
        let action = match &self.error {
            Some(error) => Value::new(format!("{word}: {error}")),
            None => Value::own(word),
        };
        let cells = vec![
            Value::new(&self.label),
            Value::new(&self.channel),
            action,
            Value::new(before),
            Value::new(after),
            Value::new(&self.key),
        ];
        Row { cells, lines }
    }
}

fn name_state(state: DeploymentState) -> &'static str {
    match state {
        DeploymentState::Success => "success",
        DeploymentState::Failed => "failed",
        DeploymentState::Missing => "missing",
        DeploymentState::Invalid => "invalid",
    }
}

/// The records as text for a terminal or a job log.
pub fn record_text(report: &RecordReport, paint: Paint) -> String {
    blocks::text(&report.blocks(), paint)
}

/// The records as Markdown.
pub fn record_markdown(report: &RecordReport) -> String {
    blocks::markdown(&report.blocks())
}
