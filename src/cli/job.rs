//! What a job of GitLab brings along: its own token, and the project that it is in.

use std::collections::BTreeSet;

use super::config::Environment;
use super::gitlab_config::{host_of, same_host};
use crate::clients::gitlab::{JobProject, Token};

/// The token for GitLab at `url`: `SAPM_GITLAB_TOKEN`, or else the job's own, which is for the
/// GitLab that runs the job and for no other.
pub fn gitlab_token(url: &str, environment: &Environment<'_>) -> Option<Token> {
    if let Some(token) = environment.secret("SAPM_GITLAB_TOKEN") {
        return Some(Token::Private(token));
    }
    let own = environment.get("CI_SERVER_URL").is_some_and(|server| same_host(&server, url));
    environment.secret("CI_JOB_TOKEN").filter(|_| own).map(Token::Job)
}

/// GitLab's address and the token for it, for commands that only clone.
pub fn gitlab_access(environment: &Environment<'_>) -> Option<(String, Token)> {
    let url = environment.get("SAPM_GITLAB_URL").or_else(|| environment.get("CI_SERVER_URL"))?;
    let token = gitlab_token(&url, environment)?;
    Some((url, token))
}

/// The hosts that are known to be a GitLab or a GitHub, for commands without their options.
pub fn forges(environment: &Environment<'_>) -> BTreeSet<String> {
    let known = ["SAPM_GITLAB_URL", "CI_SERVER_URL", "SAPM_GITHUB_URL"];
    known.iter().filter_map(|name| Some(host_of(&environment.get(name)?))).collect()
}

/// The project that the job is in.
pub fn job_project(environment: &Environment<'_>) -> Option<JobProject> {
    Some(JobProject {
        id: environment.get("CI_PROJECT_ID")?.parse().ok()?,
        path: environment.get("CI_PROJECT_PATH")?,
        web_url: environment.get("CI_PROJECT_URL")?,
        default_branch: environment.get("CI_DEFAULT_BRANCH")?,
    })
}
