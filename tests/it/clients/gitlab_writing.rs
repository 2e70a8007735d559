//! Writes to GitLab, also with lost responses.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use sapm::clients::gitlab::{GitLabWriter, WriterConfig};
use sapm::ports::{
    Attempt, CommitOutcome, ForgeWriter, MergeRequestChange, NewCommit, NewFile, NewMergeRequest,
    OpenOutcome,
};
use serde_json::json as value;

use super::gitlab_reading::{api, commit, connected, sha};
use super::server::{Reply, Seen, Server, TOKEN, client, json};
use sapm::domain::{MrIid, RepoPath};

async fn writer(
    answer: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static,
) -> (Server, GitLabWriter) {
    let (server, reader) = connected(answer).await;
    let api = api(&client(), &server.url);
    let writer = GitLabWriter::new(api, reader.project(), WriterConfig::default());
    (server, writer)
}

fn done<T, E>(answer: T) -> Result<Attempt<T>, E> {
    Ok(Attempt::Done(answer))
}

fn new_commit(force: bool) -> NewCommit {
    NewCommit {
        branch: "bot/a".into(),
        start: sha('f'),
        replaces: force.then(|| sha('e')),
        message: "m\n\nT: v".into(),
        files: vec![NewFile { path: RepoPath::new("data/x.yml"), content: "a: é & b\r\n".into() }],
    }
}

fn tip_is(seen: &Seen, digit: char) -> Option<Reply> {
    let asked = seen.is("GET", &["/branches/bot%2Fa"]);
    asked.then(|| json(200, value!({"name": "bot/a", "commit": commit(digit)})))
}

fn is_commit(seen: &Seen) -> bool {
    seen.is("POST", &["/repository/commits"])
}

fn branch_exists() -> Reply {
    json(
        400,
        value!({"message": "A branch called 'bot/a' already exists. Switch to that branch in order to make changes"}),
    )
}

#[tokio::test]
async fn a_commit_replaces_one_file_on_a_known_base() {
    let (server, writer) = writer(|seen| {
        let old = tip_is(seen, 'e');
        old.or_else(|| is_commit(seen).then(|| json(201, commit('b'))))
    })
    .await;
    let outcome = writer.commit(&new_commit(true), false).await;
    assert_eq!(outcome, done(CommitOutcome::Done(sha('b'))));
    let seen = server.seen().into_iter().find(is_commit).expect("a commit");
    let sent: serde_json::Value = serde_json::from_str(&seen.body).expect("JSON, not a form");
    let action = value!({"action": "update", "file_path": "data/x.yml", "content": "a: é & b\r\n"});
    let expected = value!({
        "branch": "bot/a", "start_sha": sha('f').as_str(), "force": true,
        "commit_message": "m\n\nT: v", "stats": false, "actions": [action],
    });
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_missing_branch_is_an_outcome_and_a_refused_merge_request_a_failure() {
    for there in [false, true] {
        let (_server, writer) = writer(move |seen| {
            let tip = if there { tip_is(seen, 'b') } else { None };
            let refused = value!({"message": {"source_branch": ["is refused"]}});
            tip.or_else(|| is_open(seen).then(|| json(400, refused)))
        })
        .await;
        match writer.open(&new_mr(), false).await {
            Ok(outcome) => assert!(!there && outcome == Attempt::Done(OpenOutcome::BranchGone)),
            Err(failure) => assert!(there && failure.error.contains("is refused"), "{failure:?}"),
        }
    }
}

#[tokio::test]
async fn an_existing_branch_is_an_outcome() {
    let (server, writer) =
        writer(|seen| tip_is(seen, 'b').or_else(|| is_commit(seen).then(branch_exists))).await;
    let outcome = writer.commit(&new_commit(false), false).await;
    assert_eq!(outcome, done(CommitOutcome::BranchExists), "also if it is the same commit");
    assert_eq!(server.count("POST", &["/repository/commits"]), 1);
}

/// The client checks GitLab's claim that something exists.
#[tokio::test]
async fn a_reported_branch_that_does_not_exist_is_a_failure() {
    let (_server, writer) = writer(|seen| is_commit(seen).then(branch_exists)).await;
    let outcome = writer.commit(&new_commit(false), false).await;
    assert!(outcome.is_err(), "{outcome:?}");
}

#[tokio::test]
async fn a_commit_whose_response_is_lost_is_found_on_the_branch() {
    for lost in [Reply::Drop, json(502, value!({})), Reply::Cut("{\"id\":".into())] {
        let sent = AtomicBool::new(false);
        let (server, writer) = writer(move |seen| {
            let tip = if sent.load(Ordering::SeqCst) { 'b' } else { 'e' };
            tip_is(seen, tip).or_else(|| {
                sent.fetch_or(is_commit(seen), Ordering::SeqCst);
                is_commit(seen).then(|| lost.clone())
            })
        })
        .await;
        let outcome = writer.commit(&new_commit(true), false).await;
        assert_eq!(outcome, done(CommitOutcome::Done(sha('b'))));
        assert_eq!(server.count("POST", &["/repository/commits"]), 1);
    }
}

#[tokio::test]
async fn a_commit_without_effect_is_tried_again() {
    let sent = AtomicUsize::new(0);
    let (server, writer) = writer(move |seen| {
        is_commit(seen).then(|| match sent.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::Drop,
            _ => json(201, commit('b')),
        })
    })
    .await;
    let first = writer.commit(&new_commit(false), false).await;
    assert!(matches!(first, Ok(Attempt::Again { unclear: true, .. })), "{first:?}");
    let second = writer.commit(&new_commit(false), true).await;
    assert_eq!(second, done(CommitOutcome::Done(sha('b'))));
    assert_eq!(server.count("POST", &["/repository/commits"]), 2);
}

