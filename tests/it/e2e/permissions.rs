//! Missing rights are reported before anything is written; a job token is used where it suffices.

use chrono::{TimeDelta, Utc};
use forge::{Access, Fault, GitLabVersion, Settings};

use super::failures::{apply, fails, no_secret_in};
use super::support::*;
use crate::shop::{PROJECT, TOKEN};

/// The job token.
const JOB_TOKEN: &str = "glcbt-token-of-the-job-that-nobody-may-see";

fn scopes(world: &World, scopes: &[&str]) {
    world.forge().change_token(TOKEN, |token| {
        token.scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    });
}

#[test]
fn a_read_only_token_lacks_the_scope_api() {
    let world = World::start();
    scopes(&world, &["read_api"]);
    let words = ["may only read_api (", "scope api", "SAPM_GITLAB_TOKEN", "docs/permissions.md"];
    fails(&world, apply(&world), 4, &words);
}

#[test]
fn a_reporter_may_not_write() {
    let world = World::start();
    world.project().add_member("sapm-bot", Access::Reporter);
    fails(&world, apply(&world), 4, &["@sapm-bot", "only Reporter", "role Developer"]);
    world.sapm("plan").expect(0);
    world.forge().assert_no_unknown_routes();
    world.project().add_member_by_group("sapm-bot", Access::Developer);
    world.sapm("apply").expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
    world.forge().assert_no_unknown_routes();
}

#[test]
fn a_token_of_another_user_than_the_bot_that_is_named() {
    let world = World::start();
    let token = "glpat-made-anew-that-nobody-may-see";
    world.project().add_bot("sapm-bot-anew", token, Access::Developer, &["api"]);
    let named =
        |run: Sapm, bot: &str| run.env("SAPM_GITLAB_TOKEN", token).env("SAPM_BOT_USER", bot);
    let words = ["SAPM_BOT_USER", "is @sapm-bot,", "@sapm-bot-anew", "unset"];
    fails(&world, named(apply(&world), "sapm-bot"), 4, &words);
    named(world.sapm("plan"), "sapm-bot").expect(0);
    named(world.sapm("apply"), "sapm-bot").args(["--dry-run"]).expect(0);
    world.assert_nothing_written();
    named(world.sapm("apply"), "SAPM-bot-anew").expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
    world.forge().assert_no_unknown_routes();
}

#[test]
fn the_plan_token_instead_of_the_bots() {
    let world = World::start();
    let token = "glpat-for-plans-that-nobody-may-see";
    let scopes = ["read_api", "read_repository"];
    world.project().add_bot("sapm-reader", token, Access::Reporter, &scopes);
    let mixed_up = apply(&world).env("SAPM_GITLAB_TOKEN", token).env("SAPM_BOT_USER", "sapm-bot");
    let words = [
        "is @sapm-bot,",
        "another user, @sapm-reader:",
        "or set SAPM_GITLAB_TOKEN to the bot's token",
        "; @sapm-reader is only Reporter",
    ];
    fails(&world, mixed_up, 4, &words);
    world.forge().assert_no_unknown_routes();
}

#[test]
fn an_archived_project_accepts_no_merge_requests() {
    let world = World::start();
    world.project().archive();
    fails(&world, apply(&world), 4, &[PROJECT, "is archived", "unarchive"]);
    world.sapm("plan").expect(0);
}

#[test]
fn a_project_without_merge_requests() {
    let world = World::start();
    world.project().set_features(false, true);
    fails(&world, apply(&world), 4, &["merge requests", "are off", "Settings > General"]);
}

#[test]
fn everything_missing_is_reported_at_once() {
    let world = World::start();
    scopes(&world, &["read_api", "read_repository"]);
    world.project().add_member("sapm-bot", Access::Reporter);
    world.project().archive();
    let run = apply(&world).args(["--state", "s3://no-such-bucket"]);
    let words = ["scope api", "only Reporter", "is archived", "no-such-bucket"];
    fails(&world, run, 4, &words);
}

