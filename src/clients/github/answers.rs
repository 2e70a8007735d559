//! GitHub's responses, with the fields that are needed.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::clients::code_history::RangeCommit;
use crate::domain::CommitSha;
use crate::snapshot::CommitFact;

/// A commit.
#[derive(Debug, Deserialize)]
pub(super) struct CommitAnswer {
    sha: String,
    #[serde(default)]
    commit: Inner,
    #[serde(default)]
    parents: Vec<Parent>,
}

#[derive(Debug, Deserialize)]
struct Parent {
    sha: String,
}

#[derive(Debug, Default, Deserialize)]
struct Inner {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    author: Option<Signature>,
    #[serde(default)]
    committer: Option<Signature>,
}

#[derive(Debug, Deserialize)]
struct Signature {
    #[serde(default)]
    date: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

impl CommitAnswer {
    /// Creates it from the same values in another form.
    pub fn from_fields(sha: &str, date: Option<&str>, message: Option<&str>) -> Self {
        let committer = Some(Signature { date: date.map(str::to_owned), name: None });
        let commit = Inner { message: message.map(str::to_owned), author: None, committer };
        Self { sha: sha.to_owned(), commit, parents: Vec::new() }
    }

    /// The id, not validated.
    pub fn id(&self) -> &str {
        &self.sha
    }

    /// `None` if the id is not a commit id.
    pub fn into_fact(self) -> Option<CommitFact> {
        let date = self.commit.committer.and_then(|committer| committer.date);
        let time = date.and_then(|date| DateTime::parse_from_rfc3339(&date).ok());
        let message = self.commit.message.unwrap_or_default();
        Some(CommitFact {
            sha: CommitSha::parse(&self.sha)?,
            committed_at: time.map(|time| time.with_timezone(&Utc)),
            subject: message.lines().next().map(str::to_owned),
        })
    }

    /// The same as part of a range; `None` if the id is not a commit id.
    pub fn into_range_commit(self) -> Option<RangeCommit> {
        Some(RangeCommit {
            sha: CommitSha::parse(&self.sha)?,
            parents: self.parents.into_iter().map(|parent| parent.sha).collect(),
            message: self.commit.message.unwrap_or_default(),
            author: self.commit.author.and_then(|author| author.name),
        })
    }
}
