//! The SLO gate: with the fake, and with a real Prometheus server
//! if one is installed (Debian's package `prometheus`).

use std::path::Path;
use std::process::{Command, Stdio};

use forge::{PromAnswer, Service};
use sapm::app_interface::load;
use serde_json::{Value, json};

use crate::e2e::support::files_below;
use crate::optional::{Program, skipped};
use crate::shop::{PAYMENTS_NEW, Shop};
use crate::validate::repo::{Repo, SAAS, SLO};

const TARGET: (&str, &str) = ("payments-api", "payments-production");
const DOCUMENT: &str = "data/services/payments/slos/payments.yml";
const EXPRESSION: &str =
    "sum(rate(payments_fast[{{window}}])) / sum(rate(payments_all[{{window}}]))";

/// Runs `sapm plan` and returns the exit code and the plan.
fn plan(shop: &Shop) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_sapm"))
        .args(["plan", "--format", "json"])
        .env_clear()
        .envs(shop.environment())
        .stdin(Stdio::null())
        .output()
        .expect("sapm runs");
    let plan = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("no plan ({error}): {}", String::from_utf8_lossy(&output.stderr))
    });
    (output.status.code().expect("an exit code"), plan)
}

/// The subscriber with the SLO, and its gate.
fn gate(plan: &Value) -> (Value, Value) {
    let subscribers = plan["subscribers"].as_array().expect("subscribers");
    let subscriber = subscribers
        .iter()
        .find(|s| {
            s["resource_template"] == TARGET.0
                && s["namespace"] == TARGET.1
                && s["target"].is_null()
        })
        .expect("the target with the SLO");
    let gates = subscriber["gates"].as_array().expect("gates");
    let gate = gates.iter().find(|gate| gate["gate"] == "slo").expect("the gate");
    (subscriber.clone(), gate.clone())
}

/// A person edits a file on main.
fn edit(shop: &Shop, path: &str, from: &str, to: &str) {
    let bytes = shop.project.file("main", path).expect("the file");
    let text = String::from_utf8(bytes).expect("a text");
    assert!(text.contains(from), "{path} has no {from:?}");
    shop.project.commit("alice", "main", "Edit", [(path, Some(text.replace(from, to)))]);
}

fn problem_of_slo(plan: &Value) -> Option<String> {
    let problems = plan["problems"].as_array().expect("problems");
    // An unreachable server is one cause for all its queries.
    let codes = ["slo_lookup_failed", "service_refused"];
    let found =
        problems.iter().find(|problem| codes.iter().any(|code| problem["code"] == *code))?;
    found["message"].as_str().map(str::to_owned)
}

/// Checks that the promotion is held because of an expression's result.
fn assert_held(shop: &Shop, word: &str, problem: bool) {
    let (exit, plan) = plan(shop);
    let (subscriber, gate) = gate(&plan);
    assert_eq!(subscriber["decision"], "hold", "{gate}");
    assert_eq!(subscriber["held_by"], "slo", "{gate}");
    let reason = gate["reason"].as_str().expect("a reason");
    assert!(reason.contains(word), "{word:?} is not in {reason:?}");
    assert_eq!(problem_of_slo(&plan).is_some(), problem, "{plan:#}");
    assert_eq!(exit, if problem { 5 } else { 0 });
}

fn assert_promoted(shop: &Shop) {
    let (exit, plan) = plan(shop);
    let (subscriber, gate) = gate(&plan);
    assert_eq!(subscriber["decision"], "promote", "{gate}");
    assert_eq!(gate["outcome"], "pass", "{gate}");
    assert_eq!(exit, 0);
}

#[tokio::test]
async fn a_value_below_the_target_blocks_and_the_window_is_rendered() {
    let shop = Shop::start(chrono::Utc::now()).await;
    assert_held(&shop, "breached: 0.93 is below 0.99", false);
    let rendered = EXPRESSION.replace("{{window}}", "28d");
    shop.forge.set_prometheus(&rendered, PromAnswer::Value(0.99));
    assert_promoted(&shop);
}

