//! Compares two commits of a code repository.

use std::borrow::Cow;

use gitlab::api::common::path_escaped;
use gitlab::api::{Endpoint, QueryParams};
use http::Method;
use serde::Deserialize;

use super::api::GitLabApi;
use super::commits::GitLabCommits;
use super::lookups::is_missing;
use crate::clients::code_history::{RangeCommit, list_commits};
use crate::domain::{CommitSha, RepoUrl};
use crate::snapshot::{CommitList, Comparison, Failure, Relation};

/// Commits of a range that are looked at: one page.
const PAGE: usize = 100;
/// Maximum size of a response in bytes: a page of commits with long messages.
const MAX_ANSWER: usize = 8 << 20;

/// `GET projects/:id/repository/merge_base` (GitLab docs, api/repositories): 404 without a common ancestor.
struct MergeBase<'a> {
    project: &'a str,
    refs: [&'a CommitSha; 2],
}

impl Endpoint for MergeBase<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/repository/merge_base", path_escaped(self.project)).into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut parameters = QueryParams::default();
        parameters.extend(self.refs.iter().map(|commit| ("refs[]", commit.as_str())));
        parameters
    }
}

/// `GET projects/:id/repository/commits` of a revision range (GitLab docs, api/commits), the newest first. Unlike
/// `repository/compare`, it is paginated, and computes no diffs.
struct Range<'a> {
    project: &'a str,
    range: String,
}

impl Endpoint for Range<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/repository/commits", path_escaped(self.project)).into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut parameters = QueryParams::default();
        parameters.push("ref_name", self.range.as_str()).push("per_page", PAGE.to_string());
        parameters
    }
}

#[derive(Deserialize)]
struct BaseAnswer {
    id: String,
}

#[derive(Deserialize)]
struct RangeAnswer {
    id: String,
    #[serde(default)]
    parent_ids: Vec<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    author_name: Option<String>,
}

impl RangeAnswer {
    fn into_commit(self) -> Option<RangeCommit> {
        Some(RangeCommit {
            sha: CommitSha::parse(&self.id)?,
            parents: self.parent_ids,
            message: self.message.or(self.title).unwrap_or_default(),
            author: self.author_name,
        })
    }
}

impl GitLabCommits {
    /// Two requests: the relation, and the commits.
    pub(super) async fn comparison(
        &self,
        url: &RepoUrl,
        from: &CommitSha,
        to: &CommitSha,
    ) -> Result<Comparison, Failure> {
        if let Some(failure) = self.api.refused_before() {
            return Err(failure);
        }
        let no_project = || Failure::new(format!("{url}: not the URL of a project"));
        let project = self.project(url).ok_or_else(no_project)?;
        let api = self.api.optional(MAX_ANSWER);
        let relation = relation(&api, &project, from, to).await?;
        let (from, to) = match relation {
            Relation::Behind => (to, from),
            Relation::Ahead | Relation::Diverged => (from, to),
        };
        let commits = self.range(&api, &project, from, to).await;
        let commits = commits.inspect_err(|failure| {
            tracing::debug!("the commits of {url} are not known: {}", failure.error);
        });
        Ok(Comparison { relation, commits: commits.ok() })
    }

    async fn range(
        &self,
        api: &GitLabApi,
        project: &str,
        from: &CommitSha,
        to: &CommitSha,
    ) -> Result<CommitList, Failure> {
        let endpoint = Range { project, range: format!("{from}..{to}") };
        let answer: Result<Vec<RangeAnswer>, _> = api.json(&endpoint).await;
        let answer = answer.map_err(|error| Failure::new(error.to_string()))?;
        let commits: Vec<RangeCommit> =
            answer.into_iter().take(PAGE).filter_map(RangeAnswer::into_commit).collect();
        let counted = (commits.len(), commits.len() == PAGE);
        Ok(list_commits(to, &commits, counted, api.service().redactor()))
    }
}

async fn relation(
    api: &GitLabApi,
    project: &str,
    from: &CommitSha,
    to: &CommitSha,
) -> Result<Relation, Failure> {
    let endpoint = MergeBase { project, refs: [from, to] };
    let base: Result<BaseAnswer, _> = api.json(&endpoint).await;
    match base {
        Ok(base) if base.id == from.as_str() => Ok(Relation::Ahead),
        Ok(base) if base.id == to.as_str() => Ok(Relation::Behind),
        Ok(_) => Ok(Relation::Diverged),
        Err(error) if is_missing(&error) && error.body().contains("Merge Base") => {
            Ok(Relation::Diverged)
        }
        // What one optional lookup meets says nothing about the others.
        Err(error) => Err(Failure::new(error.to_string())),
    }
}
