//! First contact with GitLab, and reading requests, branches, files, commits.

use sapm::clients::gitlab::{
    ConnectError, ConnectOptions, GitLabApi, GitLabCommits, GitLabReader, Token,
};
use sapm::clients::http::{HttpClient, Service};
use sapm::domain::{CommitSha, MrIid, RepoPath, RepoUrl, UserId};
use sapm::ports::{BranchReader, Commits, ForgeReader};
use secrecy::SecretString;
use serde_json::{Value, json as value};

use super::server::{Reply, Seen, Server, TOKEN, client, impatient, json, with_headers};

/// A commit id of one repeated digit.
pub fn sha(digit: char) -> CommitSha {
    CommitSha::parse(&digit.to_string().repeat(40)).expect("a commit id")
}

pub fn api(http: &HttpClient, url: &str) -> GitLabApi {
    let token = Token::Private(SecretString::from(TOKEN));
    GitLabApi::new(http.service(Service::GitLab, 4), url, Some(token)).expect("an address")
}

fn options() -> ConnectOptions {
    ConnectOptions {
        project: "service/config".into(),
        bot_user: None,
        former_bot_users: Vec::new(),
        other_bots: Vec::new(),
        target_branch: None,
        closed_by_bot_marker: "<!-- closed by the bot -->".into(),
        to_write: None,
        job: None,
    }
}

/// GitLab's responses at first contact; `None` for other requests.
pub fn first_contact(seen: &Seen) -> Option<Reply> {
    let answer = match seen.target.split('?').next()? {
        "/api/v4/projects/service%2Fconfig" => value!({
            "id": 7, "path_with_namespace": "service/config", "default_branch": "main",
            "web_url": "https://git.example.com/service/config", "new_field": [1],
        }),
        "/api/v4/user" => {
            value!({"id": 3, "username": "bot", "name": "Bot", "email": "bot@example.com"})
        }
        "/api/v4/personal_access_tokens/self" => value!({"scopes": ["api"]}),
        "/api/v4/projects/7/repository/branches/main" => {
            value!({"name": "main", "commit": commit('a')})
        }
        _ => return None,
    };
    Some(json(200, answer))
}

pub fn commit(digit: char) -> Value {
    value!({"id": sha(digit).as_str(), "parent_ids": [sha('f').as_str()], "message": "m\n\nT: v\n",
            "title": "m", "author_name": "Bot", "committed_date": "2026-08-01T10:00:00.000+02:00"})
}

fn not_found() -> Reply {
    json(404, value!({"message": "404 Not Found"}))
}

/// A reader for a server with the responses of first contact and `answer`.
pub async fn connected(
    answer: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static,
) -> (Server, GitLabReader) {
    let server = Server::start(move |_, seen| {
        answer(seen).or_else(|| first_contact(seen)).unwrap_or_else(not_found)
    })
    .await;
    let reader = GitLabReader::connect(api(&client(), &server.url), &options()).await;
    (server, reader.expect("a reader"))
}

#[tokio::test]
async fn first_contact_fetches_project_user_tip_and_scopes() {
    let (server, reader) = connected(|_| None).await;
    let project = reader.project();
    assert_eq!((project.id, project.target_branch.as_str()), (7, "main"));
    assert_eq!(project.target_tip, Some(sha('a')));
    assert_eq!((reader.bot().id, reader.bot().name.as_str()), (UserId(3), "Bot"));
    assert!(reader.bot().emails.contains("bot@example.com"));
    assert!(reader.rights().scopes.as_ref().is_some_and(|scopes| scopes.contains("api")));
    assert!(server.seen().iter().all(|seen| seen.headers["private-token"] == TOKEN));
}

#[tokio::test]
async fn an_unreadable_field_of_the_token_does_not_affect_the_others() {
    let day = chrono::NaiveDate::from_ymd_opt(2026, 9, 1);
    let fields = [
        (value!("2026-09-01T00:00:00Z"), value!(["api"]), day, true),
        (value!("2026-09-01"), value!("api"), day, false),
        (value!(17), value!(["api"]), None, true),
        (value!("soon, perhaps"), value!(["api"]), None, true),
        (value!(null), value!(["api"]), None, true),
    ];
    for (expires_at, scopes, day, read) in fields {
        let token = value!({"scopes": scopes, "expires_at": expires_at, "user_id": 3});
        let (_server, reader) = connected(move |seen| {
            let asked = seen.is("GET", &["/personal_access_tokens/self"]);
            asked.then(|| json(200, token.clone()))
        })
        .await;
        assert_eq!(reader.rights().expires_at, day, "{expires_at}");
        assert_eq!(reader.rights().scopes.is_some(), read, "{scopes}");
    }
}

