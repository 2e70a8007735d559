//! The state in a bucket and in a folder.

mod sizes;

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forge::Forge;
use sapm::clients::http::{HttpClient, HttpConfig, Service, ServiceClient};
use sapm::clients::state::{DirState, S3Settings, S3State, file_of, from_location};
use sapm::ports::{StateError, StateStore, StoredObject};
use tempfile::TempDir;

use crate::git::web::{Reply, Request, Server};

const KEY: &str = "state/openshift-saas-deploy/promotions_v2/ch:1 a/uid/sha";

fn settings(endpoint: &str) -> S3Settings {
    S3Settings {
        region: Some("us-east-1".to_owned()),
        access_key: Some(("AKIA".to_owned(), "s3cr3t".to_owned().into())),
        endpoint: Some(endpoint.to_owned()),
    }
}

fn client() -> HttpClient {
    HttpClient::new(HttpConfig {
        attempt_timeout: Duration::from_secs(1),
        backoff_base: Duration::from_millis(1),
        untold_pause: Duration::from_millis(1),
        ..HttpConfig::default()
    })
}

fn service() -> ServiceClient {
    client().service(Service::S3, 32)
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::new(
        status,
        "application/xml",
        format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"),
    )
}

/// A bucket `b` in memory.
fn bucket() -> Server {
    let objects: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::default();
    Server::start(move |request| {
        let mut objects = objects.lock().expect("objects");
        let Some(key) = request.path.strip_prefix("/b/") else {
            return error(404, "NoSuchBucket", "The specified bucket does not exist");
        };
        match request.method.as_str() {
            "HEAD" => Reply::new(200, "application/xml", ""),
            "PUT" => {
                objects.insert(key.to_owned(), request.body.clone());
                Reply::new(200, "application/xml", "")
            }
            _ => objects.get(key).map_or_else(
                || error(404, "NoSuchKey", "The specified key does not exist."),
                |bytes| Reply::new(200, "binary/octet-stream", bytes.clone()),
            ),
        }
    })
}

async fn answering(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (S3State, Server) {
    let server = Server::start(reply);
    (S3State::new("b", "", settings(&server.url), service()).await, server)
}

fn whole(error: StateError) -> String {
    assert!(!error.to_string().contains("s3cr3t"), "{error}");
    match error {
        StateError::Whole(text) => text,
        StateError::Key(text) | StateError::Shared(text) => panic!("not of all: {text}"),
    }
}

fn of_key(error: StateError) -> String {
    match error {
        StateError::Key(text) => text,
        StateError::Shared(text) => panic!("of many keys: {text}"),
        StateError::Whole(text) => panic!("as a whole: {text}"),
    }
}

#[tokio::test]
async fn a_bucket_keeps_what_was_put() {
    let server = bucket();
    let state =
        from_location("s3://b/team/x/", settings(&server.url), service()).await.expect("a state");
    assert_eq!(state.location(), "s3://b/team/x");
    assert_eq!(state.get(KEY).await.expect("answers"), None);
    state.put(KEY, b"{}".to_vec()).await.expect("puts");
    assert_eq!(state.get(KEY).await.expect("answers"), Some(b"{}".to_vec()));
    let asked =
        server.requests().into_iter().map(|request| format!("{} {}", request.method, request.path));
    let path = format!("/b/team/x/{}", KEY.replace(':', "%3A").replace(' ', "%20"));
    let wanted = [
        format!("GET {path}"),
        "HEAD /b/".to_owned(),
        format!("PUT {path}"),
        format!("GET {path}"),
    ];
    assert_eq!(asked.collect::<Vec<_>>(), wanted);
}

#[tokio::test]
async fn requests_are_counted() {
    let failures = AtomicU32::new(0);
    let server = Server::start(move |_| {
        if failures.fetch_add(1, Ordering::SeqCst) == 0 {
            error(503, "SlowDown", "Please reduce your request rate.")
        } else {
            Reply::new(200, "binary/octet-stream", "12345")
        }
    });
    let http = client();
    let service = http.service(Service::S3, 1);
    let state = S3State::new("b", "", settings(&server.url), service).await;
    state.get(KEY).await.expect("answers the second time");
    let stats = http.stats().counters_of(Service::S3);
    assert_eq!((stats.requests, stats.retries), (2, 1));
    assert!(stats.bytes_in >= 5);
}

/// Amazon's way to request slowing down: half of all requests are refused without a duration, and no single
/// one is refused forever. The SDK itself has enough retries for about 100 of them together.
#[tokio::test]
async fn a_bucket_that_requests_slow_down_is_retried() {
    let asked = AtomicU32::new(0);
    let server = Server::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        number if number < 700 && number % 2 == 0 => error(503, "SlowDown", "x"),
        _ => Reply::new(200, "x", "{}"),
    });
    let state = Arc::new(S3State::new("b", "", settings(&server.url), service()).await);
    let gets = (0..400).map(|at| {
        let state = Arc::clone(&state);
        async move { state.get(&format!("state/{at}")).await.map(|bytes| bytes.is_some()) }
    });
    let found = futures_util::future::join_all(gets).await;
    let failed = found.iter().filter(|found| !matches!(found, Ok(true))).count();
    assert_eq!(failed, 0, "{:?}", found.iter().find(|found| !matches!(found, Ok(true))));
}

