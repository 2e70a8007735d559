//! The project's own pipeline, `.gitlab-ci.yml`: which jobs it gets when.

use super::pipeline::{ConfigRepo, Situation};
use crate::e2e::support::World;

const CHECKS: [&str; 5] = ["audit", "lint", "static", "templates", "test"];
const RUN: [&str; 1] = ["promotions-run"];

/// The checks and these.
fn checks_and(more: &[&'static str]) -> Vec<&'static str> {
    let mut all = [&CHECKS[..], more].concat();
    all.sort_unstable();
    all
}

#[test]
fn each_kind_of_pipeline_of_this_project_gets_its_jobs_and_no_others() {
    let world = World::start();
    let Some(project) = ConfigRepo::this_project(&world) else { return };
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
        ("new pipeline of main", of("web"), RUN.to_vec()),
        ("main by the API", of("api"), RUN.to_vec()),
        ("main by a trigger", of("trigger"), RUN.to_vec()),
        ("main by another project", of("pipeline"), RUN.to_vec()),
    ];
    for (name, situation, wanted) in cases {
        assert_eq!(project.jobs(&situation), wanted, "{name}");
    }
}
