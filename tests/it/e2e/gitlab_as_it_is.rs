//! Behaviour of GitLab's source that differs from what one would expect.

use std::sync::atomic::{AtomicBool, Ordering};

use forge::{Fault, FaultKind, GitLabVersion, Service, Settings};

use super::support::*;

#[test]
fn a_file_that_is_too_large_for_a_form_is_committed() {
    let world = World::start();
    world.forge().configure(|settings| settings.largest_form = 1024);
    world.sapm("apply").expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn a_gitlab_that_signs_web_commits_changes_nothing() {
    let world = World::start();
    world.forge().configure(|settings| settings.sign_web_commits = true);
    world.apply();
    let plan = world.sapm("apply").args(["--format", "json"]).expect(0).plan();
    assert_eq!(plan.actions(), ["keep"; 4]);
    assert!(world.forge().log().iter().all(|entry| !entry.path.contains("/compare")));
    world.shop.next_catalog();
    world.apply();
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn labels_that_gitlab_drops_are_one_warning_of_the_opening_run() {
    let world = World::start();
    let known = |labels: &[&str]| Some(labels.iter().map(|label| (*label).to_owned()).collect());
    world.forge().configure(|settings| settings.known_labels = known(&["SAPM"]));
    let apply = || {
        let labels = "SAPM,bot/approved: progressive-delivery";
        let args = ["--format", "json"];
        world.sapm("apply").env("SAPM_LABELS", labels).args(args).expect(0).plan()
    };
    let plan = apply();
    assert_eq!(plan.problems(), ["warning labels_not_set"]);
    let problem = plan.problem("labels_not_set");
    let message = text(&problem["message"]);
    for words in ["`bot/approved: progressive-delivery` on 4 merge requests", "(!1, !2, !3, !4)"] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert!(!message.contains("`SAPM`"), "{message}");
    assert!(text(&problem["help"]).contains("create the labels"), "{problem}");
    assert_eq!(world.request(CANARY).labels, ["SAPM".to_owned()].into());
    assert_eq!(apply().problems(), Vec::<String>::new(), "it opened none");
}

/// Deletes the branch of the first merge request right before it is opened.
fn delete_before_opening(world: &World) {
    let (project, done) = (world.project().clone(), AtomicBool::new(false));
    let hook = move |_: &forge::RequestInfo| {
        let branch =
            project.branches().into_keys().find(|name| name.starts_with("auto-promoter-v2/"));
        if !done.swap(true, Ordering::SeqCst) {
            project.delete_branch("dev", &branch.expect("a branch of the bot"));
        }
    };
    let opening = Fault::new(FaultKind::Pass).on(Service::GitLab).method("POST");
    world.forge().fault(opening.path_regex("/merge_requests$").calling(hook));
}

#[test]
fn a_branch_deleted_before_its_merge_request_is_opened_is_a_conflict() {
    let world = World::start();
    world.forge().configure(|settings| *settings = Settings::of(GitLabVersion::V19));
    delete_before_opening(&world);
    let plan = world.sapm("apply").args(["--format", "json"]).expect(0).plan();
    assert_eq!(plan.problems(), Vec::<String>::new());
    let messages: Vec<String> = plan
        .list("merge_requests")
        .iter()
        .map(|request| &request["outcome"])
        .filter(|outcome| outcome["outcome"] == "somebody_was_first")
        .map(|outcome| text(&outcome["message"]))
        .collect();
    assert_eq!(messages.len(), 1, "{:#?}", plan.list("merge_requests"));
    assert!(messages[0].contains("is gone"), "{messages:?}");
    assert_eq!(world.project().open_merge_requests().len(), 3);
    world.forge().clear_faults();
    world.sapm("apply").expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn a_400_on_opening_with_an_existing_branch_is_a_failure() {
    let world = World::start();
    let refused = r#"{"message":{"source_branch":["is not welcome"]}}"#;
    let opening = Fault::status(400, refused).method("POST").path_regex("/merge_requests$");
    world.forge().fault(opening.nth(1));
    let plan = world.sapm("apply").args(["--format", "json"]).expect(5).plan();
    assert_eq!(plan.problems(), ["error write_refused"]);
    let message = text(&plan.list("problems")[0]["message"]);
    assert!(message.contains("is not welcome"), "{message}");
}

#[test]
fn a_merge_request_reopened_without_its_branch_is_closed_with_that_reason() {
    let world = World::start();
    world.apply();
    let request = world.request(CANARY);
    world.project().close("dev", request.iid);
    world.project().delete_branch("dev", &request.source_branch);
    world.forge().settle();
    world.project().reopen("dev", request.iid).expect("GitLab opens it without a diff");
    assert_eq!(world.project().merge_request(request.iid).expect("a request").sha, None);
    world.sapm("apply").expect(0);
    let request = world.project().merge_request(request.iid).expect("a request");
    let comment = request.comments().last().expect("a comment");
    assert!(comment.body.contains("its branch is gone"), "{}", comment.body);
    assert_eq!(
        world.project().open_merge_requests().iter().filter(|open| open.iid == request.iid).count(),
        0
    );
}

#[test]
fn an_older_gitlab_is_supported() {
    for version in [GitLabVersion::V15, GitLabVersion::V17] {
        let world = World::start();
        world.forge().configure(|settings| *settings = Settings::of(version));
        world.apply();
        world.shop.next_catalog();
        world.apply();
        assert_eq!(world.project().open_merge_requests().len(), 4, "{version:?}");
        world.forge().assert_no_unknown_routes();
    }
}

#[test]
fn an_hour_long_limit_is_reported_with_end_name_and_budget() {
    let world = World::start();
    let mut headers = vec![("retry-after".to_owned(), "3600".to_owned())];
    headers.push(("ratelimit-name".to_owned(), "throttle_authenticated_api".to_owned()));
    headers.push(("ratelimit-limit".to_owned(), "5000".to_owned()));
    let limited = FaultKind::Status(429, "Retry later\n".to_owned(), headers);
    world.forge().fault(Fault::new(limited).on(Service::GitLab).path("/api/"));
    let ran = world.sapm("apply").expect(4);
    for words in [
        "(resets at 20",
        "after a pause of 1 h 0 min; ",
        "limit throttle_authenticated_api of 5000 requests)",
        "docs/limits.md#request-budget-of-gitlab",
    ] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    assert!(!ran.err.contains("check --gitlab-url"), "{}", ran.err);
    world.assert_nothing_written();
}

#[test]
fn a_limit_of_an_application_is_waited_for() {
    let world = World::start();
    let often = || Fault::requested_too_often().on(Service::GitLab);
    world.forge().fault(often().path("/merge_requests?").nth(1));
    world.sapm("apply").expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn branches_repeated_on_later_pages_count_once() {
    let world = World::start();
    world.apply();
    let (project, checkout) = (world.project(), world.checkout());
    let main = project.tip("main").expect("a tip");
    for number in 0..250 {
        project.set_branch("dev", &format!("feature/{number}"), &main).expect("a branch");
    }
    for number in 0..150 {
        project
            .set_branch("dev", &format!("auto-promoter-v2/left-{number}"), &main)
            .expect("a branch");
    }
    assert_eq!(world.plan_by_api(&checkout).actions(), ["keep"; 4]);
    // 404 branches of any name are five pages, of which the first has all matches.
    assert_eq!(world.count(|entry| entry.path.contains("/repository/branches?")), 5);
}

#[test]
fn an_outdated_list_of_branches_breaks_no_merge_request() {
    let world = World::start();
    let checkout = world.checkout();
    let plan = || world.plan_by_api(&checkout);
    world.forge().set_time(chrono::Utc::now());
    assert_eq!(plan().actions(), ["create"; 4]);
    world.apply();
    let stale = plan();
    assert!(stale.actions().iter().all(|action| action == "keep"), "{:?}", stale.actions());
    for request in stale.list("merge_requests") {
        let reason = text(&request["reason"]);
        assert!(!reason.contains("is gone"), "{reason}");
    }
    world.forge().advance(chrono::Duration::seconds(31));
    assert!(plan().list("merge_requests").iter().all(|one| one["reason_code"] == "as_wanted"));
}
