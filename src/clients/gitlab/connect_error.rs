//! Why the first contact with GitLab fails.

use super::TOKEN_VARIABLE;
use crate::clients::http::HttpError;
use crate::domain::quoted;

/// Why GitLab cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectError {
    /// 401: the token is wrong, expired, revoked or missing.
    #[error("{message}")]
    Token {
        /// What was refused, and which variable to set.
        message: String,
    },
    /// The project does not exist, or the token cannot see it.
    #[error(
        "no project {} at {address}, or the token in {TOKEN_VARIABLE} cannot see it (404)",
        quoted(.project)
    )]
    ProjectNotFound {
        /// The project as configured.
        project: String,
        /// GitLab's URL.
        address: String,
    },
    /// The project exists, but the token may not read it.
    #[error(
        "no access to the project {} at {address} (403): the token in {TOKEN_VARIABLE} needs the scope \
         read_api (plan) or api (apply), and a role in the project: {detail}",
        quoted(.project)
    )]
    NoAccess {
        /// The project as configured.
        project: String,
        /// GitLab's URL.
        address: String,
        /// GitLab's message.
        detail: String,
    },
    /// GitLab accepts no requests now, or something in front of it refuses them.
    #[error("GitLab at {address} cannot be used: {why} ({error})")]
    Refused {
        /// GitLab's URL.
        address: String,
        /// Who refuses.
        why: &'static str,
        /// The error.
        error: HttpError,
    },
    /// The target branch does not exist.
    #[error("the project {} at {address} has no branch {}", quoted(.project), quoted(.branch))]
    BranchMissing {
        /// The project's path.
        project: String,
        /// GitLab's URL.
        address: String,
        /// The branch.
        branch: String,
    },
    /// The bot's user is not known.
    #[error("{message}")]
    BotUser {
        /// Which user was not found, and which variable to set.
        message: String,
    },
    /// No response, or not from GitLab.
    #[error("GitLab at {address} cannot be used: {error}")]
    Unreachable {
        /// GitLab's URL.
        address: String,
        /// The error.
        error: HttpError,
    },
}