#[tokio::test]
async fn after_a_lost_response_a_foreign_branch_is_recognised() {
    let sent = AtomicUsize::new(0);
    let (_server, writer) = writer(move |seen| {
        let mut tip = commit('d');
        tip["message"] = value!("by hand");
        let looked = seen.is("GET", &["/branches/bot%2Fa"]) && sent.load(Ordering::SeqCst) > 1;
        let looked = looked.then(|| json(200, value!({"name": "bot/a", "commit": tip})));
        looked.or_else(|| {
            is_commit(seen).then(|| match sent.fetch_add(1, Ordering::SeqCst) {
                0 => Reply::Drop,
                _ => branch_exists(),
            })
        })
    })
    .await;
    let first = writer.commit(&new_commit(false), false).await;
    assert!(matches!(first, Ok(Attempt::Again { .. })), "{first:?}");
    let second = writer.commit(&new_commit(false), true).await;
    assert_eq!(second, done(CommitOutcome::BranchExists));
}

fn new_mr() -> NewMergeRequest {
    NewMergeRequest {
        source_branch: "bot/a".into(),
        target_branch: "main".into(),
        title: "[AutoPromoterV2] x".into(),
        description: "why".into(),
        labels: BTreeSet::from(["SAPM".to_owned(), "bot/approved: y".to_owned()]),
        reviewers: Vec::new(),
    }
}

fn is_open(seen: &Seen) -> bool {
    seen.method == "POST" && seen.target.ends_with("/merge_requests")
}

fn request(iid: u64, title: &str) -> serde_json::Value {
    value!({"iid": iid, "state": "opened", "source_branch": "bot/a", "target_branch": "main",
            "title": title, "description": "why", "web_url": "https://h/5", "sha": null})
}

fn taken() -> Reply {
    json(
        409,
        value!({"message": ["Another open merge request already exists for this source branch: !5"]}),
    )
}

