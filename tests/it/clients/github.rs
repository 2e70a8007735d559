//! Commits on GitHub.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sapm::clients::github::GitHubCommits;
use sapm::clients::http::Service;
use sapm::domain::RepoUrl;
use sapm::ports::Commits;
use secrecy::SecretString;
use serde_json::json as value;
use tempfile::TempDir;

use super::server::{Reply, Seen, Server, TOKEN, client, json, with_headers};

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
async fn a_refused_token_is_one_failure_and_stops_the_lookups() {
    let server = Server::start(|_, _| json(401, value!({"message": "Bad credentials"}))).await;
    let github = github(&server, true);
    let first = github.commit(&app(), "main").await.expect_err("refused");
    let second = github.commit(&RepoUrl::new("https://github.com/a/b"), "x").await;
    assert_eq!(second.expect_err("refused"), first);
    assert!(first.shared_cause.is_some_and(|cause| cause.contains("SAPM_GITHUB_TOKEN")));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_exhausted_limit_names_its_end_and_the_fix() {
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
async fn a_missing_ref_and_a_missing_repository_have_different_errors() {
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
    assert!(no_ref.error.contains("Org/app: no branch, tag or commit `nope`"), "{}", no_ref.error);
    let gone = github.commit(&RepoUrl::new("https://github.com/Org/gone"), "main").await;
    let gone = gone.expect_err("no repository").error;
    assert!(gone.contains("Org/gone: repository or ref `main` not found"), "{gone}");
    assert!(gone.contains("cannot see it") && !gone.contains(TOKEN), "{gone}");
}

/// As on GitHub, the ETag of the response with only the hash is the hash.
fn conditional(sha: &str, seen: &Seen) -> Reply {
    let alone = seen.headers["accept"] == "application/vnd.github.sha";
    let etag = if alone { format!("\"{sha}\"") } else { "W/\"of the text\"".to_owned() };
    if seen.headers.get("if-none-match") == Some(&etag) {
        return with_headers(304, &[("etag", &etag)]);
    }
    let body = if alone {
        sha.to_owned()
    } else {
        value!({"sha": sha, "commit": {"message": "fix"}}).to_string()
    };
    Reply::Full(200, vec![("etag", etag)], body)
}

async fn server_at(sha: &'static str) -> Server {
    Server::start(move |_, seen| conditional(sha, seen)).await
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("github-commits.json")
}

/// Looks up refs like a run, and saves the cache in the folder.
async fn run(server: &Server, folder: &Path, refs: &[&str], all: bool) -> Vec<(String, String)> {
    let github = github(server, true).remembering(folder);
    let mut found = Vec::new();
    for git_ref in refs {
        let fact = github.commit(&app(), git_ref).await.expect("a commit");
        found.push((fact.sha.as_str().to_owned(), fact.subject.unwrap_or_default()));
    }
    github.save_cache(all);
    found
}

#[tokio::test]
async fn a_cached_commit_is_used_only_if_its_hash_is_confirmed() {
    let (home, server) = (TempDir::new().expect("a folder"), server_at(SHA).await);
    let expected = [(SHA.to_owned(), "fix".to_owned())];
    assert_eq!(run(&server, home.path(), &["main"], true).await, expected);
    assert_eq!(run(&server, home.path(), &["main"], true).await, expected);
    assert_eq!(server.seen().len(), 2);
    let text = fs::read_to_string(file_in(home.path())).expect("a file");
    for (old, new) in [(SHA, &"e".repeat(40)), ("fix", &"fax".to_owned())] {
        let damaged = text.replace(old, new);
        assert_ne!(damaged, text);
        fs::write(file_in(home.path()), damaged).expect("writes");
        assert_eq!(run(&server, home.path(), &["main"], true).await, expected, "{new}");
        assert_eq!(fs::read_to_string(file_in(home.path())).expect("a file"), text);
    }
}

#[tokio::test]
async fn a_cached_etag_that_is_not_a_valid_header_is_ignored() {
    let (home, server) = (TempDir::new().expect("a folder"), server_at(SHA).await);
    let address = format!("{}/api/v3/repos/Org/app/commits/main", server.url);
    let known = value!({"etag": "a\u{1}b", "commit": {"sha": SHA}});
    let file = value!({"version": 1, "commits": {address: known}});
    fs::write(file_in(home.path()), file.to_string()).expect("writes");
    for _ in 0..2 {
        let found = run(&server, home.path(), &["main"], true).await;
        assert_eq!(found, [(SHA.to_owned(), "fix".to_owned())]);
    }
}

#[tokio::test]
async fn a_complete_run_drops_unused_cache_entries() {
    let (home, server) = (TempDir::new().expect("a folder"), server_at(SHA).await);
    let kept = || {
        let text = fs::read_to_string(file_in(home.path())).expect("a file");
        ["main", "stable", "v1"].map(|git_ref| text.contains(&format!("/commits/{git_ref}\"")))
    };
    run(&server, home.path(), &["main", "stable"], true).await;
    assert_eq!(kept(), [true, true, false]);
    run(&server, home.path(), &["v1"], false).await;
    assert_eq!(kept(), [true, true, true], "after a run about a part");
    run(&server, home.path(), &["main", "v1"], true).await;
    assert_eq!(kept(), [true, false, true]);
}

#[tokio::test]
async fn drafts_of_killed_runs_are_removed() {
    let (home, server) = (TempDir::new().expect("a folder"), server_at(SHA).await);
    let draft = |name: &str, age: u64| {
        let file = fs::File::create(home.path().join(name)).expect("makes");
        let at = SystemTime::now() - Duration::from_secs(age);
        file.set_modified(at).expect("sets");
    };
    draft("github-commits.1.new", 100_000);
    draft("github-commits.2.new", 10);
    draft("other.new", 100_000);
    run(&server, home.path(), &["main"], true).await;
    let entries = fs::read_dir(home.path()).expect("lists");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    assert_eq!(names, ["github-commits.2.new", "github-commits.json", "other.new"]);
}