#[tokio::test]
async fn each_reason_not_to_connect_has_its_own_error() {
    async fn error(
        http: HttpClient,
        answer: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static,
    ) -> ConnectError {
        let server = Server::start(move |_, seen| {
            answer(seen).or_else(|| first_contact(seen)).unwrap_or_else(not_found)
        })
        .await;
        let error = GitLabReader::connect(api(&http, &server.url), &options()).await;
        let error = error.expect_err("no connection");
        let text = error.to_string();
        assert!(text.contains(&server.url) && !text.contains(TOKEN), "{text}");
        error
    }
    let on_project = |status: u16| {
        move |seen: &Seen| {
            let hit = seen.target.starts_with("/api/v4/projects/service%2Fconfig");
            hit.then(|| json(status, value!({"message": "no"})))
        }
    };
    assert!(matches!(error(client(), on_project(401)).await, ConnectError::Token { .. }));
    assert!(matches!(error(client(), on_project(403)).await, ConnectError::NoAccess { .. }));
    assert!(matches!(error(client(), on_project(404)).await, ConnectError::ProjectNotFound { .. }));
    assert!(matches!(error(client(), on_project(502)).await, ConnectError::Unreachable { .. }));
    assert!(matches!(
        error(HttpClient::new(impatient()), |_| Some(Reply::Hang)).await,
        ConnectError::Unreachable { .. }
    ));
    let html = |_: &Seen| Some(Reply::Full(200, Vec::new(), "<html>".into()));
    assert!(matches!(error(client(), html).await, ConnectError::Unreachable { .. }));
    let no_branch = |seen: &Seen| seen.target.contains("/branches/").then(not_found);
    assert!(matches!(error(client(), no_branch).await, ConnectError::BranchMissing { .. }));
}

#[tokio::test]
async fn a_bot_user_is_found_by_name_and_scopes_are_not_needed() {
    let server = Server::start(|_, seen| match seen.target.split('?').next() {
        Some("/api/v4/users") => {
            json(200, value!([{"id": 9, "username": "promoter", "name": "P"}]))
        }
        Some("/api/v4/personal_access_tokens/self") => json(401, value!({"message": "401"})),
        _ => first_contact(seen).unwrap_or_else(not_found),
    })
    .await;
    let options = ConnectOptions { bot_user: Some("@promoter".into()), ..options() };
    let reader =
        GitLabReader::connect(api(&client(), &server.url), &options).await.expect("a reader");
    assert_eq!(reader.bot().id, UserId(9));
    assert_eq!(reader.rights().scopes, None);
    assert_eq!(server.count("GET", &["/api/v4/user?"]), 0);
}

fn request(iid: u64, branch: &str, more: Value) -> Value {
    let mut request = value!({"iid": iid, "state": "opened", "source_branch": branch, "title": "t",
        "target_branch": "main", "source_project_id": 7, "author": {"id": 3, "username": "bot"},
        "created_at": format!("2026-08-01T10:00:{iid:02}Z")});
    if let (Some(fields), Value::Object(more)) = (request.as_object_mut(), more) {
        fields.extend(more);
    }
    request
}

