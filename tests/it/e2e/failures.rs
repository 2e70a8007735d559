//! Runs that fail as a whole: one clear error, an exit code of its own, nothing written, no token shown.

use super::support::*;
use crate::shop::{BUCKET, PROJECT, TOKEN};

const GITHUB_TOKEN: &str = "ghp-demo-token-that-nobody-may-see";
const WRONG_TOKEN: &str = "glpat-wrong-token-that-nobody-may-see";
const WRONG_SECRET: &str = "wrong-s3-secret-that-nobody-may-see";

/// `sapm apply` with every possible secret, and a report folder.
pub(super) fn apply(world: &World) -> Sapm {
    world.forge().add_github_token(GITHUB_TOKEN);
    world
        .sapm("apply")
        .arg("--report-dir")
        .arg(world.path("report"))
        .env("SAPM_GITHUB_TOKEN", GITHUB_TOKEN)
        .env("SAPM_LOG", "trace")
}

/// Runs it, and expects a helpful error.
#[track_caller]
pub(super) fn fails(world: &World, sapm: Sapm, code: i32, words: &[&str]) {
    let ran = sapm.expect(code);
    assert_eq!(ran.out, "");
    let errors: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{}", ran.err);
    let after = ran.err.split(errors[0]).nth(1).unwrap();
    assert!(after.starts_with("\n  hint: ") && after.trim_end().lines().count() == 2, "{after:?}");
    for word in words {
        assert!(format!("{}{after}", errors[0]).contains(word), "{word}: {}{after}", errors[0]);
    }
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    no_secret_in(world, &ran);
    world.assert_nothing_written();
    assert_eq!(world.project().branches().len(), 1);
}

#[track_caller]
pub(super) fn no_secret_in(world: &World, ran: &Ran) {
    let mut places =
        vec![("stdout".into(), ran.out.clone().into()), ("stderr".into(), ran.err.clone().into())];
    for file in files_below(world.folder.path()) {
        places.push((file.display().to_string(), std::fs::read(file).unwrap()));
    }
    let s3 = world.forge().s3_keys().1;
    for secret in [TOKEN, GITHUB_TOKEN, WRONG_TOKEN, WRONG_SECRET, s3] {
        for (place, bytes) in &places {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {place}: {}", String::from_utf8_lossy(bytes));
        }
    }
}

/// Checks that the report exists and has the cause.
#[track_caller]
pub(super) fn reported(world: &World) {
    let report = world.path("report");
    let plan = Plan::read(&report.join("plan.json"));
    assert_eq!(plan.problems(), ["error run_failed"]);
    let message = text(&plan.problem("run_failed")["message"]);
    for name in ["report.md", "junit.xml"] {
        // Markdown marks up some of its words.
        let plain = |text: &str| text.replace('`', "");
        let text = plain(&std::fs::read_to_string(report.join(name)).unwrap());
        assert!(text.contains(&plain(message.split(':').next().unwrap())), "{name}: {text}");
    }
    let metrics = std::fs::read_to_string(report.join("metrics.txt")).unwrap();
    assert!(metrics.contains("sapm_problems{severity=\"error\"} 1"), "{metrics}");
}

#[test]
fn a_wrong_gitlab_token() {
    let world = World::start();
    let run = apply(&world).env("SAPM_GITLAB_TOKEN", WRONG_TOKEN);
    fails(&world, run, 4, &["refuses the token", "SAPM_GITLAB_TOKEN"]);
    reported(&world);
}

#[test]
fn a_wrong_gitlab_token_with_a_checkout() {
    let world = World::start();
    let run = apply(&world)
        .env("SAPM_APP_INTERFACE", world.checkout())
        .env("SAPM_GITLAB_TOKEN", WRONG_TOKEN);
    fails(&world, run, 4, &["token", "SAPM_GITLAB_TOKEN"]);
    reported(&world);
}

#[test]
fn an_unreachable_gitlab() {
    let world = World::start();
    // Bound but not listening, so that nobody else can respond there.
    let held = tokio::net::TcpSocket::new_v4().unwrap();
    held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = held.local_addr().unwrap();
    let run = apply(&world)
        .env("SAPM_GITLAB_URL", format!("http://{closed}"))
        .env("SAPM_APP_INTERFACE", format!("http://{closed}/{PROJECT}.git"));
    fails(&world, run, 4, &["cannot", &closed.to_string(), "SAPM_APP_INTERFACE"]);
    reported(&world);
    let run = apply(&world)
        .env("SAPM_GITLAB_URL", format!("http://{closed}"))
        .env("SAPM_GITLAB_PROJECT", PROJECT)
        .env("SAPM_APP_INTERFACE", world.checkout());
    fails(&world, run, 4, &["cannot", &closed.to_string(), "SAPM_GITLAB_URL"]);
}

#[test]
fn a_read_only_token() {
    let world = World::start();
    world.forge().change_token(TOKEN, |token| {
        token.scopes = ["read_api".to_owned(), "read_repository".to_owned()].into();
    });
    fails(&world, apply(&world), 4, &["may only read_api, read_repository (", "SAPM_GITLAB_TOKEN"]);
    reported(&world);
    world.sapm("plan").expect(0);
}

