//! The project's own pipeline, `.gitlab-ci.yml`: its jobs in each situation.

use super::pipeline::{ConfigRepo, Situation};
use crate::e2e::support::World;

const CHECKS: [&str; 5] = ["audit", "lint", "static", "templates", "test"];
const RUN: [&str; 1] = ["promotions-run"];
const CONFIG_REPO: &str = "https://gitlab.example.com/shop/app-interface.git";

/// The checks and these.
fn checks_and(more: &[&'static str]) -> Vec<&'static str> {
    let mut all = [&CHECKS[..], more].concat();
    all.sort_unstable();
    all
}

#[test]
fn each_kind_of_pipeline_of_this_project_gets_exactly_its_jobs() {
    let world = World::start();
    let Some(project) = ConfigRepo::this_project(&world, Some(CONFIG_REPO)) else { return };
    let of = Situation::of;
    let tag = |source| Situation::of_tag(source, "0.1.0");
    let release = || checks_and(&["container", "notes", "release"]);
    let cases = [
        ("push of main", of("push"), checks_and(&["container"])),
        ("merge request", Situation::merge_request(), CHECKS.to_vec()),
        ("push of a tag", tag("push"), release()),
        ("new pipeline of a tag, as after an import", tag("web"), release()),
        ("a tag by the API", tag("api"), release()),
        (
            "a tag that is not protected",
            tag("push").with("CI_COMMIT_REF_PROTECTED", "false"),
            CHECKS.to_vec(),
        ),
        ("a tag that is no version", Situation::of_tag("push", "try"), checks_and(&["container"])),
        ("schedule", of("schedule"), vec!["promotions-apply: [1/1]"]),
        ("schedule that fuzzes", of("schedule").with("FUZZ_SECONDS", "300"), vec!["fuzz"]),
        ("new pipeline of main", of("web"), RUN.to_vec()),
        ("main by the API", of("api"), RUN.to_vec()),
        ("main by a trigger", of("trigger"), RUN.to_vec()),
        ("main by another project", of("pipeline"), RUN.to_vec()),
    ];
    for (name, situation, wanted) in cases {
        assert_eq!(project.jobs(&situation), wanted, "{name}");
    }
}

/// After an import, a new pipeline of main builds the image for the promotions.
#[test]
fn without_a_config_repo_a_new_pipeline_of_main_checks_and_builds_the_image() {
    let world = World::start();
    let Some(project) = ConfigRepo::this_project(&world, None) else { return };
    let of = Situation::of;
    let none = Vec::new();
    for (name, situation, wanted) in [
        ("push of main", of("push"), checks_and(&["container"])),
        ("new pipeline of main", of("web"), checks_and(&["container"])),
        ("schedule", of("schedule"), none.clone()),
        ("main by the API", of("api"), none.clone()),
        ("main by a trigger", of("trigger"), none.clone()),
        ("main by another project", of("pipeline"), none),
    ] {
        assert_eq!(project.jobs(&situation), wanted, "{name}");
    }
}

/// A vulnerability that becomes known after a version was tagged must not block its image and its release.
#[test]
fn an_advisory_blocks_a_change_but_not_a_tagged_version() {
    let world = World::start();
    let Some(project) = ConfigRepo::this_project(&world, None) else { return };
    let may_fail = |situation: &Situation| project.jobs_that_may_fail(situation);
    assert_eq!(may_fail(&Situation::of_tag("push", "0.1.0")), ["audit"]);
    let none: [&str; 0] = [];
    assert_eq!(may_fail(&Situation::of("push")), none);
    assert_eq!(may_fail(&Situation::merge_request()), none);
}
