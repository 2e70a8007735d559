//! Hosts that refuse, hang or redirect.

use super::*;

#[test]
fn each_refusal_of_a_host_has_its_own_error() {
    let (repo, home) = (Repo::new(), TempDir::new().expect("a folder"));
    let server = repo.serve();
    let url = |path: &str| format!("{}/{path}", server.url);
    let wrong = CloneOptions {
        credentials: Some(Credentials::new("oauth2", "s3cr3t-but-wrong".to_owned().into())),
        ..options(url("repo.git"), home.path())
    };
    assert!(matches!(error_of(&wrong).0, GitError::Unauthorized { with_credentials: true, .. }));
    let none = CloneOptions { credentials: None, ..wrong.clone() };
    assert!(matches!(error_of(&none).0, GitError::Unauthorized { with_credentials: false, .. }));
    let own = server.url.replace("http://", "http://me:s3cr3t-own@");
    let (error, text) = error_of(&options(format!("{own}/repo.git"), home.path()));
    assert!(matches!(error, GitError::Unauthorized { .. }), "{text}");
    assert!(matches!(
        error_of(&options(url("other.git"), home.path())).0,
        GitError::NotFound { .. }
    ));
    let branch =
        CloneOptions { branch: Some("stable".to_owned()), ..options(url("repo.git"), home.path()) };
    let (error, text) = error_of(&branch);
    assert!(matches!(error, GitError::BranchMissing { .. }) && text.contains("stable"), "{text}");
    let closed = error_of(&cached("http://127.0.0.1:9/repo.git", home.path()));
    assert!(matches!(closed.0, GitError::Unreachable { .. }), "{}", closed.1);
    for url in ["git@host:a/b.git", "ssh://git@host/a", "ftp://host/a"] {
        assert!(
            matches!(error_of(&options(url, home.path())).0, GitError::Address { .. }),
            "{url}"
        );
    }
    for (status, kind) in [(403, "text/plain"), (500, "text/plain"), (200, "text/html")] {
        let server = Server::start(move |_| Reply::new(status, kind, "<html>"));
        let (error, text) = error_of(&options(format!("{}/repo.git", server.url), home.path()));
        match status {
            403 => assert!(matches!(error, GitError::Forbidden { .. }), "{text}"),
            _ => assert!(matches!(error, GitError::Unreachable { .. }), "{text}"),
        }
    }
    assert_eq!(fs::read_dir(home.path().join("scratch")).expect("is there").count(), 0);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let (repo, home) = (Repo::new(), TempDir::new().expect("a folder"));
    let root = repo.folder.path().to_owned();
    for (method, bytes) in [("GET", 0), ("GET", 200), ("POST", 0), ("POST", 400)] {
        let root = root.clone();
        let server = Server::start(move |request| {
            let mut reply = upload_pack(&root, request, true);
            if request.method == method {
                reply.hang_after = Some(bytes);
            }
            reply
        });
        let mut options = cached(format!("{}/repo.git", server.url), home.path());
        options.times.idle = Duration::from_millis(100);
        let (error, text) = error_of(&options);
        assert!(matches!(error, GitError::TimedOut { .. }), "{method} {bytes}: {text}");
    }
}

#[test]
fn a_token_is_not_sent_on_a_redirect() {
    let (repo, home) = (Repo::new(), TempDir::new().expect("a folder"));
    let target = repo.serve();
    let elsewhere = target.url.clone();
    let server = Server::start(move |request| {
        Reply::new(302, "text/plain", "")
            .with("location", &format!("{elsewhere}{}?{}", request.path, request.query))
    });
    let (error, text) = error_of(&options(format!("{}/repo.git", server.url), home.path()));
    assert!(matches!(error, GitError::Unreachable { .. }) && text.contains("redirects"), "{text}");
    assert!(target.requests().is_empty());

    // Within the host it is sent: for example, if a project was renamed.
    let root = repo.folder.path().to_owned();
    let server = Server::start(move |request| match request.path.strip_prefix("/old") {
        Some(rest) => {
            Reply::new(301, "text/plain", "").with("location", &format!("{rest}?{}", request.query))
        }
        None => upload_pack(&root, request, true),
    });
    let checkout =
        open(&options(format!("{}/old/repo.git", server.url), home.path())).expect("clones");
    assert_eq!(files_of(&checkout).len(), 41);
}