#[tokio::test]
async fn open_merge_requests_include_those_of_people_from_the_bots_branches() {
    let (server, reader) = connected(|seen| {
        if seen.is("GET", &["/merge_requests?", "state=locked", "author_id=3"]) {
            let merging = request(9, "bot/d", value!({"state": "locked"}));
            return Some(json(200, value!([merging])));
        }
        if !seen.is("GET", &["/merge_requests?", "state=opened"]) {
            return None;
        }
        Some(if seen.target.contains("source_branch=bot%2Fb") {
            let person = value!({"author": {"id": 50, "username": "ann"}});
            let fork = request(13, "bot/b", value!({"source_project_id": 8}));
            let elsewhere = request(14, "bot/b", value!({"target_branch": "stable"}));
            json(200, value!([request(12, "bot/b", person), fork, elsewhere]))
        } else if seen.target.contains("source_branch=") {
            json(200, value!([]))
        } else if seen.target.contains("page=2") {
            let elsewhere = value!({"target_branch": "old"});
            json(200, value!([request(10, "bot/a", value!({})), request(15, "bot/c", elsewhere)]))
        } else {
            // The link's host differs from the requested one.
            let next =
                "<https://outside.example/api/v4/x?state=opened&author_id=3&page=2>; rel=\"next\"";
            let entries = value!([request(11, "other", value!({})), {"iid": "broken"}]);
            Reply::Full(200, vec![("link", next.into())], entries.to_string())
        })
    })
    .await;
    let mut found = reader.open_merge_requests().await.expect("requests");
    let branches = ["bot/a", "bot/b", "bot/c"].into();
    found.extend(reader.merge_requests_beside(&found, &branches, "main").await.expect("requests"));
    let iids: std::collections::BTreeSet<u64> =
        found.iter().map(|request| request.iid.number()).collect();
    assert_eq!(iids, [9, 10, 11, 12, 14, 15].into());
    assert_eq!(server.count("GET", &["/merge_requests?", "author_id=3", "state=opened"]), 2);
    assert_eq!(server.count("GET", &["/merge_requests?", "source_branch="]), 1);
    assert_eq!(server.count("GET", &["per_page=100", "/merge_requests?"]), 3);
}

#[tokio::test]
async fn past_merge_requests_have_closer_and_content() {
    let (server, reader) = connected(|seen| {
        if seen.is("GET", &["/merge_requests?", "source_branch=bot%2Fa"]) {
            let ended = |state: &str, tip: char| value!({"state": state, "sha": sha(tip).as_str()});
            let mut by_person = ended("closed", 'd');
            by_person["closed_by"] = value!({"id": 50});
            let mut by_bot = ended("closed", 'c');
            by_bot["closed_by"] = value!({"id": 3});
            return Some(json(
                200,
                value!([
                    request(1, "bot/a", ended("merged", '1')),
                    request(2, "bot/a", ended("merged", '2')),
                    request(3, "bot/a", by_bot),
                    request(4, "bot/a", by_person),
                    request(5, "bot/a", ended("closed", 'e')),
                    request(6, "bot/a", value!({})),
                    request(7, "bot/a", value!({"author": {"id": 50, "username": "alice"}})),
                ]),
            ));
        }
        if seen.target.contains("/merge_requests/5/notes") {
            let note = "no longer wanted <!-- closed by the bot -->";
            return Some(json(200, value!([{"body": note, "author": {"id": 3}}])));
        }
        let known = seen.target.contains(&format!("commits/{}", sha('2')));
        known.then(|| json(200, commit('2')))
    })
    .await;
    let (past, others) =
        reader.past_merge_requests("bot/a", &[UserId(3)].into()).await.expect("requests");
    let told: Vec<_> =
        past.iter().map(|p| (p.mr.iid.number(), p.closed_by_bot, p.tip.is_some())).collect();
    // The commit of 4 no longer exists; those of 1, 3 and 5 do not matter.
    assert_eq!(
        told,
        [
            (5, true, false),
            (4, false, false),
            (3, true, false),
            (2, false, true),
            (1, false, false)
        ]
    );
    assert_eq!(server.count("GET", &["/repository/commits/"]), 2);
    assert_eq!(others.iter().map(|other| other.iid.number()).collect::<Vec<_>>(), [7]);
}

#[tokio::test]
async fn a_missing_file_is_not_a_failure_but_a_missing_project_is() {
    let (_server, reader) = connected(|seen| {
        let message = match seen.target.as_str() {
            t if t.contains("there.yml") => {
                return Some(Reply::Full(200, Vec::new(), "a: é\r\n".into()));
            }
            t if t.contains("gone.yml") => "404 File Not Found",
            t if t.contains("project.yml") => "404 Project Not Found",
            t if t.contains("proxy.yml") => {
                return Some(Reply::Full(404, Vec::new(), "<html>".into()));
            }
            _ => return None,
        };
        Some(json(404, value!({"message": message})))
    })
    .await;
    let at = sha('a');
    assert_eq!(
        reader.file(&at, &RepoPath::new("data/there.yml")).await,
        Ok(Some("a: é\r\n".to_owned()))
    );
    assert_eq!(reader.file(&at, &RepoPath::new("data/gone.yml")).await, Ok(None));
    assert!(reader.file(&at, &RepoPath::new("data/project.yml")).await.is_err());
    assert!(reader.file(&at, &RepoPath::new("data/proxy.yml")).await.is_err());
    assert_eq!(reader.branch_tip("bot/none").await, Ok(None));
}

