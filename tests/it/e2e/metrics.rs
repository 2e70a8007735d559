//! Metrics: in a file, pushed, and as documented in `docs/metrics.md`.

mod push;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use chrono::{TimeDelta, Utc};
use tokio::runtime::Runtime;

use super::support::*;
use crate::clients::server::{Reply, Seen, Server, with_headers};
use crate::optional::{Program, skipped};
use crate::shop::CATALOG_NEW;

/// Samples by name and labels.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').expect("a sample");
            (series.to_owned(), value.parse().expect("a number"))
        })
        .collect()
}

/// The metrics file of a run.
fn file_of(world: &World, command: &str, code: i32) -> String {
    world.sapm(command).arg("--report-dir").arg(world.path("report")).expect(code);
    std::fs::read_to_string(world.path("report/metrics.txt")).unwrap()
}

#[test]
fn the_metrics_file_counts_the_writes() {
    let world = World::start();
    let planned = samples(&file_of(&world, "plan", 0));
    assert_eq!(planned["sapm_merge_requests{action=\"create\"}"], 4.0);
    assert_eq!(planned["sapm_merge_requests_opened"], 0.0, "a plan opens nothing");
    assert_eq!(planned["sapm_merge_requests_open"], 0.0);
    let text = file_of(&world, "apply", 0);
    assert!(text.ends_with("# EOF\n"), "{text}");
    let first = samples(&text);
    let integration = "integration=\"saas_auto_promotions_manager\"";
    for (series, value) in [
        ("sapm_run_success", 1.0),
        ("sapm_merge_requests_opened", 4.0),
        ("sapm_merge_requests_open", 4.0),
        ("sapm_merge_requests_updated", 0.0),
        ("sapm_subscribers{decision=\"promote\"}", 6.0),
        ("sapm_subscribers_held{gate=\"soak\"}", 1.0),
        ("sapm_subscribers_held{gate=\"edit_site\"}", 0.0),
        ("sapm_problems{severity=\"error\"}", 0.0),
        ("sapm_oldest_merge_request_age_seconds", 0.0),
        (&format!("sapm_opened_mrs{{{integration}}}"), 4.0),
        (&format!("sapm_parallel_open_mrs{{{integration}}}"), 4.0),
        (&format!("sapm_closed_mrs{{{integration},reason=\"nothing_due\"}}"), 0.0),
    ] {
        assert_eq!(first.get(series), Some(&value), "{series} in\n{text}");
    }
    // Deployed for three days, one of which is soak time; the run's time is in whole seconds.
    let lead = first["sapm_lead_time_max_seconds"];
    assert!((48.0 * 3600.0 - 60.0..60.0 * 3600.0).contains(&lead), "{lead}");
    assert!(first["sapm_lead_time_mean_seconds"] <= lead);
    assert!(first["sapm_requests{service=\"gitlab\"}"] >= 8.0);
    for stage in ["load", "observe", "plan", "apply", "report", "export"] {
        assert!(first[&format!("sapm_stage_duration_seconds{{stage=\"{stage}\"}}")] >= 0.0);
    }
    let old = "    name: regional\n";
    world.edit(PAYMENTS_FILE, old, &format!("{old}    disable: true\n"));
    let second = samples(&file_of(&world, "apply", 0));
    assert_eq!(second["sapm_merge_requests_closed{reason=\"target_gone\"}"], 1.0);
    assert_eq!(second["sapm_merge_requests_open"], 3.0);
    assert_eq!(second["sapm_merge_requests_opened"], 0.0);
}

/// Merge requests that people or gates keep from being merged do not count, however old they are.
#[test]
fn only_mergeable_merge_requests_count_as_waiting() {
    let world = World::start();
    let ages = || {
        let samples = samples(&file_of(&world, "apply", 0));
        let hours = |series: &str| samples[series] / 3600.0;
        let age = hours("sapm_oldest_merge_request_age_seconds");
        (hours("sapm_merge_wait_max_seconds"), age)
    };
    world.forge().set_time(Utc::now() - TimeDelta::hours(10));
    assert_eq!(ages(), (0.0, 0.0), "just opened");
    world.forge().start_clock();
    let about_ten = 9.5..10.5;
    let (wait, age) = ages();
    assert!(about_ten.contains(&wait) && about_ten.contains(&age), "{wait} {age}");
    let project = world.project();
    project.set_labels("alice", world.request(MAIL).iid, &["sapm/hold"], &[]);
    let regional = world.request(REGIONAL);
    project.set_title("alice", regional.iid, &format!("Draft: {}", regional.title));
    let branch = world.request(PRODUCTION).source_branch;
    project.commit("alice", &branch, "Mine\n", [("notes.txt", Some("mine\n"))]);
    // Only the canary is left, because stage was deployed again after its merge request was opened.
    world.shop.deploy("catalog-stage", CATALOG_NEW, true, Utc::now() - TimeDelta::hours(3));
    let (wait, age) = ages();
    assert!((2.5..3.5).contains(&wait) && about_ten.contains(&age), "{wait} {age}");
    world.shop.deploy("catalog-stage", CATALOG_NEW, false, Utc::now());
    let (wait, age) = ages();
    assert!(wait == 0.0 && about_ten.contains(&age), "{wait} {age}");
}

#[test]
fn git_requests_and_retries_are_counted() {
    let world = World::start();
    let counts = |metrics: &str| {
        let of = |series: &str| samples(metrics)[&format!("{series}{{service=\"git\"}}")];
        (of("sapm_requests"), of("sapm_request_retries"))
    };
    let (usual, retries) = counts(&file_of(&world, "plan", 0));
    assert!(usual >= 3.0 && retries == 0.0, "{usual} {retries}");
    let busy = forge::Fault::status(503, "busy").path("info/refs").nth(1);
    world.forge().fault(busy);
    assert_eq!(counts(&file_of(&world, "plan", 0)), (usual + 1.0, 1.0));
}

