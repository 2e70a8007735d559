//! Messages for unexpected responses of a service, or for responses that the settings explain.

use forge::{Fault, FaultKind, Service};

use super::failures::{apply, fails};
use super::support::*;
use crate::shop::PROJECT;

fn page(status: u16, title: &str) -> FaultKind {
    FaultKind::Status(
        status,
        format!("<!DOCTYPE html><html><head><title>{title}</title></head></html>"),
        vec![("content-type".to_owned(), "text/html".to_owned())],
    )
}

fn on_api(kind: FaultKind) -> Fault {
    Fault::new(kind).on(Service::GitLab).path("/api/v4/")
}

#[test]
fn a_firewalls_refusal_is_not_blamed_on_scopes() {
    let world = World::start();
    world.forge().fault(on_api(page(403, "Attention Required! | Cloudflare")));
    let run = apply(&world).env("SAPM_APP_INTERFACE", world.checkout());
    fails(&world, run, 4, &["a proxy or firewall in front of GitLab", "Cloudflare"]);
    let ran = apply(&world).env("SAPM_APP_INTERFACE", world.path("checkout")).expect(4);
    let error = ran.err.split("error: ").nth(1).unwrap_or_default();
    assert!(!error.contains("scope") && !error.contains("role"), "{error}");
}

#[test]
fn an_instance_under_maintenance_says_so_at_first_contact() {
    let world = World::start();
    let body = r#"{"message":"403 Forbidden - GitLab is under maintenance"}"#.to_owned();
    world.forge().fault(on_api(FaultKind::Status(403, body, Vec::new())));
    let run = apply(&world).env("SAPM_APP_INTERFACE", world.checkout());
    fails(&world, run, 4, &["under maintenance"]);
}

#[test]
fn a_wrong_clock_is_not_blamed_on_credentials() {
    let world = World::start();
    let body = "<Error><Code>RequestTimeTooSkewed</Code><Message>too large</Message></Error>";
    world.forge().fault(Fault::status(403, body).on(Service::S3));
    let ran = world.sapm("plan").expect(4);
    let error = ran.err.split("error: ").nth(1).unwrap_or_default();
    assert!(error.contains("the clock of this machine") && error.contains("correct it"), "{error}");
    assert!(!error.contains("credentials") && !error.contains("region"), "{error}");
}

#[test]
fn a_login_page_is_recognised_everywhere() {
    for path in ["/api/v4/projects/", "/merge_requests?"] {
        let world = World::start();
        let login = Fault::new(page(200, "Sign in")).on(Service::GitLab).path(path);
        world.forge().fault(login);
        let run = apply(&world).env("SAPM_APP_INTERFACE", world.checkout());
        fails(&world, run, 4, &["an HTML page: a login or a proxy?"]);
    }
    let world = World::start();
    world.forge().fault(Fault::new(page(200, "Sign in")).on(Service::GitHub));
    let plan = world.sapm("plan").args(["--format", "json"]).expect(5).plan();
    let all = format!("{:?}", plan.list("problems"));
    assert!(all.contains("a login or a proxy?"), "{all}");
}

#[test]
fn an_address_that_redirects_to_https_is_named() {
    let world = World::start();
    let to = |path: &str| vec![("location".to_owned(), format!("https://gitlab.invalid{path}"))];
    let moved = |path: &str| FaultKind::Status(301, String::new(), to(path));
    world.forge().fault(on_api(moved("/api/v4/projects/x")));
    let run = apply(&world).env("SAPM_APP_INTERFACE", world.checkout());
    fails(&world, run, 4, &["redirects (301) to https://gitlab.invalid", "use that URL"]);
    world.forge().clear_faults();
    let clone = Fault::new(moved("/x.git/info/refs")).on(Service::GitLab).path(".git/info/refs");
    world.forge().fault(clone);
    fails(&world, apply(&world), 4, &["redirects", "https://gitlab.invalid"]);
}

