//! Creates the configured clients for the ports.

use std::sync::Arc;

use chrono::NaiveDate;

use super::code_hosts::CodeHosts;
use super::config::Config;
use super::exit::{Exit, Fatal};
use super::gitlab_config::same_host;
use super::pipeline::Mode;
use super::secrets::redactor;
use super::source::{Loaded, Source};
use crate::clients::git::{self, GitMerge, LsRemote};
use crate::clients::github::GitHubCommits;
use crate::clients::gitlab::{
    BUDGET, ConnectError, ConnectOptions, GitLabApi, GitLabReader, GitLabWriter, Token,
    WriterConfig, project_path,
};
use crate::clients::http::{HttpClient, HttpErrorKind, Service, ServiceClient};
use crate::clients::prometheus::PrometheusClient;
use crate::clients::state;
use crate::domain::{CommitSha, GitRef, Problem, ProblemCode, error_chain};
use crate::plan::{CLOSED_BY_BOT_MARKER, branch};
use crate::ports::{Deadline, Progress, StateError, StateStore};
use crate::report::TrafficCount;
use crate::run::{ConfigRepo, Forge, Services};
use crate::snapshot::ConfigRepoFacts;

/// A token's expiry is reported this many days ahead.
const EXPIRES_SOON: i64 = 14;

/// All clients for reading.
pub struct Clients {
    http: HttpClient,
    /// The time limit for all lookups together.
    pub deadline: Deadline,
    pub(super) gitlab: Option<GitLabApi>,
    /// Commits of moving refs.
    pub commits: CodeHosts,
    /// Deployment records and the state export.
    pub state: Arc<dyn StateStore>,
    /// SLO values.
    pub slos: PrometheusClient,
}

impl Clients {
    /// Creates the clients without any request.
    ///
    /// # Errors
    /// With exit code 2, when a URL or the credentials file is unusable.
    pub async fn open(config: &Config) -> Result<Self, Fatal> {
        let usage = |message: String| Fatal::new(Exit::Usage, message);
        let http = HttpClient::with_redactor(config.http.clone(), redactor().clone());
        let deadline = Deadline::new(config.deadline);
        let service = |service| http.service(service, config.concurrency);
        let looking_up = |service: ServiceClient| service.until(deadline.clone());
        let credentials = config.credentials().map_err(|error| usage(error_chain(&error)))?;
        credentials.secrets().for_each(|secret| http.redactor().learn(secret));
        let credentials = Arc::new(credentials);
        let gitlab = match &config.gitlab {
            None => None,
            Some(gitlab) => {
                let token = gitlab.token.clone();
                let api = GitLabApi::new(service(Service::GitLab), &gitlab.url, token)
                    .map_err(|error| usage(format!("--gitlab-url (SAPM_GITLAB_URL): {error}")))?;
                Some(api)
            }
        };
        let (github_url, github_token) = &config.github;
        let github = looking_up(service(Service::GitHub));
        let github = GitHubCommits::new(github, github_url, github_token.clone())
            .map_err(|error| usage(format!("--github-url (SAPM_GITHUB_URL): {error}")))?;
        let github = match &config.cache_dir {
            Some(folder) => github.remembering(folder),
            None => github,
        };
        let ls_remote = LsRemote::new(looking_up(service(Service::Git)));
        let on_gitlab = config.gitlab.as_ref().zip(gitlab.clone());
        let commits = CodeHosts::new(
            on_gitlab.map(|(gitlab, api)| (gitlab, api.until(deadline.clone()))),
            (github_url, github),
            ls_remote,
            Arc::clone(&credentials),
        );
        let Some((location, settings)) = &config.state else {
            return Err(usage("the location of the deployment records is not known".to_owned()));
        };
        let s3 = looking_up(service(Service::S3));
        let state = state::from_location(location, settings.clone(), s3)
            .await
            .map_err(|error| usage(error.to_string()))?;
        let prometheus = looking_up(service(Service::Prometheus));
        let slos = PrometheusClient::new(prometheus, credentials);
        Ok(Self { http, deadline, gitlab, commits, state, slos })
    }

    /// Credentials for the config repo's own host, if the credentials file has them.
    pub fn credentials_for_source(&self, config: &Config) -> Option<git::Credentials> {
        match &config.source {
            Source::Url(url) => self.commits.git_credentials(url),
            Source::Path(_) => None,
        }
    }

    /// The config repo's project; `None` if GitLab, its token or the project is not known.
    ///
    /// # Errors
    /// With exit code 4, when GitLab or the project cannot be used.
    pub async fn connect_gitlab(&self, config: &Config) -> Result<Option<ConfigProject>, Fatal> {
        match config.gitlab.as_ref().and_then(|gitlab| gitlab.project.clone()) {
            Some(project) => self.connect(config, project).await,
            None => Ok(None),
        }
    }

