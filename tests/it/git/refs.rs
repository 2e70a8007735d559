//! Lookups of single refs.

use super::*;

/// A client that may use this machine, with a short timeout.
fn client(answer_within: Duration) -> LsRemote {
    let config = HttpConfig {
        backoff_base: Duration::from_millis(1),
        call_deadline: answer_within,
        allowed_hosts: AllowedHosts::parse(["127.0.0.1"]).expect("hosts"),
        ..HttpConfig::default()
    };
    LsRemote::new(HttpClient::new(config).service(Service::Git, 32))
}

async fn look_up(url: &str, git_ref: &str) -> Result<String, String> {
    let client = client(Duration::from_secs(2));
    let found = client.resolve(url, git_ref, Some(&credentials())).await;
    found.map(String::from).map_err(|failure| {
        assert!(!failure.error.contains("s3cr3t"));
        failure.error
    })
}

#[tokio::test]
async fn refs_are_looked_up_with_every_protocol() {
    let repo = Repo::new();
    let dir = repo.dir();
    let main = git_in(&dir, &["rev-parse", "HEAD"]);
    git_in(&dir, &["tag", "-a", "v1", "-m", "annotated"]);
    git_in(&dir, &["tag", "both"]);
    git_in(&dir, &["checkout", "-q", "-b", "both"]);
    repo.write("x", "y");
    let newer = repo.commit("two");
    git_in(&dir, &["branch", "feature/ä-1", "HEAD"]);
    let root = repo.folder.path().to_owned();
    let old = Server::start(move |request| upload_pack(&root, request, false));
    let new = repo.serve();
    let urls = [format!("{}/repo.git", new.url), format!("{}/repo.git", old.url)];
    for url in &urls {
        for (git_ref, wanted) in [
            ("main", &main),
            ("v1", &main),
            ("both", &newer),
            ("tags/both", &main),
            ("refs/heads/both", &newer),
            ("feature/ä-1", &newer),
            ("HEAD", &newer),
        ] {
            assert_eq!(look_up(url, git_ref).await.as_ref(), Ok(wanted), "{url} {git_ref}");
        }
        for git_ref in ["mai", "feature", &main[..8], "a b", ""] {
            look_up(url, git_ref).await.expect_err(git_ref);
        }
    }
    new.requests();
    look_up(&urls[0], "main").await.expect("is there");
    assert_eq!(new.requests().len(), 1, "one request with protocol v2");
    // Anybody who edits a datafile must not be able to read sapm's machine.
    for local in [format!("file://{}", dir.display()), dir.display().to_string()] {
        let refused = look_up(&local, "main").await.expect_err("refused");
        assert!(refused.contains("http or https URL"), "{refused}");
    }
}

#[tokio::test]
async fn failed_lookups_are_explained() {
    let repo = Repo::new();
    let server = repo.serve();
    let missing = look_up(&format!("{}/other.git", server.url), "main").await.expect_err("missing");
    assert!(missing.contains("no git repository at"), "{missing}");
    let closed = look_up("http://127.0.0.1:9/a.git", "main").await.expect_err("closed");
    assert!(closed.contains("cannot reach http://127.0.0.1:9"), "{closed}");
    let hanging = Server::start(|_| Reply { hang_after: Some(0), ..Reply::new(200, "x", "") });
    let late = look_up(&format!("{}/a.git", hanging.url), "main").await.expect_err("late");
    assert!(late.contains("no response"), "{late}");
    let garbage =
        Server::start(|_| Reply::new(200, "application/x-git-upload-pack-result", "<html>"));
    look_up(&format!("{}/a.git", garbage.url), "main").await.expect_err("garbage");
    let failures = Arc::new(Mutex::new(0));
    let root = repo.folder.path().to_owned();
    let flaky = Server::start(move |request| {
        let mut failures = failures.lock().expect("a count");
        *failures += 1;
        if *failures == 1 {
            Reply::new(503, "text/plain", "")
        } else {
            upload_pack(&root, request, true)
        }
    });
    look_up(&format!("{}/repo.git", flaky.url), "main").await.expect("the second try works");
    let target = repo.serve();
    let elsewhere = target.url.clone();
    let moved = Server::start(move |request| {
        Reply::new(302, "text/plain", "")
            .with("location", &format!("{elsewhere}{}?{}", request.path, request.query))
    });
    let refused = look_up(&format!("{}/repo.git", moved.url), "main").await.expect_err("refused");
    assert!(refused.contains("redirects"), "{refused}");
    assert!(target.requests().is_empty());
}

#[tokio::test]
async fn only_the_silent_host_is_given_up() {
    let repo = Repo::new();
    let hanging = Server::start(|_| Reply { hang_after: Some(0), ..Reply::new(200, "x", "") });
    let alive = repo.serve();
    let ls_remote = client(Duration::from_millis(300));
    let urls: Vec<String> = (0..4).map(|n| format!("{}/{n}.git", hanging.url)).collect();
    let ask = |n: usize| ls_remote.resolve(&urls[n], "main", None);
    let (first, second, third) = tokio::join!(ask(0), ask(1), ask(2));
    let asked = hanging.requests().len();
    let mut causes = std::collections::BTreeSet::new();
    for answer in [first, second, third, ask(3).await] {
        let failure = answer.expect_err("silent");
        assert!(failure.error.contains(&hanging.url), "{}", failure.error);
        causes.insert(failure.shared_cause.expect("a cause of the host"));
    }
    assert_eq!(causes.len(), 1, "one problem of the host, not one a target");
    assert_eq!((asked > 0, hanging.requests().len()), (true, 0), "the last one is not asked");
    let url = format!("{}/repo.git", alive.url);
    let found = ls_remote.resolve(&url, "main", Some(&credentials())).await;
    found.expect("another host is asked");
}