#[tokio::test]
async fn an_unusable_response_blocks_with_the_reason() {
    let shop = Shop::start(chrono::Utc::now()).await;
    let rendered = EXPRESSION.replace("{{window}}", "28d");
    shop.forge.set_prometheus(&rendered, PromAnswer::Empty);
    assert_held(&shop, "could not be checked", true);
    shop.forge.set_prometheus(&rendered, PromAnswer::Nan);
    assert_held(&shop, "NaN", true);
    shop.forge.set_prometheus(&rendered, PromAnswer::Raw(500, "broken".to_owned()));
    assert_held(&shop, "500", true);
}

#[tokio::test]
async fn a_hotfix_version_passes_without_a_query() {
    let shop = Shop::start(chrono::Utc::now()).await;
    let url = "  url: https://github.com/example-shop/payments\n";
    let hotfix = format!("{url}  hotfixVersions:\n  - {PAYMENTS_NEW}\n");
    edit(&shop, "data/services/payments/app.yml", url, &hotfix);
    shop.forge.clear_log();
    assert_promoted(&shop);
    assert!(shop.forge.log().iter().all(|entry| entry.service != Service::Prometheus));
}

#[tokio::test]
async fn each_distinct_query_is_sent_once() {
    let shop = Shop::start(chrono::Utc::now()).await;
    // A second objective with the same expression, and the same document for a second target.
    let slo = String::from_utf8(shop.project.file("main", DOCUMENT).expect("the document"))
        .expect("a text");
    let (head, objective) = slo.split_once("- name: latency").expect("the objective");
    let twice = format!("{head}- name: latency{objective}- name: latency-again{objective}");
    shop.project.commit("alice", "main", "Two objectives", [(DOCUMENT, Some(twice))]);
    shop.forge.clear_log();
    assert_held(&shop, "(and 1 more)", false);
    let asked =
        shop.forge.log().iter().filter(|entry| entry.service == Service::Prometheus).count();
    assert_eq!(asked, 1);
}

/// A config repo of `tests/field` on disk, its Prometheus at this address.
fn field(name: &str, prometheus: &str) -> tempfile::TempDir {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field").join(name);
    let folder = tempfile::tempdir().expect("a folder");
    for file in files_below(&source) {
        let text = std::fs::read_to_string(&file).expect("a text");
        let copy = folder.path().join(file.strip_prefix(&source).expect("a path below it"));
        std::fs::create_dir_all(copy.parent().expect("a folder")).expect("its folders");
        std::fs::write(copy, text.replace("http://127.0.0.1:19099", prometheus)).expect("a file");
    }
    folder
}

/// The recorded deployments of a snapshot as a state of files.
fn state_of(snapshot: &Value, folder: &Path) -> String {
    for (key, record) in snapshot["deployment_records"].as_object().expect("records") {
        let file = folder.join("state/openshift-saas-deploy").join(key);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("its folders");
        std::fs::write(file, record.to_string()).expect("a record");
    }
    format!("file://{}", folder.display())
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}