#[test]
fn a_missing_bucket() {
    let world = World::start();
    let run = apply(&world).args(["--state", "s3://no-such-bucket"]);
    fails(&world, run, 4, &["no such bucket", "no-such-bucket", "SAPM_STATE"]);
    reported(&world);
}

#[test]
fn a_wrong_s3_key() {
    let world = World::start();
    let run = apply(&world).env("AWS_SECRET_ACCESS_KEY", WRONG_SECRET);
    fails(&world, run, 4, &[BUCKET, "credentials"]);
    let run = apply(&world).env("AWS_ACCESS_KEY_ID", "nobody");
    fails(&world, run, 4, &[BUCKET, "InvalidAccessKeyId"]);
    reported(&world);
}

#[test]
fn a_missing_folder_of_records() {
    let world = World::start();
    let state = format!("file://{}", world.path("none").display());
    fails(&world, apply(&world).env("SAPM_STATE", state), 4, &["none", "SAPM_STATE"]);
}

#[test]
fn no_state() {
    let world = World::start();
    let words = ["deployment records", "SAPM_STATE"];
    fails(&world, apply(&world).without("SAPM_STATE"), 2, &words);
}

#[test]
fn no_gitlab_token() {
    let world = World::start();
    fails(&world, apply(&world).without("SAPM_GITLAB_TOKEN"), 2, &["token", "SAPM_GITLAB_TOKEN"]);
}

#[test]
fn no_config_repo() {
    let world = World::start();
    let words = ["config repo", "SAPM_APP_INTERFACE"];
    fails(&world, apply(&world).without("SAPM_APP_INTERFACE"), 2, &words);
}

#[test]
fn a_config_repo_without_data() {
    let world = World::start();
    let other = world.forge().create_project("shop/other", [("README.md", "nothing")]);
    other.add_bot("sapm-bot", TOKEN, forge::Access::Developer, &["api"]);
    let run = apply(&world).env("SAPM_APP_INTERFACE", other.clone_url());
    fails(&world, run, 3, &["data", "check the repo"]);
    reported(&world);
}

#[test]
fn a_wrong_project() {
    let world = World::start();
    let run = apply(&world).args(["--gitlab-project", "shop/nothing"]);
    fails(&world, run, 4, &["shop/nothing", "SAPM_GITLAB_PROJECT"]);
    let url = format!("{}/shop/nothing.git", world.forge().gitlab_url());
    let run = apply(&world).env("SAPM_APP_INTERFACE", url);
    fails(&world, run, 4, &["shop/nothing", "check the URL"]);
}

#[test]
fn a_wrong_branch() {
    let world = World::start();
    let run = apply(&world).args(["--target-branch", "no-such"]);
    fails(&world, run, 4, &["no-such", "SAPM_TARGET_BRANCH"]);
    let run = apply(&world)
        .args(["--target-branch", "no-such"])
        .env("SAPM_APP_INTERFACE", world.checkout());
    fails(&world, run, 4, &["no-such", "SAPM_TARGET_BRANCH"]);
}

#[test]
fn apply_on_a_plain_folder() {
    let world = World::start();
    let folder = world.checkout();
    std::fs::remove_dir_all(folder.join(".git")).unwrap();
    let run = apply(&world).env("SAPM_APP_INTERFACE", folder).args(["--gitlab-project", PROJECT]);
    fails(&world, run, 2, &["not a git checkout", "sapm plan"]);
}

#[test]
fn apply_as_of_another_time_or_from_a_snapshot() {
    let world = World::start();
    let run = apply(&world).args(["--at", "2026-08-20T10:15:30Z"]);
    fails(&world, run, 2, &["--at", "sapm plan"]);
    let run = apply(&world).args(["--snapshot", "facts.json"]);
    fails(&world, run, 2, &["--snapshot", "sapm plan"]);
    let run = apply(&world).env("SAPM_AT", "2026-08-20T10:15:30Z");
    fails(&world, run, 2, &["SAPM_AT", "sapm plan"]);
}

#[test]
fn a_token_in_the_git_url_is_used_and_never_shown() {
    let world = World::start();
    let with = |token: &str| {
        let url = world.forge().gitlab_url().replace("://", &format!("://oauth2:{token}@"));
        format!("{url}/{PROJECT}.git")
    };
    let run = apply(&world).env("SAPM_APP_INTERFACE", with(WRONG_TOKEN));
    fails(&world, run, 4, &["refuses the token"]);
    reported(&world);
    let run = apply(&world)
        .env("SAPM_APP_INTERFACE", with(TOKEN))
        .arg("--cache-dir")
        .arg(world.path("cache"));
    no_secret_in(&world, &run.expect(0));
}

#[test]
fn an_unknown_flag_and_the_help() {
    let world = World::start();
    let ran = apply(&world).arg("--no-such").expect(2);
    assert!(ran.err.starts_with("error: ") && ran.err.contains("--help"), "{}", ran.err);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    no_secret_in(&world, &ran);
    let ran = apply(&world).arg("--help").expect(0);
    assert!(ran.out.contains("SAPM_APP_INTERFACE"), "{}", ran.out);
    no_secret_in(&world, &ran);
    let ran = world.sapm("--help").expect(0);
    assert!(ran.out.contains("SAPM_GITLAB_TOKEN") && ran.out.contains("Exit codes"), "{}", ran.out);
    no_secret_in(&world, &ran);
    world.assert_nothing_written();
}
