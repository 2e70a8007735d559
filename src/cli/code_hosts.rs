//! Code repositories on any host: chooses the service and the token for looking up their commits.

use std::sync::Arc;

use async_trait::async_trait;

use super::config::GitLabConfig;
use super::gitlab_config::host_of;
use crate::clients::credentials::Credentials;
use crate::clients::git::{self, LsRemote};
use crate::clients::github::GitHubCommits;
use crate::clients::gitlab::{GitLabApi, GitLabCommits};
use crate::clients::http::{Service, origin_of};
use crate::domain::{CommitSha, RepoUrl};
use crate::ports::Commits;
use crate::snapshot::{CommitFact, Comparison, Failure};

/// Looks up commits on the repository's host.
pub struct CodeHosts {
    gitlab: Option<CodeOnGitLab>,
    github_host: String,
    github: GitHubCommits,
    ls_remote: LsRemote,
    credentials: Arc<Credentials>,
}

impl CodeHosts {
    /// Creates the clients without any request. GitHub is recognised by the host of its URL, and so is GitLab.
    pub fn new(
        gitlab: Option<(&GitLabConfig, GitLabApi)>,
        (github_url, github): (&str, GitHubCommits),
        ls_remote: LsRemote,
        credentials: Arc<Credentials>,
    ) -> Self {
        let gitlab = gitlab.map(|(gitlab, api)| CodeOnGitLab::new(gitlab, &api, &credentials));
        Self { gitlab, github_host: host_of(github_url), github, ls_remote, credentials }
    }

    /// Is this repository on GitHub?
    pub fn is_github(&self, url: &RepoUrl) -> bool {
        let host = url.id().host();
        host.is_some_and(|host| host == "github.com" || host == self.github_host)
    }

    /// Saves the services' responses for the next run. `all`: this run looked up every ref.
    pub fn save_cache(&self, all: bool) {
        self.github.save_cache(all);
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

    /// Credentials for a git host, if the credentials file has them.
    pub fn git_credentials(&self, url: &str) -> Option<git::Credentials> {
        let credential = self.credentials.lookup(&url::Url::parse(url).ok()?)?;
        let user = credential.user.clone().unwrap_or_else(|| "oauth2".to_owned());
        Some(git::Credentials::new(user, credential.secret.clone()))
    }
}

/// Code repositories on the config repo's GitLab.
struct CodeOnGitLab {
    /// As in [`RepoId::host`](crate::domain::RepoId::host).
    host: String,
    /// GitLab's URL.
    root: String,
    /// With the token of the config repo.
    usual: GitLabCommits,
    /// With the token of each entry of the credentials file, which takes precedence for its host or path.
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

    /// The repository's URL on this GitLab, even if it is written for ssh.
    fn address(&self, url: &RepoUrl) -> Option<url::Url> {
        let spelled = url::Url::parse(url.clone_address()).ok();
        let on_web = spelled.filter(|url| matches!(url.scheme(), "http" | "https"));
        on_web.or_else(|| url::Url::parse(&format!("{}/{}", self.root, url.project_path()?)).ok())
    }
}

/// The service that looks up a repository's commits.
enum Lane<'a> {
    /// The position of the entry in the credentials file whose token is used.
    GitLab(Option<usize>, &'a GitLabCommits),
    GitHub,
    LsRemote,
}

#[async_trait]
impl Commits for CodeHosts {
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
                // Credentials depend on the exact URL, not on the repository's identity.
                let address = url.clone_address();
                let credentials = self.git_credentials(address);
                let found = self.ls_remote.resolve(address, git_ref, credentials.as_ref());
                Ok(CommitFact { sha: found.await?, committed_at: None, subject: None })
            }
        }
    }

    fn knows_commits(&self, url: &RepoUrl) -> bool {
        !matches!(self.lane_of(url), Lane::LsRemote)
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

    async fn compare(
        &self,
        url: &RepoUrl,
        from: &CommitSha,
        to: &CommitSha,
    ) -> Result<Comparison, Failure> {
        match self.lane_of(url) {
            Lane::GitLab(_, gitlab) => gitlab.compare(url, from, to).await,
            Lane::GitHub => self.github.compare(url, from, to).await,
            Lane::LsRemote => Err(Failure::new("a git host without an API compares no commits")),
        }
    }
}
