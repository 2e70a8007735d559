//! `ci-templates/record.yml`: a pipeline that deploys and reports, and what anybody may set for it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::keywords::template_at;
use super::pipeline::{ConfigRepo, Situation, read};
use super::shell::{fill_in, run_script};
use crate::e2e::record::{CHANNEL, key_of, stored};
use crate::e2e::support::{ORDERS_DB, World};
use crate::shop::{BUCKET, ORDERS_DB_NEW, PROJECT, TOKEN};

const TARGET: &str = "saas-orders/orders-db/stage01/orders-stage";

/// A pipeline with the lines of docs/report-deployments.md, pointed to the fakes.
fn pipeline(world: &World, deployment: &str, inputs: &[&str]) -> String {
    pipeline_for(world, (PROJECT, TARGET), deployment, inputs)
}

/// The same for a target of another config repo.
pub fn pipeline_for(
    world: &World,
    (project, target): (&str, &str),
    deployment: &str,
    inputs: &[&str],
) -> String {
    let page = read("docs/report-deployments.md");
    let lines = page.split("```yaml\n").find(|block| block.contains("ci-templates/record.yml"));
    let lines = lines.expect("the include").split_once("```").expect("its end").0;
    let gitlab = world.forge().gitlab_url();
    let inputs: String = inputs.iter().map(|input| format!("      {input}\n")).collect();
    let here = format!(
        "state: s3://{BUCKET}\n      command: {}\n      environment-variables: AWS_ENDPOINT_URL_S3={} AWS_EC2_METADATA_DISABLED=true\n{inputs}",
        env!("CARGO_BIN_EXE_sapm"),
        world.forge().s3_endpoint()
    );
    let mut text = lines.to_owned();
    for (place, here) in [
        (
            "  - project: platform/saas-auto-promotions-manager\n    ref: 0.1.0\n    file: ci-templates/record.yml\n",
            "  - local: ci-templates/record.yml\n",
        ),
        ("state: s3://app-sre-state\n", here.as_str()),
        ("target: saas-shop/shop-api/stage01/shop-stage\n", &format!("target: {target}\n")),
        ("gitlab-url: https://gitlab.example.com\n", &format!("gitlab-url: {gitlab}\n")),
        (
            "app-interface: https://gitlab.example.com/service/app-interface.git\n",
            &format!("app-interface: {gitlab}/{project}.git\n"),
        ),
    ] {
        assert_eq!(text.matches(place).count(), 1, "{place} is not in the lines: {text}");
        text = text.replace(place, here);
    }
    let (before, _) = text.split_once("deploy-stage:\n").expect("the deployment job");
    format!("{before}deploy-stage:\n  stage: deploy\n  script: {deployment}\n")
}

fn on_main() -> Situation {
    Situation::of("push").with("CI_COMMIT_BRANCH", "main")
}

#[test]
fn a_pipeline_reports_success_and_failure_of_its_deployment() {
    let world = World::start();
    let commit = format!("commit: {ORDERS_DB_NEW}");
    let passing = pipeline(&world, "echo deployed", &[&commit]);
    let Some(repo) = ConfigRepo::of_code(&world, &passing) else { return };
    world.forge().clear_log();
    let (passed, log) = repo.run(&on_main());
    assert!(passed && log.contains("1 written"), "{log}");
    assert!(!log.contains(TOKEN), "{log}");
    assert_eq!(stored(&world, CHANNEL)["success"], true);
    let plan = world.sapm("plan").args(["--format", "json"]).expect(0).plan();
    assert_eq!(plan.decision(ORDERS_DB), "promote");
    // The same pipeline, retried.
    let (passed, log) = repo.run(&on_main());
    assert!(passed && log.contains("1 unchanged"), "{log}");
    // The same commit is deployed again and fails.
    std::fs::write(repo.folder.join(".gitlab-ci.yml"), pipeline(&world, "exit 1", &[&commit]))
        .unwrap();
    let (passed, log) = repo.run(&on_main());
    assert!(!passed, "{log}");
    let record = stored(&world, CHANNEL);
    assert_eq!(
        (&record["success"], &record["has_succeeded_once"]),
        (&false.into(), &true.into()),
        "{log}"
    );
}

