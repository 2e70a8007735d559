//! GitHub's endpoints for a commit and for comparing two (GitHub docs, rest/commits; rate limits for the REST API),
//! with and without `/api/v3`.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::github_graphql::Query;
use crate::history::History;
use crate::http::{Req, Resp};
use crate::shared::Shared;
use crate::state::CommitInfo;

/// A repository of refs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repository {
    pub refs: BTreeMap<String, CommitInfo>,
    pub private: bool,
}

/// The primary rate limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RateLimit {
    pub limit: u64,
    pub remaining: u64,
    /// Seconds from now to the reset.
    pub reset_in: i64,
    /// 403 or 429 (the docs name both).
    pub status: u16,
}

#[derive(Default)]
pub(crate) struct GitHub {
    /// By `owner/repo` in lower case.
    pub repos: BTreeMap<String, Repository>,
    pub moved: BTreeMap<String, String>,
    /// Tokens that are accepted; any other is refused.
    pub tokens: BTreeSet<String>,
    pub rate_limit: Option<RateLimit>,
    /// GraphQL's own limit.
    pub graphql_limit: Option<RateLimit>,
    pub without_graphql: bool,
    /// Refuse requests without a token.
    pub token_required: bool,
}

const DOCS: &str = "https://docs.github.com/rest/commits/commits#get-a-commit";

fn refuse(status: u16, message: &str) -> Resp {
    Resp::json(
        status,
        &json!({ "message": message, "documentation_url": DOCS, "status": status.to_string() }),
    )
}

pub(crate) fn handle(shared: &Shared, req: &Req) -> Resp {
    let segments = req.segments();
    let mut parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    if parts.starts_with(&["api", "v3"]) {
        parts.drain(..2);
    }
    let mut state = shared.state();
    let now = state.now();
    let crate::state::State { github, history, .. } = &mut *state;
    let auth = req.header("authorization").unwrap_or_default();
    let token =
        auth.strip_prefix("Bearer ").or_else(|| auth.strip_prefix("token ")).map(str::to_owned);
    if token.as_ref().is_some_and(|token| !github.tokens.contains(token))
        || !auth.is_empty() && token.is_none()
    {
        return refuse(401, "Bad credentials");
    }
    if token.is_none() && github.token_required {
        return refuse(401, "Requires authentication");
    }
    if req.method == "POST" && matches!(parts.as_slice(), ["graphql"] | ["api", "graphql"]) {
        return graphql(github, req, token, now);
    }
    if let Some(limit) = github.rate_limit.filter(|limit| limit.remaining == 0) {
        let resp = refuse(limit.status, "API rate limit exceeded for 127.0.0.1.");
        return limited(resp, "core", limit, now);
    }
    let signed_in = token.is_some();
    let mut resp = match (req.method.as_str(), parts.as_slice()) {
        ("GET" | "HEAD", ["repos", owner, name, "commits", rev @ ..]) => {
            commit(github, shared, req, &format!("{owner}/{name}"), &rev.join("/"), signed_in)
        }
        ("GET", ["repos", owner, name, "compare", range]) => {
            compare(github, history, &format!("{owner}/{name}"), range, signed_in)
        }
        _ => return Resp { unknown_route: true, ..Resp::new(404, "") },
    };
    if let Some(limit) = github.rate_limit.as_mut() {
        // A 304 response to a request with a token does not count.
        if resp.status != 304 || token.is_none() {
            limit.remaining -= 1;
        }
        resp = limited(resp, "core", *limit, now);
    }
    resp.user = token.map(|_| "github".to_owned());
    resp
}

/// GraphQL (GitHub docs, graphql/guides/forming-calls-with-graphql: with a token only).
fn graphql(
    github: &mut GitHub,
    req: &Req,
    token: Option<String>,
    now: chrono::DateTime<Utc>,
) -> Resp {
    if github.without_graphql {
        return refuse(404, "Not Found");
    }
    if token.is_none() {
        return refuse(401, "This endpoint requires you to be authenticated.");
    }
    if let Some(limit) = github.graphql_limit.filter(|limit| limit.remaining == 0) {
        let resp = refuse(limit.status, "API rate limit exceeded for user ID 1.");
        return limited(resp, "graphql", limit, now);
    }
    let mut resp = Resp::ok(&crate::graphql::answer(&req.body, &Query(github)));
    if let Some(limit) = github.graphql_limit.as_mut() {
        limit.remaining -= 1;
        resp = limited(resp, "graphql", *limit, now);
    }
    resp.user = Some("github".to_owned());
    resp
}

