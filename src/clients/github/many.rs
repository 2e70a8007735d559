//! Looks up many refs in one request: GitHub's GraphQL API (GitHub docs, graphql/reference: `Repository.ref`).
//!
//! It requires a token and has its own rate limit: a query without connections costs one point of 5,000 per
//! hour, however many refs it has (graphql/overview/rate-limits-and-query-limits).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use url::Url;

use super::answers::CommitAnswer;
use super::{GitHubCommits, owner_repo};
use crate::domain::RepoUrl;
use crate::snapshot::CommitFact;

/// Maximum refs per query.
pub(super) const MOST: usize = 100;

const FRAGMENTS: &str = "fragment C on Commit{oid committedDate message} \
    fragment T on Ref{target{...C ...on Tag{target{...C}}}}";

/// The GraphQL URL for a REST URL: for `https://ghe.example.com/api/v3`, GraphQL is at `/api/graphql`.
pub(super) fn address(rest: &Url) -> Option<Url> {
    let base = rest.as_str().trim_end_matches('/');
    let base = base.strip_suffix("/v3").filter(|base| base.ends_with("/api")).unwrap_or(base);
    Url::parse(&format!("{base}/graphql")).ok()
}

impl GitHubCommits {
    /// As [`crate::ports::Commits::many`].
    pub(super) async fn by_one_query(&self, asked: &[(&RepoUrl, &str)]) -> Vec<Option<CommitFact>> {
        let nothing = vec![None; asked.len()];
        let (Some(graphql), Some(token)) = (&self.graphql, &self.token) else { return nothing };
        let Some((query, variables)) = build_query(asked) else { return nothing };
        let answer = graphql.ask(|request| request.bearer(token), &query, variables).await;
        let Some(data) = answer else { return nothing };
        let shown = |commit| self.service.redactor().redact_commit(commit);
        (0..asked.len()).map(|place| find_commit(&data, place).map(shown)).collect()
    }
}

/// One field per repository, with two per ref: the branch and the tag of that name. Names
/// from the config repo are passed as variables. `None` if no ref can be looked up this way.
fn build_query(asked: &[(&RepoUrl, &str)]) -> Option<(String, Value)> {
    let mut by_repository: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (place, (url, git_ref)) in asked.iter().enumerate() {
        if is_name(git_ref)
            && let Some(repository) = owner_repo(url)
        {
            by_repository.entry(repository).or_default().push(place);
        }
    }
    let (mut declared, mut fields, mut variables) = (String::new(), String::new(), Map::new());
    let mut declare = |name: String, value: String| {
        let _ = write!(declared, "${name}:String!,");
        variables.insert(name, Value::String(value));
    };
    for (number, ((owner, name), places)) in by_repository.into_iter().enumerate() {
        declare(format!("o{number}"), owner);
        declare(format!("n{number}"), name);
        let _ = write!(fields, "r{number}:repository(owner:$o{number},name:$n{number}){{");
        for place in places {
            for (kind, folder) in [("h", "heads"), ("t", "tags")] {
                declare(format!("{kind}{place}"), format!("refs/{folder}/{}", asked[place].1));
                let _ = write!(fields, "{kind}{place}:ref(qualifiedName:${kind}{place}){{...T}}");
            }
        }
        fields.push('}');
    }
    let declared = declared.trim_end_matches(',');
    let query = format!("query({declared}){{{fields}}} {FRAGMENTS}");
    (!variables.is_empty()).then(|| (query, variables.into()))
}

/// Could it be the plain name of a branch or a tag? Hashes and qualified names are looked up by REST.
fn is_name(git_ref: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    let hash = git_ref.len() >= 4 && git_ref.bytes().all(|byte| byte.is_ascii_hexdigit());
    let qualified = ["refs/", "heads/", "tags/"].iter().any(|folder| git_ref.starts_with(folder));
    !git_ref.is_empty() && git_ref.bytes().all(plain) && !hash && !qualified
}

/// The commit of one ref, which is a branch or a tag. If both exist, REST decides.
fn find_commit(data: &Value, place: usize) -> Option<CommitFact> {
    let of = |kind: &str| {
        let alias = format!("{kind}{place}");
        let repositories = data.as_object()?.values();
        repositories.filter_map(|repository| repository.get(&alias)).find(|found| !found.is_null())
    };
    let target = match (of("h"), of("t")) {
        (Some(found), None) | (None, Some(found)) => found.get("target")?,
        _ => return None,
    };
    // An annotated tag points to its commit.
    let commit = target.get("target").unwrap_or(target);
    let text = |name: &str| commit.get(name).and_then(Value::as_str);
    CommitAnswer::from_fields(text("oid")?, text("committedDate"), text("message")).into_fact()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_graphql_url_follows_from_the_rest_url() {
        let at = |rest: &str| address(&Url::parse(rest).expect("an address")).map(String::from);
        assert_eq!(at("https://api.github.com").as_deref(), Some("https://api.github.com/graphql"));
        let enterprise = Some("https://ghe.example.com/api/graphql");
        assert_eq!(at("https://ghe.example.com/api/v3").as_deref(), enterprise);
        assert_eq!(at("https://ghe.example.com/api/v3/").as_deref(), enterprise);
        assert_eq!(at("http://h/x/v3").as_deref(), Some("http://h/x/v3/graphql"));
    }

    #[test]
    fn only_plain_names_are_looked_up_by_graphql() {
        for name in ["main", "release-1.2", "feature/x", "v1"] {
            assert!(is_name(name), "{name}");
        }
        for other in ["", "abc1234", "refs/heads/main", "tags/v1", "a b", "main~1", "a@{1}", "ä"] {
            assert!(!is_name(other), "{other}");
        }
    }

    #[test]
    fn a_tag_with_the_name_of_a_branch_is_looked_up_by_rest() {
        let sha = "a".repeat(40);
        let commit = json!({"target": {"oid": sha, "committedDate": "2026-08-01T00:00:00Z", "message": "x\ny"}});
        let tag = json!({"target": {"target": commit["target"]}});
        let one = |branch: &Value, tag: &Value| {
            find_commit(&json!({"r0": null, "r1": {"h3": branch, "t3": tag}}), 3)
        };
        let fact = one(&commit, &Value::Null);
        assert_eq!(fact.as_ref().and_then(|fact| fact.subject.as_deref()), Some("x"));
        assert_eq!(one(&Value::Null, &tag), fact);
        assert_eq!(one(&commit, &tag), None);
        assert_eq!(one(&Value::Null, &Value::Null), None);
        assert_eq!(one(&Value::Null, &json!({"target": {}})), None);
    }
}
