//! GitLab: merge requests, branches and files of the config repo, and commits of code repositories.
//!
//! The endpoints come from the `gitlab` crate. Our own HTTP layer
//! ([`GitLabApi`]) sends them, so timeouts, retries, rate limits and redirects are
//! the same as for every other service.

mod api;
mod branch_reader;
mod change_note;
mod commits;
mod comparison;
mod connect;
mod connect_error;
mod cut_over;
mod cut_over_answers;
mod endpoints;
mod history;
mod idempotent_writes;
mod lookups;
mod many;
mod on_branch;
mod paging;
mod paths;
mod people;
mod reader;
mod refusals;
mod refused_branches;
mod responses;
mod rights;
mod rights_asked;
mod writer;

pub use api::{BUDGET, GitLabApi, InvalidAddress, Token};
pub use change_note::put_note;
pub use commits::GitLabCommits;
pub use connect::{ConnectOptions, JobProject, Project};
pub use connect_error::ConnectError;
pub use paths::project_path;
pub use reader::GitLabReader;
pub use rights::Rights;
pub use writer::{GitLabWriter, WriterConfig};

/// Parses bytes as every response of GitLab: for the fuzz target.
#[doc(hidden)]
pub fn read_any_answer(bytes: &[u8]) {
    responses::read_any(bytes);
}

/// The variable with the token, for messages.
pub(crate) const TOKEN_VARIABLE: &str = "SAPM_GITLAB_TOKEN";
/// The variable with a job's own token, for messages.
const JOB_TOKEN_VARIABLE: &str = "CI_JOB_TOKEN";