fn limited(mut resp: Resp, resource: &str, limit: RateLimit, now: chrono::DateTime<Utc>) -> Resp {
    resp.set("x-ratelimit-limit", limit.limit.to_string());
    resp.set("x-ratelimit-remaining", limit.remaining.to_string());
    resp.set("x-ratelimit-used", limit.limit.saturating_sub(limit.remaining).to_string());
    resp.set("x-ratelimit-reset", (now.timestamp() + limit.reset_in).to_string());
    resp.set("x-ratelimit-resource", resource);
    resp
}

fn commit(
    github: &GitHub,
    shared: &Shared,
    req: &Req,
    path: &str,
    rev: &str,
    signed_in: bool,
) -> Resp {
    let key = path.to_lowercase();
    if let Some(new) = github.moved.get(&key) {
        let to = format!("{}/repos/{new}/commits/{rev}", shared.urls.github);
        let body = json!({ "message": "Moved Permanently", "url": to, "documentation_url": DOCS });
        return Resp::json(301, &body).with("location", to);
    }
    let Some(repo) = github.repos.get(&key).filter(|repo| !repo.private || signed_in) else {
        return refuse(404, "Not Found");
    };
    if repo.refs.is_empty() {
        return refuse(409, "Git Repository is empty.");
    }
    let named = [
        rev,
        rev.trim_start_matches("heads/"),
        rev.trim_start_matches("refs/heads/"),
        rev.trim_start_matches("tags/"),
    ];
    let by_name = named.iter().find_map(|name| repo.refs.get(*name));
    let by_hash = || {
        let hash = rev.len() >= 7 && rev.bytes().all(|byte| byte.is_ascii_hexdigit());
        repo.refs.values().find(|info| hash && info.sha.starts_with(&rev.to_lowercase()))
    };
    let Some(info) = by_name.or_else(by_hash) else {
        return refuse(422, &format!("No commit found for SHA: {rev}"));
    };
    let etag = format!("\"{}\"", info.sha);
    let known =
        req.header("if-none-match").is_some_and(|known| known.trim_start_matches("W/") == etag);
    if known {
        return Resp::new(304, "").with("etag", etag);
    }
    let accept = req.header("accept").unwrap_or_default();
    if accept.contains("application/vnd.github.sha")
        || accept.contains("application/vnd.github.v3.sha")
    {
        return Resp::new(200, info.sha.clone())
            .with("content-type", "application/vnd.github.sha; charset=utf-8")
            .with("etag", etag);
    }
    let mut body = entity(info, path);
    body["url"] = json!(format!("{}/repos/{path}/commits/{}", shared.urls.github, info.sha));
    body["stats"] = json!({ "total": 1, "additions": 1, "deletions": 0 });
    body["files"] = json!([]);
    Resp::ok(&body).with("etag", etag)
}

fn entity(info: &CommitInfo, path: &str) -> Value {
    let date = info.date.to_rfc3339_opts(SecondsFormat::Secs, true);
    let person = json!({ "name": info.author, "email": "dev@example.invalid", "date": date });
    let parents: Vec<Value> = info.parents.iter().map(|sha| json!({ "sha": sha })).collect();
    json!({
        "sha": info.sha,
        "node_id": "C_1",
        "commit": { "author": person, "committer": person, "message": info.message,
                    "tree": { "sha": info.sha }, "comment_count": 0 },
        "html_url": format!("https://github.com/{path}/commit/{}", info.sha),
        "author": null,
        "committer": null,
        "parents": parents,
    })
}

/// Without page parameters: the newest 250 commits, the newest last.
fn compare(github: &GitHub, history: &History, path: &str, range: &str, signed_in: bool) -> Resp {
    const MOST: usize = 250;
    let repo = github.repos.get(&path.to_lowercase());
    let is_seen = repo.is_some_and(|repo| !repo.private || signed_in);
    let Some((base, head)) = range.split_once("...").filter(|_| is_seen) else {
        return refuse(404, "Not Found");
    };
    if history.find(base).is_none() || history.find(head).is_none() {
        return refuse(404, "Not Found");
    }
    let Some(merge_base) = history.merge_base(base, head) else {
        return refuse(404, &format!("No common ancestor between {base} and {head}."));
    };
    let (ahead, behind) = (history.range(base, head), history.range(head, base).len());
    let status = match (ahead.len(), behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let mut commits: Vec<Value> =
        ahead.iter().take(MOST).map(|commit| entity(commit, path)).collect();
    commits.reverse();
    Resp::ok(&json!({
        "status": status,
        "ahead_by": ahead.len(),
        "behind_by": behind,
        "total_commits": ahead.len(),
        "merge_base_commit": entity(merge_base, path),
        "commits": commits,
        "files": [],
    }))
}