    /// Connects to the project that a checkout's `origin` points to.
    ///
    /// # Errors
    /// With exit code 4, when GitLab or the project cannot be used.
    pub async fn connect_origin(
        &self,
        config: &Config,
        loaded: &Loaded,
    ) -> Result<Option<ConfigProject>, Fatal> {
        let project =
            loaded.origin.as_ref().zip(config.gitlab.as_ref()).and_then(|(origin, gitlab)| {
                if gitlab.project.is_none() && same_host(origin, &gitlab.url) {
                    project_path(origin)
                } else {
                    None
                }
            });
        match project {
            Some(project) => self.connect(config, project).await,
            None => Ok(None),
        }
    }

    async fn connect(
        &self,
        config: &Config,
        project: String,
    ) -> Result<Option<ConfigProject>, Fatal> {
        let (Some(api), Some(gitlab)) = (&self.gitlab, &config.gitlab) else { return Ok(None) };
        let job = gitlab
            .job
            .as_ref()
            .filter(|job| job.path.eq_ignore_ascii_case(&project) || job.id.to_string() == project);
        match &gitlab.token {
            None => return Ok(None),
            Some(Token::Job(_)) if job.is_none() || gitlab.bot_user.is_none() => {
                tracing::warn!(
                    "with the job token (CI_JOB_TOKEN), sapm reads open merge requests only in \
                     the job's own project, and only if --bot-user (SAPM_BOT_USER) is set"
                );
                return Ok(None);
            }
            Some(_) => {}
        }
        let to_write = config.mode == Mode::Apply || config.asks_rights;
        let options = ConnectOptions {
            job: job.cloned(),
            to_write: to_write.then(|| branch::example(config.project_rules.branches.of_new())),
            project,
            bot_user: gitlab.bot_user.clone(),
            former_bot_users: gitlab.former_bot_users.clone(),
            other_bots: gitlab.other_bots.clone(),
            target_branch: config.target_branch.clone(),
            closed_by_bot_marker: CLOSED_BY_BOT_MARKER.to_owned(),
        };
        let reader = GitLabReader::connect(api.clone(), &options).await.map_err(|error| {
            let fatal = Fatal::new(Exit::ServiceFailed, error_chain(&error));
            match error {
                ConnectError::Token { .. } => {
                    fatal.hint("check SAPM_GITLAB_TOKEN: it may be wrong or expired")
                }
                ConnectError::ProjectNotFound { .. } => fatal.hint(
                    "check --gitlab-project (SAPM_GITLAB_PROJECT), and that the token can see it",
                ),
                ConnectError::BranchMissing { .. } => {
                    fatal.hint("check --target-branch (SAPM_TARGET_BRANCH)")
                }
                ConnectError::Unreachable { error, .. }
                    if error.kind() == HttpErrorKind::RateLimited =>
                {
                    fatal.hint(format!("run again later, or less often: see {BUDGET}"))
                }
                ConnectError::Unreachable { .. } | ConnectError::Refused { .. } => {
                    fatal.hint("check --gitlab-url (SAPM_GITLAB_URL)")
                }
                _ => fatal,
            }
        })?;
        Ok(Some(ConfigProject { api: api.clone(), reader }))
    }

    /// The services of a run that reads, with the config repo's project.
    pub fn services<'a>(
        &'a self,
        forge: Option<Forge<'a>>,
        progress: &'a dyn Progress,
    ) -> Services<'a> {
        Services {
            commits: &self.commits,
            state: &*self.state,
            slos: &self.slos,
            forge,
            merger: &GitMerge,
            progress,
        }
    }

    /// Warns when commits are looked up on GitHub without a token.
    pub fn warn_without_github_token(&self, config: &Config, repo: &ConfigRepo) {
        let moving = repo
            .inventory
            .targets
            .iter()
            .filter(|target| matches!(target.git_ref, Ok(GitRef::Moving(_))));
        let on_github = |url| self.commits.is_github(url);
        if config.github.1.is_none() && moving.map(|target| &target.repo_url).any(on_github) {
            tracing::warn!(
                "SAPM_GITHUB_TOKEN is not set: without it, GitHub's rate limit is 60 requests an \
                 hour"
            );
        }
    }

    /// The HTTP client that all requests share, including those of a clone.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// Requests by service, without the final push of metrics.
    pub fn traffic(&self) -> Vec<TrafficCount> {
        let stats = self.http.stats();
        Service::ALL
            .iter()
            .map(|&service| {
                let of = stats.counters_of(service);
                TrafficCount {
                    service: service.label().to_owned(),
                    requests: of.requests,
                    retries: of.retries,
                    bytes: of.bytes_in,
                }
            })
            .filter(|count| count.service != Service::Pushgateway.label())
            .collect()
    }
}

/// The config repo's project on GitLab.
pub struct ConfigProject {
    api: GitLabApi,
    /// For reading.
    pub reader: GitLabReader,
}