#[tokio::test]
async fn a_merge_request_is_opened() {
    let mut answer = request(5, "[AutoPromoterV2] x");
    answer["labels"] = value!(["SAPM"]);
    let (server, writer) =
        writer(move |seen| is_open(seen).then(|| json(201, answer.clone()))).await;
    let labels = ["SAPM".to_owned()].into();
    let expected =
        OpenOutcome::Opened { iid: MrIid(5), web_url: "https://h/5".into(), sha: None, labels };
    assert_eq!(writer.open(&new_mr(), false).await, done(expected));
    let seen = server.seen().into_iter().find(is_open).expect("a request");
    assert_eq!(seen.field("remove_source_branch").as_deref(), Some("true"));
    assert_eq!(seen.field("labels").as_deref(), Some("SAPM,bot/approved: y"));
    assert_eq!(seen.field("squash"), None);
}

#[tokio::test]
async fn a_second_merge_request_of_a_branch_is_an_outcome() {
    let listed = |seen: &Seen| {
        let asked = seen.is("GET", &["/merge_requests?"]);
        asked.then(|| json(200, value!([request(5, "by hand")])))
    };
    let (_server, writer) =
        writer(move |seen| listed(seen).or_else(|| is_open(seen).then(taken))).await;
    let outcome = writer.open(&new_mr(), false).await;
    assert_eq!(outcome, done(OpenOutcome::AlreadyOpen(MrIid(5))));
}

