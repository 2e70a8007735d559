//! The real services behind the ports, as they were configured.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDate;

use super::config::{Config, GitLabConfig, Source, host_of, same_host};
use super::exit::{Exit, Fatal, chain};
use super::pipeline::Mode;
use super::secrets::redactor;
use super::source::Loaded;
use crate::clients::credentials::Credentials;
use crate::clients::git::{self, LsRemote};
use crate::clients::github::GitHubCommits;
use crate::clients::gitlab::{
    BUDGET, ConnectError, ConnectOptions, GitLabApi, GitLabCommits, GitLabReader, GitLabWriter,
    Token, WriterConfig, project_path,
};
use crate::clients::http::{HttpClient, HttpErrorKind, Service, ServiceClient, origin_of};
use crate::clients::prometheus::PrometheusClient;
use crate::clients::state;
use crate::domain::{CommitSha, Problem, RepoUrl, Share};
use crate::observe::Deadline;
use crate::observe::ports::{Commits, StateError, StateStore};
use crate::plan::{CLOSED_BY_BOT_MARKER, branch};
use crate::report::TrafficCount;
use crate::snapshot::{CommitFact, Failure};

/// Days before its end from which on a token's expiry is reported.
const EXPIRES_SOON: i64 = 14;

/// All services that are read.
pub struct Doors {
    http: HttpClient,
    /// The time that all look-ups have together.
    pub deadline: Deadline,
    gitlab: Option<GitLabApi>,
    /// Commits of moving refs.
    pub commits: AnyHost,
    /// Deployment records and the state export.
    pub state: Arc<dyn StateStore>,
    /// SLO values.
    pub slos: PrometheusClient,
}

