//! Compares two commits of a repository (GitHub docs, rest/commits: compare two commits).

use serde::Deserialize;
use url::Url;

use super::answers::CommitAnswer;
use super::{GitHubCommits, encode, owner_repo};
use crate::clients::code_history::{RangeCommit, list_commits};
use crate::clients::http::HttpError;
use crate::domain::{CommitSha, RepoUrl};
use crate::snapshot::{Comparison, Failure, Relation};

/// The response has 250 commits at most, and the changes of up to 300 files.
#[derive(Deserialize)]
struct ComparisonAnswer {
    status: String,
    #[serde(default)]
    total_commits: usize,
    /// In the order of their history.
    #[serde(default)]
    commits: Vec<CommitAnswer>,
}

impl GitHubCommits {
    /// One request, and another one for what a promotion takes back.
    ///
    /// Only with a token: without one, GitHub allows 60 requests an hour, which decisions need.
    pub(super) async fn comparison(
        &self,
        url: &RepoUrl,
        from: &CommitSha,
        to: &CommitSha,
    ) -> Result<Comparison, Failure> {
        if !self.has_token() {
            return Err(Failure::new("without a token, GitHub is not asked to compare commits"));
        }
        for cause in ["401", "429"] {
            if let Some(failure) = self.shared.known(cause) {
                return Err(failure);
            }
        }
        let place = |from, to| {
            let address = self.comparison_url(url, from, to);
            address.ok_or_else(|| Failure::new("not the URL of a repository on GitHub"))
        };
        let answer = match self.ask_comparison(place(from, to)?).await {
            Ok(answer) => answer,
            Err(error) if error.body().contains("No common ancestor") => {
                return Ok(Comparison { relation: Relation::Diverged, commits: None });
            }
            // What one optional lookup meets says nothing about the others.
            Err(error) => return Err(Failure::new(format!("{url}: {error}"))),
        };
        let relation = match answer.status.as_str() {
            "ahead" => Relation::Ahead,
            "behind" => Relation::Behind,
            "diverged" => Relation::Diverged,
            _ => return Err(Failure::new("GitHub does not tell how the commits relate")),
        };
        if relation != Relation::Behind {
            return Ok(self.listed(relation, to, answer));
        }
        // GitHub lists what the second commit adds: nothing.
        match self.ask_comparison(place(to, from)?).await {
            Ok(back) => Ok(self.listed(relation, from, back)),
            Err(_) => Ok(Comparison { relation, commits: None }),
        }
    }

    async fn ask_comparison(&self, address: Url) -> Result<ComparisonAnswer, HttpError> {
        let request = self.request(address).sent_once().without_waiting();
        self.service.send(&request).await?.json()
    }

    fn comparison_url(&self, url: &RepoUrl, from: &CommitSha, to: &CommitSha) -> Option<Url> {
        let (owner, repo) = owner_repo(url)?;
        let base = self.base.as_str().trim_end_matches('/');
        let (owner, repo) = (encode(&owner), encode(&repo));
        Url::parse(&format!("{base}/repos/{owner}/{repo}/compare/{from}...{to}")).ok()
    }

    fn listed(&self, relation: Relation, tip: &CommitSha, answer: ComparisonAnswer) -> Comparison {
        let newest_first = answer.commits.into_iter().rev();
        let commits: Vec<RangeCommit> =
            newest_first.filter_map(CommitAnswer::into_range_commit).collect();
        let total = (answer.total_commits.max(commits.len()), false);
        let list = list_commits(tip, &commits, total, self.service.redactor());
        Comparison { relation, commits: Some(list) }
    }
}