#[tokio::test]
async fn entries_of_one_namespace_use_their_own_values() {
    let forge = forge::Forge::builder().start().await;
    let repo = field("slo-two-prometheus", forge.prometheus_url().trim_end_matches('/'));
    let state = tempfile::tempdir().expect("a folder");
    let state = (state_of(&json_of(&repo.path().join("snapshot.json")), state.path()), state);
    let facts = state.1.path().join("facts.json");
    let run = |args: &[&str]| -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_sapm"))
            .args(["plan", "--format", "json", "--at", "2026-09-15T12:00:00Z", "--app-interface"])
            .arg(repo.path())
            .args(args)
            .env_clear()
            // Otherwise datafiles may not use this machine.
            .env("SAPM_ALLOWED_HOSTS", "127.0.0.1")
            .stdin(Stdio::null())
            .output()
            .expect("sapm runs");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("a plan")
    };
    // Each order of the good and the bad value.
    for (main, second) in [(1.0, 0.5), (0.5, 1.0), (1.0, 1.0)] {
        forge.set_prometheus_at("/pr01", "good", PromAnswer::Value(main));
        forge.set_prometheus_at("/kafka", "good", PromAnswer::Value(second));
        let plan = run(&["--state", &state.0, "--save-snapshot", &facts.display().to_string()]);
        let subscriber = &plan["subscribers"][0];
        let (decision, held_by) = match main.min(second) < 0.99 {
            true => ("hold", json!("slo")),
            false => ("promote", Value::Null),
        };
        assert_eq!((&subscriber["decision"], &subscriber["held_by"]), (&json!(decision), &held_by));
        let said = subscriber["gates"].to_string().contains("namespaces[1], slos[0]) is breached");
        assert_eq!(said, second < 0.99, "the message tells which of the two it is");
        let values = json!({
            "orders-slo/pr01/orders-prod/avail": main,
            "orders-slo/pr01/orders-prod/avail#2": second,
        });
        assert_eq!(json_of(&facts)["slo_values"], values);
        let again = run(&["--snapshot", &facts.display().to_string()]);
        assert_eq!(again["subscribers"], plan["subscribers"]);
    }
}

#[test]
fn keys_follow_the_paths_of_the_documents_that_subscribers_use() {
    let text = Repo::good().0[SLO].clone();
    let canary = "    ref: 1111111111111111111111111111111111111111\n";
    let stage = "    ref: main\n";
    let keys = |first_used_by: &str| -> Vec<String> {
        let slos = "    slos: [{$ref: /services/shop/a.yml}]\n";
        let mut repo = Repo::good().edit(SAAS, first_used_by, &format!("{first_used_by}{slos}"));
        repo.0.insert("services/shop/a.yml".to_owned(), text.clone());
        let bundle = load(&repo).expect("a tree");
        let documents = bundle.slo_documents.values().flatten();
        documents.flat_map(|document| document.namespaces[0].keys.clone()).collect()
    };
    let (plain, second) = ("shop/c1/shop-prod/latency", "shop/c1/shop-prod/latency#2");
    // By path: a.yml, slo.yml.
    assert_eq!(keys(canary), [plain, second]);
    // The document of a publisher is not queried.
    assert_eq!(keys(stage), [second, plain]);
}

/// A real Prometheus server without any targets to scrape.
struct Prometheus {
    server: Program,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// `None` if no server is installed.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, "global: {}\n").expect("its configuration");
        let arguments = |port| {
            vec![
                format!("--config.file={}", config.display()),
                format!("--storage.tsdb.path={}", folder.path().join("data").display()),
                format!("--web.listen-address=127.0.0.1:{port}"),
            ]
        };
        let server = Program::start("prometheus", arguments, "/-/ready")?;
        Some(Self { server, _folder: folder })
    }
}

#[tokio::test]
async fn a_real_prometheus_server_is_understood() {
    let Some(prometheus) = Prometheus::start() else {
        let missing = "there is no `prometheus` on PATH (Debian's package prometheus)";
        return skipped("SAPM_REQUIRE_PROMETHEUS", missing);
    };
    let shop = Shop::start_with(chrono::Utc::now(), Some(&prometheus.server.url())).await;
    // Nothing is scraped: the metrics do not exist.
    assert_held(&shop, "could not be checked", true);
    // A subquery over the window, so that a window that is not rendered is a parse error.
    let mut last = EXPRESSION.to_owned();
    let mut set = |expression: &str| {
        edit(&shop, DOCUMENT, &last, expression);
        expression.clone_into(&mut last);
    };
    set("min_over_time(vector(0.5)[{{window}}:7d])");
    assert_held(&shop, "breached: 0.5 is below 0.99", false);
    set("min_over_time(vector(0.995)[{{ window }}:7d])");
    assert_promoted(&shop);
    set("scalar(vector(0.99))");
    assert_promoted(&shop);
    set("vector(0) / vector(0)");
    assert_held(&shop, "NaN", true);
    set("this is no expression(");
    assert_held(&shop, "could not be checked", true);
    drop(prometheus);
    assert_held(&shop, "could not be checked", true);
}
