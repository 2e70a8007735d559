//! Why a git operation failed.

use std::time::Duration;

/// Why a git operation failed. The text never contains a token: URLs are
/// without userinfo.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The URL itself cannot be used.
    #[error("cannot use the git URL {url}: {reason}")]
    Address {
        /// As given, without userinfo.
        url: String,
        /// Why.
        reason: String,
    },
    /// 401: the token is missing or refused.
    #[error("{url} {}", if *.with_credentials { "refuses the token" } else { "requires a token, and none is configured" })]
    Unauthorized {
        /// The repository.
        url: String,
        /// Was a token sent?
        with_credentials: bool,
    },
    /// 403: the token is valid but has no read access.
    #[error("{url} denies this token read access")]
    Forbidden {
        /// The repository.
        url: String,
    },
    /// 404, or not a repository.
    #[error("no git repository at {url}")]
    NotFound {
        /// The repository.
        url: String,
    },
    /// The repository has no such branch.
    #[error("{url} has no {}", describe_branch(.branch.as_deref()))]
    BranchMissing {
        /// The repository.
        url: String,
        /// The requested branch; `None`: the default branch.
        branch: Option<String>,
    },
    /// No connection, a broken one, a refused redirect, or a response that is not git's.
    #[error("cannot reach {url}: {reason}")]
    Unreachable {
        /// The repository.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The timeout is over.
    #[error("{url} did not respond within {} s", .waited.as_secs_f32())]
    TimedOut {
        /// The repository.
        url: String,
        /// The timeout.
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
    /// Any other error of libgit2.
    #[error("cannot {doing} {place}")]
    Git {
        /// The operation, e.g. `clone`.
        doing: &'static str,
        /// The repository or folder.
        place: String,
        /// libgit2's error.
        #[source]
        source: git2::Error,
    },
    /// A file or folder of the clone cannot be written or read.
    #[error("cannot {doing} {place}")]
    Io {
        /// The operation.
        doing: &'static str,
        /// The file or folder.
        place: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

fn describe_branch(branch: Option<&str>) -> String {
    branch.map_or_else(|| "default branch".to_owned(), |name| format!("branch {name}"))
}

impl GitError {
    /// Is the host the cause, and not the local disk?
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