/// A 409 is taken for an open request only if there is one.
#[tokio::test]
async fn a_conflict_without_a_merge_request_is_worth_another_attempt() {
    let none = |seen: &Seen| seen.is("GET", &["/merge_requests?"]).then(|| json(200, value!([])));
    for message in ["409 Conflict: Resource lock", "another text !5"] {
        let conflict =
            move |seen: &Seen| is_open(seen).then(|| json(409, value!({"message": message})));
        let (_server, writer) = writer(move |seen| none(seen).or_else(|| conflict(seen))).await;
        let outcome = writer.open(&new_mr(), false).await;
        assert!(matches!(outcome, Ok(Attempt::Again { unclear: false, .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn an_opened_merge_request_whose_answer_is_lost_is_recognised() {
    let titles = [("[AutoPromoterV2] x", true), ("by hand", false)];
    // Found immediately, or by the next attempt.
    for ((title, ours), late) in titles.into_iter().flat_map(|one| [(one, false), (one, true)]) {
        let sent = AtomicUsize::new(0);
        let (server, writer) = writer(move |seen| {
            if seen.is("GET", &["/merge_requests/5"]) {
                return Some(json(200, request(5, title)));
            }
            if seen.is("GET", &["/merge_requests?"]) {
                let seen_late = late && sent.load(Ordering::SeqCst) < 2;
                let found = if seen_late { value!([]) } else { value!([request(5, title)]) };
                return Some(json(200, found));
            }
            is_open(seen).then(|| match sent.fetch_add(1, Ordering::SeqCst) {
                0 => Reply::Drop,
                _ => taken(),
            })
        })
        .await;
        let mut outcome = writer.open(&new_mr(), false).await.expect("an outcome");
        assert_eq!(server.seen().iter().filter(|seen| is_open(seen)).count(), 1);
        if late {
            assert!(matches!(outcome, Attempt::Again { unclear: true, .. }), "{outcome:?}");
            outcome = writer.open(&new_mr(), true).await.expect("an outcome");
        }
        assert_eq!(
            matches!(outcome, Attempt::Done(OpenOutcome::Opened { iid: MrIid(5), .. })),
            ours,
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn changes_and_deletions_without_a_response_are_not_retried_automatically() {
    for (title, in_effect) in [("Draft: x", true), ("x", false)] {
        let (server, writer) = writer(move |seen| match seen.method.as_str() {
            "PUT" => Some(json(502, value!({}))),
            "DELETE" => Some(Reply::Drop),
            _ => seen.is("GET", &["/merge_requests/5"]).then(|| json(200, request(5, title))),
        })
        .await;
        let change =
            MergeRequestChange { title: Some("Draft: x".into()), ..MergeRequestChange::default() };
        let outcome = writer.change(MrIid(5), &change).await.expect("an outcome");
        assert_eq!(outcome == Attempt::Done(()), in_effect, "{outcome:?}");
        assert_eq!(server.count("PUT", &[]), 1);
        let outcome = writer.delete_branch("bot/a").await;
        assert!(matches!(outcome, Ok(Attempt::Again { unclear: true, .. })), "{outcome:?}");
        assert_eq!(server.count("DELETE", &[]), 1);
    }
}

#[tokio::test]
async fn a_comment_is_not_written_twice() {
    let (server, writer) = writer(|seen| (seen.method == "POST").then_some(Reply::Drop)).await;
    let outcome = writer.comment(MrIid(5), "why").await;
    assert!(matches!(outcome, Ok(Attempt::Again { unclear: true, .. })), "{outcome:?}");
    assert_eq!(server.count("POST", &["/merge_requests/5/notes"]), 1);
}

#[tokio::test]
async fn changes_and_deletions() {
    let (server, writer) = writer(|seen| match seen.method.as_str() {
        "PUT" => Some(json(200, value!({"iid": 5}))),
        "DELETE" => Some(json(404, value!({"message": "404 Branch Not Found"}))),
        _ => None,
    })
    .await;
    assert_eq!(writer.change(MrIid(5), &MergeRequestChange::default()).await, done(()));
    assert_eq!(server.count("PUT", &[]), 0);
    let change = MergeRequestChange {
        title: Some("Draft: x".into()),
        close: true,
        ..MergeRequestChange::default()
    };
    assert_eq!(writer.change(MrIid(5), &change).await, done(()));
    let seen = server.seen().into_iter().find(|seen| seen.method == "PUT").expect("a change");
    assert_eq!(seen.field("state_event").as_deref(), Some("close"));
    assert_eq!(
        (seen.field("title").as_deref(), seen.field("description")),
        (Some("Draft: x"), None)
    );
    assert_eq!(writer.delete_branch("bot/a").await, done(()));
    assert_eq!(server.count("DELETE", &["/repository/branches/bot%2Fa"]), 1);
}

#[tokio::test]
async fn a_refused_write_names_the_missing_right() {
    let (_server, writer) = writer(|seen| match seen.method.as_str() {
        "POST" => Some(json(403, value!({"message": "403 Forbidden"}))),
        "PUT" => Some(json(403, value!({"error": "insufficient_scope", "scope": "api"}))),
        "DELETE" => Some(json(401, value!({"message": "401 Unauthorized"}))),
        _ => None,
    })
    .await;
    let commit = writer.commit(&new_commit(false), false).await.expect_err("forbidden");
    assert!(commit.error.contains("scope api and the role Developer"), "{}", commit.error);
    let change = MergeRequestChange { close: true, ..MergeRequestChange::default() };
    let change = writer.change(MrIid(5), &change).await.expect_err("a scope is missing");
    assert!(change.shared_cause.is_some_and(|cause| cause.contains("lacks a scope")));
    let delete = writer.delete_branch("bot/a").await.expect_err("refused");
    let cause = delete.shared_cause.expect("a shared cause");
    assert!(cause.contains("SAPM_GITLAB_TOKEN") && !cause.contains(TOKEN), "{cause}");
}

/// A proxy's response says nothing about the branch.
#[tokio::test]
async fn a_proxys_error_page_does_not_mean_a_missing_branch() {
    let page = || Reply::Full(404, Vec::new(), "<html><title>Not here</title></html>".into());
    let (_server, writer) = writer(move |seen| (seen.method == "DELETE").then(page)).await;
    let error = writer.delete_branch("bot/a").await.expect_err("no answer of GitLab's");
    assert!(error.error.contains("an HTML page, Not here"), "{}", error.error);
}