#[tokio::test]
async fn a_failed_page_is_retried_alone() {
    let failed = std::sync::atomic::AtomicBool::new(false);
    let (server, reader) = connected(move |seen| {
        if !seen.target.contains("/notes?") {
            return None;
        }
        let note = value!([{"body": "x", "author": {"id": 3}}]).to_string();
        if !seen.target.contains("page=2") {
            return Some(Reply::Full(200, vec![("x-next-page", "2".into())], note));
        }
        Some(match failed.swap(true, std::sync::atomic::Ordering::SeqCst) {
            false => with_headers(429, &[("retry-after", "0")]),
            true => Reply::Full(200, vec![("x-next-page", String::new())], note),
        })
    })
    .await;
    assert_eq!(
        reader.notes_of(MrIid(5), &[UserId(3)].into()).await.map(|notes| notes.len()),
        Ok(2)
    );
    assert_eq!(server.count("GET", &["/notes?"]), 3);
}

#[tokio::test]
async fn commits_of_code_repositories() {
    let server = Server::start(|_, seen| match seen.target.split('?').next() {
        Some("/gl/api/v4/projects/group%2Fapp/repository/commits/feature%2Fx") => {
            json(200, commit('b'))
        }
        Some(path) if path.contains("group%2Fapp") => {
            json(404, value!({"message": "404 Commit Not Found"}))
        }
        Some(path) if path.contains("secret") => json(401, value!({"message": "401 Unauthorized"})),
        _ => json(404, value!({"message": "404 Project Not Found"})),
    })
    .await;
    let commits = GitLabCommits::new(api(&client(), &format!("{}/gl/", server.url)));
    let app = RepoUrl::new(format!("{}/gl/group/app.git", server.url));
    let fact = commits.commit(&app, "feature/x").await.expect("a commit");
    assert_eq!((fact.sha, fact.subject.as_deref()), (sha('b'), Some("m")));
    let gone = commits.commit(&app, "nope").await.expect_err("no ref").error;
    assert!(gone.contains("no branch, tag or commit `nope`"), "{gone}");
    let other = RepoUrl::new(format!("https://me:{TOKEN}@git.example.com/other/app"));
    let gone = commits.commit(&other, "main").await.expect_err("no project").error;
    assert!(gone.contains("repository does not exist") && !gone.contains(TOKEN), "{gone}");
    assert!(commits.commit(&app, "..").await.is_err());
    let asked = server.seen().len();
    let refused = commits.commit(&RepoUrl::new("https://h/secret/a"), "x").await.expect_err("401");
    assert!(refused.shared_cause.is_some_and(|cause| cause.contains("SAPM_GITLAB_TOKEN")));
    assert!(commits.commit(&app, "feature/x").await.is_err());
    assert_eq!(server.seen().len(), asked + 1);
}

#[tokio::test]
async fn queries_queued_behind_a_hanging_one_are_not_sent() {
    let server = Server::start(|_, seen| match seen.method.as_str() {
        "POST" => Reply::Hang,
        _ => json(200, commit('b')),
    })
    .await;
    let service = HttpClient::new(impatient()).service(Service::GitLab, 1);
    let token = Token::Private(SecretString::from(TOKEN));
    let api = GitLabApi::new(service, &server.url, Some(token)).expect("an address");
    let commits = GitLabCommits::new(api);
    let repo = |name: &str| RepoUrl::new(format!("{}/group/{name}", server.url));
    let (a, b, c) = (repo("a"), repo("b"), repo("c"));
    let refs = ["main", "stable", "v1", "v2"];
    let asked: Vec<_> =
        refs.iter().flat_map(|git_ref| [(&a, *git_ref), (&b, git_ref), (&c, git_ref)]).collect();
    assert!(commits.many(&asked).await.iter().all(Option::is_none));
    assert_eq!(server.count("POST", &["/api/graphql"]), 1);
    assert_eq!(commits.most_at_once(&a), 1);
    assert_eq!(commits.commit(&a, "main").await.expect("a commit").sha, sha('b'));
}
