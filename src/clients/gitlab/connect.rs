//! First contact with the config repo's project: checks that everything is there.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use gitlab::api::common::NameOrId;
use gitlab::api::projects::Project as ProjectEndpoint;
use gitlab::api::projects::merge_requests::MergeRequests;
use gitlab::api::projects::repository::branches::Branch;
use gitlab::api::users::{CurrentUser, Users};
use url::Url;

use super::api::GitLabApi;
use super::connect_error::ConnectError;
use super::lookups::commit_at;
use super::reader::GitLabReader;
use super::refusals::refused_by_others;
use super::responses::{BranchAnswer, ProjectAnswer, UserAnswer};
use super::rights::Rights;
use crate::clients::http::{HttpError, HttpErrorKind};
use crate::domain::{CommitSha, MergeMethod, quoted};
use crate::snapshot::BotUser;

/// The project and users to connect with.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Path (`group/project`) or numeric id.
    pub project: String,
    /// The user whose merge requests are the bot's; by default the token's user.
    pub bot_user: Option<String>,
    /// Earlier users of the bot, by name.
    pub former_bot_users: Vec<String>,
    /// Users of other bots, by name.
    pub other_bots: Vec<String>,
    /// The branch that merge requests target; by default the project's default branch.
    pub target_branch: Option<String>,
    /// Text that every comment contains with which the bot closes a merge request.
    pub closed_by_bot_marker: String,
    /// An example of the bot's branch names, if the run may write. GitLab is then asked whether the
    /// token may push to it, if that takes further requests.
    pub to_write: Option<String>,
    /// The project that the job runs in, because a job token cannot fetch it.
    pub job: Option<JobProject>,
}

/// A project as described by the CI variables of a job in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobProject {
    /// Numeric id.
    pub id: u64,
    /// Path with namespace.
    pub path: String,
    /// Its page.
    pub web_url: String,
    /// Its default branch.
    pub default_branch: String,
}

/// The config repo's project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Numeric id.
    pub id: u64,
    /// Path with namespace.
    pub path: String,
    /// Its page.
    pub web_url: String,
    /// URL for cloning over http(s).
    pub http_url_to_repo: String,
    /// Its merge method. The default if a job token cannot fetch it.
    pub merge_method: MergeMethod,
    /// The branch that merge requests target.
    pub target_branch: String,
    /// The tip of the target branch at first contact.
    pub target_tip: Option<CommitSha>,
}

/// The project as configured: a number is an id.
fn name_or_id(project: &str) -> NameOrId<'_> {
    project.parse::<u64>().map_or_else(|_| NameOrId::from(project), NameOrId::from)
}

pub(super) async fn connect(
    api: GitLabApi,
    options: &ConnectOptions,
) -> Result<GitLabReader, ConnectError> {
    let first = First { api: &api, options };
    let (mut project, mut rights) = first.project().await?;
    let (bot, former_bots, other_bots, tip, token, rules) = tokio::join!(
        first.bot(&project),
        first.former_bots(&project),
        first.other_bots(&project),
        first.target_tip(&project),
        first.token(),
        first.protection(&project)
    );
    let bot = bot?;
    let mut former_bots = former_bots?;
    former_bots.retain(|former| former.id != bot.id);
    let other_bots = other_bots?;
    let is_own = |id| id == bot.id || former_bots.iter().any(|former| former.id == id);
    if let Some(both) = other_bots.iter().find(|other| is_own(other.id)) {
        let message = format!(
            "{} is in --other-bot (SAPM_OTHER_BOTS) and is also this bot's own user: give the \
             other bot its own user, so that sapm can tell their merge requests apart",
            quoted(&both.username)
        );
        return Err(ConnectError::BotUser { message });
    }
    project.target_tip = tip?;
    let user = token.as_ref().and_then(|token| token.user_id).unwrap_or(bot.id);
    rights.other_user = first.other_user(token.as_ref(), &bot).await;
    if options.to_write.is_some() && rights.is_doubtful() {
        rights.level = first.any_level(&project, user).await;
    }
    if let Some(branch) = &options.to_write {
        rights.judge_protection(&rules, branch, user);
    }
    if let Some(token) = token {
        rights.expires_at = token.expires_at;
        // A fine-grained token has rights per endpoint, so its scopes mean nothing.
        let is_granular = token.is_granular();
        rights.scopes = token.scopes.filter(|_| !is_granular);
    }
    let marker = options.closed_by_bot_marker.clone();
    Ok(GitLabReader::new(api, project, (bot, former_bots, other_bots), rights, marker))
}