impl Doors {
    /// Makes the clients; asks nobody yet.
    ///
    /// # Errors
    /// With exit code 2, when an address or the credentials file is unusable.
    pub async fn open(config: &Config) -> Result<Self, Fatal> {
        let usage = |message: String| Fatal::new(Exit::Usage, message);
        let http = HttpClient::with_redactor(config.http.clone(), redactor().clone());
        let deadline = Deadline::new(config.deadline);
        let service = |service| http.service(service, config.concurrency);
        let looking_up = |service: ServiceClient| service.until(deadline.clone());
        let credentials = config.credentials().map_err(|error| usage(chain(&error)))?;
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
        let commits = AnyHost {
            gitlab: config.gitlab.as_ref().zip(gitlab.clone()).map(|(gitlab, api)| {
                CodeOnGitLab::new(gitlab, &api.until(deadline.clone()), &credentials)
            }),
            github_host: host_of(github_url),
            github,
            ls_remote,
            credentials: Arc::clone(&credentials),
        };
        let Some((location, settings)) = &config.state else {
            return Err(usage("it is not known where the deployment records are".to_owned()));
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
    /// With exit code 4, when it cannot be used.
    pub async fn connect_gitlab(&self, config: &Config) -> Result<Option<GitLabDoor>, Fatal> {
        match config.gitlab.as_ref().and_then(|gitlab| gitlab.project.clone()) {
            Some(project) => self.connect(config, project).await,
            None => Ok(None),
        }
    }

    /// The same for the project that a checkout's `origin` names.
    ///
    /// # Errors
    /// With exit code 4, when it cannot be used.
    pub async fn connect_origin(
        &self,
        config: &Config,
        loaded: &Loaded,
    ) -> Result<Option<GitLabDoor>, Fatal> {
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

    async fn connect(&self, config: &Config, project: String) -> Result<Option<GitLabDoor>, Fatal> {
        let (Some(api), Some(gitlab)) = (&self.gitlab, &config.gitlab) else { return Ok(None) };
        let job = gitlab
            .job
            .as_ref()
            .filter(|job| job.path.eq_ignore_ascii_case(&project) || job.id.to_string() == project);
        match &gitlab.token {
            None => return Ok(None),
            Some(Token::Job(_)) if job.is_none() || gitlab.bot_user.is_none() => {
                tracing::warn!(
                    "with the job's own token (CI_JOB_TOKEN) the open merge requests are looked at only of \
                     the project that the job is in, and only if --bot-user (SAPM_BOT_USER) says whose they are"
                );
                return Ok(None);
            }
            Some(_) => {}
        }
        let to_write = config.mode == Mode::Apply;
        let options = ConnectOptions {
            job: job.cloned(),
            to_write: to_write.then(branch::example),
            project,
            bot_user: gitlab.bot_user.clone(),
            target_branch: config.target_branch.clone(),
            closed_by_bot_marker: CLOSED_BY_BOT_MARKER.to_owned(),
        };
        let reader = GitLabReader::connect(api.clone(), &options).await.map_err(|error| {
            let fatal = Fatal::new(Exit::ServiceFailed, chain(&error));
            match error {
                ConnectError::Token { .. } => {
                    fatal.hint("check SAPM_GITLAB_TOKEN: is it right, and not expired?")
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
                    fatal.hint(format!("run later, or less often: see {BUDGET}"))
                }
                ConnectError::Unreachable { .. } | ConnectError::Refused { .. } => {
                    fatal.hint("check --gitlab-url (SAPM_GITLAB_URL)")
                }
                _ => fatal,
            }
        })?;
        Ok(Some(GitLabDoor { api: api.clone(), reader }))
    }

    /// What all requests have in common, also those of a clone.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// Requests by service.
    /// (A push comes after this is counted.)
    pub fn traffic(&self) -> Vec<TrafficCount> {
        let stats = self.http.stats();
        Service::ALL
            .iter()
            .map(|&service| {
                let of = stats.of(service);
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
pub struct GitLabDoor {
    api: GitLabApi,
    /// For reading.
    pub reader: GitLabReader,
}

impl GitLabDoor {
    /// For writing: made by `apply` alone. Nodes that share the work share GitLab's limits.
    pub fn writer(&self, share: Option<Share>) -> GitLabWriter {
        let nodes = share.map_or(1, |share| share.total() as usize);
        let config = WriterConfig { nodes, ..WriterConfig::default() };
        GitLabWriter::new(self.api.clone(), self.reader.project(), config)
    }

    /// Everything that writing takes must be there, as far as GitLab tells; all that is missing is
    /// said at once, with what is wrong with the `state` bucket.
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
            "give SAPM_GITLAB_TOKEN and its user what is missing (docs/permissions.md), or use `sapm plan`",
        ))
    }

    /// Warnings of what will stand in the way of writing some day.
    pub fn warnings(&self, today: NaiveDate) -> impl Iterator<Item = Problem> {
        self.expiry(today).into_iter().chain(self.not_deletable())
    }

    /// A warning when a run cannot delete its branches.
    fn not_deletable(&self) -> Option<Problem> {
        let rules = &self.reader.rights().not_deletable;
        let message = format!(
            "the bot's branches are protected ({}), and GitLab lets only a Maintainer delete protected branches: \
             those that are left will stay. Narrow the rule (Settings > Repository), or give the token's user the \
             role Maintainer",
            rules.join(", ")
        );
        (!rules.is_empty()).then(|| Problem::warning("branches_not_deletable", message))
    }

    /// A warning when the token expires within two weeks of `today`.
    fn expiry(&self, today: NaiveDate) -> Option<Problem> {
        let day = self.reader.rights().expires_at?;
        let left = (day - today).num_days();
        (left < EXPIRES_SOON).then(|| {
            let days = if left == 1 { "day" } else { "days" };
            let message = format!(
                "the GitLab token in SAPM_GITLAB_TOKEN expires on {day}, in {left} {days}: rotate it in time"
            );
            Problem::warning("token_expires", message)
        })
    }

    /// A checkout that is not the branch's tip must at least be on the branch.
    ///
    /// # Errors
    /// With exit code 2, when it is not.
    pub async fn check_on_branch(&self, commit: &CommitSha, branch: &str) -> Result<(), Fatal> {
        match self.reader.is_on_branch(commit, branch).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Fatal::new(
                Exit::Usage,
                format!("the checked out commit {} is not on the branch {branch}", commit.short()),
            )
            .hint("check out the target branch, or let sapm clone it: set --app-interface to the git URL")),
            Err(failure) => Err(Fatal::new(
                Exit::ServiceFailed,
                format!("whether {} is on {branch} could not be asked: {}", commit.short(), failure.error),
            )),
        }
    }
}

/// Looks commits up where the repository is.
pub struct AnyHost {
    gitlab: Option<CodeOnGitLab>,
    github_host: String,
    github: GitHubCommits,
    ls_remote: LsRemote,
    credentials: Arc<Credentials>,
}

impl AnyHost {
    /// Is this repository's commit asked of GitHub?
    pub fn is_github(&self, url: &RepoUrl) -> bool {
        let host = url.id().host();
        host.is_some_and(|host| host == "github.com" || host == self.github_host)
    }

    /// Writes down what the services said, for the next run; `all`: this run asked for every ref that there is.
    pub fn keep(&self, all: bool) {
        self.github.keep(all);
    }

    /// Can it be asked about a commit by its id? (A git host without an API knows names of refs alone.)
    pub fn knows_commits(&self, url: &RepoUrl) -> bool {
        !matches!(self.lane_of(url), Lane::LsRemote)
    }

    fn lane_of(&self, url: &RepoUrl) -> Lane<'_> {
        match &self.gitlab {
            Some(gitlab) if url.id().host() == Some(&gitlab.host) => {
                let at = gitlab.address(url).and_then(|url| self.credentials.position(&url));
                Lane::GitLab(at, at.map_or(&gitlab.usual, |at| &gitlab.by_entry[at]))
            }
            _ if self.is_github(url) => Lane::GitHub,
            _ => Lane::LsRemote,
        }
    }

    fn git_credentials(&self, url: &str) -> Option<git::Credentials> {
        let credential = self.credentials.lookup(&url::Url::parse(url).ok()?)?;
        let user = credential.user.clone().unwrap_or_else(|| "oauth2".to_owned());
        Some(git::Credentials::new(user, credential.secret.clone()))
    }
}

/// Code repositories on the config repo's GitLab.
struct CodeOnGitLab {
    /// As [`RepoId::host`](crate::domain::RepoId::host) has it.
    host: String,
    /// GitLab's address.
    root: String,
    /// With the token of the config repo.
    usual: GitLabCommits,
    /// With the token of each entry of the credentials file: one for its host or path wins.
    by_entry: Vec<GitLabCommits>,
}

impl CodeOnGitLab {
    fn new(gitlab: &GitLabConfig, api: &GitLabApi, credentials: &Credentials) -> Self {
        let by_entry = credentials.all().map(|(entry, credential)| {
            let place = format!("the entry {entry} of the file in SAPM_CREDENTIALS_FILE");
            GitLabCommits::new(api.with_token(credential.secret.clone(), &place))
        });
        Self {
            host: host_of(&gitlab.url),
            root: gitlab.url.trim_end_matches('/').to_owned(),
            usual: GitLabCommits::new(api.clone()),
            by_entry: by_entry.collect(),
        }
    }

