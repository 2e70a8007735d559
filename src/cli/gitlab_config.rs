//! Configures GitLab, the project, and the users whose merge requests are the bot's.

use std::collections::BTreeSet;

use super::config::{Environment, GitLabConfig, given};
use super::exit::{Exit, Fatal};
use super::job::{gitlab_token, job_project};
use super::pipeline::Mode;
use super::shared_args::RunArgs;
use super::source::Source;
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
                find_project(url.as_deref().unwrap_or_default(), git)
            }
            _ => None,
        })
        .or_else(|| environment.get("CI_PROJECT_PATH"));
    if mode == Mode::Apply {
        if url.is_none() {
            return Err(Fatal::new(Exit::Usage, "GitLab's URL is not known")
                .hint("set --gitlab-url (SAPM_GITLAB_URL)"));
        }
        if environment.get("SAPM_GITLAB_TOKEN").is_none() {
            let message = if environment.get("CI_JOB_TOKEN").is_some() {
                "there is no GitLab token: the job token (CI_JOB_TOKEN) cannot write merge requests"
            } else {
                "there is no GitLab token"
            };
            return Err(Fatal::new(Exit::Usage, message)
                .hint("set SAPM_GITLAB_TOKEN to a project access token with the scope api and the role Developer"));
        }
    }
    let former = "--former-bot-user (SAPM_FORMER_BOT_USERS)";
    let former_bot_users = parse_named_users(former, &run.former_bot_users)?;
    let other_bots = parse_named_users("--other-bot (SAPM_OTHER_BOTS)", &run.other_bots)?;
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

/// Maximum users per option: each costs one list of merge requests in every run.
const MAX_NAMED_USERS: usize = 10;

/// The users of an option, without duplicates.
///
/// # Errors
/// When there are too many.
fn parse_named_users(option: &str, names: &[String]) -> Result<Vec<String>, Fatal> {
    let names = names.iter().map(|name| name.trim()).filter(|name| !name.is_empty());
    let names: BTreeSet<&str> = names.collect();
    if names.len() > MAX_NAMED_USERS {
        let message =
            format!("{option} has {} users; the maximum is {MAX_NAMED_USERS}", names.len());
        return Err(Fatal::new(Exit::Usage, message)
            .hint("remove users whose merge requests are all merged or no longer matter"));
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// Do two URLs have the same host and port?
pub fn same_host(a: &str, b: &str) -> bool {
    let host = |text: &str| {
        let url = url::Url::parse(text).ok()?;
        Some((url.host_str()?.to_ascii_lowercase(), url.port_or_known_default()))
    };
    host(a).is_some() && host(a) == host(b)
}

/// Host and port as in a repository's identity; empty if there is no host.
pub fn host_of(address: &str) -> String {
    RepoUrl::new(address).id().host().unwrap_or_default().to_owned()
}

/// The project at a git URL, relative to the path at which GitLab runs.
fn find_project(gitlab: &str, git: &str) -> Option<String> {
    let path = crate::clients::gitlab::project_path(git)?;
    let base = url::Url::parse(gitlab).ok()?.path().trim_matches('/').to_owned();
    let below = path.strip_prefix(&base).map(|rest| rest.trim_start_matches('/').to_owned());
    Some(if base.is_empty() { path } else { below.unwrap_or(path) })
}

/// GitLab's URL. Also accepts the URL of its API.
pub(super) fn gitlab_address(
    argument: Option<&String>,
    environment: &Environment<'_>,
) -> Option<String> {
    let text = given(argument).or_else(|| environment.get("CI_SERVER_URL"))?;
    let text = text.trim_end_matches('/');
    Some(text.strip_suffix("/api/v4").unwrap_or(text).to_owned())
}