/// One cause, not a problem per record.
#[tokio::test]
async fn a_bucket_that_refuses_or_fails_everything_is_given_up() {
    for (code, word) in [("SlowDown", "it refuses requests"), ("ServiceUnavailable", "it fails")] {
        let (state, server) = answering(move |_| error(503, code, "x")).await;
        let text = whole(state.get(KEY).await.expect_err(code));
        assert!(text.contains(word), "{text}");
        assert!(server.requests().len() <= 10, "it is not asked for ever");
    }
    // It responded before, but not any more.
    let (state, _server) = answering(|request| match request.path.ends_with("sha") {
        true => error(500, "InternalError", "x"),
        false => Reply::new(200, "x", "{}"),
    })
    .await;
    state.get("state/export").await.expect("answers");
    of_key(state.get(KEY).await.expect_err("the first"));
    of_key(state.get(KEY).await.expect_err("the second"));
    whole(state.get(KEY).await.expect_err("the third in a row"));
}

#[tokio::test]
async fn failures_of_the_whole_bucket() {
    let server = bucket();
    let other = S3State::new("other", "", settings(&server.url), service()).await;
    let text = whole(other.get(KEY).await.expect_err("no bucket"));
    assert!(
        text.contains("no such bucket") && text.contains("bucket other at http://127.0.0.1"),
        "{text}"
    );
    whole(other.put(KEY, Vec::new()).await.expect_err("no bucket"));
    for (status, code, word) in [
        (403, "InvalidAccessKeyId", "credentials"),
        (403, "SignatureDoesNotMatch", "credentials"),
        (400, "ExpiredToken", "credentials"),
        (403, "RequestTimeTooSkewed", "clock"),
        (403, "AccessDenied", "s3:ListBucket"),
    ] {
        let (state, _server) = answering(move |_| error(status, code, "x")).await;
        let text = whole(state.get(KEY).await.expect_err(code));
        assert!(text.contains(code) && text.contains(word), "{text}");
    }
    let none = |request: &Request| match request.method.as_str() {
        "HEAD" => Reply::new(404, "application/xml", ""),
        _ => error(404, "NoSuchKey", "x"),
    };
    let (state, _server) = answering(none).await;
    let text = whole(state.get(KEY).await.expect_err("no bucket"));
    assert!(text.contains("no such bucket"), "{text}");
    let moved =
        |_: &Request| error(301, "PermanentRedirect", "x").with("x-amz-bucket-region", "eu-west-1");
    let (state, _server) = answering(moved).await;
    let text = whole(state.get(KEY).await.expect_err("elsewhere"));
    assert!(text.contains("APP_INTERFACE_STATE_BUCKET_REGION=eu-west-1"), "{text}");
    for (status, body) in [(404, "<html>not found</html>"), (405, "")] {
        let (state, _server) = answering(move |_| Reply::new(status, "text/html", body)).await;
        let text = whole(state.get(KEY).await.expect_err("no S3"));
        assert!(text.contains("not from an S3 server"), "{text}");
    }
    let closed = S3State::new("b", "", settings("http://127.0.0.1:9"), service()).await;
    let text = whole(closed.get(KEY).await.expect_err("closed"));
    assert!(text.contains("cannot be reached"), "{text}");
}

#[tokio::test]
async fn a_store_that_never_responds_is_given_up() {
    let (state, _server) =
        answering(|_| Reply { hang_after: Some(0), ..Reply::new(200, "x", "") }).await;
    let text = whole(state.get(KEY).await.expect_err("late"));
    assert!(text.contains("no response in time"), "{text}");
}

