//! GitHub: commits of code repositories.

mod answers;
mod comparison;
mod etag_cache;
mod many;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use url::Url;

use self::answers::CommitAnswer;
use self::etag_cache::Memory;
use crate::clients::graphql::GraphQl;
use crate::clients::http::{
    HttpError, HttpErrorKind, Request, ServiceClient, SharedFailures, safe_url, service_address,
};
use crate::domain::{CommitSha, RepoUrl, no_commit, quoted};
use crate::ports::Commits;
use crate::snapshot::{CommitFact, Comparison, Failure};

/// The variable with the token, for messages.
const TOKEN_VARIABLE: &str = "SAPM_GITHUB_TOKEN";

/// The REST API version of the responses.
const API_VERSION: &str = "2022-11-28";

/// The media type for the commit's hash alone, which is also its ETag (GitHub docs, rest/commits: get a commit).
const HASH_ALONE: &str = "application/vnd.github.sha";

/// Characters that stay unencoded in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Maximum size of a response about a commit, in bytes, unpacked: it has the changes of up to 300 files.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// Maximum length of a ref that is looked up.
const LONGEST_REF: usize = 1_024;

/// Owner and name of the repository at a git URL; `None` if it has none.
pub fn owner_repo(url: &RepoUrl) -> Option<(String, String)> {
    let path = url.project_path()?;
    let (owner, repo) = path.split_once('/')?;
    (!repo.contains('/')).then(|| (owner.to_owned(), repo.to_owned()))
}

/// A URL that cannot be a GitHub API.
#[derive(Debug, Clone, thiserror::Error)]
#[error("not an http(s) URL of GitHub's REST API: {}", quoted(.0))]
pub struct InvalidAddress(String);

/// Looks up commits at one GitHub. Cheap to clone.
#[derive(Clone)]
pub struct GitHubCommits {
    service: ServiceClient,
    base: Url,
    token: Option<SecretString>,
    shared: Arc<SharedFailures>,
    graphql: Option<Arc<GraphQl>>,
    memory: Option<Arc<Memory>>,
}

impl std::fmt::Debug for GitHubCommits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GitHubCommits({})", safe_url(&self.base))
    }
}

impl GitHubCommits {
    /// Uses the REST API at `base`, e.g. `https://api.github.com`. A path in it is kept
    /// (`https://ghe.example.com/api/v3`).
    ///
    /// # Errors
    /// When `base` is not an http(s) URL.
    pub fn new(
        service: ServiceClient,
        base: &str,
        token: Option<SecretString>,
    ) -> Result<Self, InvalidAddress> {
        let url = service_address(base).map_err(InvalidAddress)?;
        let graphql = many::address(&url).filter(|_| token.is_some());
        let graphql = graphql.map(|url| Arc::new(GraphQl::new(service.clone(), url)));
        Ok(Self { service, base: url, token, shared: Arc::default(), graphql, memory: None })
    }

    /// Keeps responses in a folder for the next run. Pointless without a token, because then
    /// unchanged responses also count against the rate limit.
    #[must_use]
    pub fn remembering(mut self, folder: &Path) -> Self {
        self.memory = self.token.is_some().then(|| Arc::new(Memory::open(folder)));
        self
    }

    /// Writes the cache for the next run. `all`: this run looked up every ref.
    pub fn save_cache(&self, all: bool) {
        if let Some(Err(error)) = self.memory.as_ref().map(|memory| memory.save(all)) {
            tracing::debug!(%error, "GitHub's responses cannot be cached for the next run");
        }
    }

    /// Is a token configured? Without one, GitHub allows 60 requests an hour.
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Slashes in a ref stay: GitHub takes the rest of the path as the ref.
    fn commit_url(&self, owner: &str, repo: &str, git_ref: &str) -> Option<Url> {
        let mut segments = git_ref.split('/');
        if git_ref.len() > LONGEST_REF || segments.any(|part| matches!(part, "" | "." | "..")) {
            return None;
        }
        let encoded: Vec<String> = git_ref.split('/').map(encode).collect();
        let base = self.base.as_str().trim_end_matches('/');
        let (owner, repo, git_ref) = (encode(owner), encode(repo), encoded.join("/"));
        Url::parse(&format!("{base}/repos/{owner}/{repo}/commits/{git_ref}")).ok()
    }