/// The lookups of the first contact. Those about rights are in `rights_asked`.
pub(super) struct First<'a> {
    pub(super) api: &'a GitLabApi,
    pub(super) options: &'a ConnectOptions,
}

impl First<'_> {
    async fn project(&self) -> Result<(Project, Rights), ConnectError> {
        let wanted = self.options.target_branch.clone().filter(|branch| !branch.is_empty());
        if let (true, Some(job)) = (self.api.has_job_token(), &self.options.job) {
            let project = Project {
                id: job.id,
                path: job.path.clone(),
                web_url: job.web_url.clone(),
                http_url_to_repo: format!("{}.git", job.web_url),
                merge_method: MergeMethod::default(),
                target_branch: wanted.unwrap_or_else(|| job.default_branch.clone()),
                target_tip: None,
            };
            return Ok((project, Rights::default()));
        }
        let endpoint = ProjectEndpoint::builder()
            .project(name_or_id(&self.options.project))
            .build()
            .map_err(|error| self.no_endpoint(error))?;
        let answer: ProjectAnswer =
            self.api.json(&endpoint).await.map_err(|error| self.connect_error(error))?;
        let path = answer.path_with_namespace.unwrap_or_else(|| self.options.project.clone());
        let rights = answer.rights.rights();
        let target_branch =
            wanted.or(answer.default_branch).ok_or_else(|| ConnectError::BranchMissing {
                project: path.clone(),
                address: self.api.address(),
                branch: "(the default branch: the repository is empty)".to_owned(),
            })?;
        let web_url = answer.web_url.unwrap_or_else(|| format!("{}/{path}", self.api.address()));
        let project = Project {
            id: answer.id,
            http_url_to_repo: answer.http_url_to_repo.unwrap_or_else(|| format!("{web_url}.git")),
            merge_method: answer
                .merge_method
                .as_deref()
                .map(MergeMethod::from_name)
                .unwrap_or_default(),
            web_url,
            path,
            target_branch,
            target_tip: None,
        };
        Ok((project, rights))
    }

    async fn target_tip(&self, project: &Project) -> Result<Option<CommitSha>, ConnectError> {
        if self.api.has_job_token() {
            // A job token may read the commit of a branch, but not the branch.
            let answer = commit_at(self.api, project.id, &project.target_branch).await;
            return Ok(answer.ok().flatten().map(|commit| commit.sha));
        }
        let endpoint = Branch::builder()
            .project(project.id)
            .branch(project.target_branch.as_str())
            .build()
            .map_err(|error| self.no_endpoint(error))?;
        let answer: Result<BranchAnswer, _> = self.api.json(&endpoint).await;
        match answer {
            Ok(branch) => Ok(branch.commit.into_detail().map(|commit| commit.sha)),
            Err(error) if error.kind() == HttpErrorKind::NotFound => {
                Err(ConnectError::BranchMissing {
                    project: project.path.clone(),
                    address: self.api.address(),
                    branch: project.target_branch.clone(),
                })
            }
            Err(error) => Err(self.connect_error(error)),
        }
    }

    async fn bot(&self, project: &Project) -> Result<BotUser, ConnectError> {
        let user = match self.options.bot_user.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => {
                let option = "--bot-user (SAPM_BOT_USER)";
                self.named_user(project, name.trim_start_matches('@'), option).await?
            }
            None => self.token_user().await?,
        };
        Ok(bot_user(user, &project.web_url))
    }

    async fn former_bots(&self, project: &Project) -> Result<Vec<BotUser>, ConnectError> {
        let option =
            "--former-bot-user (SAPM_FORMER_BOT_USERS); leave out one that GitLab has deleted";
        self.named_bots(project, &self.options.former_bot_users, option).await
    }

    async fn other_bots(&self, project: &Project) -> Result<Vec<BotUser>, ConnectError> {
        let option = "--other-bot (SAPM_OTHER_BOTS); leave out one that GitLab has deleted";
        self.named_bots(project, &self.options.other_bots, option).await
    }

    /// The users with these names, without duplicates, by id.
    async fn named_bots(
        &self,
        project: &Project,
        names: &[String],
        option: &str,
    ) -> Result<Vec<BotUser>, ConnectError> {
        let users = names.iter().map(|name| async move {
            let user = self.named_user(project, name.trim_start_matches('@'), option).await?;
            Ok(bot_user(user, &project.web_url))
        });
        let mut users = try_join_all(users).await?;
        users.sort_by_key(|user| user.id);
        users.dedup_by_key(|user| user.id);
        Ok(users)
    }

    pub(super) async fn token_user(&self) -> Result<UserAnswer, ConnectError> {
        let advice = "set --bot-user (SAPM_BOT_USER) to the bot's user";
        if !self.api.has_token() || self.api.has_job_token() {
            let message = format!("without an access token, the bot's user is not known: {advice}");
            return Err(ConnectError::BotUser { message });
        }
        let endpoint = CurrentUser::builder().build().map_err(|error| self.no_endpoint(error))?;
        self.api.json(&endpoint).await.map_err(|error| match error.kind() {
            HttpErrorKind::Forbidden | HttpErrorKind::NotFound if !error.is_page() => {
                ConnectError::BotUser {
                    message: format!("GitLab does not report the token's user ({error}): {advice}"),
                }
            }
            _ => self.connect_error(error),
        })
    }

    /// The user with this name from `option`. If users cannot be looked up, the author of one of its merge requests.
    async fn named_user(
        &self,
        project: &Project,
        name: &str,
        option: &str,
    ) -> Result<UserAnswer, ConnectError> {
        let endpoint =
            Users::builder().username(name).build().map_err(|error| self.no_endpoint(error))?;
        let found: Result<Vec<UserAnswer>, HttpError> = self.api.list(&endpoint).await;
        let refused = match found {
            Ok(users) => {
                let mut users = users.into_iter();
                let is_named = |user: &UserAnswer| {
                    user.username.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name))
                };
                if let Some(user) = users.find(is_named) {
                    return Ok(user);
                }
                None
            }
            Err(error) if matches!(error.status(), Some(401 | 403 | 404)) => Some(error),
            Err(error) => return Err(self.connect_error(error)),
        };
        if let Some(user) = self.author(project, name).await {
            return Ok(user);
        }
        let reason = refused.map(|error| format!(" ({error})")).unwrap_or_default();
        let message =
            format!("no user {} at {}{reason}: check {option}", quoted(name), self.api.address());
        Err(ConnectError::BotUser { message })
    }

    async fn author(&self, project: &Project, name: &str) -> Option<UserAnswer> {
        #[derive(serde::Deserialize)]
        struct Authored {
            author: UserAnswer,
        }
        let mut builder = MergeRequests::builder();
        builder.project(project.id).author(NameOrId::from(name));
        let endpoint = builder.scope(gitlab::api::projects::merge_requests::MergeRequestScope::All);
        let endpoint = endpoint.build().ok()?;
        let requests: Vec<Authored> = self.api.json(&endpoint).await.ok()?;
        let authors = requests.into_iter().map(|request| request.author);
        authors.into_iter().find(|user| user.username.as_deref() == Some(name))
    }

    fn connect_error(&self, error: HttpError) -> ConnectError {
        let project = self.options.project.clone();
        let address = self.api.address();
        if let Some(why) = refused_by_others(&error) {
            return ConnectError::Refused { address, why, error };
        }
        match error.kind() {
            HttpErrorKind::NotFound if error.is_page() => {
                ConnectError::Unreachable { address, error }
            }
            HttpErrorKind::Unauthorized => ConnectError::Token {
                message: format!(
                    "{}; give it a project access token (plan: read_api, apply: api)",
                    self.api.refused()
                ),
            },
            HttpErrorKind::Forbidden => {
                ConnectError::NoAccess { project, address, detail: error.detail().to_owned() }
            }
            HttpErrorKind::NotFound => ConnectError::ProjectNotFound { project, address },
            _ => ConnectError::Unreachable { address, error },
        }
    }

    fn no_endpoint(&self, error: impl std::fmt::Display) -> ConnectError {
        ConnectError::BotUser { message: format!("cannot build a request to GitLab: {error}") }
    }
}

/// The user with every email address that GitLab may use in its commits.
fn bot_user(user: UserAnswer, web_url: &str) -> BotUser {
    let username = user.username.unwrap_or_default();
    let mut emails: BTreeSet<String> =
        [user.email, user.commit_email, user.public_email].into_iter().flatten().collect();
    let host = Url::parse(web_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    if let Some(host) = host.filter(|_| !username.is_empty()) {
        emails.insert(format!("{}-{username}@users.noreply.{host}", user.id));
        // Bot users of project and group access tokens.
        emails.insert(format!("{username}@noreply.{host}"));
    }
    emails.retain(|address| !address.is_empty());
    BotUser { id: user.id, name: user.name.unwrap_or_else(|| username.clone()), username, emails }
}
