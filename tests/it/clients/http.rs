//! Retries, pauses, redirects, limits: the layer below all clients.

mod pauses;

use std::time::Duration;

use http::Method;
use sapm::clients::http::{
    AllowedHosts, HttpClient, HttpConfig, HttpErrorKind, Request, Service, ServiceClient,
};
use sapm::ports::Deadline;
use secrecy::SecretString;
use serde_json::json as value;
use url::Url;

use super::server::{Reply, Server, TOKEN, client, impatient, json, quick, with_headers};

fn service() -> ServiceClient {
    client().service(Service::GitLab, 4)
}

fn get(server: &Server, path: &str) -> Request {
    let url = Url::parse(&format!("{}{path}", server.url)).expect("an address");
    Request::get(url).secret_header("private-token", &SecretString::from(TOKEN))
}

fn post(server: &Server) -> Request {
    Request::post(Url::parse(&server.url).expect("an address")).body("text/plain", "x")
}

fn query(server: &Server) -> Request {
    Request::query(Url::parse(&server.url).expect("an address")).body("text/plain", "x")
}

#[tokio::test]
async fn temporary_failures_are_retried() {
    for fault in [
        json(500, value!({})),
        json(502, value!({})),
        json(503, value!({})),
        json(504, value!({})),
        json(408, value!({})),
        Reply::Drop,
        Reply::Cut("{\"a\":".into()),
        Reply::Full(200, vec![("content-type", "application/json".into())], "{\"a\": [1,".into()),
        with_headers(429, &[("retry-after", "0")]),
        with_headers(429, &[]),
    ] {
        let shown = format!("{fault:?}");
        let server = Server::start(move |number, _| match number {
            0 => fault.clone(),
            _ => json(200, value!({"ok": true})),
        })
        .await;
        let http = client();
        let answer = http.service(Service::GitLab, 1).send(&get(&server, "/x")).await;
        assert_eq!(answer.map(|answer| answer.attempts).ok(), Some(2), "{shown}");
        let stats = http.stats().counters_of(Service::GitLab);
        assert_eq!((stats.requests, stats.retries, stats.errors), (2, 1, 0), "{shown}");
    }
}