#[test]
fn blanks_and_line_ends_around_settings_are_ignored() {
    let world = World::start();
    let around = |value: &str| format!(" {value}\r\n");
    let url = format!("{}/api/v4/", world.forge().gitlab_url());
    let clone = format!("{}/{PROJECT}.git", world.forge().gitlab_url());
    let ran = world
        .sapm("plan")
        .env("SAPM_TARGET_BRANCH", around("main"))
        .env("SAPM_GITLAB_PROJECT", around(PROJECT))
        .env("SAPM_GITLAB_URL", around(&url))
        .env("SAPM_GITHUB_URL", around(&world.forge().github_url()))
        .env("SAPM_APP_INTERFACE", around(&clone))
        .env("SAPM_BOT_USER", around("sapm-bot"))
        .env("SAPM_CONCURRENCY", around("8"))
        .env("SAPM_DEADLINE", around(""))
        .env("SAPM_MAX_NEW_MERGE_REQUESTS", around("25"))
        .env("SAPM_REPORT_DIR", around("report"))
        .env("CI_JOB_URL", around("https://gitlab.example.com/-/jobs/1"))
        .expect(0);
    assert!(ran.out.contains("4 create"), "{}", ran.out);
    assert!(world.path("report").join("plan.json").is_file());
    let project = world.sapm("plan").without("SAPM_GITLAB_PROJECT").env("SAPM_GITLAB_URL", &url);
    assert!(project.expect(0).out.contains("4 create"));
}

#[test]
fn no_message_is_empty_or_a_debug_form() {
    let world = World::start();
    let refused = r#"{"message":"Bad credentials"}"#;
    world.forge().fault(Fault::status(401, refused).on(Service::GitHub));
    for format in ["text", "markdown"] {
        let ran = world.sapm("explain").arg(LEDGER).args(["--format", format]).expect(5);
        assert_eq!(ran.out.matches("GitHub requires a token").count(), 1, "{}", ran.out);
        assert!(!ran.out.contains("cause above"), "{}", ran.out);
    }
    let none = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    let run = none.iter().fold(apply(&world), |run, name| run.without(name));
    let run = run.env("AWS_EC2_METADATA_DISABLED", "true").without("SAPM_LOG");
    let ran = run.expect(4);
    assert!(ran.err.contains("no credentials"), "{}", ran.err);
    for form in ["DispatchFailure", "Some(", "source:", " { "] {
        assert!(!ran.err.contains(form), "{form}: {}", ran.err);
    }
}

/// In a log, each stage that waits has one line.
#[test]
fn every_stage_is_logged_once() {
    let world = World::start();
    let ran = world.sapm("apply").expect(0);
    for stage in [
        "reading the config repo",
        "fetching project and rights from GitLab",
        "fetching the state export",
        "fetching open merge requests and branches from GitLab",
        "commits and deployment records",
        "SLO values",
        "fetching earlier merge requests and branch contents from GitLab",
        "writing merge requests",
        "writing the state export",
    ] {
        assert_eq!(ran.err.matches(stage).count(), 1, "{stage}: {}", ran.err);
    }
    let ran = world.sapm("explain").arg(PAYMENTS).expect(0);
    assert_eq!(ran.err.matches("fetching details for the explanation").count(), 1, "{}", ran.err);
}

/// Code that the config repo's token cannot see.
#[test]
fn private_code_on_the_same_gitlab_is_read_with_the_token_of_its_entry() {
    const OTHER: &str = "glpat-a-token-for-the-code-alone";
    let world = World::start();
    let code = world.forge().project("example-shop/orders").expect("a project of code");
    code.set_visibility(forge::Visibility::Private);
    code.add_bot("code-reader", OTHER, forge::Access::Reporter, &["read_api"]);
    let plan = world.sapm("plan").args(["--format", "json"]).expect(5).plan();
    let message = text(&plan.problem("commit_lookup_failed")["message"]);
    assert!(message.contains("SAPM_CREDENTIALS_FILE"), "{message}");
    let host = world.forge().gitlab_url().replace("http://", "");
    let file = world.path("credentials.yml");
    for key in [format!("{host}/example-shop/orders"), host.clone()] {
        std::fs::write(&file, format!("{key}: CODE_TOKEN\n")).unwrap();
        let run = || world.sapm("plan").env("SAPM_CREDENTIALS_FILE", &file);
        let plan = run().env("CODE_TOKEN", OTHER).args(["--format", "json"]).expect(0).plan();
        assert_ne!(plan.decision(ORDERS), "error", "{key}");
        // A wrong token is identified by its entry.
        let plan = run().env("CODE_TOKEN", "wrong").args(["--format", "json"]).expect(5).plan();
        let message = text(&plan.problem("service_refused")["message"]);
        assert!(message.contains(&format!("the entry {key}")), "{message}");
    }
}
