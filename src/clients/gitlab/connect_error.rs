//! Why the first contact with GitLab fails.

use super::TOKEN_VARIABLE;
use crate::clients::http::HttpError;
use crate::domain::quoted;

/// Why GitLab cannot be used at all.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectError {
    /// 401: the token is wrong, expired, revoked or missing.
    #[error("{message}")]
    Token {
        /// What was refused where, and what to set.
        message: String,
    },
    /// There is no such project, or the token cannot see it.
    #[error(
        "no project {} at {address}, or the token in {TOKEN_VARIABLE} cannot see it (404)",
        quoted(.project)
    )]
    ProjectNotFound {
        /// The project as it was given.
        project: String,
        /// GitLab's address.
        address: String,
    },
    /// The project is there, but the token may not read it.
    #[error(
        "no access to the project {} at {address} (403): the token in {TOKEN_VARIABLE} needs the scope \
         read_api (plan) or api (apply), and a role in the project: {detail}",
        quoted(.project)
    )]
    NoAccess {
        /// The project as it was given.
        project: String,
        /// GitLab's address.
        address: String,
        /// What GitLab says.
        detail: String,
    },
    /// GitLab takes no requests now, or something in front of it refuses them.
    #[error("GitLab at {address} cannot be used: {why} ({error})")]
    Refused {
        /// GitLab's address.
        address: String,
        /// Who refuses.
        why: &'static str,
        /// What happened.
        error: HttpError,
    },
    /// The target branch does not exist.
    #[error("the project {} at {address} has no branch {}", quoted(.project), quoted(.branch))]
    BranchMissing {
        /// The project's path.
        project: String,
        /// GitLab's address.
        address: String,
        /// The branch.
        branch: String,
    },
    /// It is not known whose requests are the bot's.
    #[error("{message}")]
    BotUser {
        /// Who was not found, and what to set.
        message: String,
    },
    /// No answer, or not one of GitLab's.
    #[error("GitLab at {address} cannot be used: {error}")]
    Unreachable {
        /// GitLab's address.
        address: String,
        /// What happened.
        error: HttpError,
    },
}