#[tokio::test]
async fn permanent_failures_are_not_retried() {
    for (status, kind) in [
        (400, HttpErrorKind::Invalid),
        (401, HttpErrorKind::Unauthorized),
        (403, HttpErrorKind::Forbidden),
        (404, HttpErrorKind::NotFound),
        (409, HttpErrorKind::Conflict),
        (501, HttpErrorKind::Server),
    ] {
        let server = Server::start(move |_, _| json(status, value!({"message": "no"}))).await;
        let error = service().send(&get(&server, "/x")).await.expect_err("a failure");
        assert_eq!((error.kind(), error.status()), (kind, Some(status)));
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_post_is_repeated_only_when_it_cannot_have_taken_effect() {
    for (fault, requests) in [
        (json(500, value!({})), 1),
        (Reply::Drop, 1),
        (with_headers(429, &[("retry-after", "0")]), 2),
    ] {
        let server = Server::start(move |number, _| match number {
            0 => fault.clone(),
            _ => json(201, value!({})),
        })
        .await;
        let answer = service().send(&post(&server)).await;
        assert_eq!((server.seen().len(), answer.is_ok()), (requests, requests == 2));
    }
}

#[tokio::test]
async fn a_request_without_waiting_is_sent_once() {
    for fault in [json(502, value!({})), Reply::Drop, with_headers(429, &[("retry-after", "0")])] {
        let server = Server::start(move |_, _| fault.clone()).await;
        assert!(service().send(&get(&server, "/x").without_waiting()).await.is_err());
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn the_number_of_attempts_is_limited() {
    let server = Server::start(|_, _| json(503, value!({"message": "down"}))).await;
    let error = service().send(&get(&server, "/x")).await.expect_err("a failure");
    assert_eq!((error.attempts(), server.seen().len()), (4, 4));
    assert!(error.to_string().ends_with("503 service unavailable: down (4 attempts)"), "{error}");
}

#[tokio::test]
async fn a_server_that_never_responds_is_given_up() {
    let server = Server::start(|_, _| Reply::Hang).await;
    let http = HttpClient::new(impatient());
    let service = http.service(Service::GitLab, 4);
    for _ in 0..3 {
        let error = service.send(&get(&server, "/x")).await.expect_err("a time-out");
        assert_eq!((error.kind(), error.attempts()), (HttpErrorKind::Timeout, 2));
    }
    // From now on, the host gets no requests.
    let error = service.send(&get(&server, "/x")).await.expect_err("no call");
    assert_eq!(error.kind(), HttpErrorKind::Connect);
    assert!(error.to_string().contains("skipped: the last 3 calls"), "{error}");
}

#[tokio::test]
async fn queries_without_a_response_do_not_count_against_a_host() {
    let server = Server::start(|_, seen| match seen.method.as_str() {
        "POST" => Reply::Hang,
        _ => json(200, value!({})),
    })
    .await;
    let service = HttpClient::new(impatient()).service(Service::GitLab, 4);
    let queries: Vec<_> = (0..4).map(|_| query(&server)).collect();
    let answers = queries.iter().map(|query| service.send(query));
    for answer in futures_util::future::join_all(answers).await {
        let error = answer.expect_err("a time-out");
        assert_eq!((error.kind(), error.attempts()), (HttpErrorKind::Timeout, 1));
    }
    assert!(service.send(&get(&server, "/x")).await.is_ok());
}

#[tokio::test]
async fn the_default_time_outs_stay_within_90_seconds() {
    let config = HttpConfig::default();
    let query = config.query_timeout;
    let first = (config.attempt_timeout + config.backoff_base) * config.first_contact_attempts;
    assert!(query + first + config.call_deadline <= Duration::from_secs(90));
}

#[tokio::test]
async fn a_closed_port_is_no_connection() {
    let server = Server::start(|_, _| Reply::Drop).await;
    let request = get(&server, "/x");
    drop(server);
    tokio::task::yield_now().await;
    let error = service().send(&request).await.expect_err("no connection");
    assert!(matches!(error.kind(), HttpErrorKind::Connect | HttpErrorKind::Truncated), "{error}");
}

#[tokio::test]
async fn tokens_stay_with_their_origin_on_redirects() {
    let other = Server::start(|_, _| json(200, value!({}))).await;
    let target = format!("{}/elsewhere", other.url);
    let server = Server::start(move |_, seen| match seen.target.as_str() {
        "/away" => with_headers(302, &[("location", &target)]),
        "/moved" => with_headers(301, &[("location", "/here?a=b")]),
        "/loop" => with_headers(301, &[("location", "/loop")]),
        _ => json(200, value!({})),
    })
    .await;
    let service = service();
    let bearer = |path: &str| get(&server, path).bearer(&SecretString::from(TOKEN));
    assert!(service.send(&bearer("/away")).await.is_ok());
    let away = other.seen();
    assert_eq!(away[0].target, "/elsewhere");
    for name in ["private-token", "authorization"] {
        assert!(!away[0].headers.contains_key(name), "{name}");
    }
    assert!(service.send(&bearer("/moved")).await.is_ok());
    let here = server.seen().pop().expect("a request");
    assert_eq!(
        (here.target.as_str(), here.headers["private-token"].as_str()),
        ("/here?a=b", TOKEN)
    );
    let error = service.send(&bearer("/loop")).await.expect_err("a loop");
    assert!(error.to_string().contains("redirects"), "{error}");
}

#[tokio::test]
async fn writes_do_not_follow_redirects() {
    let server = Server::start(|_, _| with_headers(301, &[("location", "/new")])).await;
    let error = service().send(&post(&server)).await.expect_err("a redirect");
    assert!(error.to_string().contains("/new; use that URL"), "{error}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn no_error_shows_a_token() {
    let echo = Server::start(|_, seen| {
        let headers = format!("{:?} {TOKEN}", seen.headers);
        match seen.target.as_str() {
            "/json" => json(400, value!({ "message": headers })),
            "/moved" => with_headers(302, &[("location", &format!("ftp://{TOKEN}@h/"))]),
            _ => Reply::Full(500, Vec::new(), headers),
        }
    })
    .await;
    let service = service();
    for path in ["/json", "/text", "/moved"] {
        let request = get(&echo, path).basic("me", &SecretString::from(TOKEN));
        let error = service.send(&request).await.expect_err("a failure");
        let all = format!("{error} {error:?} {} {request:?}", error.body());
        assert!(!all.contains(TOKEN), "{all}");
        let basic = echo.seen()[0].headers["authorization"].replace("Basic ", "");
        assert!(!all.contains(&basic), "{all}");
    }
    let line_end = get(&echo, "/x").bearer(&SecretString::from(format!("{TOKEN}\n")));
    let error = service.send(&line_end).await.expect_err("an unusable token");
    assert!(!format!("{error:?}").contains(TOKEN));
}

#[tokio::test]
async fn the_size_of_a_response_is_limited() {
    let server = Server::start(|_, _| Reply::Full(200, Vec::new(), "x".repeat(2000))).await;
    let request = get(&server, "/x").max_body(1999);
    let error = service().send(&request).await.expect_err("too large");
    assert_eq!(error.kind(), HttpErrorKind::TooLarge);
    assert!(service().send(&get(&server, "/x").max_body(2000)).await.is_ok());
}

#[tokio::test]
async fn a_password_in_the_address_is_sent_as_a_header_and_never_shown() {
    let server = Server::start(|_, _| json(404, value!({"message": "gone"}))).await;
    let address = server.url.replace("http://", &format!("http://me:{TOKEN}@"));
    let request = Request::new(Method::GET, Url::parse(&address).expect("an address"));
    let error = service().send(&request).await.expect_err("a failure");
    assert!(!error.to_string().contains(TOKEN), "{error}");
    assert!(server.seen()[0].headers["authorization"].starts_with("Basic "));
}

#[tokio::test]
async fn a_response_announced_as_too_large_is_not_read() {
    // Its end never comes.
    let server = Server::start(|_, _| Reply::Cut("x".repeat(1950))).await;
    let request = get(&server, "/x").max_body(1999);
    let error = service().send(&request).await.expect_err("too large");
    assert_eq!(error.kind(), HttpErrorKind::TooLarge, "{error}");
    assert!(error.to_string().contains("has 2050 bytes"), "{error}");
}

/// A bomb: 8 MB of zeros in some kilobytes of gzip.
#[tokio::test]
async fn the_size_limit_applies_to_the_unpacked_response() {
    let packed = include_bytes!("zeros-8m.gz");
    let server = Server::start(move |_, _| {
        Reply::Bytes(vec![("content-encoding", "gzip".into())], packed.to_vec())
    })
    .await;
    let error = service().send(&get(&server, "/x").max_body(1 << 20)).await.expect_err("too large");
    assert_eq!(error.kind(), HttpErrorKind::TooLarge, "{error}");
    assert!(service().send(&get(&server, "/x").max_body(1 << 23)).await.is_ok());
}

/// Requests to hosts that the datafiles name.
#[tokio::test]
async fn addresses_of_datafiles_do_not_reach_this_machine() {
    let inside = Server::start(|_, _| json(200, value!({}))).await;
    let port = inside.url.rsplit_once(':').expect("a port").1.to_owned();
    let allowed = AllowedHosts::parse([]).expect("no hosts");
    let http = HttpClient::new(HttpConfig { allowed_hosts: allowed, ..quick() });
    for service in [Service::Git, Service::Prometheus] {
        for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "x.localhost"] {
            let url = Url::parse(&format!("http://{host}:{port}/x")).expect("an address");
            let error = http.service(service, 1).send(&Request::get(url)).await;
            let error = error.expect_err(host);
            assert_eq!(error.kind(), HttpErrorKind::NotAllowed, "{error}");
            assert!(error.to_string().contains("SAPM_ALLOWED_HOSTS"), "{error}");
        }
    }
    assert!(inside.seen().is_empty());
    // A service that the operator configured is not restricted.
    let url = Url::parse(&inside.url).expect("an address");
    assert!(http.service(Service::GitLab, 1).send(&Request::get(url)).await.is_ok());
}

/// Only the first address is listed. A redirect leads to the second.
#[tokio::test]
async fn a_redirect_does_not_reach_this_machine_either() {
    let inside = Server::start(|_, _| json(200, value!({}))).await;
    let target = format!("{}/meta-data", inside.url);
    let outside = Server::start(move |_, _| with_headers(302, &[("location", &target)])).await;
    let port = outside.url.rsplit_once(':').expect("a port").1;
    let allowed = AllowedHosts::parse([format!("127.0.0.1:{port}").as_str()]).expect("hosts");
    let http = HttpClient::new(HttpConfig { allowed_hosts: allowed, ..quick() });
    let service = http.service(Service::Prometheus, 1);
    let error = service.send(&get(&outside, "/x")).await.expect_err("refused");
    assert_eq!(error.kind(), HttpErrorKind::NotAllowed, "{error}");
    assert_eq!((outside.seen().len(), inside.seen().len()), (1, 0));
}
