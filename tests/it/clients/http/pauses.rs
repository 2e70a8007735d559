//! Pauses that a server requests: which calls wait, and how long.

use super::*;

#[tokio::test]
async fn a_rate_limited_query_pauses_the_whole_service() {
    let secondary = r#"{"message": "You have exceeded a secondary rate limit"}"#;
    for told in [
        with_headers(429, &[("retry-after", "3600")]),
        with_headers(403, &[("retry-after", "3600"), ("x-ratelimit-resource", "graphql")]),
        with_headers(200, &[("retry-after", "3600"), ("x-ratelimit-resource", "graphql")]),
        with_headers(200, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "4102444800")]),
        Reply::Full(403, vec![("x-ratelimit-remaining", "4000".into())], secondary.into()),
    ] {
        let shown = format!("{told:?}");
        let server = Server::start(move |_, _| told.clone()).await;
        let service = service();
        let _ = service.send(&query(&server)).await;
        let next = service.send(&get(&server, "/x").without_waiting()).await;
        let kind = next.expect_err(&shown).kind();
        assert_eq!((kind, server.seen().len()), (HttpErrorKind::RateLimited, 1), "{shown}");
    }
}

#[tokio::test]
async fn exhausted_graphql_points_pause_nothing_else() {
    let used_up = [
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "4102444800"),
        ("x-ratelimit-resource", "graphql"),
    ];
    for status in [200, 403, 429] {
        let server = Server::start(move |_, seen| match seen.method.as_str() {
            "POST" => with_headers(status, &used_up),
            _ => json(200, value!({})),
        })
        .await;
        let service = service();
        assert_eq!(service.send(&query(&server)).await.is_ok(), status == 200);
        assert!(service.send(&get(&server, "/x").without_waiting()).await.is_ok(), "{status}");
    }
}

#[tokio::test]
async fn a_pause_applies_to_the_whole_service() {
    // The pause is longer than the maximum wait, so other calls fail immediately.
    let server = Server::start(|_, _| with_headers(429, &[("retry-after", "3600")])).await;
    let service = service();
    let error = service.send(&get(&server, "/x")).await.expect_err("a limit");
    assert_eq!(error.kind(), HttpErrorKind::RateLimited);
    assert!(error.resets_at().is_some() && error.to_string().contains("resets at 20"), "{error}");
    let error = service.send(&get(&server, "/other")).await.expect_err("the same limit");
    assert_eq!(error.kind(), HttpErrorKind::RateLimited);
    assert!(error.is_whole_service());
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_success_that_exhausts_the_limit_delays_the_next_call() {
    let server = Server::start(|_, _| {
        with_headers(200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "4102444800")])
    })
    .await;
    let service = service();
    assert!(service.send(&get(&server, "/x")).await.is_ok());
    let error = service.send(&get(&server, "/x")).await.expect_err("a limit");
    assert_eq!(error.kind(), HttpErrorKind::RateLimited);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrency_is_limited() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (now, most) = (AtomicUsize::new(0), std::sync::Arc::new(AtomicUsize::new(0)));
    let seen_most = most.clone();
    let server = Server::start(move |_, _| {
        seen_most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(2));
        now.fetch_sub(1, Ordering::SeqCst);
        json(200, value!({}))
    })
    .await;
    let service = HttpClient::new(quick()).service(Service::Git, 2);
    let requests: Vec<_> = (0..12).map(|_| get(&server, "/x")).collect();
    let calls = requests.iter().map(|request| service.send(request));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok));
    assert!(most.load(Ordering::SeqCst) <= 2);
}

/// All calls wait for a pause once. After it, one request goes first, and if that is refused as
/// well, no other is sent. (With a pause per request, there were 30 of them, one by one.)
#[tokio::test]
async fn a_host_that_refuses_everything_gets_one_request_after_its_pause() {
    let server = Server::start(|_, _| with_headers(429, &[("retry-after", "1")])).await;
    let service = client().service(Service::Prometheus, 2);
    let requests: Vec<_> = (0..10).map(|number| get(&server, &format!("/{number}"))).collect();
    let answers = requests.iter().map(|request| service.send(request));
    let answers = futures_util::future::join_all(answers).await;
    for answer in answers {
        let error = answer.expect_err("refused");
        assert_eq!(error.kind(), HttpErrorKind::RateLimited);
        assert!(error.resets_at().is_some(), "{error}");
    }
    assert!(server.seen().len() <= 3, "{}", server.seen().len());
    let late = service.send(&get(&server, "/late")).await.expect_err("not even asked");
    assert!(
        late.to_string().contains("still refuses requests after the requested pause"),
        "{late}"
    );
}

/// There are some responses between the refusals: the host works, but accepts more only slowly.
#[tokio::test]
async fn all_calls_wait_for_a_slow_host() {
    let server = Server::start(|number, _| match number % 3 {
        2 => with_headers(429, &[("retry-after", "0")]),
        _ => json(200, value!({})),
    })
    .await;
    let service = client().service(Service::GitHub, 1);
    let requests: Vec<_> = (0..20).map(|number| get(&server, &format!("/{number}"))).collect();
    let calls = requests.iter().map(|request| service.send(request));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}

#[tokio::test]
async fn a_pause_beyond_the_deadline_is_an_error() {
    let server = Server::start(|_, _| with_headers(429, &[("retry-after", "50")])).await;
    let deadline = Deadline::new(Duration::from_secs(40));
    deadline.begin();
    let service = client().service(Service::Prometheus, 2).until(deadline);
    for path in ["/x", "/y"] {
        let error = service.send(&get(&server, path)).await.expect_err("a limit");
        assert!(error.to_string().contains("a longer pause than sapm waits"), "{error}");
    }
    assert_eq!(server.seen().len(), 1);
}

/// Calls that wait for a slow host hold no slot that another host could use.
#[tokio::test]
async fn no_host_uses_all_slots() {
    let slow = Server::start(|_, _| Reply::Hang).await;
    let quick = Server::start(|_, _| json(200, value!({}))).await;
    let service = client().service(Service::Git, 4);
    let waiting: Vec<_> = (0..20).map(|number| get(&slow, &format!("/{number}"))).collect();
    let waiting = futures_util::future::join_all(waiting.iter().map(|one| service.send(one)));
    let request = get(&quick, "/x");
    let answer = service.send(&request);
    match futures_util::future::select(std::pin::pin!(waiting), std::pin::pin!(answer)).await {
        futures_util::future::Either::Right((answer, _)) => assert!(answer.is_ok(), "{answer:?}"),
        futures_util::future::Either::Left(_) => panic!("the slow host was waited for"),
    }
    assert!(slow.seen().len() <= 2, "half of the slots");
}
