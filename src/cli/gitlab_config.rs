//! Which GitLab, which project and whose merge requests a run is about.

use std::collections::BTreeSet;

use super::args::RunArgs;
use super::config::{Environment, GitLabConfig, Source, given};
use super::exit::{Exit, Fatal};
use super::job::{gitlab_token, job_project};
use super::pipeline::Mode;
use crate::domain::RepoUrl;

pub(super) fn gitlab(
    run: &RunArgs,
    environment: &Environment<'_>,
    source: &Source,
    mode: Mode,
) -> Result<Option<GitLabConfig>, Fatal> {
    let url = gitlab_address(run.gitlab_url.as_ref(), environment);
    let project = given(run.gitlab_project.as_ref())
        .or_else(|| match source {
            Source::Url(git) if url.as_deref().is_some_and(|url| same_host(url, git)) => {
                project_below(url.as_deref().unwrap_or_default(), git)
            }
            _ => None,
        })
        .or_else(|| environment.get("CI_PROJECT_PATH"));
    if mode == Mode::Apply {
        if url.is_none() {
            return Err(Fatal::new(Exit::Usage, "GitLab's address is not known")
                .hint("set --gitlab-url (SAPM_GITLAB_URL)"));
        }
        if environment.get("SAPM_GITLAB_TOKEN").is_none() {
            let message = if environment.get("CI_JOB_TOKEN").is_some() {
                "there is no GitLab token: the job's own (CI_JOB_TOKEN) cannot write merge requests"
            } else {
                "there is no GitLab token"
            };
            return Err(Fatal::new(Exit::Usage, message)
                .hint("set SAPM_GITLAB_TOKEN to a project access token with the scope api and the role Developer"));
        }
    }
    let former = "--former-bot-user (SAPM_FORMER_BOT_USERS)";
    let former_bot_users = named_users(former, &run.former_bot_users)?;
    let other_bots = named_users("--other-bot (SAPM_OTHER_BOTS)", &run.other_bots)?;
    Ok(url.map(|url| GitLabConfig {
        token: gitlab_token(&url, environment),
        url,
        job: job_project(environment),
        project,
        bot_user: given(run.bot_user.as_ref()),
        former_bot_users,
        other_bots,
    }))
}

/// Users that an option names at most: each is a list of merge requests in every run.
const MAX_NAMED_USERS: usize = 10;

/// The users that an option names, each once.
///
/// # Errors
/// When there are more than are asked for.
fn named_users(option: &str, names: &[String]) -> Result<Vec<String>, Fatal> {
    let names = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
    let names: BTreeSet<&str> = names.collect();
    if names.len() > MAX_NAMED_USERS {
        let message =
            format!("{option} names {} users, and may name {MAX_NAMED_USERS}", names.len());
        return Err(Fatal::new(Exit::Usage, message)
            .hint("leave out those whose merge requests are all merged, or no longer matter"));
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// Are two addresses on the same host and port?
pub fn same_host(a: &str, b: &str) -> bool {
    let host = |text: &str| {
        let url = url::Url::parse(text).ok()?;
        Some((url.host_str()?.to_ascii_lowercase(), url.port_or_known_default()))
    };
    host(a).is_some() && host(a) == host(b)
}

/// Host and port as the identity of a repository has them; empty where there is no host.
pub fn host_of(address: &str) -> String {
    RepoUrl::new(address).id().host().unwrap_or_default().to_owned()
}

/// The project that a git address names, below the path that GitLab itself is at.
fn project_below(gitlab: &str, git: &str) -> Option<String> {
    let path = crate::clients::gitlab::project_path(git)?;
    let base = url::Url::parse(gitlab).ok()?.path().trim_matches('/').to_owned();
    let below = path.strip_prefix(&base).map(|rest| rest.trim_start_matches('/').to_owned());
    Some(if base.is_empty() { path } else { below.unwrap_or(path) })
}

/// GitLab's address: that of its API is taken, too.
pub(super) fn gitlab_address(
    argument: Option<&String>,
    environment: &Environment<'_>,
) -> Option<String> {
    let text = given(argument).or_else(|| environment.get("CI_SERVER_URL"))?;
    let text = text.trim_end_matches('/');
    Some(text.strip_suffix("/api/v4").unwrap_or(text).to_owned())
}
