//! The jobs of each kind of pipeline.

use super::pipeline::{ConfigRepo, Situation, job_with_counts, own_pipeline};
use crate::e2e::support::World;

const MERGE_REQUEST: [&str; 2] = ["sapm-plan", "sapm-validate"];
/// Every pipeline of the default branch is validated too: merge requests are compared to the newest of their commit.
const SCHEDULE: [&str; 2] = ["sapm-apply: [1/1]", "sapm-validate"];
const RUN: [&str; 2] = ["sapm-run", "sapm-validate"];
const GATE: [&str; 2] = ["sapm-preflight", "sapm-validate"];
const SHADOW: [&str; 2] = ["sapm-shadow", "sapm-validate"];
const EXPLAIN: [&str; 2] = ["sapm-explain", "sapm-validate"];
const VALIDATE: [&str; 1] = ["sapm-validate"];

#[test]
fn each_kind_of_pipeline_gets_exactly_its_jobs() {
    let world = World::start();
    let Some(repo) = ConfigRepo::new(&world) else { return };
    change_a_datafile(&repo);
    let unprotected = |source| Situation::of(source).with("CI_COMMIT_REF_PROTECTED", "false");
    let branch = |source| Situation::of(source).with("CI_COMMIT_BRANCH", "a-change");
    let request = Situation::merge_request;
    let asks = |situation: Situation| situation.with("SAPM_EXPLAIN", "catalog");
    let fork = "somebody/app-interface";
    let of_fork = |source| Situation::of(source).with("CI_PROJECT_PATH", fork);
    let cases: Vec<(&str, Situation, &[&str])> = vec![
        ("schedule", Situation::of("schedule"), &SCHEDULE),
        ("unprotected schedule", unprotected("schedule"), &[]),
        ("schedule of another branch", branch("schedule"), &[]),
        ("schedule for something else", Situation::of("schedule").with("SAPM_SKIP", "true"), &[]),
        ("by hand", Situation::of("web"), &RUN),
        ("by hand on another branch", branch("web"), &[]),
        ("the comparison", Situation::of("schedule").with("SAPM_SHADOW", "true"), &SHADOW),
        ("the comparison in a fork", of_fork("schedule").with("SAPM_SHADOW", "true"), &[]),
        ("the gate of a cut-over", Situation::of("web").with("CUT_OVER", "true"), &GATE),
        ("the gate on another branch", branch("web").with("CUT_OVER", "true"), &[]),
        ("the gate in a fork", of_fork("web").with("CUT_OVER", "true"), &[]),
        ("a question by hand", asks(Situation::of("web")), &EXPLAIN),
        ("a question by the API", asks(Situation::of("api")), &EXPLAIN),
        ("a question on another branch", asks(branch("web")), &[]),
        ("an unprotected question", asks(unprotected("web")), &[]),
        ("a question in a fork", asks(of_fork("web")), &[]),
        ("a question in a schedule", asks(Situation::of("schedule")), &SCHEDULE),
        ("a question in a merge request", asks(request()), &MERGE_REQUEST),
        ("an empty question", Situation::of("web").with("SAPM_EXPLAIN", ""), &RUN),
        ("unprotected by hand", unprotected("web"), &[]),
        ("by the API", Situation::of("api"), &RUN),
        ("unprotected by the API", unprotected("api"), &[]),
        ("by a trigger", Situation::of("trigger"), &RUN),
        ("by another project", Situation::of("pipeline"), &RUN),
        ("in a child pipeline, whatever started its parent", Situation::of("parent_pipeline"), &[]),
        ("schedule of a fork", of_fork("schedule"), &[]),
        ("by hand in a fork", of_fork("web"), &[]),
        ("by the API in a fork", of_fork("api"), &[]),
        ("push", Situation::of("push"), &VALIDATE),
        ("push for something else", Situation::of("push").with("SAPM_SKIP", "true"), &[]),
        ("unprotected push", unprotected("push"), &[]),
        ("push in a fork", of_fork("push"), &[]),
        ("push of a branch", branch("push"), &[]),
        ("merge request", request(), &MERGE_REQUEST),
        (
            "merge request in a fork",
            request().with("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", fork),
            &["sapm-validate"],
        ),
        (
            "merge request from a protected branch of a fork",
            request()
                .with("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", fork)
                .with("CI_COMMIT_REF_PROTECTED", "true"),
            &["sapm-validate"],
        ),
        (
            "merge request within a fork",
            request()
                .with("CI_PROJECT_PATH", fork)
                .with("CI_MERGE_REQUEST_PROJECT_PATH", fork)
                .with("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", fork),
            &["sapm-validate"],
        ),
        (
            "merge train",
            request().with("CI_MERGE_REQUEST_EVENT_TYPE", "merge_train"),
            &["sapm-validate"],
        ),
        (
            "merge request into another branch",
            request().with("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "next"),
            &["sapm-validate"],
        ),
        (
            "merge request of the bot",
            request().with(
                "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
                "feature/sapm-saas-x-0123456789abcdef0123",
            ),
            &["sapm-validate"],
        ),
    ];
    for (name, situation, wanted) in cases {
        assert_eq!(repo.jobs(&situation), wanted, "{name}");
    }
}

#[test]
fn inputs_choose_jobs_and_their_names() {
    let world = World::start();
    let inputs = ["merge-request-jobs: validate", "job-prefix: promotions", "parallel: 3"];
    let Some(repo) = ConfigRepo::with_inputs(&world, &inputs) else { return };
    change_a_datafile(&repo);
    assert_eq!(repo.jobs(&Situation::merge_request()), ["promotions-validate"]);
    let shards = [1, 2, 3].map(|node| format!("promotions-apply: [{node}/3]"));
    let validate = "promotions-validate".to_owned();
    assert_eq!(repo.jobs(&Situation::of("schedule")), [&shards[..], &[validate]].concat());
    assert_eq!(repo.jobs(&Situation::of("web")), ["promotions-run", "promotions-validate"]);
}

#[test]
fn without_jobs_for_merge_requests_nothing_is_validated() {
    let world = World::start();
    let Some(repo) = ConfigRepo::with_inputs(&world, &["merge-request-jobs: none"]) else { return };
    change_a_datafile(&repo);
    let none: [&str; 0] = [];
    assert_eq!(repo.jobs(&Situation::of("schedule")), SCHEDULE[..1]);
    assert_eq!(repo.jobs(&Situation::of("web")), RUN[..1]);
    assert_eq!(repo.jobs(&Situation::of("push")), none);
    assert_eq!(repo.jobs(&Situation::merge_request()), none);
}

#[test]
fn a_repo_with_its_own_pipeline_gets_no_job_twice() {
    let world = World::start();
    let Some(repo) = ConfigRepo::new(&world) else { return };
    change_a_datafile(&repo);
    // gitlab-ci-local does not support pipeline rules. Here they are rules of a job without which there is no pipeline.
    let rules = own_pipeline().replacen("workflow:\n", "a-pipeline:\n  script: echo\n", 1);
    repo.add_jobs(&rules);
    let push = || Situation::of("push").with("CI_COMMIT_BRANCH", "a-change");
    let cases: Vec<(&str, Situation, &[&str])> = vec![
        ("schedule", Situation::of("schedule"), &["a-pipeline", SCHEDULE[0], SCHEDULE[1]]),
        ("by hand", Situation::of("web"), &["a-pipeline", RUN[0], RUN[1]]),
        ("push of main", Situation::of("push"), &["a-pipeline", "sapm-validate", "unit-tests"]),
        (
            "merge request",
            Situation::merge_request(),
            &["a-pipeline", "sapm-plan", "sapm-validate", "unit-tests"],
        ),
        ("push", push(), &["a-pipeline", "unit-tests"]),
        (
            "push to the branch of a merge request",
            push().with("CI_OPEN_MERGE_REQUESTS", "shop/app-interface!1"),
            &["unit-tests"],
        ),
        ("push of a tag", Situation::of_tag("push", "1"), &["a-pipeline", "unit-tests"]),
    ];
    for (name, situation, wanted) in cases {
        assert_eq!(repo.jobs(&situation), wanted, "{name}");
    }
}

#[test]
fn a_job_that_needs_the_scheduled_job_runs_with_it() {
    let world = World::start();
    let Some(repo) = ConfigRepo::new(&world) else { return };
    repo.add_jobs(&job_with_counts());
    let schedule = || Situation::of("schedule");
    assert_eq!(repo.jobs(&schedule()), [&SCHEDULE[..], &["tell-the-team"]].concat());
    let none: [&str; 0] = [];
    assert_eq!(repo.jobs(&schedule().with("SAPM_SKIP", "true")), none);
    assert_eq!(repo.jobs(&schedule().with("CI_COMMIT_BRANCH", "a-change")), none);
}

/// Makes the change of the merge request in the working tree, as in a checkout of its branch.
pub(super) fn change_a_datafile(repo: &ConfigRepo<'_>) {
    let path = repo.folder.join("data/services/catalog/app.yml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, text + "# changed\n").unwrap();
}
