//! Checks the files without running anything: GitLab's conventions for components.

use serde_yaml::{Mapping, Value};

use super::pipeline::{ConfigRepo, read, ten_lines};
use crate::e2e::support::World;

/// The header and the jobs of the template for config repos.
pub fn template() -> (Mapping, Mapping) {
    template_at("ci-templates/promotions.yml")
}

/// The header and the jobs of a template.
pub fn template_at(path: &str) -> (Mapping, Mapping) {
    let text = read(path);
    let documents: Vec<Value> = serde_yaml::Deserializer::from_str(&text)
        .map(|document| serde::Deserialize::deserialize(document).expect("YAML"))
        .collect();
    let [header, jobs] = documents.as_slice() else { panic!("{} documents", documents.len()) };
    let inputs = header["spec"]["inputs"].as_mapping().expect("inputs").clone();
    (inputs, jobs.as_mapping().expect("jobs").clone())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value:?} is no text"))
}

#[test]
fn every_input_is_described_and_used() {
    assert_inputs("ci-templates/promotions.yml", &["image", "gitlab-url", "state"]);
    let required = "image deployment-job target environment app-interface gitlab-url state";
    assert_inputs("ci-templates/record.yml", &required.split(' ').collect::<Vec<_>>());
}

fn assert_inputs(path: &str, required: &[&str]) {
    let (inputs, _) = template_at(path);
    let jobs = read(path);
    let jobs = jobs.split_once("\n---\n").expect("a header").1;
    for (name, input) in &inputs {
        let name = text(name);
        let description = input["description"].as_str().unwrap_or_default();
        assert!(description.ends_with('.') && description.len() > 20, "{name}: {description:?}");
        assert_eq!(input["default"].is_null(), required.contains(&name), "{name}");
        for key in input.as_mapping().unwrap().keys().map(text) {
            assert!(
                ["description", "default", "type", "options", "regex"].contains(&key),
                "{name}: {key}"
            );
        }
        if let Some(options) = input["options"].as_sequence() {
            assert!(options.contains(&input["default"]), "{name}: the default is no option");
        }
        assert!(jobs.contains(&format!("$[[ inputs.{name} ]]")), "{name} is not used");
    }
    for used in jobs.split("$[[ inputs.").skip(1) {
        let used = used.split_once(" ]]").expect("the end of an input").0;
        assert!(inputs.contains_key(used), "there is no input {used}");
    }
}

