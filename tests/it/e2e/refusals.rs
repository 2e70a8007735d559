//! Refused writes: temporary refusals are retried, and permanent ones are one problem.

use forge::{Fault, Service};

use super::support::*;

const LOCKED: &str = r#"{"message":"409 Conflict: Resource lock"}"#;
const UNSEEN: &str = r#"{"message":{"source_branch":["does not exist"]}}"#;
const READ_ONLY: &str =
    r#"{"message":"403 Forbidden - You cannot perform write operations on a read-only instance"}"#;

fn gitlab(status: u16, body: &str) -> Fault {
    Fault::status(status, body).on(Service::GitLab)
}

fn opening(status: u16, body: &str) -> Fault {
    gitlab(status, body).method("POST").path_regex("/merge_requests$")
}

fn committing(status: u16, body: &str) -> Fault {
    gitlab(status, body).method("POST").path("/repository/commits")
}

/// The outcomes of all merge requests, sorted.
fn outcomes(plan: &Plan) -> Vec<String> {
    let requests = plan.list("merge_requests").iter();
    let mut all: Vec<String> = requests.map(|r| text(&r["outcome"]["outcome"])).collect();
    all.sort();
    all
}

fn apply_json(world: &World, code: i32) -> Plan {
    world.forge().clear_log();
    world.sapm("apply").args(["--format", "json"]).expect(code).plan()
}

/// Checks that the run has one problem for its writes, with the number of targets.
#[track_caller]
fn one_problem(plan: &Plan, words: &[&str]) {
    let message = text(&plan.problem("write_refused")["message"]);
    let targets: usize =
        plan.list("merge_requests").iter().map(|r| r["targets"].as_array().unwrap().len()).sum();
    let count = format!("4 merge requests ({targets} targets)");
    for word in words.iter().copied().chain([count.as_str()]) {
        assert!(message.contains(word), "{word}: {message}");
    }
}

