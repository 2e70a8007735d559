//! What a GitLab job provides: its own token, and its project.

use std::collections::BTreeSet;

use super::config::Environment;
use super::gitlab_config::{host_of, same_host};
use crate::clients::gitlab::{JobProject, Token};

/// The token for GitLab at `url`: `SAPM_GITLAB_TOKEN`, else the job token, which is only used for the
/// GitLab that runs the job.
pub fn gitlab_token(url: &str, environment: &Environment<'_>) -> Option<Token> {
    if let Some(token) = environment.secret("SAPM_GITLAB_TOKEN") {
        return Some(Token::Private(token));
    }
    let own = environment.get("CI_SERVER_URL").is_some_and(|server| same_host(&server, url));
    environment.secret("CI_JOB_TOKEN").filter(|_| own).map(Token::Job)
}

/// GitLab's URL and token, for commands that only clone.
pub fn gitlab_access(environment: &Environment<'_>) -> Option<(String, Token)> {
    let url = environment.get("SAPM_GITLAB_URL").or_else(|| environment.get("CI_SERVER_URL"))?;
    let token = gitlab_token(&url, environment)?;
    Some((url, token))
}

/// The hosts that are a GitLab or a GitHub, for commands without options for them.
pub fn forges(environment: &Environment<'_>) -> BTreeSet<String> {
    let known = ["SAPM_GITLAB_URL", "CI_SERVER_URL", "SAPM_GITHUB_URL"];
    known.iter().filter_map(|name| Some(host_of(&environment.get(name)?))).collect()
}

/// The project that the job runs in.
pub fn job_project(environment: &Environment<'_>) -> Option<JobProject> {
    Some(JobProject {
        id: environment.get("CI_PROJECT_ID")?.parse().ok()?,
        path: environment.get("CI_PROJECT_PATH")?,
        web_url: environment.get("CI_PROJECT_URL")?,
        default_branch: environment.get("CI_DEFAULT_BRANCH")?,
    })
}
