//! Everything that is printed, written into the report folder, or sent to GitLab about a config repo.

use datafiles::Datafiles;
use sapm::apply::{MergeRequestOutcome, Outcomes, Verdict};
use sapm::decide::{DeploymentState, record_key, state_key};
use sapm::domain::{CommitSha, MergeMethod, UserId};
use sapm::graph::{Scope as Part, dot, mermaid, select, svg};
use sapm::inventory::Inventory;
use sapm::plan::{Merge, MergeTexts, Plan, Settings, Step};
use sapm::record::{DeploymentReport, PlannedRecord, RecordOutcome, Written};
use sapm::report::{
    AsOf, Explanation, FindingsReport, FoundTarget, Measured, Overview, Paint, PlanReport,
    RecordReport, Screen, WhatIf, code_quality, dotenv, explanation_markdown, explanation_text,
    findings_junit, findings_markdown, findings_text, junit, markdown, members, metrics, page,
    pushed_metrics, record_markdown, record_text, summary,
};
use sapm::run::{self, ConfigRepo, Options, ReadOptions};
use sapm::snapshot::{BotUser, ConfigRepoFacts, Snapshot};
use sapm::validate::validate;
use sapm::what_if::{Limits, Stops, World, forecast};
use serde_json::json;

use super::readers::Kind;
use crate::small_world::at;

/// Name, kind and text.
pub type Output = (String, Kind, String);

struct NoMerge;

impl MergeTexts for NoMerge {
    fn merge(&self, _: &str, _: &str, theirs: &str) -> Merge {
        Merge::Clean(theirs.to_owned())
    }
}

fn output(name: &str, kind: Kind, text: String) -> Output {
    (name.to_owned(), kind, text)
}

/// Each of them.
pub fn outputs(tenant: &Datafiles) -> Vec<Output> {
    let read = ReadOptions { texts: true, ..ReadOptions::default() };
    let repo = ConfigRepo::read(&tenant.0, &read).unwrap();
    let ConfigRepo { bundle, inventory } = &repo;
    let snapshot = facts(inventory);
    let options = Options::offline(settings());
    let run = run::replay(&options, &NoMerge, &repo, &snapshot);
    let (decisions, planned) = (&run.decisions, &run.plan);
    let outcomes = refused(planned);
    let mut report = run.report(&options, &repo, &snapshot, Some(&outcomes));
    run::advise(&options, &repo, &run, &mut report, &snapshot, AsOf::Now);
    let mut all = of_plan(&report);
    all.push(output("snapshot.json", Kind::Json, snapshot.to_json()));
    all.extend(merge_request_texts(planned));
    let findings = validate(bundle, inventory, at("2026-08-20T10:00:00Z"));
    all.extend(of_findings(&FindingsReport::new(findings, bundle.counts)));
    let drawn = members(&report, true);
    let graph = select(&drawn, &Part::Targets(&(0..drawn.len()).collect()));
    all.push(output("graph as Mermaid", Kind::Text, mermaid(&graph)));
    all.push(output("graph as DOT", Kind::Text, dot(&graph)));
    all.push(output("graph as SVG", Kind::Xml, svg(&graph, &drawn[0].label)));
    all.extend(of_records(inventory));
    let world = World::new(inventory, &snapshot, bundle);
    let plain = forecast(world, snapshot.observed_at, &Stops::new(), Limits::default());
    let settings = settings();
    let found = |target| FoundTarget {
        inventory,
        bundle,
        snapshot: &snapshot,
        decisions,
        report: &report,
        settings: &settings,
        target,
        as_of: AsOf::Now,
    };
    let targets: Vec<_> = inventory.subscribers().map(|(target, _)| target).collect();
    let overview =
        Overview::new(&found(targets[0]), &inventory.targets[targets[0]].app.name, &targets);
    all.push(output("overview", Kind::Text, overview.text(Paint::Plain)));
    all.push(output("overview in colours", Kind::Terminal, overview.text(Paint::Colours)));
    all.push(output("overview.md", Kind::Text, overview.markdown()));
    all.push(output("overview.json", Kind::Json, overview.to_json()));
    for target in targets {
        let found = found(target);
        let what_if = WhatIf { plain: &plain, assumed: None };
        let explanation = Explanation::new(&found, &what_if).unwrap();
        all.push(output("explanation", Kind::Text, explanation_text(&explanation, Paint::Plain)));
        let coloured = explanation_text(&explanation, Paint::Colours);
        all.push(output("explanation in colours", Kind::Terminal, coloured));
        all.push(output("explanation.md", Kind::Text, explanation_markdown(&explanation)));
        all.push(output("explanation.json", Kind::Json, explanation.to_json()));
    }
    all
}

/// All publishers with a commit have deployed it. The record's own texts come from outside, too.
fn facts(inventory: &Inventory) -> Snapshot {
    let mut snapshot = Snapshot::new(at("2026-08-20T10:00:00Z"));
    for target in &inventory.targets {
        let Some(sha) = CommitSha::parse(target.current_ref()) else {
            continue;
        };
        for channel in &target.promotion.publish {
            let record = json!({
                "success": true, "saas_file": target.saas_file, "target_config_hash": "00ff",
                "check_in": "2026-08-19T10:00:00+00:00",
            });
            snapshot.deployment_records.insert(record_key(channel, &target.uid, &sha), record);
        }
    }
    snapshot.config_repo = Some(ConfigRepoFacts {
        project_id: 1,
        project_path: "service/app-interface".to_owned(),
        web_url: "https://gitlab.example.com/service/app-interface".to_owned(),
        is_outdated: false,
        merge_method: MergeMethod::default(),
        target_branch: "main".to_owned(),
        base_commit: CommitSha::parse(&"a".repeat(40)).unwrap(),
        bot: BotUser {
            id: UserId(7),
            username: "sapm-bot".to_owned(),
            name: "sapm".to_owned(),
            emails: Default::default(),
        },
        former_bots: Vec::new(),
        other_bots: Vec::new(),
    });
    snapshot
}

