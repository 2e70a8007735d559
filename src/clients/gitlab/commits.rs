//! Commits of code repositories on GitLab.

use std::sync::Arc;

use async_trait::async_trait;
use gitlab::api::projects::repository::commits::Commit;

use super::api::GitLabApi;
use super::many;
use super::responses::CommitAnswer;
use crate::clients::graphql::GraphQl;
use crate::clients::http::{HttpError, HttpErrorKind};
use crate::domain::{CommitSha, RepoUrl, no_commit, quoted};
use crate::ports::Commits;
use crate::snapshot::{CommitFact, Comparison, Failure};

/// Maximum length of a ref that is looked up.
const LONGEST_REF: usize = 1_024;

/// Looks up commits in the repositories of one GitLab.
#[derive(Debug, Clone)]
pub struct GitLabCommits {
    pub(super) api: GitLabApi,
    pub(super) graphql: Arc<GraphQl>,
}

impl GitLabCommits {
    /// Creates the client.
    pub fn new(api: GitLabApi) -> Self {
        let graphql = Arc::new(GraphQl::new(api.service().clone(), api.graphql_address()));
        Self { api, graphql }
    }

    /// The project's path for the API: relative to the path at which GitLab runs.
    pub(super) fn project(&self, url: &RepoUrl) -> Option<String> {
        let path = url.project_path()?;
        let base = self.api.base_path();
        if base.is_empty() {
            return Some(path);
        }
        let below = path.strip_prefix(base).and_then(|rest| rest.strip_prefix('/'));
        Some(below.map_or(path.clone(), str::to_owned))
    }

    fn failure(&self, url: &RepoUrl, git_ref: &str, error: &HttpError) -> Failure {
        if error.kind() != HttpErrorKind::NotFound || error.is_page() {
            return self.api.failure(error);
        }
        let token = self.api.token_place();
        let remedy =
            "to use another token, add an entry for its path to the file in SAPM_CREDENTIALS_FILE";
        let what = match missing(error.body()) {
            Missing::Commit => format!("no branch, tag or commit {}", quoted(git_ref)),
            Missing::Project => {
                format!(
                    "the repository does not exist, or the token in {token} cannot see it; \
                         {remedy}"
                )
            }
            Missing::Unclear => format!(
                "no such repository (or the token in {token} cannot see it; {remedy}), or no branch, tag or commit \
                 {}",
                quoted(git_ref)
            ),
        };
        Failure::new(format!("{}: {what} ({error})", url))
    }
}

/// What a 404 refers to.
pub(super) enum Missing {
    /// The commit or ref.
    Commit,
    /// The project.
    Project,
    /// Not known.
    Unclear,
}

pub(super) fn missing(body: &str) -> Missing {
    let body = body.to_ascii_lowercase();
    if body.contains("project not found") {
        Missing::Project
    } else if body.contains("commit not found") || body.contains("branch not found") {
        Missing::Commit
    } else {
        Missing::Unclear
    }
}

#[async_trait]
impl Commits for GitLabCommits {
    async fn commit(&self, url: &RepoUrl, git_ref: &str) -> Result<CommitFact, Failure> {
        if let Some(failure) = self.api.refused_before() {
            return Err(failure);
        }
        let project = self
            .project(url)
            .ok_or_else(|| Failure::new(format!("{}: not the URL of a project", url)))?;
        if matches!(git_ref, "" | "." | "..") || git_ref.len() > LONGEST_REF {
            return Err(Failure::new(format!("{}: not a usable ref", url)));
        }
        let endpoint = Commit::builder()
            .project(project)
            .commit(git_ref)
            .stats(false)
            .build()
            .map_err(|error| Failure::new(error.to_string()))?;
        let answer: CommitAnswer =
            self.api.json(&endpoint).await.map_err(|error| self.failure(url, git_ref, &error))?;
        let id = answer.id().to_owned();
        let commit = answer
            .into_fact()
            .ok_or_else(|| Failure::new(format!("{url}: GitLab's response: {}", no_commit(&id))))?;
        Ok(self.api.service().redactor().redact_commit(commit))
    }

    /// GraphQL does not accept job tokens (GitLab docs, ci/jobs/ci_job_token: its endpoints are REST only).
    fn most_at_once(&self, _url: &RepoUrl) -> usize {
        let by_query = self.graphql.is_on() && self.api.has_token() && !self.api.has_job_token();
        if by_query { many::MOST } else { 1 }
    }

    async fn many(&self, asked: &[(&RepoUrl, &str)]) -> Vec<Option<CommitFact>> {
        self.by_queries(asked).await
    }

    async fn compare(
        &self,
        url: &RepoUrl,
        from: &CommitSha,
        to: &CommitSha,
    ) -> Result<Comparison, Failure> {
        self.comparison(url, from, to).await
    }
}
