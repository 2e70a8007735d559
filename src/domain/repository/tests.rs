use proptest::prelude::*;

use super::*;

/// Spellings of `https://github.com/Org/App`, one for each difference that does not matter.
const GITHUB: [&str; 34] = [
    "https://github.com/Org/App",
    "http://github.com/Org/App",
    "git://github.com/Org/App",
    "HTTPS://github.com/Org/App",
    "https://GitHub.COM/Org/App",
    "https://github.com:443/Org/App",
    "http://github.com:80/Org/App",
    "ssh://git@github.com:22/Org/App",
    "git://github.com:9418/Org/App",
    "https://github.com./Org/App",
    "https://www.github.com/Org/App",
    "ssh://git@ssh.github.com:443/Org/App.git",
    "https://github.com/Org/App/",
    "https://github.com/Org/App///",
    "https://github.com/Org/App.git",
    "https://github.com/Org/App.git/",
    "https://github.com/Org/App.git.git",
    "https://github.com/Org/App/.git",
    "https://github.com//Org//App",
    "https://github.com/./Org/./App",
    "https://github.com/Org/Other/../App",
    "https://github.com/Org/Other/%2e%2e/App",
    "https://github.com/Org/Other/..%2fApp",
    "https://me@github.com/Org/App",
    "https://me:pw@github.com/Org/App",
    "https://github.com/Org/App?ref=main",
    "https://github.com/Org/App#readme",
    "https://github.com/Org/App/-/tree/main",
    "https://github.com/%4Frg/A%70p",
    "https://github.com/org/APP.GIT",
    "git@github.com:Org/App.git",
    "ssh://git@github.com/Org/App",
    "git+ssh://git@GITHUB.com/Org/App.git",
    "  github.com/Org/App ",
];

fn id(text: &str) -> RepoId {
    RepoUrl::new(text).id().clone()
}

#[test]
fn every_spelling_of_a_repository_has_its_identity() {
    for text in GITHUB {
        assert_eq!(id(text).as_str(), "https://github.com/org/app", "{text}");
    }
    for text in
        [r"https:\\github.com\Org\App", "https:/github.com/Org/App", "https:github.com/Org/App"]
    {
        assert_eq!(id(text), id(GITHUB[0]), "{text}");
    }
    for text in [
        "https://gitlab.example.com/Group/sub/App",
        "git@gitlab.example.com:group/sub/app.git",
        "https://gitlab.example.com/group%2Fsub%2Fapp",
        "https://gitlab.example.com/group/sub/app/-/merge_requests/1",
        "https://gitlab.example.com/group/sub/app/-",
    ] {
        assert_eq!(id(text).as_str(), "https://gitlab.example.com/group/sub/app", "{text}");
    }
}

#[test]
fn other_repositories_have_other_identities() {
    for text in [
        "https://github.com/Org/App2",
        "https://github.com/Org2/App",
        "https://github.com/Org/App/tree",
        "https://github.com:8443/Org/App",
        "https://github.com.evil.example/Org/App",
        "https://evil.example/github.com/Org/App",
        "https://github.com@evil.example/Org/App",
        "https://github.com/Org/App%2fx",
        "https://github.com/Org/..%252fApp",
        "/github.com/Org/App",
        "file:///github.com/Org/App",
        "Org/App",
        "",
    ] {
        assert_ne!(id(text), id(GITHUB[0]), "{text}");
    }
}

#[test]
fn letter_case_of_a_path_counts_except_on_forges() {
    let (a, b) = (
        RepoUrl::new("https://git.example.com:8443/A/b"),
        RepoUrl::new("http://git.example.com:8443/a/B.git"),
    );
    assert!(!a.is_same(&b));
    let forges = BTreeSet::from(["git.example.com:8443".to_owned()]);
    assert!(a.with_forges(&forges).is_same(&b.with_forges(&forges)));
    let other = BTreeSet::from(["git.example.com".to_owned()]);
    assert!(!a.with_forges(&other).is_same(&b.with_forges(&other)));
}

#[test]
fn different_folders_have_different_identities() {
    assert_eq!(id("/srv/git/app.git"), id("file:///srv/git//app/"));
    assert_eq!(id("/srv/a b"), id("file:///srv/a%20b"));
    assert_ne!(id("/srv/a"), id("/srv/A"));
    assert_eq!(id(r"C:\git\app").as_str(), r"C:\git\app");
}

#[test]
fn the_path_keeps_its_letter_case() {
    for text in &GITHUB[..29] {
        assert_eq!(RepoUrl::new(text).project_path().as_deref(), Some("Org/App"), "{text}");
    }
    for text in
        ["", "https://github.com", "https://github.com/Org", "/srv/a/b", "file:///a/b", "Org/App"]
    {
        assert_eq!(RepoUrl::new(text).project_path(), None, "{text}");
    }
}

#[test]
fn the_spelling_that_every_host_answers_is_preferred() {
    let mut spelled: Vec<_> = [
        "git@h.example:a/b",
        "http://h.example/a/b",
        "https://h.example/a/b/-/tree/main",
        "https://h.example/a/b",
    ]
    .map(RepoUrl::new)
    .into();
    spelled.sort_by(|a, b| a.preference().cmp(&b.preference()));
    let first: Vec<_> = spelled.iter().map(RepoUrl::as_str).collect();
    assert_eq!(first[..2], ["https://h.example/a/b", "https://h.example/a/b/-/tree/main"]);
    assert_eq!(spelled[1].clone_address(), "https://h.example/a/b");
}

