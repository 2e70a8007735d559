//! Clones, ref lookups and merges compared to the git binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use sapm::app_interface::Entry;
use sapm::clients::git::{
    CloneOptions, ConfigCheckout, Credentials, GitError, LsRemote, TimeOuts, has_local_changes,
    local_head, merge_texts, open, visit_commit,
};
use sapm::clients::http::{AllowedHosts, HttpClient, HttpConfig, Service};
use sapm::plan::Merge;
use tempfile::TempDir;

use self::web::{Reply, Request, Server};

mod cache;
mod clone;
mod host;
mod links;
mod local;
mod merge;
mod refs;
pub mod web;

const TOKEN: &str = "glpat-s3cr3t-t0ken";

/// Runs git without the user's configuration.
fn git_in(dir: &Path, args: &[&str]) -> String {
    let output =
        hermetic(Command::new("git").current_dir(dir).args(args)).output().expect("git runs");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

fn hermetic(command: &mut Command) -> &mut Command {
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "a")
        .env("GIT_AUTHOR_EMAIL", "a@example.com")
        .env("GIT_COMMITTER_NAME", "a")
        .env("GIT_COMMITTER_EMAIL", "a@example.com")
}

/// A config repo with a work tree, in its own folder.
struct Repo {
    folder: TempDir,
}

impl Repo {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let repo = Self { folder };
        git_in(repo.folder.path(), &["init", "-q", "-b", "main", "repo.git"]);
        for at in 0..40 {
            repo.write(
                &format!("data/services/s{at}/app.yml"),
                &format!("name: s{at}\n# {}\n", "x".repeat(at * 50)),
            );
        }
        repo.write("data/b.json", "{}");
        repo.write("data/services/readme.md", "no datafile");
        repo.write("data/.hidden/a.yml", "no");
        repo.write("data/services/.b.yml", "no");
        repo.write("resources/x.yml", "no");
        std::os::unix::fs::symlink("b.json", repo.dir().join("data/link.yml")).expect("a link");
        repo.commit("one");
        repo
    }

    fn dir(&self) -> PathBuf {
        self.folder.path().join("repo.git")
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.dir().join(path);
        fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
        fs::write(file, text).expect("writes");
    }

    fn commit(&self, message: &str) -> String {
        git_in(&self.dir(), &["add", "-A"]);
        git_in(&self.dir(), &["commit", "-q", "-m", message]);
        git_in(&self.dir(), &["rev-parse", "HEAD"])
    }

    /// Serves it at `/repo.git` for clients with the token.
    fn serve(&self) -> Server {
        let root = self.folder.path().to_owned();
        Server::start(move |request| upload_pack(&root, request, true))
    }
}

/// What `git http-backend` does for fetches.
fn upload_pack(root: &Path, request: &Request, with_v2: bool) -> Reply {
    // `oauth2:<token>` in base64.
    let wanted = "Basic b2F1dGgyOmdscGF0LXMzY3IzdC10MGtlbg==";
    if request.header("authorization") != Some(wanted) {
        return Reply::new(401, "text/plain", "HTTP Basic: Access denied")
            .with("www-authenticate", "Basic realm=\"x\"");
    }
    let (name, service) = request.path[1..]
        .split_once('/')
        .filter(|(name, _)| *name == "repo.git")
        .unwrap_or(("", ""));
    let mut command = Command::new("git");
    hermetic(&mut command)
        .args(["upload-pack", "--stateless-rpc"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    if let Some(protocol) = request.header("git-protocol").filter(|_| with_v2) {
        command.env("GIT_PROTOCOL", protocol);
    }
    let (prefix, kind) = match service {
        "info/refs" => {
            command.arg("--advertise-refs");
            ("001e# service=git-upload-pack\n0000", "advertisement")
        }
        "git-upload-pack" => ("", "result"),
        _ => return Reply::new(404, "text/plain", "no"),
    };
    let mut child = command.arg(root.join(name)).stderr(Stdio::null()).spawn().expect("git runs");
    let mut stdin = child.stdin.take().expect("piped");
    let body = request.body.clone();
    std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &body));
    let output = child.wait_with_output().expect("git ends");
    let body = [prefix.as_bytes(), &output.stdout].concat();
    Reply::new(200, &format!("application/x-git-upload-pack-{kind}"), body)
}

fn credentials() -> Credentials {
    Credentials::new("oauth2", TOKEN.to_owned().into())
}

fn options(url: impl Into<String>, home: &Path) -> CloneOptions {
    CloneOptions {
        http: HttpClient::new(HttpConfig::default()),
        url: url.into(),
        branch: None,
        credentials: Some(credentials()),
        cache_dir: None,
        scratch_dir: home.join("scratch"),
        times: TimeOuts { idle: Duration::from_secs(5), ..TimeOuts::default() },
    }
}

fn cached(url: impl Into<String>, home: &Path) -> CloneOptions {
    CloneOptions { cache_dir: Some(home.join("cache")), ..options(url, home) }
}

fn error_of(options: &CloneOptions) -> (GitError, String) {
    let Err(error) = open(options) else { panic!("it works") };
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        text += &error.to_string();
        source = error.source();
    }
    assert!(!text.contains("s3cr3t"), "{text}");
    (error, text)
}

fn files_of(checkout: &ConfigCheckout) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut note = |entry: Entry<'_>| {
        if let Entry::File(path, bytes) = entry {
            files.push((path.to_owned(), String::from_utf8(bytes.to_vec()).expect("text")));
        }
    };
    checkout.visit_files(&mut note).expect("reads");
    files
}

fn names(files: &[(String, String)]) -> Vec<&str> {
    files.iter().map(|(path, _)| path.as_str()).collect()
}

fn everything_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { files.extend(everything_below(&path)) } else { files.push(path) }
    }
    files
}
