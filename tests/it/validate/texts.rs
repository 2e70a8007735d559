//! The texts for people and GitLab.

use std::process::Command;

use serde_json::Value;

use super::repo::*;

/// A bit of everything: excerpts, notes, help, a file that is not YAML, unusual characters.
fn faulty() -> Repo {
    Repo::good()
        .edit(SAAS, "0-59 8-16 * * mon-fri", "0 25 * * mon-fri   # in working hours")
        .edit(
            SAAS,
            "      - api-canary\n      promotion_data",
            "      - api-kanary\n      promotion_data",
        )
        .edit(SAAS, "ref: main", "ref: 'ma in\u{9}\u{e9}'")
        .edit(OTHER, "ref: 3333333333333333333333333333333333333333", "ref: abcdef1")
        .edit(OTHER, "shop/api.git", "shop/web")
        .edit(OTHER, "- name: web\n", "- name: \"we\\e[31mb\"\n")
        .edit(OTHER, "- $ref: /services/shop/target.yml", "- $ref: /services/shop/gone.yml")
        .edit(APP, "  - 5555555555555555555555555555555555555555", "  - 5555555")
        .edit(SLO, "slos:\n", "slos: [\n")
}

fn sapm(repo: &Repo, args: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    repo.write(folder.path());
    let output = Command::new(env!("CARGO_BIN_EXE_sapm"))
        .arg("validate")
        .args(args)
        .env_clear()
        .env("SAPM_APP_INTERFACE", folder.path())
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_text_looks_like_compiler_output() {
    let (code, text) = sapm(&faulty(), &[]);
    assert_eq!(code, 5);
    assert!(!text.contains('\u{1b}'), "control characters are shown, not obeyed");
    insta::assert_snapshot!("text", text);
    assert_eq!(sapm(&Repo::good(), &[]), (0, "0 errors, 0 warnings in 10 datafiles\n".to_owned()));
    let warning = Repo::good().edit(TARGET, "  subscribe: [api-stage]\n", "");
    assert_eq!(sapm(&warning, &[]).0, 0);
}

#[test]
fn the_other_formats() {
    let (code, markdown) = sapm(&faulty(), &["--format", "markdown"]);
    assert_eq!(code, 5);
    insta::assert_snapshot!("markdown", markdown);
    let (code, json) = sapm(&faulty(), &["--format", "json"]);
    assert_eq!(code, 5);
    insta::assert_snapshot!("json", json);
}

#[test]
fn the_report_files() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _) = sapm(&faulty(), &["--report-dir", folder.path().to_str().unwrap()]);
    assert_eq!(code, 5);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("validate.json"), sapm(&faulty(), &["--format", "json"]).1);
    insta::assert_snapshot!("junit", read("junit.xml"));
    insta::assert_snapshot!("code_quality", read("gl-code-quality-report.json"));
}

#[test]
fn fingerprints_are_stable_when_lines_and_items_move() {
    let fingerprints = |repo: &Repo| -> Vec<String> {
        let text = sapm::report::code_quality(&repo.report().problems);
        let issues: Vec<Value> = serde_json::from_str(&text).unwrap();
        let fingerprint = |issue: &Value| issue["fingerprint"].as_str().unwrap().to_owned();
        issues.iter().map(fingerprint).collect()
    };
    let faulty = faulty();
    let before = fingerprints(&faulty);
    let mut distinct = before.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), before.len());
    let target = "  - name: stage\n";
    let first =
        "  - name: new\n    namespace: {$ref: /services/shop/namespaces/stage.yml}\n    ref: x\n";
    let moved = faulty.edit(SAAS, target, &format!("\n  # a comment\n{first}{target}"));
    assert_eq!(fingerprints(&moved), before);
}

#[test]
fn colours_only_where_supported() {
    let folder = tempfile::tempdir().unwrap();
    faulty().write(folder.path());
    let run = |variables: &[(&str, &str)]| {
        let output = Command::new(env!("CARGO_BIN_EXE_sapm"))
            .arg("validate")
            .env_clear()
            .env("SAPM_APP_INTERFACE", folder.path())
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(run(&[("GITLAB_CI", "true")]));
    assert!(!run(&[("GITLAB_CI", "true"), ("NO_COLOR", "1")]));
    assert!(!run(&[]));
}
