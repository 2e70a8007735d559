//! One place in a file has one line number, whichever output names it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::repo::*;

/// Facts of a run that looked nothing up.
const SNAPSHOT: &str = r#"{"version": 1, "observed_at": "2026-08-20T10:00:00Z", "commits": {}, "deployment_records": {}}"#;

/// Runs a command that finds errors; returns its JSON, and what it prints as text.
fn run(folder: &Path, args: &[&str]) -> (Value, String) {
    let call = |format: &str| {
        let mut sapm = Command::new(env!("CARGO_BIN_EXE_sapm"));
        sapm.env_clear().current_dir(folder).stdin(Stdio::null()).args(args);
        sapm.args(["--app-interface", ".", "--report-dir", args[0], "--format", format]);
        let output = sapm.output().unwrap();
        assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    (serde_json::from_str(&call("json")).unwrap(), call("text"))
}

/// The line of each problem, by file, path and code.
fn lines(problems: &Value) -> BTreeMap<(String, String, String), u64> {
    let text = |problem: &Value, key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    let problems =
        problems.as_array().unwrap().iter().filter(|problem| problem["file"].is_string());
    let line = |problem: &Value| {
        let key = (text(problem, "file"), text(problem, "path"), text(problem, "code"));
        (key, problem["line"].as_u64().unwrap_or_else(|| panic!("no line: {problem}")))
    };
    problems.map(line).collect()
}

/// A config repo with an error of each kind that a run and `validate` both find.
fn broken_repo() -> Repo {
    let other_prod = Repo::good().0[PROD].replace("---\n", "---\n\n\n");
    let mut repo = Repo::good()
        .edit(SAAS, "soakDays: 2", "soakDays: soon")
        .edit(SAAS, "schedule: 0-59 8-16 * * mon-fri", "schedule: never")
        .edit(SAAS, "    ref: main\n", "")
        .edit(SAAS, "- $ref: /services/shop/slo.yml", "- $ref: /services/shop/gone.yml")
        .edit(TARGET, "/namespaces/prod.yml", "/namespaces/gone.yml")
        .edit(STAGE, "/services/shop/app.yml", "/services/shop/gone.yml")
        .edit(SLO, "/namespaces/prod.yml", "/namespaces/gone.yml")
        .edit(APP, "name: shop\n", "");
    repo.0.insert("services/shop/namespaces/zzz.yml".to_owned(), other_prod);
    repo.0.insert(
        "services/app2.yml".to_owned(),
        "$schema: /app-sre/app-1.yml\nname: two\n".to_owned(),
    );
    let saas = "# two lines\n---\n$schema: /app-sre/saas-file-2.yml\nname: three\n\napp: {$ref: /gone.yml}\n";
    repo.0.insert("services/three.yml".to_owned(), saas.to_owned());
    repo
}

#[test]
fn a_problem_has_the_same_line_in_every_output_of_validate_and_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    broken_repo().write(folder.path());
    std::fs::write(folder.path().join("facts.json"), SNAPSHOT).unwrap();
    let (validated, findings) = run(folder.path(), &["validate"]);
    let (planned, summary) = run(folder.path(), &["plan", "--snapshot", "facts.json"]);
    let (by_validate, by_plan) = (lines(&validated["problems"]), lines(&planned["problems"]));
    let mut both = 0;
    for (key, line) in &by_plan {
        if let Some(other) = by_validate.get(key) {
            assert_eq!(line, other, "{key:?}");
            both += 1;
        }
    }
    assert!(both >= 8, "{both} of {by_plan:#?}\n{by_validate:#?}");
    let read = |path: &str| std::fs::read_to_string(folder.path().join(path)).unwrap();
    for (command, lines, text) in
        [("validate", &by_validate, findings), ("plan", &by_plan, summary)]
    {
        let quality: Value =
            serde_json::from_str(&read(&format!("{command}/gl-code-quality-report.json"))).unwrap();
        let quality: Vec<(String, u64)> = quality.as_array().unwrap().iter().map(place).collect();
        let junit = read(&format!("{command}/junit.xml"));
        for ((file, path, code), line) in lines {
            let place = format!("data{file}:{line}");
            assert!(quality.contains(&(format!("data{file}"), *line)), "{command}: {place} {path}");
            assert!(text.contains(&place), "{command}: {place} {path}: {text}");
            // A warning is no case of a run.
            let is_case = code != "duplicate_namespace" || command == "validate";
            assert!(!is_case || junit.contains(&place), "{command}, JUnit: {place} {path}");
        }
    }
    let page = read("plan/report.html");
    let (_, data) = page.split_once("id=\"data\">").unwrap();
    let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
    assert_eq!(lines(&data["problems"]), by_plan, "the page");
    let markdown = read("plan/report.md");
    for ((file, path, _), line) in &by_plan {
        assert!(
            markdown.contains(&format!("data{file}:{line}")),
            "report.md: {file}:{line} {path}"
        );
    }
}

fn place(issue: &Value) -> (String, u64) {
    let location = &issue["location"];
    (location["path"].as_str().unwrap().to_owned(), location["lines"]["begin"].as_u64().unwrap())
}