impl ConfigProject {
    /// Creates the writer; only `apply` does. Parallel jobs share GitLab's limits.
    pub fn writer(&self, config: &Config) -> GitLabWriter {
        let config = WriterConfig {
            pipelines_per_minute: config.pipelines_per_minute,
            nodes: config.filter.share.map_or(1, |share| share.total() as usize),
            author: config.project_rules.texts.author.clone(),
            ..WriterConfig::default()
        };
        GitLabWriter::new(self.api.clone(), self.reader.project(), config)
    }

    /// Checks the rights for writing as far as GitLab reports them. Reports everything that is missing at
    /// once, including an error of the `state` bucket.
    ///
    /// # Errors
    /// With exit code 4, when something is missing.
    pub fn check_may_write(&self, state: Option<&StateError>) -> Result<(), Fatal> {
        let (project, bot) = (&self.reader.project().path, &self.reader.bot().username);
        let mut missing = self.reader.rights().missing(project, bot);
        if missing.is_empty() {
            return Ok(());
        }
        if let Some(whole @ StateError::Whole(_)) = state {
            missing.push(format!("the deployment records cannot be read: {whole}"));
        }
        let message = format!("apply cannot write to {project}: {}", missing.join("; "));
        Err(Fatal::new(Exit::ServiceFailed, message).hint(
            "grant the missing rights to SAPM_GITLAB_TOKEN and its user (docs/permissions.md), or \
             use `sapm plan`",
        ))
    }

    /// Warnings about future problems with writing.
    pub fn warnings(&self, today: NaiveDate) -> impl Iterator<Item = Problem> {
        self.expiry(today).into_iter().chain(self.not_deletable())
    }

    /// A warning if the bot's branches cannot be deleted.
    fn not_deletable(&self) -> Option<Problem> {
        let rules = &self.reader.rights().not_deletable;
        let message = format!(
            "the bot's branches are protected ({}), and only a Maintainer may delete protected \
             branches, so leftover branches stay. Restrict the rule's pattern (Settings > Repository), or give the token's user the role Maintainer",
            rules.join(", ")
        );
        (!rules.is_empty()).then(|| Problem::new(ProblemCode::BranchesNotDeletable, message))
    }

    /// A warning if the token expires within two weeks of `today`.
    fn expiry(&self, today: NaiveDate) -> Option<Problem> {
        let day = self.reader.rights().expires_at?;
        let left = (day - today).num_days();
        (left < EXPIRES_SOON).then(|| {
            let days = if left == 1 { "day" } else { "days" };
            let message = format!(
                "the GitLab token in SAPM_GITLAB_TOKEN expires on {day}, in {left} {days}: rotate it in time"
            );
            Problem::new(ProblemCode::TokenExpires, message)
        })
    }

    /// The project as a fact of the run, with the branch and the commit that were read.
    ///
    /// # Errors
    /// When the commit is not on the branch (exit code 2), or GitLab does not respond (4).
    pub async fn facts(&self, config: &Config, loaded: &Loaded) -> Result<ConfigRepoFacts, Fatal> {
        let project = self.reader.project();
        let target_branch = config
            .target_branch
            .clone()
            .or_else(|| loaded.branch.clone())
            .unwrap_or_else(|| project.target_branch.clone());
        let base_commit = match (&loaded.commit, &project.target_tip) {
            (Some(commit), tip) => {
                if config.mode == Mode::Apply
                    && loaded.branch.is_none()
                    && tip.as_ref() != Some(commit)
                {
                    self.check_on_branch(commit, &target_branch).await?;
                }
                commit.clone()
            }
            (None, Some(tip)) => tip.clone(),
            (None, None) => {
                return Err(Fatal::new(
                    Exit::ServiceFailed,
                    format!("the tip of {target_branch} could not be read from GitLab"),
                ));
            }
        };
        Ok(ConfigRepoFacts {
            project_id: project.id,
            project_path: project.path.clone(),
            web_url: project.web_url.clone(),
            target_branch,
            is_outdated: project.target_tip.as_ref().is_some_and(|tip| *tip != base_commit),
            base_commit,
            merge_method: project.merge_method,
            bot: self.reader.bot().clone(),
            former_bots: self.reader.former_bots().to_vec(),
            other_bots: self.reader.other_bots().to_vec(),
        })
    }

    /// Checks that the commit of a checkout is on the branch, even if it is not the tip.
    ///
    /// # Errors
    /// With exit code 2, when it is not.
    async fn check_on_branch(&self, commit: &CommitSha, branch: &str) -> Result<(), Fatal> {
        match self.reader.is_on_branch(commit, branch).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Fatal::new(
                Exit::Usage,
                format!("the checked out commit {} is not on the branch {branch}", commit.short()),
            )
            .hint("check out the target branch, or let sapm clone it: set --app-interface to the git URL")),
            Err(failure) => Err(Fatal::new(
                Exit::ServiceFailed,
                format!("cannot check whether {} is on {branch}: {}", commit.short(), failure.error),
            )),
        }
    }
}
