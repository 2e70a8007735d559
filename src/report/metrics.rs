//! OpenMetrics for GitLab's metrics report.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

use super::model::PlanReport;
use crate::plan::Action;

/// Requests to one service.
#[derive(Debug, Clone, Default)]
pub struct TrafficCount {
    /// Name of the service.
    pub service: String,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Requests that were tried again.
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
    /// Wall time by stage.
    pub stages: StageTimes,
    /// Processor time and memory by stage.
    pub used: Vec<(&'static str, StageUse)>,
    /// Requests by service.
    pub traffic: Vec<TrafficCount>,
    /// Datafiles seen and parsed.
    pub files: (u64, u64),
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Label {
    kind: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct GateLabel {
    gate: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ServiceLabel {
    service: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct StageLabel {
    stage: String,
}

type FloatGauge = Gauge<f64, AtomicU64>;

/// All metrics of a run in the OpenMetrics text format.
pub fn metrics(report: &PlanReport, measured: &Measured) -> String {
    let mut registry = Registry::default();
    decisions(&mut registry, report);
    requests(&mut registry, report);
    run(&mut registry, report, measured);
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = encode(&mut text, &registry);
    text
}

fn decisions(registry: &mut Registry, report: &PlanReport) {
    let decisions = Family::<Label, Gauge>::default();
    for (outcome, count) in super::text::decisions(report) {
        let kind = super::text::outcome_word(outcome).replace(' ', "_");
        decisions.get_or_create(&Label { kind }).set(to_i64(count));
    }
    registry.register("sapm_subscribers", "Subscribers by decision", decisions);
    let held = Family::<GateLabel, Gauge>::default();
    for subscriber in &report.subscribers {
        if let Some(gate) = subscriber.held_by {
            held.get_or_create(&GateLabel { gate: gate.as_str().to_owned() }).inc();
        }
    }
    registry.register(
        "sapm_subscribers_held",
        "Subscribers on hold by the first gate that holds",
        held,
    );
}

fn requests(registry: &mut Registry, report: &PlanReport) {
    let actions = Family::<Label, Gauge>::default();
    for action in
        [Action::Create, Action::Update, Action::Hold, Action::Close, Action::Keep, Action::Defer]
    {
        let kind = super::text::action_word(action).to_owned();
        actions.get_or_create(&Label { kind }).set(0);
    }
    for (action, count) in super::text::actions(report) {
        let kind = super::text::action_word(action).to_owned();
        actions.get_or_create(&Label { kind }).set(to_i64(count));
    }
    registry.register("sapm_merge_requests", "Merge requests by action", actions);
    let count = |wanted: &[Action]| {
        to_i64(
            report.merge_requests.iter().filter(|request| wanted.contains(&request.action)).count(),
        )
    };
    for (name, help, actions) in [
        ("sapm_opened_mrs", "Merge requests opened in this run", &[Action::Create][..]),
        ("sapm_closed_mrs", "Merge requests closed in this run", &[Action::Close][..]),
        (
            "sapm_parallel_open_mrs",
            "Merge requests of the bot that are open after this run",
            &[Action::Create, Action::Update, Action::Hold, Action::Keep][..],
        ),
    ] {
        let gauge = Gauge::<i64>::default();
        gauge.set(count(actions));
        registry.register(name, help, gauge);
    }
}

fn run(registry: &mut Registry, report: &PlanReport, measured: &Measured) {
    let problems = Family::<Label, Gauge>::default();
    for (kind, errors) in [("error", true), ("warning", false)] {
        let count = report.problems.iter().filter(|problem| problem.is_error() == errors).count();
        problems.get_or_create(&Label { kind: kind.to_owned() }).set(to_i64(count));
    }
    registry.register("sapm_problems", "Problems by severity", problems);
    let sent = Family::<ServiceLabel, Gauge>::default();
    let retries = Family::<ServiceLabel, Gauge>::default();
    for traffic in &measured.traffic {
        let label = ServiceLabel { service: traffic.service.clone() };
        sent.get_or_create(&label).set(traffic.requests as i64);
        retries.get_or_create(&label).set(traffic.retries as i64);
    }
    registry.register("sapm_requests", "Requests sent, by service", sent);
    registry.register(
        "sapm_request_retries",
        "Requests that were tried again, by service",
        retries,
    );
    let stages = Family::<StageLabel, FloatGauge>::default();
    for (stage, seconds) in &measured.stages {
        stages.get_or_create(&StageLabel { stage: (*stage).to_owned() }).set(*seconds);
    }
    registry.register("sapm_stage_duration_seconds", "Wall time by stage", stages);
    let (cpu, memory) =
        (Family::<StageLabel, FloatGauge>::default(), Family::<StageLabel, Gauge>::default());
    for (stage, used) in &measured.used {
        let label = StageLabel { stage: (*stage).to_owned() };
        cpu.get_or_create(&label).set(used.cpu_seconds);
        memory.get_or_create(&label).set(used.peak_memory_bytes as i64);
    }
    registry.register("sapm_stage_cpu_seconds", "Processor time by stage", cpu);
    registry.register(
        "sapm_stage_peak_memory_bytes",
        "Most memory of the process until the end of the stage",
        memory,
    );
    let files = Family::<Label, Gauge>::default();
    files.get_or_create(&Label { kind: "seen".to_owned() }).set(measured.files.0 as i64);
    files.get_or_create(&Label { kind: "parsed".to_owned() }).set(measured.files.1 as i64);
    registry.register("sapm_datafiles", "Datafiles of the config repo", files);
}

fn to_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
