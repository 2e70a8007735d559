//! From a new config repo to a merged promotion, on the fakes.

use chrono::{TimeDelta, Utc};
use forge::{Access, CommitInfo, Forge};
use std::process::Command;

use super::{read_all, succeed};

const PROJECT: &str = "shop/config-repo";
const BUCKET: &str = "shop-state";
const COMMIT: &str = "9705190ced53cafa7066f65786fc6d00876035ae";
const SAAS_FILE: &str = "data/services/shop/saas.yml";

/// Runs `sapm` with the services of the fakes.
fn run(forge: &Forge, args: &[&str]) -> String {
    let variables = [
        ("SAPM_APP_INTERFACE", format!("{}/{PROJECT}.git", forge.gitlab_url())),
        ("SAPM_GITLAB_URL", forge.gitlab_url()),
        ("SAPM_GITLAB_TOKEN", "glpat-bot".to_owned()),
        ("SAPM_STATE", format!("s3://{BUCKET}")),
        ("AWS_ENDPOINT_URL_S3", forge.s3_endpoint()),
        ("AWS_ACCESS_KEY_ID", forge.s3_keys().0.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", forge.s3_keys().1.to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("PATH", std::env::var("PATH").unwrap_or_default()),
    ];
    let mut sapm = Command::new(env!("CARGO_BIN_EXE_sapm"));
    let output = sapm.args(args).env_clear().envs(variables).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn a_new_config_repo_is_promoted_until_the_merge() {
    let forge = Forge::builder().bucket(BUCKET).start_blocking();
    let folder = tempfile::tempdir().unwrap();
    let url = forge.gitlab_url();
    succeed(folder.path(), &["init", "repo", "--gitlab-url", &url, "--state", "s3://shop-state"]);
    let files = read_all(&folder.path().join("repo"));
    let project = forge.create_project(PROJECT, files);
    project.add_bot("sapm-bot", "glpat-bot", Access::Developer, &["api"]);
    forge.set_gitlab_ref("shop/shop", "main", CommitInfo::new(COMMIT));

    // Before the first deployment there is nothing to promote, and it is said why.
    run(&forge, &["apply"]);
    assert!(project.merge_requests().is_empty());
    let explained = run(&forge, &["explain", "saas-shop/shop/main/shop-production"]);
    assert!(explained.contains("deployment"), "{explained}");

    // As README.md says, in the deployment job.
    let at = (Utc::now() - TimeDelta::days(2)).to_rfc3339();
    let target = "saas-shop/shop/main/shop-stage";
    run(&forge, &["record", target, "--commit", COMMIT, "--succeeded", "--at", &at]);
    run(&forge, &["apply"]);
    let [request] = &project.open_merge_requests()[..] else { panic!("one merge request") };
    // No page of the forge compares with a commit that is none.
    assert!(!request.description.contains("/compare/"), "{}", request.description);
    project.merge("alice", request.iid).expect("it merges");
    let bytes = project.file("main", SAAS_FILE).expect("the saas file");
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains(&format!("    ref: '{COMMIT}'\n")), "{text}");
    assert!(!text.contains("0000000000") && text.contains("soakDays: 1"), "{text}");

    forge.clear_log();
    run(&forge, &["apply"]);
    assert_eq!(forge.writes().len(), 0, "{:?}", forge.writes());
    assert!(project.open_merge_requests().is_empty());
}