#[test]
fn the_commit_of_the_pipeline_is_the_default() {
    let world = World::start();
    let Some(repo) = ConfigRepo::of_code(&world, &pipeline(&world, "echo", &[])) else { return };
    let (passed, log) = repo.run(&on_main());
    assert!(passed, "{log}");
    assert!(key_of(&world, CHANNEL).ends_with(&repo.head()), "{log}");
}

#[test]
fn only_protected_refs_report() {
    let world = World::start();
    let Some(repo) = ConfigRepo::of_code(&world, &pipeline(&world, "echo", &[])) else { return };
    let both = ["deploy-stage", "sapm-record-failure", "sapm-record-success"];
    for (situation, wanted) in [
        (on_main(), &both[..]),
        (on_main().with("CI_COMMIT_REF_PROTECTED", "false"), &both[..1]),
        (on_main().with("CI_COMMIT_BRANCH", "a-change"), &both[..1]),
        (Situation::merge_request(), &both[..1]),
    ] {
        assert_eq!(repo.jobs(&situation), wanted);
    }
    let jobs = repo.expanded();
    for (name, when) in
        [("sapm-record-success", "on_success"), ("sapm-record-failure", "on_failure")]
    {
        let job = &jobs[name];
        assert_eq!(job["rules"][0]["when"], when);
        assert!(job["needs"][0] == "deploy-stage" || job["needs"][0]["job"] == "deploy-stage");
        assert_eq!(
            (&job["environment"]["name"], &job["environment"]["action"]),
            (&"stage".into(), &"verify".into())
        );
        assert!(job["allow_failure"].is_null() || job["allow_failure"] == false, "{name}");
        assert_eq!(job["resource_group"], "sapm-record-stage");
    }
}

