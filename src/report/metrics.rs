//! Metrics of a run: OpenMetrics for GitLab's metrics report, the text format for a Pushgateway.
//!
//! `docs/metrics.md` lists the series. All are gauges: a run is over when they are read, and the
//! next one starts from nothing, so there is nothing to count up.

use std::collections::BTreeSet;
use std::fmt::Error;

use chrono::{DateTime, Utc};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::model::{MergeRequestReport, PlanReport, SubscriberReport};
use super::text::{action_word, outcome_word};
use crate::apply::Verdict;
use crate::decide::{Gate, Outcome};
use crate::plan::{Action, Reason};

/// Merge requests to one service.
#[derive(Debug, Clone, Default)]
pub struct TrafficCount {
    /// Name of the service.
    pub service: String,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Merge requests that were tried again.
    pub retries: u64,
    /// Bytes received.
    pub bytes: u64,
}

/// Seconds that each stage took, in order.
pub type StageTimes = Vec<(&'static str, f64)>;

/// What a stage took of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct StageUse {
    /// Processor time of all threads, in seconds.
    pub cpu_seconds: f64,
    /// Most memory that the process has had until the stage's end, in bytes; 0 where it cannot be told.
    pub peak_memory_bytes: u64,
}

/// What was measured of the run itself.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Did it end early?
    pub failed: bool,
    /// Wall time by stage.
    pub stages: StageTimes,
    /// Processor time and memory by stage.
    pub used: Vec<(&'static str, StageUse)>,
    /// Merge requests by service.
    pub traffic: Vec<TrafficCount>,
    /// Datafiles seen and parsed.
    pub files: (u64, u64),
}

/// The reasons for which merge requests are closed.
const CLOSED_FOR: [Reason; 7] = [
    Reason::BranchGone,
    Reason::CommitBlocked,
    Reason::NothingDue,
    Reason::Superseded,
    Reason::TargetBranchMoved,
    Reason::TargetGone,
    Reason::WaitsForRequest,
];

const ACTIONS: [Action; 6] =
    [Action::Create, Action::Update, Action::Hold, Action::Close, Action::Keep, Action::Defer];

/// What the reference calls itself in its three series.
const INTEGRATION: (&str, &str) = ("integration", "saas_auto_promotions_manager");

/// The metrics of a run as OpenMetrics.
pub fn metrics(report: &PlanReport, measured: &Measured) -> String {
    let mut text = pushed_metrics(report, measured);
    // Writing to a String cannot fail.
    let _ = encode_eof(&mut text);
    text
}

/// The same in the text format (version 0.0.4) that a Pushgateway reads: for gauges without unit
/// and time, OpenMetrics differs from it only in its last line.
pub fn pushed_metrics(report: &PlanReport, measured: &Measured) -> String {
    let mut table = Table::default();
    if !measured.failed {
        subscribers(&mut table, report);
        suppressed(&mut table, report);
        merge_requests(&mut table, report);
        of_the_reference(&mut table, report);
    }
    run(&mut table, report, measured);
    table.into_text()
}

fn subscribers(table: &mut Table, report: &PlanReport) {
    table.family("sapm_subscribers", "Subscribers by decision");
    for outcome in [Outcome::Promote, Outcome::Hold, Outcome::Error, Outcome::UpToDate] {
        let count = report.subscribers.iter().filter(|s| s.decision == outcome).count();
        table.add(&[("decision", &outcome_word(outcome).replace(' ', "_"))], count);
    }
    table.family("sapm_subscribers_held", "Subscribers on hold, by the first gate that blocks");
    for gate in Gate::ALL {
        let count = report.subscribers.iter().filter(|s| s.held_by == Some(gate)).count();
        table.add(&[("gate", gate.as_str())], count);
    }
}

/// Those that a person, or another program, keeps from being promoted.
fn suppressed(table: &mut Table, report: &PlanReport) {
    table.family(
        "sapm_subscribers_suppressed",
        "Subscribers that are due and that nothing is opened for until a person acts, by reason",
    );
    for reason in Reason::SUPPRESSING {
        let merge_requests = report.merge_requests.iter().filter(|mr| {
            mr.reason_code == reason && matches!(mr.action, Action::Defer | Action::Keep)
        });
        let targets: BTreeSet<_> = merge_requests.flat_map(|mr| &mr.targets).collect();
        let is_due = |s: &&SubscriberReport| {
            s.decision == Outcome::Promote && targets.contains(&s.target.uid)
        };
        table.add(&[("reason", &word(reason))], report.subscribers.iter().filter(is_due).count());
    }
}

