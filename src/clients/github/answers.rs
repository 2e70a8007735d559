//! GitHub's responses, with the fields that are needed.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::domain::CommitSha;
use crate::snapshot::CommitFact;

/// A commit.
#[derive(Debug, Deserialize)]
pub(super) struct CommitAnswer {
    sha: String,
    #[serde(default)]
    commit: Inner,
}

#[derive(Debug, Default, Deserialize)]
struct Inner {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    committer: Option<Signature>,
}

#[derive(Debug, Deserialize)]
struct Signature {
    #[serde(default)]
    date: Option<String>,
}

impl CommitAnswer {
    /// Creates it from the same values in another form.
    pub fn from_fields(sha: &str, date: Option<&str>, message: Option<&str>) -> Self {
        let committer = Some(Signature { date: date.map(str::to_owned) });
        let commit = Inner { message: message.map(str::to_owned), committer };
        Self { sha: sha.to_owned(), commit }
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
}
