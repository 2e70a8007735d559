//! Is a commit on a branch?

use std::borrow::Cow;

use gitlab::api::{Endpoint, QueryParams};
use http::Method;
use serde::Deserialize;

use super::reader::GitLabReader;
use crate::domain::CommitSha;
use crate::snapshot::Failure;

/// `GET projects/:id/repository/compare`: commits that `to` has and `from` lacks.
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
struct Comparison {
    #[serde(default)]
    commits: Vec<serde::de::IgnoredAny>,
}

impl GitLabReader {
    /// Is the commit the branch's tip, or below it?
    ///
    /// # Errors
    /// When GitLab does not know the commit or the branch, or does not answer.
    pub async fn is_on_branch(&self, commit: &CommitSha, branch: &str) -> Result<bool, Failure> {
        let endpoint = Compare { project: self.project().id, from: branch, to: commit.as_str() };
        let comparison: Result<Comparison, _> = self.api.json(&endpoint).await;
        match comparison {
            Ok(comparison) => Ok(comparison.commits.is_empty()),
            Err(error) => Err(self.api.failure(&error)),
        }
    }
}