fn merge_requests(table: &mut Table, report: &PlanReport) {
    let merge_requests = || report.merge_requests.iter();
    table.family("sapm_merge_requests", "Merge requests by planned action");
    for action in ACTIONS {
        let count = merge_requests().filter(|mr| mr.action == action).count();
        table.add(&[("action", action_word(action))], count);
    }
    table.family("sapm_merge_requests_opened", "Merge requests opened by this run");
    table.add(&[], merge_requests().filter(|mr| was_opened(mr)).count());
    table.family("sapm_merge_requests_updated", "Merge requests updated in place by this run");
    table.add(&[], merge_requests().filter(|mr| was_done(mr, Action::Update)).count());
    table.family("sapm_merge_requests_closed", "Merge requests closed by this run, by reason");
    for reason in CLOSED_FOR {
        table.add(&[("reason", &word(reason))], closed_for(report, reason));
    }
    table.family("sapm_merge_requests_open", "Merge requests that are open after this run");
    table.add(&[], open_now(report).count());
    let since = |time: DateTime<Utc>| (report.observed_at - time).num_seconds().max(0);
    let oldest = open_now(report).filter_map(|mr| mr.opened_at).map(since).max();
    table.family(
        "sapm_oldest_merge_request_age_seconds",
        "Age of the oldest open merge request, 0 without one",
    );
    table.add(&[], count(oldest.unwrap_or(0)));
    let waits = open_now(report).filter(|mr| waits_for_merge(mr));
    // What was held may be opened long ago, and waits only since it may be merged.
    let waits = waits.filter_map(|mr| mr.opened_at.max(mr.promotable_since));
    table.family(
        "sapm_merge_wait_max_seconds",
        "Longest time that an open merge request could have been merged, 0 without one",
    );
    table.add(&[], count(waits.map(since).max().unwrap_or(0)));
    let lead: Vec<usize> = merge_requests()
        .filter(|mr| was_opened(mr))
        .filter_map(|mr| mr.promotable_since)
        .map(|time| count(since(time)))
        .collect();
    table.family(
        "sapm_lead_time_max_seconds",
        "Longest time from promotable (deployed, soaked, in the schedule) to opened, of those opened by this run, 0 without one",
    );
    table.add(&[], lead.iter().copied().max().unwrap_or(0));
    table.family("sapm_lead_time_mean_seconds", "The mean of the same");
    table.add(&[], lead.iter().sum::<usize>() / lead.len().max(1));
}

/// The series that dashboards for the reference know.
fn of_the_reference(table: &mut Table, report: &PlanReport) {
    let opened = report.merge_requests.iter().filter(|mr| was_opened(mr)).count();
    table.family("sapm_opened_mrs", "Merge requests opened by this run");
    table.add(&[INTEGRATION], opened);
    table.family("sapm_closed_mrs", "Merge requests closed by this run, by reason");
    for reason in CLOSED_FOR {
        table.add(&[INTEGRATION, ("reason", &word(reason))], closed_for(report, reason));
    }
    table.family("sapm_parallel_open_mrs", "Merge requests that are open after this run");
    table.add(&[INTEGRATION], open_now(report).count());
}

fn run(table: &mut Table, report: &PlanReport, measured: &Measured) {
    table.family("sapm_run_success", "1 if the run came to its end, 0 if a failure ended it early");
    table.add(&[], usize::from(!measured.failed));
    table.family("sapm_problems", "Problems by severity");
    for (severity, errors) in [("error", true), ("warning", false)] {
        let found = report.problems.iter().filter(|problem| problem.is_error() == errors).count();
        table.add(&[("severity", severity)], found);
    }
    table.family("sapm_requests", "Requests sent, retries included, by service");
    for traffic in &measured.traffic {
        table.add(&[("service", &traffic.service)], traffic.requests as usize);
    }
    table.family("sapm_request_retries", "Requests that were tried again, by service");
    for traffic in &measured.traffic {
        table.add(&[("service", &traffic.service)], traffic.retries as usize);
    }
    table.family("sapm_stage_duration_seconds", "Wall time by stage");
    for (stage, seconds) in &measured.stages {
        table.add_float(&[("stage", stage)], *seconds);
    }
    table.family("sapm_stage_cpu_seconds", "Processor time by stage");
    for (stage, used) in &measured.used {
        table.add_float(&[("stage", stage)], used.cpu_seconds);
    }
    table.family(
        "sapm_stage_peak_memory_bytes",
        "Most memory of the process until the end of the stage",
    );
    for (stage, used) in &measured.used {
        table.add(&[("stage", stage)], used.peak_memory_bytes as usize);
    }
    table.family("sapm_datafiles", "Datafiles of the config repo");
    table.add(&[("state", "seen")], measured.files.0 as usize);
    table.add(&[("state", "parsed")], measured.files.1 as usize);
}

