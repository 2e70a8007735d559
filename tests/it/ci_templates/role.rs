//! How a job assumes an AWS role, and which tokens and keys a plan uses. gitlab-ci-local provides no ID tokens, so the
//! job's own lines run here.

use std::process::Output;

use super::shell::{run_script, script};

const ROLE: &str = "arn:aws:iam::123456789012:role/sapm";
const TOKEN: &str = "header.claims.signature";

/// What sapm would get.
const SCRIPT: &str = r#"
echo "role: ${AWS_ROLE_ARN-none}, session: ${AWS_ROLE_SESSION_NAME-none}, region: ${AWS_REGION-none}"
echo "key: ${AWS_ACCESS_KEY_ID-none}"
if [ -n "${SAPM_GITHUB_TOKEN-}" ]; then echo "$SAPM_GITLAB_TOKEN, $SAPM_GITHUB_TOKEN, $AWS_SECRET_ACCESS_KEY"; fi
if [ -n "${AWS_WEB_IDENTITY_TOKEN_FILE-}" ]; then
  cat "$AWS_WEB_IDENTITY_TOKEN_FILE"
  ls -l "$AWS_WEB_IDENTITY_TOKEN_FILE" | cut -c1-10
fi
"#;

/// Runs the part of `sapm-run` before it calls sapm, and then `SCRIPT`, with these variables.
fn run(inputs: &[(&str, &str)], variables: &[(&str, &str)]) -> (Output, usize) {
    run_job("run", inputs, variables)
}

/// The same for a plan.
fn run_plan(inputs: &[(&str, &str)], variables: &[(&str, &str)]) -> Output {
    run_job("plan", inputs, variables).0
}

fn run_job(job: &str, inputs: &[(&str, &str)], variables: &[(&str, &str)]) -> (Output, usize) {
    let folder = tempfile::tempdir().unwrap();
    let environment = format!("TMPDIR={}", folder.path().display());
    let inputs = [inputs, &[("environment", &environment), ("command", "true")]].concat();
    let script = format!("{}\n{SCRIPT}", script(job, &inputs));
    let job = [("CI_PROJECT_ID", "7"), ("CI_JOB_ID", "42")];
    let output = run_script(&script, &[&job[..], variables].concat());
    (output, std::fs::read_dir(folder.path()).unwrap().count())
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_role_is_assumed_with_the_id_token_and_the_token_is_removed() {
    let inputs = [("aws-role-arn", ROLE), ("aws-region", "eu-west-1")];
    let variables = [("SAPM_AWS_ID_TOKEN", TOKEN), ("AWS_ACCESS_KEY_ID", "AKIA")];
    let (output, left) = run(&inputs, &variables);
    let wanted = format!(
        "role: {ROLE}, session: sapm-7-42, region: eu-west-1\nkey: none\n{TOKEN}-rw-------\n"
    );
    assert_eq!(text(&output.stdout), wanted, "{}", text(&output.stderr));
    assert_eq!(left, 0, "the token's file is still there");
}

#[test]
fn without_a_role_the_keys_of_the_project_stay() {
    let (output, _) = run(&[], &[("AWS_ACCESS_KEY_ID", "AKIA")]);
    assert_eq!(text(&output.stdout), "role: none, session: none, region: none\nkey: AKIA\n");
}

#[test]
fn a_role_without_an_id_token_is_a_configuration_error() {
    let (output, _) = run(&[("aws-role-arn", ROLE)], &[("SAPM_AWS_ID_TOKEN", "")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains(ROLE));
    assert_eq!(output.stdout, b"");
}

/// The variables for plans in docs/set-up.md, which are not protected.
const FOR_PLANS: [(&str, &str); 4] = [
    ("SAPM_PLAN_TOKEN", "glpat-plan"),
    ("SAPM_PLAN_GITHUB_TOKEN", "ghp-plan"),
    ("SAPM_PLAN_AWS_ACCESS_KEY_ID", "AKIA-PLAN"),
    ("SAPM_PLAN_AWS_SECRET_ACCESS_KEY", "secret-plan"),
];

#[test]
fn a_plan_uses_its_own_tokens_and_keys() {
    let output = run_plan(&[], &FOR_PLANS);
    let none = "role: none, session: none, region: none\n";
    let own = format!("{none}key: AKIA-PLAN\nglpat-plan, ghp-plan, secret-plan\n");
    assert_eq!(text(&output.stdout), own, "{}", text(&output.stderr));
    // On a protected branch, a job also gets the variables of `apply`.
    let of_apply = [
        ("SAPM_GITLAB_TOKEN", "glpat"),
        ("SAPM_GITHUB_TOKEN", "ghp"),
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    assert_eq!(text(&run_plan(&[], &[&of_apply[..], &FOR_PLANS].concat()).stdout), own);
    let output = run_plan(&[], &of_apply);
    assert_eq!(text(&output.stdout), format!("{none}key: AKIA\nglpat, ghp, secret\n"));
}

#[test]
fn a_plan_with_a_role_uses_no_key() {
    let token = [("SAPM_AWS_ID_TOKEN", TOKEN)];
    let role = [("aws-plan-role-arn", ROLE)];
    let output = run_plan(&role, &[&token[..], &FOR_PLANS[2..]].concat());
    assert!(text(&output.stdout).contains("\nkey: none\n"), "{}", text(&output.stdout));
    let page = super::pipeline::read("docs/set-up.md");
    for (name, _) in FOR_PLANS {
        assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/set-up.md");
    }
}