#[test]
fn secrets_are_removed() {
    for (text, kept) in [
        ("https://oauth2:s3cret@host/a/b.git", "https://host/a/b.git"),
        ("https://s3cret@host:8443/a", "https://host:8443/a"),
        ("https://a:s3@cret@host/a", "https://host/a"),
        ("https://a:s3/cret@host/a", "https://host/a"),
        ("https://a:s3#cret@host/a", "https://host/a"),
        ("HTTPS:a:s3cret@host/a", "HTTPS:host/a"),
        (r"https:\\a:s3cret@host\a", r"https:\\host\a"),
        ("ht\ntps://a:s3cr\net@host/a", "https://host/a"),
        ("https\n://a:s3cret@host/a", "https://host/a"),
        ("ssh://git:s3cret@host/a", "ssh://host/a"),
        ("a:s3cret@host/a", "host/a"),
        ("s3cret@host.example/a", "host.example/a"),
        ("not a url://u:s3cret@x y/z", "not a url://x y/z"),
        ("https://host/a?private_token=s3cret", "https://host/a"),
        ("https://host/a?private%5Ftoken=s3cret", "https://host/a"),
        ("https://host/a?ref=main", "https://host/a?ref=main"),
        ("https://host/a@b", "https://host/a@b"),
        ("git@host:a/b.git", "git@host:a/b.git"),
    ] {
        let url = RepoUrl::new(text);
        assert_eq!(url.as_str(), kept, "{text}");
        assert!(!format!("{url:?}").contains("cret"), "{url:?}");
    }
}

#[test]
fn a_masked_line_shows_no_user_and_password() {
    for (line, shown) in [
        ("  url: 'https://ä:s3@host/a' # ftp://x@y", "  url: 'https://****@host/a' # ftp://*@y"),
        ("url: https://host/a@b, ssh://git@h", "url: https://host/a@b, ssh://***@h"),
        ("nothing: here", "nothing: here"),
        ("url: \"bot:s3@host/a\" # git@host:a", "url: \"******@host/a\" # git@host:a"),
    ] {
        assert_eq!(mask_userinfo(line), shown);
    }
}

/// Found by fuzzing: `://` after a path or a query is not a scheme, and does not hide a user before it.
#[test]
fn a_scheme_in_a_query_hides_no_password() {
    for (text, shown) in [
        ("bot:s3cr3t@host/a?next=://x", "host/a?next=://x"),
        ("bot:s3cr3t@host://x", "host://x"),
        ("https://host/a?next=http://bot:s3cr3t@other/b", "https://host/a?next=http://other/b"),
        ("git@host:a/b.git", "git@host:a/b.git"),
    ] {
        assert_eq!(without_userinfo(text), shown, "{text}");
        assert_eq!(without_userinfo(shown), shown, "once more");
    }
}

/// URLs made of typical parts, and any text.
fn address() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "https",
        "http",
        "ssh",
        "git",
        "file",
        "://",
        ":",
        "/",
        "//",
        "\\",
        "@",
        "git@",
        "u:p@",
        "github.com",
        "GitLab.example.com",
        "host",
        ".",
        "..",
        "%2e",
        "%2f",
        "%252e",
        "%2E%2e",
        ".git",
        ".GIT",
        "-",
        "/-/",
        ":443",
        ":80",
        ":22",
        ":2222",
        "?",
        "#",
        "token=",
        "a",
        "B",
        "é",
        "%C3%A9",
        "%ff",
        " ",
        "\n",
        "1",
        "0x7f",
        "[::1]",
        "~",
        "+",
        ";",
        "C:",
    ]);
    prop_oneof![
        prop::collection::vec(piece, 0..14).prop_map(|parts| parts.concat()),
        any::<String>()
    ]
}

#[test]
fn what_looks_like_a_user_without_a_secret_parameter_goes_too() {
    let once = remove_secrets("@?token=://");
    assert_eq!((once.as_str(), remove_secrets(&once)), ("", String::new()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn normalising_twice_changes_nothing(text in address()) {
        let once = RepoUrl::new(&text);
        let twice = RepoUrl::new(once.id().as_str());
        prop_assert_eq!(once.id(), twice.id());
        let forges = BTreeSet::from_iter(once.id().host().map(str::to_owned));
        let (once, twice) = (once.with_forges(&forges), twice.with_forges(&forges));
        prop_assert_eq!(once.id(), twice.id());
        let again = RepoUrl::new(once.id().as_str()).with_forges(&forges);
        prop_assert_eq!(once.id(), again.id());
    }

    #[test]
    fn removing_secrets_twice_changes_nothing(text in address()) {
        let once = remove_secrets(&text);
        prop_assert_eq!(remove_secrets(&once), once);
    }

    #[test]
    fn an_identity_has_the_host_of_its_url(text in address()) {
        let url = RepoUrl::new(&text);
        if let (Ok(asked), Some(host)) = (Url::parse(url.clone_address()), url.id().host())
            && matches!(asked.scheme(), "http" | "https")
            && !HOST_ALIASES.iter().any(|(_, name)| host.starts_with(name))
        {
            let port = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
            let name = port.map_or(host, |(name, _)| name);
            let asked = asked.host_str().unwrap_or_default();
            prop_assert_eq!(asked.trim_end_matches('.'), name.trim_end_matches('.'));
        }
    }
}
