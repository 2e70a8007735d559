use secrecy::ExposeSecret;

use super::*;

fn variables(name: &str) -> Option<String> {
    name.ends_with("_TOKEN").then(|| format!("value of {name}\n"))
}

fn parsed(text: &str) -> Result<Credentials, String> {
    Credentials::parse(Path::new("c.yaml"), text, variables).map_err(|error| error.to_string())
}

fn found(credentials: &Credentials, url: &str) -> Option<String> {
    let url = Url::parse(url).expect("an address");
    let credential = credentials.lookup(&url)?;
    let value = credential.secret.expose_secret().strip_prefix("value of ");
    Some(value.expect("a known value").to_owned())
}

#[test]
fn the_longest_prefix_of_whole_segments_wins() {
    let credentials = parsed(
        "git.example.com: A_TOKEN\nGit.Example.com/team: B_TOKEN\n\
         git.example.com/team/app: {variable: C_TOKEN, user: x}\n",
    )
    .expect("credentials");
    let of = |url| found(&credentials, url);
    assert_eq!(of("https://git.example.com/other/x").as_deref(), Some("A_TOKEN"));
    assert_eq!(of("https://GIT.example.com/team/x").as_deref(), Some("B_TOKEN"));
    assert_eq!(of("https://git.example.com/teams/x").as_deref(), Some("A_TOKEN"));
    assert_eq!(of("https://git.example.com/team/app.git").as_deref(), Some("C_TOKEN"));
    assert_eq!(of("https://git.example.com:444/team/app"), None);
    assert_eq!(of("https://other.example.com/team/app"), None);
    assert_eq!(of("https://git.example.com.evil.example/team"), None);
}

#[test]
fn plain_http_must_be_explicit() {
    let credentials = parsed(
        "prom.example.com: A_TOKEN\nhttp://inside.example.com:9090: B_TOKEN\n127.0.0.1:9090: C_TOKEN\n",
    )
    .expect("credentials");
    let of = |url| found(&credentials, url);
    assert_eq!(of("http://prom.example.com/"), None);
    assert_eq!(of("http://inside.example.com:9090/api").as_deref(), Some("B_TOKEN"));
    assert_eq!(of("http://127.0.0.1:9090/api").as_deref(), Some("C_TOKEN"));
    assert_eq!(of("http://127.0.0.1:9091/api"), None);
}

#[test]
fn errors_name_the_problem_without_values() {
    for (text, words) in [
        ("- a", "not a YAML mapping"),
        ("a: [", "not a YAML mapping of hosts to variables (line"),
        ("h.example: glpat-secret", "not a value"),
        ("h.example: OTHER", "the variable OTHER is not set"),
        ("h.example: {token: glpat-secret}", "unknown field"),
        ("h.example: {user: x}", "variable is missing"),
        ("ftp://h.example: A_TOKEN", "unusable scheme"),
        ("me:pw@h.example: A_TOKEN", "without user"),
    ] {
        let error = parsed(text).expect_err(text);
        assert!(error.contains(words), "{error}");
        assert!(!error.contains("glpat"), "{error}");
    }
    assert!(parsed("").expect("an empty file").entries.is_empty());
}

#[test]
fn debug_shows_no_secret() {
    let credentials = parsed("h.example: A_TOKEN").expect("credentials");
    assert!(!format!("{credentials:?}").contains("value of"));
}

#[test]
fn an_ambiguous_path_gets_no_token_of_a_path_prefix() {
    let credentials =
        parsed("h.example/team: A_TOKEN\nother.example: B_TOKEN\n").expect("credentials");
    for path in [
        "team/..%2fother/app",
        "team/..%2Fother",
        "team%2f..%2fother/app",
        "team/..%252fother/app",
        "team/%2e%2e%2fother",
        "team/..%5cother",
        "team/..;/other",
        "team/%2e%2e;x/other",
        "team/..%00/other",
        "team/../other",
        "team/%2e%2e/other",
        "other/app",
    ] {
        assert_eq!(found(&credentials, &format!("https://h.example/{path}")), None, "{path}");
        // A token for the whole host may go to every path.
        let host = found(&credentials, &format!("https://other.example/{path}"));
        assert_eq!(host.as_deref(), Some("B_TOKEN"), "{path}");
    }
    for path in ["team/app", "te%61m/app", "team//app", "team/a..b", "x/../team/app"] {
        let token = found(&credentials, &format!("https://h.example/{path}"));
        assert_eq!(token.as_deref(), Some("A_TOKEN"), "{path}");
    }
    assert!(parsed("h.example/a%2fb: A_TOKEN").is_err());
}