    /// The repository's name, and the URL of its ref.
    fn place(&self, url: &RepoUrl, git_ref: &str) -> Result<(String, Url), Failure> {
        let (owner, repo) =
            owner_repo(url).ok_or_else(|| Failure::new("not the URL of a repository on GitHub"))?;
        let name = format!("{owner}/{repo}");
        match self.commit_url(&owner, &repo, git_ref) {
            Some(address) => Ok((name, address)),
            None => Err(Failure::new(format!("{name}: not a usable ref: {}", quoted(git_ref)))),
        }
    }

    fn remember(&self, address: &Url, commit: &CommitFact) {
        if let Some(memory) = &self.memory {
            memory.put(address.as_str(), commit.clone());
        }
    }

    /// Is the ref at this URL still at this commit?
    async fn is_still(&self, address: &Url, known: &CommitFact) -> Result<bool, HttpError> {
        let request = self.request(address.clone()).accept(HASH_ALONE);
        let request = request.unless(&format!("\"{}\"", known.sha));
        let answer = self.service.send(&request).await?;
        Ok(answer.status == StatusCode::NOT_MODIFIED)
    }

    fn request(&self, url: Url) -> Request {
        let request = Request::get(url)
            .accept("application/vnd.github+json")
            .header("x-github-api-version", API_VERSION)
            .max_body(MAX_ANSWER);
        match &self.token {
            Some(token) => request.bearer(token),
            None => request,
        }
    }

    fn failure(&self, repo: &str, git_ref: &str, error: &HttpError) -> Failure {
        let host = self.base.host_str().unwrap_or_default();
        let body = error.body().to_ascii_lowercase();
        match error.kind() {
            HttpErrorKind::Unauthorized => self.shared.note("401", || match self.token {
                Some(_) => format!(
                    "GitHub refuses the token in {TOKEN_VARIABLE} (401 at {host}): replace it, or \
                     unset it to continue without a token"
                ),
                None => format!("GitHub requires a token (401 at {host}): set {TOKEN_VARIABLE}"),
            }),
            HttpErrorKind::RateLimited => self.shared.note("429", || self.limited(host, error)),
            HttpErrorKind::Connect => self.shared.note("connect", || {
                format!("GitHub at {host} cannot be reached: {}", error.detail())
            }),
            HttpErrorKind::Forbidden if body.contains("saml") => {
                let owner = repo.split('/').next().unwrap_or_default();
                self.shared.note(&format!("saml {owner}"), || {
                    format!(
                        "GitHub's organization {owner} requires single sign-on (SAML), and the \
                         token in {TOKEN_VARIABLE} is not authorized for it: authorize it \
                         (Configure SSO next to the token in GitHub's settings)"
                    )
                })
            }
            _ if error.is_page() => Failure::new(format!("{repo}: {error}: a login or a proxy?")),
            // 422 `No commit found for SHA: …`: the repository exists.
            HttpErrorKind::Invalid | HttpErrorKind::NotFound
                if body.contains("no commit found") =>
            {
                Failure::new(format!(
                    "{repo}: no branch, tag or commit {} ({error})",
                    quoted(git_ref)
                ))
            }
            HttpErrorKind::Conflict => {
                Failure::new(format!("{repo}: the repository is empty ({error})"))
            }
            HttpErrorKind::NotFound => Failure::new(format!(
                "{repo}: repository or ref {} not found (or private: {}) ({error})",
                quoted(git_ref),
                match self.token {
                    Some(_) => format!("the token in {TOKEN_VARIABLE} cannot see it"),
                    None => format!("{TOKEN_VARIABLE} is not set"),
                }
            )),
            _ => Failure::new(format!("{repo}: {error}")),
        }
    }