/// Runs the lines of a job before it calls sapm, with these inputs and variables; then prints the environment.
fn call(inputs: &[(&str, &str)], variables: &[(&str, &str)], result: &str) -> std::process::Output {
    let template = template_at("ci-templates/record.yml");
    let required = [
        ("target", TARGET),
        ("gitlab-url", "https://gitlab.example.com"),
        ("app-interface", "https://gitlab.example.com/service/app-interface.git"),
        ("state", "s3://app-sre-state"),
        ("command", "env; echo"),
    ];
    let lines = fill_in(
        &template,
        (".$[[ inputs.job-prefix ]]", "script"),
        &[inputs, &required[..]].concat(),
    );
    let job = [("CI_COMMIT_SHA", ORDERS_DB_NEW), ("CI_PROJECT_ID", "7"), ("CI_JOB_ID", "42")];
    run_script(&format!("sapm_result={result}\n{lines}"), &[&job[..], variables].concat())
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn no_variable_of_a_pipeline_decides_what_is_written_or_where() {
    let names = [
        "SAPM_STATE",
        "SAPM_APP_INTERFACE",
        "SAPM_GITLAB_URL",
        "CI_SERVER_URL",
        "SAPM_COMMIT",
        "SAPM_CONFIG_HASH",
        "SAPM_DEPLOYED_AT",
        "SAPM_DEPLOYMENT_URL",
        "SAPM_DRY_RUN",
        "SAPM_FORMAT",
        "SAPM_TARGET_BRANCH",
        "SAPM_CACHE_DIR",
        "SAPM_CREDENTIALS_FILE",
        "USED_FOR_SECURITY",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL",
        "AWS_CONFIG_FILE",
        "AWS_PROFILE",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "ALL_PROXY",
        "APP_INTERFACE_STATE_BUCKET",
        "CI_SERVER_TLS_CA_FILE",
        "CI_JOB_URL",
        "sapm_commit",
        "sapm_role",
        "sapm_keep",
    ];
    let evil: Vec<(&str, &str)> = names.iter().map(|name| (*name, "https://evil.test/")).collect();
    let output = call(&[], &evil, "success");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let out = text(&output.stdout);
    assert!(!out.contains("evil.test"), "{out}");
    let seen: BTreeMap<&str, &str> = out.lines().filter_map(|line| line.split_once('=')).collect();
    for (name, value) in [
        ("SAPM_STATE", "s3://app-sre-state"),
        ("SAPM_GITLAB_URL", "https://gitlab.example.com"),
        ("SAPM_APP_INTERFACE", "https://gitlab.example.com/service/app-interface.git"),
        ("AWS_CONFIG_FILE", "/dev/null"),
    ] {
        assert_eq!(seen.get(name), Some(&value), "{name}");
    }
    let arguments = out.lines().last().unwrap();
    assert_eq!(arguments, format!("record {TARGET} --commit {ORDERS_DB_NEW} --succeeded"));
}

#[test]
fn the_role_is_assumed_with_the_id_token() {
    let inputs =
        [("aws-role-arn", "arn:aws:iam::123456789012:role/sapm"), ("aws-region", "eu-west-1")];
    let variables =
        [("SAPM_AWS_ID_TOKEN", "header.claims.signature"), ("AWS_ACCESS_KEY_ID", "AKIA")];
    let output = call(&inputs, &variables, "failed");
    let out = text(&output.stdout);
    assert!(out.contains("AWS_ROLE_ARN=arn:aws:iam::123456789012:role/sapm\n"), "{out}");
    assert!(
        out.contains("AWS_ROLE_SESSION_NAME=sapm-7-42\n") && out.contains("AWS_REGION=eu-west-1\n"),
        "{out}"
    );
    assert!(!out.contains("AKIA") && out.trim_end().ends_with("--failed"), "{out}");
    let output = call(&inputs, &[], "failed");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no ID token"));
}

#[test]
fn what_cannot_be_a_report_is_refused() {
    let output = call(&[("state", "file:///builds/state")], &[], "success");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("jobs do not share a disk"), "{}", text(&output.stderr));
    for result in ["", "canceled"] {
        let output = call(&[], &[], result);
        assert_eq!(output.status.code(), Some(2), "{result}");
        assert!(text(&output.stderr).contains("must be success or failed"));
    }
    // Somebody sets another commit for the pipeline than the one that it checked out.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let checked_out = |head: &str| {
        std::fs::write(folder.path().join(".git/HEAD"), format!("{head}\n")).unwrap();
        let folder = folder.path().to_str().unwrap();
        call(&[], &[("CI_PROJECT_DIR", folder)], "success")
    };
    let other = checked_out(&"a".repeat(40));
    assert_eq!(other.status.code(), Some(2));
    assert!(
        text(&other.stderr).contains("was it set for this pipeline?"),
        "{}",
        text(&other.stderr)
    );
    assert!(checked_out(ORDERS_DB_NEW).status.success());
    assert!(checked_out("ref: refs/heads/main").status.success());
}

/// A deployment job that reports in its own `after_script`.
#[test]
fn an_after_script_reports_what_the_job_came_to() {
    for (script, success) in [("echo deployed", true), ("exit 1", false)] {
        let world = World::start();
        let commit = format!("commit: {ORDERS_DB_NEW}");
        let lines = pipeline(&world, script, &[&commit, "if: $NEVER"]);
        let lines =
            lines.replace("deploy-stage:\n", "deploy-stage:\n  extends: .sapm-record-after\n");
        let Some(repo) = ConfigRepo::of_code(&world, &lines) else { return };
        let (passed, log) = repo.run(&on_main());
        assert_eq!(passed, success, "{log}");
        assert_eq!(stored(&world, CHANNEL)["success"], Value::Bool(success), "{log}");
    }
}
