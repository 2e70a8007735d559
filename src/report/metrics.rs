//! Metrics of a run: OpenMetrics for GitLab's metrics report, the Prometheus text format for a Pushgateway.
//!
//! `docs/metrics.md` lists the metrics. All are gauges: when they are read, the run is over, and the
//! next run starts from zero, so counters would never increase.

use std::collections::BTreeSet;
use std::fmt::Error;

use chrono::{DateTime, Utc};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::model::{BatchReport, MergeRequestReport, PlanReport, SubscriberReport};
use super::text::{action_word, outcome_word};
use crate::app_interface::LoadCounts;
use crate::apply::Verdict;
use crate::decide::{Gate, Outcome};
use crate::plan::{Action, Reason};

/// HTTP requests to one service.
#[derive(Debug, Clone, Default)]
pub struct TrafficCount {
    /// Name of the service.
    pub service: String,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Requests that were retried.
    pub retries: u64,
    /// Bytes received.
    pub bytes: u64,
}

/// Seconds that each stage took, in order.
pub type StageTimes = Vec<(&'static str, f64)>;

/// Processor time and memory of a stage.
#[derive(Debug, Clone, Copy, Default)]
pub struct StageUse {
    /// Processor time of all threads, in seconds.
    pub cpu_seconds: f64,
    /// Peak memory of the process up to the end of the stage, in bytes; 0 if not known.
    pub peak_memory_bytes: u64,
}

/// Measurements of the run itself.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// Did it fail early?
    pub failed: bool,
    /// Wall time by stage.
    pub stages: StageTimes,
    /// Processor time and memory by stage.
    pub used: Vec<(&'static str, StageUse)>,
    /// HTTP requests by service.
    pub traffic: Vec<TrafficCount>,
    /// Datafiles of the config repo.
    pub files: LoadCounts,
}

/// The reasons for closing a merge request.
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

/// The name by which the old promoter identifies itself in its three metrics.
const INTEGRATION: (&str, &str) = ("integration", "saas_auto_promotions_manager");

/// The metrics of a run as OpenMetrics.
pub fn metrics(report: &PlanReport, measured: &Measured) -> String {
    let mut text = pushed_metrics(report, measured);
    // Writing to a String cannot fail.
    let _ = encode_eof(&mut text);
    text
}

/// The metrics in the text format (version 0.0.4) that a Pushgateway reads. For gauges without unit
/// and timestamp, it differs from OpenMetrics only in the last line.
pub fn pushed_metrics(report: &PlanReport, measured: &Measured) -> String {
    let mut table = Table::default();
    if !measured.failed {
        add_subscribers(&mut table, report);
        add_suppressed(&mut table, report);
        add_merge_requests(&mut table, report);
        add_old_promoter_metrics(&mut table, report);
    }
    add_run(&mut table, report, measured);
    table.into_text()
}

fn add_subscribers(table: &mut Table, report: &PlanReport) {
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

/// Subscribers that a person, or another program, keeps from being promoted.
fn add_suppressed(table: &mut Table, report: &PlanReport) {
    table.family(
        "sapm_subscribers_suppressed",
        "Subscribers that are due but suppressed until a person acts, by reason",
    );
    for reason in Reason::SUPPRESSING {
        let merge_requests = report.merge_requests.iter().filter(|mr| {
            mr.reason_code == reason && matches!(mr.action, Action::Defer | Action::Keep)
        });
        let targets: BTreeSet<_> = merge_requests.flat_map(|mr| &mr.targets).collect();
        let is_due = |s: &&SubscriberReport| {
            s.decision == Outcome::Promote && targets.contains(&s.target.uid)
        };
        table.add(
            &[("reason", &name_reason(reason))],
            report.subscribers.iter().filter(is_due).count(),
        );
    }
}

fn add_merge_requests(table: &mut Table, report: &PlanReport) {
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
        table.add(&[("reason", &name_reason(reason))], count_closed(report, reason));
    }
    table.family("sapm_merge_requests_open", "Merge requests that are open after this run");
    table.add(&[], find_open(report).count());
    add_batches(table, report);
    let since = |time: DateTime<Utc>| (report.observed_at - time).num_seconds().max(0);
    let oldest = find_open(report).filter_map(|mr| mr.opened_at).map(since).max();
    table.family(
        "sapm_oldest_merge_request_age_seconds",
        "Age of the oldest open merge request, 0 without one",
    );
    table.add(&[], count(oldest.unwrap_or(0)));
    let waits = find_open(report).filter(|mr| waits_for_merge(mr));
    // A held merge request may be old, but it waits only since it can be merged.
    let waits = waits.filter_map(|mr| mr.opened_at.max(mr.promotable_since));
    table.family(
        "sapm_merge_wait_max_seconds",
        "Longest time that an open merge request has been mergeable, 0 without one",
    );
    table.add(&[], count(waits.map(since).max().unwrap_or(0)));
    let lead: Vec<usize> = merge_requests()
        .filter(|mr| was_opened(mr))
        .filter_map(|mr| mr.promotable_since)
        .map(|time| count(since(time)))
        .collect();
    table.family(
        "sapm_lead_time_max_seconds",
        "Longest time from eligible (deployed, soaked, in the schedule) to opened, of merge \
         requests opened by this run, 0 without one",
    );
    table.add(&[], lead.iter().copied().max().unwrap_or(0));
    table.family("sapm_lead_time_mean_seconds", "Mean of the same time");
    table.add(&[], lead.iter().sum::<usize>() / lead.len().max(1));
}

/// Merge requests that carry several promotions.
fn add_batches(table: &mut Table, report: &PlanReport) {
    let open = || find_open(report).filter_map(|mr| mr.batch.as_ref());
    table.family("sapm_batches_open", "Batches that are open after this run");
    table.add(&[], open().count());
    table.family("sapm_batch_promotions", "Promotions in the batches that are open after this run");
    table.add(&[], open().map(|batch| batch.size).sum());
    table.family(
        "sapm_batches_failing",
        "Open batches whose newest pipeline failed, where the run looked it up",
    );
    let failing = |batch: &&BatchReport| {
        batch.pipeline.as_ref().is_some_and(|pipeline| pipeline.status == "failed")
    };
    table.add(&[], open().filter(failing).count());
    table.family("sapm_batches_split", "Batches that this run took apart");
    let split =
        report.merge_requests.iter().filter(|mr| mr.is_split() && was_done(mr, Action::Update));
    table.add(&[], split.count());
}

/// The metrics that dashboards of the old promoter use.
fn add_old_promoter_metrics(table: &mut Table, report: &PlanReport) {
    let opened = report.merge_requests.iter().filter(|mr| was_opened(mr)).count();
    table.family("sapm_opened_mrs", "Merge requests opened by this run");
    table.add(&[INTEGRATION], opened);
    table.family("sapm_closed_mrs", "Merge requests closed by this run, by reason");
    for reason in CLOSED_FOR {
        table.add(&[INTEGRATION, ("reason", &name_reason(reason))], count_closed(report, reason));
    }
    table.family("sapm_parallel_open_mrs", "Merge requests that are open after this run");
    table.add(&[INTEGRATION], find_open(report).count());
}

fn add_run(table: &mut Table, report: &PlanReport, measured: &Measured) {
    table.family("sapm_run_success", "1 if the run completed, 0 if a failure ended it early");
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
    table.family("sapm_request_retries", "Retried requests, by service");
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
        "Peak memory of the process up to the end of the stage",
    );
    for (stage, used) in &measured.used {
        table.add(&[("stage", stage)], used.peak_memory_bytes as usize);
    }
    table.family("sapm_datafiles", "Datafiles of the config repo");
    table.add(&[("state", "seen")], measured.files.files as usize);
    table.add(&[("state", "parsed")], measured.files.parsed as usize);
    table.add(&[("state", "known")], measured.files.known as usize);
}

