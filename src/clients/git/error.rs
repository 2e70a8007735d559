//! Why a git operation failed.

use std::time::Duration;

/// Why a git operation failed. The text never holds a token: addresses are
/// without userinfo.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The address itself cannot be used.
    #[error("cannot use the git url {url}: {reason}")]
    Address {
        /// As given, without userinfo.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// 401: a token is missing or refused.
    #[error("{url} {}", if *.with_credentials { "refuses the token" } else { "wants a token and none is configured" })]
    Unauthorized {
        /// The repository.
        url: String,
        /// Was a token sent?
        with_credentials: bool,
    },
    /// 403: the token is known but may not read here.
    #[error("{url} forbids reading with this token")]
    Forbidden {
        /// The repository.
        url: String,
    },
    /// 404, or no repository at that place.
    #[error("no git repository at {url}")]
    NotFound {
        /// The repository.
        url: String,
    },
    /// The repository has no such branch.
    #[error("{url} has no {}", name_of(.branch.as_deref()))]
    BranchMissing {
        /// The repository.
        url: String,
        /// The branch that was asked for; `None`: the default branch.
        branch: Option<String>,
    },
    /// No connection, a broken one, a refused redirect, or an answer that no git host gives.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// The repository.
        url: String,
        /// What happened.
        reason: String,
    },
    /// No answer in time.
    #[error("{url} gave no answer for {} s", .waited.as_secs_f32())]
    TimedOut {
        /// The repository.
        url: String,
        /// How long we waited.
        waited: Duration,
    },
    /// The commit has no such folder.
    #[error("commit {commit} of {place} has no {path}")]
    NoSuchPath {
        /// The repository.
        place: String,
        /// The commit.
        commit: String,
        /// The folder.
        path: String,
    },
    /// Anything else that libgit2 reports.
    #[error("cannot {doing} {place}")]
    Git {
        /// What was being done, e.g. `clone`.
        doing: &'static str,
        /// The repository or folder.
        place: String,
        /// What libgit2 says.
        #[source]
        source: git2::Error,
    },
    /// A file or folder of the clone cannot be written or read.
    #[error("cannot {doing} {place}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or folder.
        place: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

fn name_of(branch: Option<&str>) -> String {
    branch.map_or_else(|| "default branch".to_owned(), |name| format!("branch {name}"))
}

impl GitError {
    /// Does the reason lie with the host (and not with what is on our disk)?
    pub(super) fn is_remote(&self) -> bool {
        !matches!(self, Self::Git { .. } | Self::Io { .. } | Self::NoSuchPath { .. })
    }

    pub(super) fn git(
        doing: &'static str,
        place: impl ToString,
    ) -> impl FnOnce(git2::Error) -> Self {
        let place = place.to_string();
        move |source| Self::Git { doing, place, source }
    }
}