#[test]
fn a_temporary_resource_lock_is_retried() {
    let world = World::start();
    for path in ["/merge_requests", "/repository/commits"] {
        let lock = gitlab(409, LOCKED).method("POST").path(path).between(1, 2);
        world.forge().fault(lock);
    }
    let list = gitlab(409, LOCKED).method("GET").path("/merge_requests?").between(1, 2);
    world.forge().fault(list);
    let plan = apply_json(&world, 0);
    assert_eq!(outcomes(&plan), ["done"; 4]);
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn a_permanent_resource_lock_is_one_problem() {
    let world = World::start();
    world.forge().fault(opening(409, LOCKED));
    let plan = apply_json(&world, 5);
    assert_eq!(outcomes(&plan), ["failed"; 4]);
    one_problem(&plan, &["Resource lock"]);
    assert!(world.project().open_merge_requests().is_empty());
    world.forge().clear_faults();
    world.apply();
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn opening_is_retried_until_gitlab_sees_the_branch() {
    let world = World::start();
    // More often than a failed write is sent.
    world.forge().fault(opening(400, UNSEEN).between(1, 6));
    let plan = apply_json(&world, 0);
    assert_eq!(outcomes(&plan), ["done"; 4]);
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn a_branch_unseen_by_gitlab_is_one_problem_and_used_by_the_next_run() {
    let world = World::start();
    world.forge().fault(opening(400, UNSEEN));
    let run = world.sapm("apply").args(["--format", "json", "--deadline", "10s"]);
    let plan = run.expect(5).plan();
    one_problem(&plan, &["does not find branches"]);
    assert_eq!(world.branches().len(), 4);
    world.forge().clear_faults();
    world.apply();
    assert_eq!(world.project().open_merge_requests().len(), 4);
    let commits =
        |entry: &forge::Entry| entry.method == "POST" && entry.path.contains("/repository/commits");
    assert_eq!(world.count(commits), 0, "the branches are used as they are");
}

#[test]
fn under_maintenance_one_write_is_attempted() {
    let world = World::start();
    world.forge().fault(gitlab(403, READ_ONLY).writes().path("/api/"));
    let plan = apply_json(&world, 5);
    one_problem(&plan, &["accepts no writes now", "maintenance"]);
    assert_eq!(outcomes(&plan), ["failed", "not_attempted", "not_attempted", "not_attempted"]);
    assert_eq!(world.writes().len(), 1, "{:?}", world.writes());
}

#[test]
fn a_push_rule_refuses_one_commit_for_all() {
    let world = World::start();
    let body = r#"{"message":"Commit message does not follow the pattern 'JIRA-\\d+'"}"#;
    world.forge().fault(committing(400, body));
    let plan = apply_json(&world, 5);
    one_problem(&plan, &["push rule", "JIRA-", "Push rules"]);
    assert_eq!(world.writes().len(), 1, "{:?}", world.writes());
}

#[test]
fn a_branch_that_blocks_the_bots_branches_is_reported() {
    let world = World::start();
    let tip = world.project().branches()["main"].clone();
    world.project().set_branch("alice", "auto-promoter-v2", &tip).unwrap();
    let body = r#"{"message":"Could not update refs/heads/auto-promoter-v2. Please update and try again."}"#;
    world.forge().fault(committing(400, body));
    let plan = apply_json(&world, 5);
    one_problem(&plan, &["the branch auto-promoter-v2 prevents", "rename or delete it"]);
    assert_eq!(world.writes().len(), 1, "{:?}", world.writes());
}

#[test]
fn a_token_revoked_during_the_run_is_one_problem() {
    let world = World::start();
    let revoked = gitlab(401, r#"{"message":"401 Unauthorized"}"#).writes().path("/api/");
    world.forge().fault(revoked.between(3, u64::MAX));
    let plan = apply_json(&world, 5);
    let message = text(&plan.problem("write_refused")["message"]);
    assert!(message.starts_with("3 merge requests (") && message.contains("refuses the token"));
    // The others are written in parallel: how many were sent before the first refusal is random.
    let outcomes = outcomes(&plan);
    assert_eq!(outcomes[0], "done");
    let refused = ["failed", "not_attempted"];
    assert!(outcomes[1..].iter().all(|outcome| refused.contains(&&**outcome)), "{outcomes:?}");
    assert!((3..=5).contains(&world.writes().len()), "{:?}", world.writes());
}

#[test]
fn single_sign_on_of_a_github_organization_is_one_problem() {
    let world = World::start();
    let body = r#"{"message":"Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization."}"#;
    world.forge().fault(Fault::status(403, body).on(Service::GitHub));
    let plan = world.sapm("plan").args(["--format", "json"]).expect(5).plan();
    assert_eq!(plan.problems(), ["error service_refused"]);
    let message = text(&plan.problem("service_refused")["message"]);
    assert!(message.contains("example-shop requires single sign-on"), "{message}");
    assert!(message.contains("(concerns 3 targets)"), "{message}");
}

#[test]
fn an_unusable_kms_key_is_one_problem() {
    let world = World::start();
    let body = "<Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/x is not authorized to \
                perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:1:key/2</Message></Error>";
    world.forge().fault(Fault::status(403, body).on(Service::S3).path("/promotions_v2/"));
    let plan = world.sapm("plan").args(["--format", "json"]).expect(5).plan();
    assert_eq!(plan.problems(), ["error service_refused"]);
    let message = text(&plan.problem("service_refused")["message"]);
    assert!(message.contains("kms:Decrypt") && message.contains("(concerns "), "{message}");
}

#[test]
fn a_proxys_response_for_a_record_is_a_problem_of_its_key() {
    let page = "<html><title>Bad request</title></html>";
    for status in [400, 404, 414] {
        let world = World::start();
        for path in [EXPORT, "/promotions_v2/catalog-stage"] {
            world.forge().fault(Fault::status(status, page).on(Service::S3).path(path));
        }
        let plan = world.sapm("plan").args(["--format", "json"]).expect(5).plan();
        assert_eq!(plan.problems(), ["error record_lookup_failed"], "{status}");
        assert_eq!(plan.decision(CANARY), "error", "{status}");
        assert!(plan.decisions().values().any(|decision| decision == "promote"));
    }
}