#[test]
fn a_protected_branch_that_blocks_the_bot_ends_the_run_for_every_role() {
    let world = World::start();
    world.project().protect("auto-*", Some(Access::Maintainer));
    let words = ["protected branch auto-* ", "force push", "Settings > Repository"];
    // A Developer may not push. A Maintainer may, but not force push.
    for access in [Access::Developer, Access::Maintainer] {
        world.project().add_member("sapm-bot", access);
        fails(&world, apply(&world), 4, &words);
    }
    world.forge().assert_no_unknown_routes();
    world.project().protect("auto-*", None);
    world.project().protect("*-stable", Some(Access::Maintainer));
    world.sapm("apply").expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn of_several_protected_branch_rules_the_most_permissive_counts() {
    let world = World::start();
    world.project().add_member("sapm-bot", Access::Maintainer);
    world.project().protect_with("*", None, false);
    let words = ["protected branch * ", "force push"];
    fails(&world, apply(&world), 4, &words);
    // Each right may come from another rule.
    world.project().protect_with("auto-*", None, true);
    let words = ["protected branches *, auto-* ", "force push"];
    fails(&world, apply(&world), 4, &words);
    world.project().protect_with("auto-promoter-v2/*", Some(Access::Developer), false);
    let plan = world.sapm("apply").args(["--format", "json"]).expect(0).plan();
    assert_eq!(plan.problems(), Vec::<String>::new());
    world.shop.next_catalog();
    world.sapm("apply").expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn a_gitlab_that_hides_protected_branches_does_not_end_the_run() {
    let world = World::start();
    world.forge().configure(|settings| *settings = Settings::of(GitLabVersion::V15));
    world.project().protect("auto-*", Some(Access::Maintainer));
    let plan = world.sapm("apply").args(["--format", "json"]).expect(5).plan();
    assert!(plan.problems().iter().all(|problem| problem == "error write_refused"));
    let message = text(&plan.list("problems")[0]["message"]);
    assert!(message.contains("must not be protected"), "{message}");
    world.project().protect("auto-*", None);
    world.sapm("apply").expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn missing_rights_to_delete_branches_are_reported_in_advance() {
    let world = World::start();
    world.project().protect_with("auto-promoter-v2/*", Some(Access::Developer), true);
    let plan = world.sapm("apply").args(["--format", "json"]).expect(0).plan();
    assert_eq!(plan.problems(), ["warning branches_not_deletable"]);
    let message = text(&plan.list("problems")[0]["message"]);
    for word in ["auto-promoter-v2/*", "Maintainer", "Settings > Repository"] {
        assert!(message.contains(word), "{message}");
    }
    assert_eq!(world.project().open_merge_requests().len(), 4);
    world.project().add_member("sapm-bot", Access::Maintainer);
    let plan = world.sapm("apply").args(["--format", "json"]).expect(0).plan();
    assert_eq!(plan.problems(), Vec::<String>::new());
}

#[test]
fn a_fine_grained_token_is_not_judged_by_its_scopes() {
    let world = World::start();
    scopes(&world, &["granular"]);
    world.forge().change_token(TOKEN, |token| token.granular = true);
    world.sapm("apply").expect(0);
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn a_token_that_expires_soon_is_a_warning() {
    let world = World::start();
    let warned = |days: i64| {
        let end = Utc::now() + TimeDelta::days(days);
        world.forge().change_token(TOKEN, |token| token.expires_at = Some(end));
        let plan = world.sapm("apply").args(["--format", "json"]).expect(0).plan();
        let problem = plan.list("problems").first().map(|problem| text(&problem["message"]));
        problem.map(|message| (message, end.date_naive().to_string()))
    };
    let (message, day) = warned(5).expect("a warning");
    assert!(message.contains(&day) && message.contains("in 5 days"), "{message}");
    assert_eq!(warned(20), None);
    assert_eq!(world.project().open_merge_requests().len(), 4);
}

#[test]
fn an_export_that_may_not_be_written_names_the_permission() {
    let world = World::start();
    let denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    world.forge().fault(Fault::status(403, denied).method("PUT").path("/publisher-data"));
    let ran = world.sapm("apply").expect(5);
    assert!(ran.out.contains("s3:PutObject") && ran.out.contains("AccessDenied"), "{}", ran.out);
}

/// `sapm` in a job of the config repo without a token of its own.
fn in_job(world: &World, command: &str) -> Sapm {
    world.project().add_member("alice", Access::Developer);
    world.forge().add_job_token("alice", JOB_TOKEN);
    let url = world.forge().gitlab_url();
    world
        .sapm(command)
        .without("SAPM_GITLAB_TOKEN")
        .without("SAPM_GITLAB_URL")
        .env("CI_SERVER_URL", &url)
        .env("CI_JOB_TOKEN", JOB_TOKEN)
        .env("CI_PROJECT_ID", world.project().id().to_string())
        .env("CI_PROJECT_PATH", PROJECT)
        .env("CI_PROJECT_URL", format!("{url}/{PROJECT}"))
        .env("CI_DEFAULT_BRANCH", "main")
}

#[test]
fn a_job_token_is_enough_for_a_plan() {
    let world = World::start();
    world.apply();
    world.shop.next_catalog();
    let plan = |run: Sapm| run.args(["--format", "json"]).expect(0).plan();
    let with_token = plan(world.sapm("plan"));
    world.forge().clear_log();
    let run = in_job(&world, "plan").args(["--bot-user", "sapm-bot"]);
    let own = plan(run);
    assert_eq!(own.list("merge_requests"), with_token.list("merge_requests"));
    assert_eq!(own.decisions(), with_token.decisions());
    assert_eq!(own.actions(), ["keep", "keep", "keep", "update"]);
    world.assert_nothing_written();
    let log = world.forge().log();
    let refused = log.iter().filter(|entry| entry.status.is_some_and(|status| status >= 400));
    let refused: Vec<_> = refused.map(|entry| (&entry.method, &entry.path)).collect();
    // Git first tries without the token; there is no record of the ledger, which is not deployed.
    assert!(refused.iter().all(|(_, path)| !path.starts_with("/api/")), "{refused:?}");
    world.forge().assert_no_unknown_routes();
    // In a checkout by GitLab, `origin` gives the project.
    let run = in_job(&world, "plan").env("SAPM_APP_INTERFACE", world.checkout());
    let checkout = plan(run.without("CI_PROJECT_PATH_SLUG").args(["--bot-user", "sapm-bot"]));
    assert_eq!(checkout.actions(), ["keep", "keep", "keep", "update"]);
}

#[test]
fn a_job_token_recognises_merge_requests_where_gitlab_signs_commits() {
    let world = World::start();
    world.forge().configure(|settings| settings.sign_web_commits = true);
    world.apply();
    let plan = in_job(&world, "plan").args(["--bot-user", "sapm-bot", "--format", "json"]);
    let plan = plan.expect(0).plan();
    assert_eq!(plan.actions(), ["keep"; 4]);
    assert!(plan.list("merge_requests").iter().all(|one| one["reason_code"] == "as_wanted"));
    assert_eq!(world.count(|entry| entry.path.contains("/compare")), 0);
}

#[test]
fn without_a_bot_user_a_job_tokens_plan_warns_that_no_merge_request_counts_as_open() {
    let world = World::start();
    world.apply();
    let ran = in_job(&world, "plan").expect(0);
    assert!(
        ran.err.contains("SAPM_BOT_USER") && ran.err.contains("no merge request"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("4 create"), "{}", ran.out);
    no_secret_in(&world, &ran);
    assert!(!format!("{}{}", ran.out, ran.err).contains(JOB_TOKEN));
}

#[test]
fn explain_validate_and_graph_clone_with_a_job_token() {
    let world = World::start();
    let ran = in_job(&world, "explain").arg(CANARY).expect(0);
    assert!(ran.out.contains("is due for promotion"), "{}", ran.out);
    in_job(&world, "validate").expect(0);
    let ran = in_job(&world, "graph").expect(0);
    assert!(ran.out.starts_with("flowchart"), "{}", ran.out);
    world.assert_nothing_written();
}

#[test]
fn with_an_older_gitlab_a_job_tokens_plan_has_no_merge_requests() {
    let world = World::start();
    world.apply();
    let missing = "{\"message\":\"404 Project Not Found\"}";
    world.forge().fault(Fault::status(404, missing).path("/merge_requests").between(1, 1000));
    let ran = in_job(&world, "plan").args(["--bot-user", "sapm-bot"]).expect(0);
    assert!(
        ran.err.contains("CI_JOB_TOKEN") && ran.err.contains("SAPM_GITLAB_TOKEN"),
        "{}",
        ran.err
    );
    assert!(ran.out.contains("4 create"), "{}", ran.out);
}

#[test]
fn a_job_token_cannot_apply() {
    let world = World::start();
    let run = in_job(&world, "apply").arg("--report-dir").arg(world.path("report"));
    fails(&world, run, 2, &["CI_JOB_TOKEN", "cannot write", "SAPM_GITLAB_TOKEN"]);
    in_job(&world, "apply").args(["--dry-run"]).expect(0);
    world.assert_nothing_written();
}

#[test]
fn a_job_token_goes_only_to_its_own_gitlab() {
    let world = World::start();
    let run = in_job(&world, "plan")
        .env("SAPM_GITLAB_URL", world.forge().gitlab_url())
        .env("CI_SERVER_URL", "https://gitlab.example.com");
    let ran = run.expect(4);
    assert!(ran.err.contains("cannot be cloned"), "{}", ran.err);
    assert!(world.forge().log().iter().all(|entry| entry.user.is_none()));
}