    fn limited(&self, host: &str, error: &HttpError) -> String {
        let until = match error.resets_at() {
            Some(at) => format!(" until {}", at.format("%Y-%m-%dT%H:%M:%SZ")),
            None => String::new(),
        };
        let advice = match self.token {
            Some(_) => String::new(),
            None => format!("; set {TOKEN_VARIABLE}: without a token, it is 60 requests an hour"),
        };
        format!("GitHub's rate limit at {host} is used up{until}{advice}")
    }
}

fn encode(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}

#[async_trait]
impl Commits for GitHubCommits {
    async fn commit(&self, url: &RepoUrl, git_ref: &str) -> Result<CommitFact, Failure> {
        let (name, address) = self.place(url, git_ref)?;
        let known = self.memory.as_ref().and_then(|memory| memory.get(address.as_str()));
        // A refused token and an exhausted limit stay so for the rest of a run.
        for cause in ["401", "429"] {
            if let Some(failure) = self.shared.known(cause) {
                return Err(failure);
            }
        }
        let failed = |error: HttpError| self.failure(&name, git_ref, &error);
        if let Some(known) = known
            && self.is_still(&address, known).await.map_err(failed)?
        {
            return Ok(known.clone());
        }
        let answer = self.service.send(&self.request(address.clone())).await.map_err(failed)?;
        let commit: CommitAnswer =
            answer.json().map_err(|error| Failure::new(format!("{name}: {error}")))?;
        let id = commit.id().to_owned();
        let commit = commit.into_fact().ok_or_else(|| {
            Failure::new(format!("{name}: GitHub's response: {}", no_commit(&id)))
        })?;
        let commit = self.service.redactor().redact_commit(commit);
        self.remember(&address, &commit);
        Ok(commit)
    }

    fn most_at_once(&self, _url: &RepoUrl) -> usize {
        if self.graphql.as_ref().is_some_and(|graphql| graphql.is_on()) { many::MOST } else { 1 }
    }

    async fn many(&self, asked: &[(&RepoUrl, &str)]) -> Vec<Option<CommitFact>> {
        let found = self.by_one_query(asked).await;
        for ((url, git_ref), commit) in asked.iter().zip(&found) {
            if let (Some(commit), Ok((_, address))) = (commit, self.place(url, git_ref)) {
                self.remember(&address, commit);
            }
        }
        found
    }

    async fn compare(
        &self,
        url: &RepoUrl,
        from: &CommitSha,
        to: &CommitSha,
    ) -> Result<Comparison, Failure> {
        self.comparison(url, from, to).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::http::{HttpClient, HttpConfig, Service};

    fn at(base: &str) -> GitHubCommits {
        let service = HttpClient::new(HttpConfig::default()).service(Service::GitHub, 1);
        GitHubCommits::new(service, base, None).expect("an address")
    }

    #[test]
    fn a_repository_has_an_owner_and_a_name() {
        let expected = Some(("Org".to_owned(), "app".to_owned()));
        assert_eq!(owner_repo(&RepoUrl::new("https://github.com/Org/app.git")), expected);
        assert_eq!(owner_repo(&RepoUrl::new("git@github.com:Org/app")), expected);
        assert_eq!(owner_repo(&RepoUrl::new("https://github.com/Org")), None);
        assert_eq!(owner_repo(&RepoUrl::new("https://github.com/Org/app/sub")), None);
    }

    #[test]
    fn slashes_of_a_ref_stay_and_the_rest_is_encoded() {
        let url = at("https://ghe.example.com/api/v3/").commit_url("o", "r", "feature/a b#1?x");
        assert_eq!(
            url.map(String::from).as_deref(),
            Some("https://ghe.example.com/api/v3/repos/o/r/commits/feature/a%20b%231%3Fx")
        );
    }

    #[test]
    fn a_ref_cannot_leave_its_repository() {
        let github = at("https://api.github.com");
        for git_ref in ["", "..", "a/../../b", "/a", "a//b", "."] {
            assert!(github.commit_url("o", "r", git_ref).is_none(), "{git_ref:?}");
        }
    }
}
