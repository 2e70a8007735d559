//! Looks up many refs in one request: GitLab's GraphQL API (GitLab docs, api/graphql/reference: `Query.projects`,
//! `Repository.commit`, added in 2025; with an older GitLab, refs are looked up one by one).
//!
//! A query may have a complexity of 200, and `fullPaths` may contain 50 projects. So one query looks up one ref name
//! in up to 50 projects: most use `main` or `master`.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};

use super::commits::GitLabCommits;
use super::responses::CommitAnswer;
use crate::domain::RepoUrl;
use crate::snapshot::CommitFact;

/// Maximum refs per batch, to be sorted by name.
pub(super) const MOST: usize = 1_000;

/// Maximum projects per query.
const PROJECTS: usize = 50;

/// Fewer projects with the same ref are looked up one by one.
const FEWEST: usize = 3;

const QUERY: &str = "query($p:[String!],$r:String!){projects(fullPaths:$p,first:50){nodes{fullPath \
    repository{commit(ref:$r){sha title committedDate}}}}}";

#[derive(Deserialize)]
struct Node {
    #[serde(rename = "fullPath")]
    full_path: String,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    commit: Option<Commit>,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
    title: Option<String>,
    #[serde(rename = "committedDate")]
    committed_date: Option<String>,
}

impl GitLabCommits {
    /// As [`crate::ports::Commits::many`].
    pub(super) async fn by_queries(&self, asked: &[(&RepoUrl, &str)]) -> Vec<Option<CommitFact>> {
        let mut by_ref: BTreeMap<&str, BTreeMap<String, usize>> = BTreeMap::new();
        for (place, (url, git_ref)) in asked.iter().enumerate() {
            if let Some(project) = self.project(url) {
                // GitLab's paths ignore letter case.
                by_ref.entry(git_ref).or_default().insert(project.to_lowercase(), place);
            }
        }
        let queries = by_ref.iter().flat_map(|(git_ref, projects)| {
            let projects: Vec<(&String, &usize)> = projects.iter().collect();
            let parts: Vec<Vec<_>> = projects.chunks(PROJECTS).map(<[_]>::to_vec).collect();
            parts.into_iter().filter(|part| part.len() >= FEWEST).map(|part| (*git_ref, part))
        });
        let mut found = vec![None; asked.len()];
        for answers in join_all(queries.map(|(git_ref, part)| self.query(git_ref, part))).await {
            for (place, commit) in answers {
                found[place] = Some(commit);
            }
        }
        found
    }

    async fn query(
        &self,
        git_ref: &str,
        projects: Vec<(&String, &usize)>,
    ) -> Vec<(usize, CommitFact)> {
        let paths: Vec<&str> = projects.iter().map(|(path, _)| path.as_str()).collect();
        let variables = json!({ "p": paths, "r": git_ref });
        let authenticated = |request| self.api.authenticated(request);
        let answer = self.graphql.ask(authenticated, QUERY, variables).await;
        let nodes = answer.as_ref().and_then(|data| data.pointer("/projects/nodes")?.as_array());
        let found = nodes.into_iter().flatten().filter_map(|node| {
            let (path, commit) = parse_commit(node)?;
            let (_, place) = projects.iter().find(|(wanted, _)| **wanted == path)?;
            Some((**place, self.api.service().redactor().redact_commit(commit)))
        });
        found.collect()
    }
}

fn parse_commit(node: &Value) -> Option<(String, CommitFact)> {
    let node = Node::deserialize(node).ok()?;
    let commit = node.repository?.commit?;
    let fact =
        CommitAnswer::from_fields(commit.sha, commit.title, commit.committed_date).into_fact()?;
    Some((node.full_path.to_lowercase(), fact))
}