#[test]
fn the_template_has_only_safe_jobs() {
    let (_, jobs) = template();
    let get = |name: &str| {
        let key = format!("$[[ inputs.job-prefix ]]{name}");
        jobs.get(key.as_str()).or_else(|| jobs.get(format!(".{key}").as_str())).unwrap()
    };
    for name in jobs.keys().map(text) {
        assert!(name.trim_start_matches('.').starts_with("$[[ inputs.job-prefix ]]"), "{name}");
    }
    let base = get("");
    assert_eq!(base["allow_failure"]["exit_codes"][0], 5);
    assert_eq!(base["artifacts"]["when"], "always");
    let retried = base["retry"]["when"].as_sequence().unwrap();
    assert!(
        retried.iter().all(|reason| text(reason) != "script_failure" && text(reason) != "always")
    );
    assert_eq!(get("-promote")["interruptible"], false);
    assert!(get("-online")["id_tokens"]["SAPM_AWS_ID_TOKEN"]["aud"].is_string());
    // A job for forks must not have a token that a service accepts.
    assert_eq!(get("-validate")["extends"], ".$[[ inputs.job-prefix ]]");
    assert!(base["id_tokens"].is_null());
    let here = r#"$CI_PROJECT_PATH != "$[[ inputs.only-in-project ]]" && "$[[ inputs.only-in-project ]]" != """#;
    for name in ["-apply", "-run", "-plan", "-explain", "-preflight", "-shadow"] {
        let rules = get(name)["rules"].as_sequence().unwrap();
        let first = rules.iter().position(|rule| rule["when"] != "never").unwrap();
        assert!(rules[..first].iter().any(|rule| rule["if"] == here), "{name}: not in forks");
    }
    let rules = get("-plan")["rules"].as_sequence().unwrap();
    for rule in rules.iter().filter(|rule| rule["when"] != "never") {
        let condition = text(&rule["if"]);
        let own = "$CI_MERGE_REQUEST_SOURCE_PROJECT_PATH == $CI_MERGE_REQUEST_PROJECT_PATH";
        assert!(condition.contains(own) && !condition.contains("||"), "not for forks: {condition}");
    }
    for name in ["-apply", "-run"] {
        let job = get(name);
        assert!(
            text(&job["resource_group"]).starts_with("$[[ inputs.resource-group ]]-"),
            "{name}"
        );
        let rules = job["rules"].as_sequence().unwrap();
        for rule in rules.iter().filter(|rule| rule["when"] != "never") {
            let condition = text(&rule["if"]);
            for part in
                ["$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", r#"$CI_COMMIT_REF_PROTECTED == "true""#]
            {
                assert!(condition.contains(part), "{name}: {condition}");
            }
            assert!(!condition.contains("||"), "{name}: {condition}");
        }
    }
    assert_eq!(get("-apply")["variables"]["SAPM_DRY_RUN"], "false");
    assert_eq!(get("-run")["variables"]["SAPM_DRY_RUN"], "true");
}

/// Checks what each job extends.
#[test]
fn each_job_leaves_the_reports_that_gitlab_shows() {
    let world = World::start();
    let Some(repo) = ConfigRepo::new(&world) else { return };
    let jobs = repo.expanded();
    let online = [("dotenv", "counts.env"), ("junit", "junit.xml"), ("metrics", "metrics.txt")];
    // Only of one job: GitLab combines those of a pipeline, and two commands word a problem differently.
    let offline = [("codequality", "gl-code-quality-report.json"), online[1]];
    for (name, folder, wanted) in [
        ("sapm-apply", "sapm-report/$CI_NODE_INDEX", &online[..]),
        ("sapm-run", "sapm-report", &online),
        ("sapm-plan", "sapm-report", &online),
        ("sapm-explain", "sapm-report", &online[1..2]),
        ("sapm-preflight", "sapm-report", &online[1..2]),
        ("sapm-validate", "sapm-report", &offline),
    ] {
        let artifacts = &jobs[name]["artifacts"];
        assert_eq!(artifacts["when"], "always", "{name}");
        let paths: Vec<_> = artifacts["paths"].as_sequence().unwrap().iter().map(text).collect();
        // `expose_as` does not show a path with a variable.
        assert_eq!(paths, ["sapm-report/"], "{name}");
        let exposed = (name == "sapm-plan").then_some("Promotion plan");
        assert_eq!(artifacts["expose_as"].as_str(), exposed, "{name}");
        let reports = artifacts["reports"].as_mapping().unwrap();
        let mut reports: Vec<_> = reports.iter().map(|(kind, path)| (text(kind), path)).collect();
        reports.sort_by_key(|(kind, _)| *kind);
        let path = |value: &Value| {
            let first = value.as_sequence().map_or(value, |paths| &paths[0]);
            text(first).to_owned()
        };
        let reports: Vec<_> = reports.iter().map(|(kind, value)| (*kind, path(value))).collect();
        let wanted = wanted.iter().map(|(kind, file)| (*kind, format!("{folder}/{file}")));
        assert_eq!(reports, wanted.collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn the_form_of_a_run_by_hand_explains_each_field() {
    let form: Value = serde_yaml::from_str(&read("ci-templates/manual-run.yml")).unwrap();
    let top = form.as_mapping().unwrap();
    assert_eq!(top.keys().map(text).collect::<Vec<_>>(), ["variables"]);
    let page = read("docs/set-up.md");
    for (name, field) in form["variables"].as_mapping().unwrap() {
        let name = text(name);
        assert!(text(&field["description"]).len() > 20, "{name}");
        assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/set-up.md");
        if let Some(options) = field["options"].as_sequence() {
            assert!(options.contains(&field["value"]), "{name}");
        }
    }
    assert_eq!(form["variables"]["SAPM_DRY_RUN"]["value"], "true", "safe unless somebody says so");
}

#[test]
fn the_ten_lines_match_the_current_version() {
    let lines = ten_lines();
    assert_eq!(lines.lines().count(), 10, "{lines}");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(lines.matches(version).count(), 3, "docs/set-up.md is not about {version}: {lines}");
}