    /// Where the repository is on this GitLab, also if it is spelled as for ssh.
    fn address(&self, url: &RepoUrl) -> Option<url::Url> {
        let spelled = url::Url::parse(url.clone_address()).ok();
        let on_web = spelled.filter(|url| matches!(url.scheme(), "http" | "https"));
        on_web.or_else(|| {
            let root = url::Url::parse(&self.root).ok()?;
            root.join(&format!("/{}", url.project_path()?)).ok()
        })
    }
}

/// Who is asked about a repository.
enum Lane<'a> {
    /// With the token of which entry of the credentials file?
    GitLab(Option<usize>, &'a GitLabCommits),
    GitHub,
    LsRemote,
}

#[async_trait]
impl Commits for AnyHost {
    fn lane(&self, url: &RepoUrl) -> String {
        match self.lane_of(url) {
            Lane::GitLab(None, _) => Service::GitLab.name().to_owned(),
            Lane::GitLab(Some(at), _) => {
                format!("{} (token {} of SAPM_CREDENTIALS_FILE)", Service::GitLab.name(), at + 1)
            }
            Lane::GitHub => Service::GitHub.name().to_owned(),
            Lane::LsRemote => match url::Url::parse(url.clone_address()) {
                Ok(url) => format!("the git host {}", origin_of(&url)),
                Err(_) => "a git host".to_owned(),
            },
        }
    }

    async fn commit(&self, url: &RepoUrl, git_ref: &str) -> Result<CommitFact, Failure> {
        match self.lane_of(url) {
            Lane::GitLab(_, gitlab) => gitlab.commit(url, git_ref).await,
            Lane::GitHub => self.github.commit(url, git_ref).await,
            Lane::LsRemote => {
                // Credentials go by the very address that is asked, not by the repository's identity.
                let address = url.clone_address();
                let credentials = self.git_credentials(address);
                let found = self.ls_remote.resolve(address, git_ref, credentials.as_ref());
                Ok(CommitFact { sha: found.await?, committed_at: None, subject: None })
            }
        }
    }

    fn most_at_once(&self, url: &RepoUrl) -> usize {
        match self.lane_of(url) {
            Lane::GitLab(_, gitlab) => gitlab.most_at_once(url),
            Lane::GitHub => self.github.most_at_once(url),
            Lane::LsRemote => 1,
        }
    }

    async fn many(&self, asked: &[(&RepoUrl, &str)]) -> Vec<Option<CommitFact>> {
        match asked.first().map(|(url, _)| self.lane_of(url)) {
            Some(Lane::GitLab(_, gitlab)) => gitlab.many(asked).await,
            Some(Lane::GitHub) => self.github.many(asked).await,
            _ => vec![None; asked.len()],
        }
    }
}