#[test]
fn the_file_is_the_same_for_the_same_run() {
    let names = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
    };
    let world = World::start();
    let first = names(&file_of(&world, "plan", 0));
    for _ in 0..3 {
        assert_eq!(names(&file_of(&world, "plan", 0)), first);
    }
}

/// Runs `promtool ARGS` with this input; `None` if it is not installed.
fn promtool(args: &[&str], input: &str) -> Option<(bool, String)> {
    let child = Command::new("promtool")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.ok()?;
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

/// A merge request waiting to be merged, and an older one that is held.
const ALERTS: &str = r#"
rule_files: [sapm.yml]
evaluation_interval: 1m
tests:
- interval: 1h
  input_series:
  - series: 'sapm_merge_wait_max_seconds{project="p"}'
    values: '0x2 3600+3600x6'
  - series: 'sapm_oldest_merge_request_age_seconds{project="p"}'
    values: '604800+3600x9'
  alert_rule_test:
  - {eval_time: 6h, alertname: PromotionStarves}
  - eval_time: 7h
    alertname: PromotionStarves
    exp_alerts: [{exp_labels: {severity: warning, project: p}, exp_annotations: {summary: a promotion of p could have been merged for more than four hours}}]
"#;

#[test]
fn promtool_accepts_the_metrics() {
    let world = World::start();
    let metrics = file_of(&world, "apply", 0);
    let Some((good, said)) = promtool(&["check", "metrics"], &metrics) else {
        let missing = "there is no `promtool` on PATH (Debian's package prometheus)";
        return skipped("SAPM_REQUIRE_PROMETHEUS", missing);
    };
    assert!(good && said.is_empty(), "{said}\n{metrics}");
    let rules = world.path("rules.yml");
    for group in ["sapm", "sapm-dashboards"] {
        std::fs::write(&rules, rules_of(group)).unwrap();
        let (good, said) = promtool(&["check", "rules", rules.to_str().unwrap()], "").unwrap();
        assert!(good, "{said}");
    }
    // The recorded counters: runs that opened 0, 3, failed as a whole, opened 2 and 2.
    std::fs::write(
        world.path("counters.yml"),
        "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n- interval: 1m\n  input_series:\n\
         \x20 - series: 'sapm_opened_mrs{job=\"sapm\",project=\"p\",node=\"1\",integration=\"i\"}'\n\
         \x20   values: '0x4 3x4 stale _x4 2x4 2x30'\n\
         \x20 - series: 'push_time_seconds{job=\"sapm\",project=\"p\",node=\"1\"}'\n\
         \x20   values: '0x4 300x4 600x4 900x4 1200x30'\n  promql_expr_test:\n\
         \x20 - expr: sapm_opened_mrs_total\n    eval_time: 45m\n    exp_samples:\n\
         \x20   - labels: 'sapm_opened_mrs_total{job=\"sapm\",project=\"p\",node=\"1\",integration=\"i\"}'\n\
         \x20     value: 7\n",
    )
    .unwrap();
    std::fs::write(world.path("alerts.yml"), ALERTS).unwrap();
    std::fs::write(world.path("sapm.yml"), rules_of("sapm")).unwrap();
    let alerts = world.path("alerts.yml");
    let (good, said) = promtool(&["test", "rules", alerts.to_str().unwrap()], "").unwrap();
    assert!(good, "{said}");
    let counters = world.path("counters.yml");
    let (good, said) = promtool(&["test", "rules", counters.to_str().unwrap()], "").unwrap();
    assert!(good, "{said}");
}

fn manual() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    std::fs::read_to_string(path).unwrap()
}

/// The YAML block with a group of example rules.
fn rules_of(group: &str) -> String {
    let manual = manual();
    let start = format!("groups:\n- name: {group}\n");
    let (_, rest) = manual.split_once(&format!("```yaml\n{start}")).expect("the rules");
    format!("{start}{}", rest.split_once("```").expect("their end").0)
}

/// Names of metrics with the names of their labels.
type Series = BTreeSet<(String, Vec<String>)>;

#[test]
fn the_docs_list_every_metric() {
    let world = World::start();
    let exported: Series = samples(&file_of(&world, "apply", 0))
        .into_keys()
        .map(|series| match series.split_once('{') {
            None => (series, Vec::new()),
            Some((name, labels)) => {
                let labels = labels.trim_end_matches('}').split("\",");
                let keys = labels.map(|label| label.split_once('=').unwrap().0.to_owned());
                (name.to_owned(), keys.collect())
            }
        })
        .collect();
    let manual = manual();
    let rows = manual.lines().filter(|line| line.starts_with("| `sapm_"));
    let listed: Series = rows
        .map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let unquoted = |cell: &str| cell.trim_matches('`').to_owned();
            let labels = cells[2].split(", ").filter(|label| !label.is_empty());
            (unquoted(cells[1]), labels.map(unquoted).collect())
        })
        .collect();
    assert_eq!(listed, exported);
    // The metrics in the example rules exist.
    let rules = rules_of("sapm");
    let name = fancy_regex::Regex::new(r"\bsapm_\w+").unwrap();
    for found in name.find_iter(&rules) {
        let found = found.unwrap().as_str();
        assert!(exported.iter().any(|(name, _)| name == found), "{found}");
    }
}
