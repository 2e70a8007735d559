//! Checks whether a commit is on a branch, and compares it to the branch if not.

use std::borrow::Cow;

use gitlab::api::{Endpoint, QueryParams};
use http::Method;
use serde::Deserialize;

use super::reader::GitLabReader;
use super::responses::DiffAnswer;
use crate::clients::http::HttpError;
use crate::domain::CommitSha;
use crate::snapshot::Failure;

/// `GET projects/:id/repository/compare`: commits that `to` has and `from` lacks, and their combined changes.
struct Compare<'a> {
    project: u64,
    from: &'a str,
    to: &'a str,
}

impl Endpoint for Compare<'_> {
    fn method(&self) -> Method {
        Method::GET
    }

    fn endpoint(&self) -> Cow<'static, str> {
        format!("projects/{}/repository/compare", self.project).into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut parameters = QueryParams::default();
        parameters.push("from", self.from).push("to", self.to);
        parameters
    }
}

#[derive(Deserialize)]
pub(super) struct Comparison {
    #[serde(default)]
    pub commits: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    pub diffs: Vec<DiffAnswer>,
}

impl GitLabReader {
    /// The commits and changes that a branch, or another commit, lacks.
    pub(super) async fn beyond(
        &self,
        branch: &str,
        commit: &CommitSha,
    ) -> Result<Comparison, HttpError> {
        let endpoint = Compare { project: self.project().id, from: branch, to: commit.as_str() };
        self.api.json(&endpoint).await
    }

    /// Is the commit the branch's tip, or an ancestor of it?
    ///
    /// # Errors
    /// When GitLab does not know the commit or the branch, or does not respond.
    pub async fn is_on_branch(&self, commit: &CommitSha, branch: &str) -> Result<bool, Failure> {
        match self.beyond(branch, commit).await {
            Ok(comparison) => Ok(comparison.commits.is_empty()),
            Err(error) => Err(self.api.failure(&error)),
        }
    }
}