/// All writes of a merge request with this action went through.
fn was_done(mr: &MergeRequestReport, action: Action) -> bool {
    let done = mr.outcome.as_ref().is_some_and(|outcome| outcome.outcome == Verdict::Done);
    mr.action == action && done
}

fn closed_for(report: &PlanReport, reason: Reason) -> usize {
    let closed = |mr: &&MergeRequestReport| mr.reason_code == reason && was_done(mr, Action::Close);
    report.merge_requests.iter().filter(closed).count()
}

/// It is there, though a later write may have failed.
fn was_opened(mr: &MergeRequestReport) -> bool {
    let outcome = mr.outcome.as_ref();
    mr.action == Action::Create && outcome.is_some_and(|outcome| outcome.iid.is_some())
}

fn open_now(report: &PlanReport) -> impl Iterator<Item = &MergeRequestReport> {
    report.merge_requests.iter().filter(|mr| {
        let was_open = mr.opened_at.is_some();
        was_opened(mr) || (was_open && !was_done(mr, Action::Close))
    })
}

/// It is as wanted, or made so by this run, and neither a gate nor a person holds it.
fn waits_for_merge(mr: &MergeRequestReport) -> bool {
    let wanted = match mr.action {
        Action::Update => true,
        Action::Keep => matches!(
            mr.reason_code,
            Reason::AsWanted | Reason::AutoMerge | Reason::BehindTargetBranch
        ),
        // A new one waits from now on.
        Action::Create | Action::Hold | Action::Close | Action::Defer => false,
    };
    wanted && !mr.persons_draft
}

fn word(reason: Reason) -> String {
    serde_json::to_value(reason)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// Families in the order in which they are written: the package's own keep theirs in hash maps.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<Family>);

#[derive(Debug)]
struct Family {
    name: &'static str,
    help: &'static str,
    samples: Vec<(Vec<(String, String)>, Value)>,
}

#[derive(Debug, Clone, Copy)]
enum Value {
    Integer(i64),
    Float(f64),
}

impl Value {
    fn encode(self, sample: &mut MetricEncoder<'_>) -> Result<(), Error> {
        match self {
            Self::Integer(number) => sample.encode_gauge(&number),
            Self::Float(number) => sample.encode_gauge(&number),
        }
    }
}

impl Table {
    /// The text format, without the line that ends OpenMetrics.
    pub(super) fn into_text(self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode_registry(&mut text, &registry);
        text
    }

    pub(super) fn family(&mut self, name: &'static str, help: &'static str) {
        self.0.push(Family { name, help, samples: Vec::new() });
    }

    /// A sample of the newest family.
    pub(super) fn add(&mut self, labels: &[(&str, &str)], count: usize) {
        self.sample(labels, Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)));
    }

    pub(super) fn add_float(&mut self, labels: &[(&str, &str)], number: f64) {
        self.sample(labels, Value::Float(number));
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: Value) {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        if let Some(family) = self.0.last_mut() {
            family.samples.push((labels, value));
        }
    }
}

impl Collector for Table {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        for family in self.0.iter().filter(|family| !family.samples.is_empty()) {
            let mut metric =
                encoder.encode_descriptor(family.name, family.help, None, MetricType::Gauge)?;
            for (labels, value) in &family.samples {
                if labels.is_empty() {
                    value.encode(&mut metric)?;
                } else {
                    value.encode(&mut metric.encode_family(labels)?)?;
                }
            }
        }
        Ok(())
    }
}