#[tokio::test]
async fn failures_of_one_key() {
    let (state, _server) = answering(|request| match request.path.ends_with("sha") {
        true => error(500, "InternalError", "x"),
        false => Reply::new(200, "application/xml", "<ListBucketResult></ListBucketResult>"),
    })
    .await;
    let text = of_key(state.get(KEY).await.expect_err("broken"));
    assert!(text.contains(KEY) && text.contains("InternalError"), "{text}");
    let message = "User: u is not authorized to perform: s3:ListBucket on resource: b";
    let (state, _server) = answering(move |_| error(403, "AccessDenied", message)).await;
    let text = of_key(state.get(KEY).await.expect_err("denied"));
    assert!(text.contains("response for a missing key"), "{text}");
    let only = |request: &Request| {
        if request.path.ends_with("sha") {
            error(403, "AccessDenied", "x")
        } else {
            Reply::new(200, "x", "ok")
        }
    };
    let (state, _server) = answering(only).await;
    state.get("state/export").await.expect("answers");
    of_key(state.get(KEY).await.expect_err("denied"));
    // A proxy that rejects the URL of one record.
    for status in [400, 404, 414] {
        let (state, _server) = answering(move |request| match request.path.ends_with("sha") {
            true => Reply::new(status, "text/html", "<html>no</html>"),
            false => Reply::new(200, "x", "ok"),
        })
        .await;
        state.get("state/export").await.expect("answers");
        let text = of_key(state.get(KEY).await.expect_err("a page"));
        assert!(text.contains("not from an S3 server"), "{text}");
    }
    let read_only = |request: &Request| {
        if request.method == "PUT" {
            error(403, "AccessDenied", "x")
        } else {
            Reply::new(200, "x", "ok")
        }
    };
    let (state, _server) = answering(read_only).await;
    of_key(state.put(KEY, Vec::new()).await.expect_err("denied"));
}

#[tokio::test]
async fn a_folder_has_the_same_keys() {
    let home = TempDir::new().expect("a folder");
    let state = from_location(
        &format!("file://{}", home.path().display()),
        S3Settings::default(),
        service(),
    )
    .await;
    let state = state.expect("a state");
    assert_eq!(state.location(), format!("file://{}", home.path().display()));
    assert_eq!(state.get(KEY).await.expect("reads"), None);
    state.put(KEY, b"1".to_vec()).await.expect("writes");
    state.put(KEY, b"2".to_vec()).await.expect("replaces");
    assert_eq!(state.get(KEY).await.expect("reads"), Some(b"2".to_vec()));
    let file = home.path().join("state/openshift-saas-deploy/promotions_v2/ch%3A1%20a/uid/sha");
    assert_eq!(file, home.path().join(file_of(KEY)));
    assert_eq!(fs::read(&file).expect("reads"), b"2");
    assert_eq!(
        fs::read_dir(file.parent().expect("a folder")).expect("lists").count(),
        1,
        "no drafts left"
    );

    // As named by `aws s3 sync`.
    let plain = home.path().join(KEY.replace("sha", "other"));
    fs::create_dir_all(plain.parent().expect("a folder")).expect("makes");
    fs::write(plain, "3").expect("writes");
    assert_eq!(state.get(&KEY.replace("sha", "other")).await.expect("reads"), Some(b"3".to_vec()));

    state.put("/abs", b"x".to_vec()).await.expect("writes");
    assert_eq!(state.get("/abs").await.expect("reads"), Some(b"x".to_vec()));
    of_key(state.get("state/openshift-saas-deploy").await.expect_err("a folder"));
}

#[tokio::test]
async fn keys_with_dot_segments_are_refused_everywhere() {
    let home = TempDir::new().expect("a folder");
    fs::write(home.path().join("outside"), "x").expect("writes");
    let folder = home.path().join("state");
    fs::create_dir(&folder).expect("a folder");
    let server = bucket();
    let bucket =
        from_location("s3://b/team", settings(&server.url), service()).await.expect("a state");
    for state in [Arc::new(DirState::new(&folder)) as Arc<dyn StateStore>, bucket] {
        for key in ["../outside", "promotions_v2/../../outside", "promotions_v2/./x", "x/.."] {
            let refused = of_key(state.get(key).await.expect_err("no path"));
            assert!(refused.contains(key) && refused.contains("rename the channel"), "{refused}");
            of_key(state.put(key, b"{}".to_vec()).await.expect_err("no path"));
        }
    }
    assert!(server.requests().is_empty(), "the bucket was asked");
    assert_eq!(fs::read_dir(&folder).expect("lists").count(), 0);
}