/// Did all writes of a merge request with this action succeed?
fn was_done(mr: &MergeRequestReport, action: Action) -> bool {
    let done = mr.outcome.as_ref().is_some_and(|outcome| outcome.outcome == Verdict::Done);
    mr.action == action && done
}

fn count_closed(report: &PlanReport, reason: Reason) -> usize {
    let closed = |mr: &&MergeRequestReport| mr.reason_code == reason && was_done(mr, Action::Close);
    report.merge_requests.iter().filter(closed).count()
}

/// Was the merge request opened, even if a later write failed?
fn was_opened(mr: &MergeRequestReport) -> bool {
    let outcome = mr.outcome.as_ref();
    mr.action == Action::Create && outcome.is_some_and(|outcome| outcome.iid.is_some())
}

fn find_open(report: &PlanReport) -> impl Iterator<Item = &MergeRequestReport> {
    report.merge_requests.iter().filter(|mr| {
        let was_open = mr.opened_at.is_some();
        was_opened(mr) || (was_open && !was_done(mr, Action::Close))
    })
}

/// Is it in the desired state, and held neither by a gate nor by a person?
fn waits_for_merge(mr: &MergeRequestReport) -> bool {
    let wanted = match mr.action {
        Action::Update => true,
        Action::Keep => matches!(
            mr.reason_code,
            Reason::AsWanted | Reason::AutoMerge | Reason::BehindTargetBranch
        ),
        // A new merge request waits from now on.
        Action::Create | Action::Hold | Action::Close | Action::Defer => false,
    };
    wanted && !mr.persons_draft
}

fn name_reason(reason: Reason) -> String {
    serde_json::to_value(reason)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// Metric families in the order they are written. The package's own registry keeps them in hash maps.
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

    /// Adds a sample to the newest family.
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
