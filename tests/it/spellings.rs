//! Blocked versions apply to every spelling of a URL, and no password in a URL is shown.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

const CASE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/cases/e02_blocked_other_url_spelling");
const BLOCKED_URL: &str = "https://github.com/RedHatInsights/insights-rbac.git";
const APP: &str = "data/services/rbac/app.yml";
const SAAS: &str = "data/services/rbac/cicd/saas.yml";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The case with replaced texts in its files.
fn case(edits: &[(&str, &str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(Path::new(CASE), folder.path());
    for (file, from, to) in edits {
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} has no {from}");
        fs::write(path, text.replace(from, to)).unwrap();
    }
    folder
}

fn plan(case: &TempDir, args: &[&str]) -> (Value, String) {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_sapm"));
    command.env_clear().current_dir(case.path()).args(["plan", "--app-interface", "."]);
    let output =
        command.args(["--snapshot", "snapshot.json", "--format", "json"]).args(args).output();
    let output = output.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let all = format!("{text}{}", String::from_utf8(output.stderr).unwrap());
    (serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {all}")), all)
}

fn held_by(plan: &Value) -> &Value {
    let subscribers = plan["subscribers"].as_array().unwrap();
    assert_eq!(subscribers.len(), 1);
    &subscribers[0]["held_by"]
}

#[test]
fn a_blocked_version_is_blocked_for_every_spelling_of_the_url() {
    let path = "RedHatInsights/insights-rbac";
    for url in [
        format!("http://github.com/{path}"),
        format!("ssh://git@github.com/{path}"),
        format!("git@github.com:{path}.git"),
        format!("https://me:pw@github.com/{path}"),
        format!("https://github.com:443/{path}"),
        format!("https://GITHUB.com/{path}"),
        format!("https://github.com./{path}"),
        format!("https://github.com/{path}/"),
        format!("https://github.com/{path}//"),
        format!("https://github.com/{path}.git/"),
        format!("https://github.com//{path}"),
        format!("https://github.com/./{path}"),
        format!("https://github.com/x/../{path}"),
        format!("https://github.com/{path}?x=1"),
        format!("https://github.com/{path}#x"),
        format!("https://github.com/{path}/-/tree/main"),
        format!("https://github.com/{}", path.to_lowercase()),
        format!("https://github.com/{}", path.to_uppercase()),
        "https://github.com/RedHat%49nsights/insights%2Drbac".to_owned(),
        "https://github.com/RedHatInsights%2Finsights-rbac".to_owned(),
        format!("github.com/{path}"),
    ] {
        let case = case(&[(APP, BLOCKED_URL, &format!("{url:?}"))]);
        let (plan, _) = plan(&case, &[]);
        assert_eq!(held_by(&plan), "blocked_version", "{url}");
    }
    let case = case(&[(APP, BLOCKED_URL, "https://github.com/RedHatInsights/insights-rbac2")]);
    assert_eq!(*held_by(&plan(&case, &[]).0), Value::Null);
}

#[test]
fn the_configured_gitlab_ignores_letter_case() {
    let url = "https://github.com/RedHatInsights/insights-rbac";
    let case = case(&[
        (APP, BLOCKED_URL, "https://git.example.com/group/APP"),
        (SAAS, url, "https://git.example.com/Group/app"),
        ("snapshot.json", url, "https://git.example.com/Group/app"),
    ]);
    assert_eq!(*held_by(&plan(&case, &[]).0), Value::Null, "a host that nobody knows");
    let (plan, _) = plan(&case, &["--gitlab-url", "https://git.example.com"]);
    assert_eq!(held_by(&plan), "blocked_version");
}

#[test]
fn a_password_in_a_url_is_never_shown() {
    let url = "https://github.com/RedHatInsights/insights-rbac";
    let secret = "https://bot:s3cr3t@github.com/RedHatInsights/insights-rbac";
    // The duplicate key makes `validate` show its line.
    let twice = format!("{secret}\n  url: {secret}");
    let (case, args) = (
        case(&[(APP, BLOCKED_URL, &twice), (SAAS, url, secret)]),
        ["--report-dir", "report", "--save-snapshot", "saved.json"],
    );
    let (plan, mut all) = plan(&case, &args);
    assert_eq!(held_by(&plan), "blocked_version", "the facts are those of the plain url");
    for file in fs::read_dir(case.path().join("report")).unwrap() {
        all += &fs::read_to_string(file.unwrap().path()).unwrap();
    }
    all += &fs::read_to_string(case.path().join("saved.json")).unwrap_or_default();
    for command in ["validate", "graph"] {
        let mut sapm = assert_cmd::Command::new(env!("CARGO_BIN_EXE_sapm"));
        let output = sapm
            .env_clear()
            .current_dir(case.path())
            .args([command, "--app-interface", "."])
            .output();
        let output = output.unwrap();
        all += &String::from_utf8_lossy(&output.stdout);
        all += &String::from_utf8_lossy(&output.stderr);
    }
    assert!(all.contains("https://**********@github.com"), "{all}");
    assert!(!all.contains("s3cr3t"), "{all}");
}
