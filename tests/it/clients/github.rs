//! Commits on GitHub.

use sapm::clients::github::GitHubCommits;
use sapm::clients::http::Service;
use sapm::domain::RepoUrl;
use sapm::observe::ports::Commits;
use secrecy::SecretString;
use serde_json::json as value;

use super::server::{Server, TOKEN, client, json, with_headers};

const SHA: &str = "c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc";

fn github(server: &Server, token: bool) -> GitHubCommits {
    let token = token.then(|| SecretString::from(TOKEN));
    GitHubCommits::new(
        client().service(Service::GitHub, 2),
        &format!("{}/api/v3/", server.url),
        token,
    )
    .expect("an address")
}

fn app() -> RepoUrl {
    RepoUrl::new("https://github.com/Org/app.git")
}

#[tokio::test]
async fn a_ref_is_looked_up_below_the_base_path() {
    let server = Server::start(|_, _| {
        let commit =
            value!({"message": "fix\n\nmore", "committer": {"date": "2026-08-01T10:00:00Z"}});
        json(200, value!({"sha": SHA, "commit": commit, "files": []}))
    })
    .await;
    let fact = github(&server, true).commit(&app(), "release/1.x").await.expect("a commit");
    assert_eq!((fact.sha.as_str(), fact.subject.as_deref()), (SHA, Some("fix")));
    let seen = &server.seen()[0];
    assert_eq!(seen.line(), "GET /api/v3/repos/Org/app/commits/release/1.x");
    assert_eq!(seen.headers["authorization"], format!("Bearer {TOKEN}"));
    assert!(seen.headers["user-agent"].starts_with("saas-auto-promotions-manager/"));
}

#[tokio::test]
async fn a_refused_token_is_one_failure_and_ends_the_asking() {
    let server = Server::start(|_, _| json(401, value!({"message": "Bad credentials"}))).await;
    let github = github(&server, true);
    let first = github.commit(&app(), "main").await.expect_err("refused");
    let second = github.commit(&RepoUrl::new("https://github.com/a/b"), "x").await;
    assert_eq!(second.expect_err("refused"), first);
    assert!(first.shared_cause.is_some_and(|cause| cause.contains("SAPM_GITHUB_TOKEN")));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_used_up_limit_says_until_when_and_what_helps() {
    let server = Server::start(|_, _| {
        with_headers(
            403,
            &[
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", "4102444800"),
                ("date", "Thu, 31 Dec 2099 23:00:00 GMT"),
            ],
        )
    })
    .await;
    let failure = github(&server, false).commit(&app(), "main").await.expect_err("a limit");
    let cause = failure.shared_cause.expect("a shared cause");
    assert!(cause.contains(" until 20") && cause.contains("set SAPM_GITHUB_TOKEN"), "{cause}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_missing_ref_and_a_missing_repository_are_told_apart() {
    let server = Server::start(|_, seen| {
        if seen.target.contains("/gone/") {
            json(404, value!({"message": "Not Found"}))
        } else {
            json(422, value!({"message": "No commit found for SHA: nope"}))
        }
    })
    .await;
    let github = github(&server, true);
    let no_ref = github.commit(&app(), "nope").await.expect_err("no ref");
    assert!(
        no_ref.error.contains("Org/app: no branch, tag or commit \"nope\""),
        "{}",
        no_ref.error
    );
    let gone = github.commit(&RepoUrl::new("https://github.com/Org/gone"), "main").await;
    let gone = gone.expect_err("no repository").error;
    assert!(gone.contains("Org/gone: repository or ref \"main\" not found"), "{gone}");
    assert!(gone.contains("cannot see it") && !gone.contains(TOKEN), "{gone}");
}