fn settings() -> Settings {
    Settings {
        target_branch: "main".to_owned(),
        labels: ["SAPM".to_owned()].into(),
        pipeline_url: Some("https://gitlab.example.com/-/pipelines/1".to_owned()),
        gitlab_host: Some("gitlab.example.com".to_owned()),
        ..Settings::default()
    }
}

/// Refused writes with GitLab's own messages.
fn refused(planned: &Plan) -> Outcomes {
    let outcome = |branch: &String| MergeRequestOutcome {
        sha: None,
        outcome: Verdict::Failed,
        message: Some(format!("400 \u{9b}31m\u{202e}{branch}\u{fffe}")),
        iid: None,
        web_url: None,
        labels_not_set: Default::default(),
    };
    let requests = planned.merge_requests.iter().map(|r| (r.branch.clone(), outcome(&r.branch)));
    Outcomes { merge_requests: requests.collect(), ..Outcomes::default() }
}

fn of_plan(report: &PlanReport) -> Vec<Output> {
    let job_log =
        Screen { sections_at: Some(0), group_lines: 200, ..Screen::endless(Paint::Colours) };
    let measured = Measured::default();
    vec![
        output("summary", Kind::Text, summary(report, &Screen::endless(Paint::Plain))),
        output("job log", Kind::Terminal, summary(report, &job_log)),
        output("report.md", Kind::Text, markdown(report)),
        output("junit.xml", Kind::Xml, junit(report)),
        output("gl-code-quality-report.json", Kind::Json, code_quality(&report.problems)),
        output("counts.env", Kind::Dotenv, dotenv(report, None, 5)),
        output("metrics.txt", Kind::OpenMetrics, metrics(report, &measured)),
        output("pushed metrics", Kind::Text, pushed_metrics(report, &measured)),
        output("plan.json", Kind::Json, report.to_json()),
        output("report.html", Kind::Html, page(report)),
    ]
}

fn of_findings(report: &FindingsReport) -> Vec<Output> {
    vec![
        output("findings", Kind::Text, findings_text(report, Paint::Plain)),
        output("findings in colours", Kind::Terminal, findings_text(report, Paint::Colours)),
        output("findings.md", Kind::Text, findings_markdown(report)),
        output("findings junit.xml", Kind::Xml, findings_junit(report)),
        output("findings code quality", Kind::Json, code_quality(&report.problems)),
        output("validate.json", Kind::Json, report.to_json()),
    ]
}

/// The texts for GitLab.
fn merge_request_texts(planned: &Plan) -> Vec<Output> {
    let mut texts = Vec::new();
    for request in &planned.merge_requests {
        texts.push(output("branch", Kind::Text, request.branch.clone()));
        texts.push(output("title", Kind::Text, request.title.clone()));
        for step in &request.steps {
            match step {
                Step::Commit(commit) => {
                    texts.push(output("commit message", Kind::Text, commit.message.clone()));
                }
                Step::Open(open) => {
                    texts.push(output("title", Kind::Text, open.title.clone()));
                    texts.push(output("description", Kind::Text, open.description.clone()));
                }
                Step::Comment { body, .. } => {
                    texts.push(output("comment", Kind::Text, body.clone()));
                }
                Step::Change { .. } | Step::DeleteBranch { .. } => {}
            }
        }
    }
    texts
}

/// What `sapm record` prints about every publisher.
fn of_records(inventory: &Inventory) -> Vec<Output> {
    let now = at("2026-08-20T10:00:00Z");
    let commit = CommitSha::parse(&"c".repeat(40)).unwrap();
    let report = DeploymentReport { commit, success: false, url: None, at: now, now };
    let mut outcomes = Vec::new();
    for (target, publisher) in inventory.targets.indexed() {
        for channel in &publisher.promotion.publish {
            let planned = PlannedRecord {
                target,
                saas_file: publisher.saas_file.clone(),
                channel: channel.clone(),
                key: state_key(&record_key(channel, &publisher.uid, &report.commit)),
                config_hash: channel.clone(),
            };
            outcomes.push(RecordOutcome {
                record: report.record(&planned.saas_file, &planned.config_hash, &json!(null)),
                before: DeploymentState::Invalid,
                before_reason: Some(channel.clone()),
                written: Written::Failed(planned.key.clone()),
                planned,
            });
        }
    }
    assert!(!outcomes.is_empty(), "nobody publishes");
    let shown = ("s3://bucket".to_owned(), false);
    let report = RecordReport::new(inventory, shown, &report, outcomes);
    vec![
        output("record", Kind::Text, record_text(&report, Paint::Plain)),
        output("record in colours", Kind::Terminal, record_text(&report, Paint::Colours)),
        output("record.md", Kind::Text, record_markdown(&report)),
        output("record.json", Kind::Json, report.to_json()),
    ]
}