#[tokio::test]
async fn a_missing_folder_is_not_a_state() {
    let home = TempDir::new().expect("a folder");
    let state = DirState::new(home.path().join("none"));
    whole(state.get(KEY).await.expect_err("missing"));
    whole(state.put(KEY, Vec::new()).await.expect_err("missing"));
    fs::write(home.path().join("none"), "").expect("writes");
    whole(state.get(KEY).await.expect_err("a file"));
}

#[tokio::test]
async fn other_locations_are_refused() {
    for location in
        ["", "b", "s3://", "s3:///x", "s3://key:secret@b", "file://host/x", "file:x", "https://b"]
    {
        let result = from_location(location, S3Settings::default(), service()).await;
        assert!(matches!(result.map(|_| ()), Err(StateError::Whole(_))), "{location}");
    }
}

#[tokio::test]
async fn many_requests_at_once() {
    let server = bucket();
    let state = Arc::new(S3State::new("b", "", settings(&server.url), service()).await);
    let gets = (0..100).map(|at| {
        let state = Arc::clone(&state);
        tokio::spawn(async move { state.get(&format!("state/{at}")).await })
    });
    for get in gets.collect::<Vec<_>>() {
        assert_eq!(get.await.expect("ends").expect("answers"), None);
    }
}

/// Of several writers that saw the same, one wins; the others are told.
async fn assert_one_writer_replaces(state: &dyn StateStore) {
    for round in 0..20_u8 {
        let old = state.get_to_replace(KEY).await.expect("answers");
        let writes = (0..8_u8).map(|writer| state.replace(KEY, vec![round, writer], old.as_ref()));
        let won = futures_util::future::join_all(writes).await;
        let won: Vec<bool> = won.into_iter().map(|won| won.expect("answers")).collect();
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
        let winner = won.iter().position(|won| *won).expect("a winner") as u8;
        assert_eq!(state.get(KEY).await.expect("answers"), Some(vec![round, winner]));
    }
    let gone = StoredObject { bytes: b"gone".to_vec(), version: Some("\"v1\"".to_owned()) };
    assert!(!state.replace("state/other", Vec::new(), Some(&gone)).await.expect("answers"));
    assert_eq!(state.get("state/other").await.expect("answers"), None);
}

#[tokio::test]
async fn one_of_several_writers_replaces_a_file() {
    let folder = TempDir::new().expect("a folder");
    assert_one_writer_replaces(&DirState::new(folder.path())).await;
}

#[tokio::test]
async fn one_of_several_writers_replaces_an_object() {
    let forge = Forge::builder().bucket("shop-state").start().await;
    let (key, secret) = forge.s3_keys();
    let access_key = Some((key.to_owned(), secret.to_owned().into()));
    let settings = S3Settings { access_key, ..settings(&forge.s3_endpoint()) };
    let patient = HttpClient::new(HttpConfig::default()).service(Service::S3, 32);
    assert_one_writer_replaces(&S3State::new("shop-state", "", settings, patient).await).await;
}

#[tokio::test]
async fn a_bucket_is_asked_to_write_under_a_condition() {
    let server = Server::start(|request| match request.method.as_str() {
        "GET" => Reply::new(200, "x", "{}").with("etag", "\"v1\""),
        _ if request.header("if-match") == Some("\"v1\"") => Reply::new(200, "x", ""),
        _ => error(412, "PreconditionFailed", "x"),
    });
    let state = S3State::new("b", "", settings(&server.url), service()).await;
    let old = state.get_to_replace(KEY).await.expect("answers").expect("an object");
    assert_eq!(old.version.as_deref(), Some("\"v1\""));
    assert!(state.replace(KEY, Vec::new(), Some(&old)).await.expect("answers"));
    assert!(!state.replace(KEY, Vec::new(), None).await.expect("answers"));
    let conditions: Vec<Option<String>> = server
        .requests()
        .iter()
        .map(|request| request.header("if-none-match").map(str::to_owned))
        .collect();
    assert_eq!(conditions, [None, None, Some("*".to_owned())]);
}
