//! The services other than GitLab: GitHub, the state bucket, Prometheus, the plain git host.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine as _;

use crate::git::host::Refs;
use crate::git::repo::{Person, Repo};
use crate::github::RateLimit;
use crate::prometheus::PromAnswer;
use crate::state::CommitInfo;
use crate::world::World;

impl World {
    /// Sets the tip of a ref on GitHub (`owner/repo`), creating the repository if needed.
    pub fn set_github_ref(&self, repo: &str, reference: &str, commit: CommitInfo) {
        let mut state = self.shared.state();
        let repo = state.github.repos.entry(repo.to_lowercase()).or_default();
        repo.refs.insert(reference.to_owned(), commit);
    }

    /// Gives the code repositories without objects, on GitLab and GitHub, a history: commits after their parents, those
    /// that are known already left out.
    pub fn add_history(&self, commits: impl IntoIterator<Item = CommitInfo>) {
        let history = &mut self.shared.state().history;
        for commit in commits {
            if history.find(&commit.sha).is_none() {
                history.0.push(commit);
            }
        }
    }

    /// Removes a ref on GitHub; a repository without refs is empty (409).
    pub fn remove_github_ref(&self, repo: &str, reference: &str) {
        let mut state = self.shared.state();
        state.github.repos.entry(repo.to_lowercase()).or_default().refs.remove(reference);
    }

    /// Removes a repository on GitHub: 404.
    pub fn remove_github_repo(&self, repo: &str) {
        self.shared.state().github.repos.remove(&repo.to_lowercase());
    }

    /// Only tokens see this repository.
    pub fn set_github_private(&self, repo: &str) {
        self.shared.state().github.repos.entry(repo.to_lowercase()).or_default().private = true;
    }

    /// Renames a repository on GitHub: 301.
    pub fn move_github_repo(&self, old: &str, new: &str) {
        let mut state = self.shared.state();
        if let Some(repo) = state.github.repos.remove(&old.to_lowercase()) {
            state.github.repos.insert(new.to_lowercase(), repo);
        }
        state.github.moved.insert(old.to_lowercase(), new.to_owned());
    }

    /// Adds a token that GitHub accepts; any other is refused, none is allowed.
    pub fn add_github_token(&self, token: &str) {
        self.shared.state().github.tokens.insert(token.to_owned());
    }

    /// Makes GitHub refuse requests without a token.
    pub fn require_github_token(&self, required: bool) {
        self.shared.state().github.token_required = required;
    }

    /// GitHub's primary rate limit: `remaining` requests, then this status (403 or 429) until the limit is set again.
    pub fn set_github_rate_limit(
        &self,
        limit: u64,
        remaining: u64,
        reset_in_seconds: i64,
        status: u16,
    ) {
        let limit = RateLimit { limit, remaining, reset_in: reset_in_seconds, status };
        self.shared.state().github.rate_limit = Some(limit);
    }

    /// The limit of GitHub's GraphQL API, which is counted separately.
    pub fn set_github_graphql_limit(&self, limit: u64, remaining: u64, reset_in_seconds: i64) {
        let limit = RateLimit { limit, remaining, reset_in: reset_in_seconds, status: 403 };
        self.shared.state().github.graphql_limit = Some(limit);
    }

    /// Is there a GraphQL API at GitHub? (404 if not.)
    pub fn set_github_graphql(&self, served: bool) {
        self.shared.state().github.without_graphql = !served;
    }

    /// Creates a bucket.
    pub fn create_bucket(&self, bucket: &str) {
        std::fs::create_dir_all(self.shared.s3_dir.join(bucket)).unwrap();
    }

    /// Removes a bucket with its content.
    pub fn delete_bucket(&self, bucket: &str) {
        std::fs::remove_dir_all(self.shared.s3_dir.join(bucket)).ok();
    }

    fn object(&self, bucket: &str, key: &str) -> PathBuf {
        self.shared.s3_dir.join(bucket).join(key)
    }

    /// Puts an object, creating the bucket if needed.
    pub fn put_object(&self, bucket: &str, key: &str, bytes: impl AsRef<[u8]>) {
        self.object_write(bucket, key, bytes)();
    }

    /// The same at another time, for the code of a fault.
    pub fn object_write(
        &self,
        bucket: &str,
        key: &str,
        bytes: impl AsRef<[u8]>,
    ) -> impl Fn() + Send + Sync + 'static {
        let path = self.object(bucket, key);
        // s3s-fs keeps the ETag of what was put by request beside the bucket.
        let encode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
        let name = format!(".bucket-{}.object-{}.internal.json", encode(bucket), encode(key));
        let (etag, bytes) = (self.shared.s3_dir.join(name), bytes.as_ref().to_vec());
        move || {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &bytes).unwrap();
            std::fs::remove_file(&etag).ok();
        }
    }

    /// Lets an object be written at a time.
    pub fn set_object_time(&self, bucket: &str, key: &str, at: chrono::DateTime<chrono::Utc>) {
        let file = std::fs::File::options().write(true).open(self.object(bucket, key));
        file.and_then(|file| file.set_modified(at.into())).expect("an object");
    }

    /// An object's bytes.
    pub fn get_object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.object(bucket, key)).ok()
    }

    /// Deletes an object.
    pub fn delete_object(&self, bucket: &str, key: &str) {
        std::fs::remove_file(self.object(bucket, key)).ok();
    }

    /// Keys below a prefix, in order.
    pub fn objects(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let root = self.shared.s3_dir.join(bucket);
        let mut todo = vec![root.clone()];
        let mut found = Vec::new();
        while let Some(dir) = todo.pop() {
            for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    todo.push(path);
                } else if let Ok(key) = path.strip_prefix(&root) {
                    found.push(key.to_string_lossy().into_owned());
                }
            }
        }
        found.retain(|key| key.starts_with(prefix));
        found.sort();
        found
    }

    /// Sets the response to a query, below every path prefix.
    pub fn set_prometheus(&self, query: &str, answer: PromAnswer) {
        self.set_prometheus_at("", query, answer);
    }

    /// Sets the response to a query below one path prefix (`/cluster-1`).
    pub fn set_prometheus_at(&self, prefix: &str, query: &str, answer: PromAnswer) {
        let key = (prefix.trim_end_matches('/').to_owned(), query.to_owned());
        self.shared.state().prometheus.answers.insert(key, answer);
    }

    /// Sets the response to other queries; an empty vector by default.
    pub fn set_prometheus_default(&self, answer: PromAnswer) {
        self.shared.state().prometheus.default = Some(answer);
    }

    /// Makes Prometheus require this bearer token below a path prefix (`""`: everywhere).
    pub fn require_prometheus_token(&self, prefix: &str, token: &str) {
        let prefix = prefix.trim_end_matches('/').to_owned();
        self.shared.state().prometheus.tokens.insert(prefix, token.to_owned());
    }

    /// Sets a ref (`main`, or a full name such as `refs/tags/v1`) of a repository without objects on the git host,
    /// for `ls-remote`.
    pub fn set_git_ref(&self, path: &str, reference: &str, sha: &str) {
        let name = if reference.starts_with("refs/") {
            reference.to_owned()
        } else {
            format!("refs/heads/{reference}")
        };
        let mut state = self.shared.state();
        let repo = state.git_host.entry(path.trim_end_matches(".git").to_owned()).or_default();
        if repo.head.is_empty() {
            repo.head = "main".to_owned();
        }
        repo.refs.insert(name, sha.to_owned());
    }

    /// Makes the git host require this password (with any user) for a repository.
    pub fn require_git_password(&self, path: &str, password: &str) {
        let mut state = self.shared.state();
        let repo = state.git_host.entry(path.trim_end_matches(".git").to_owned()).or_default();
        repo.password = Some(password.to_owned());
    }

    /// A real repository on the git host, with these files on `main`: the commit.
    pub fn create_git_repo(&self, path: &str, files: &BTreeMap<String, Vec<u8>>) -> String {
        let dir = self.shared.gitlab_dir.with_file_name("git").join(format!("{path}.git"));
        let repo = Repo::init(&dir, "main");
        let edits = files
            .iter()
            .map(|(path, bytes)| (path.clone(), Some((bytes.clone(), git2::FileMode::Blob))))
            .collect();
        let tree = repo.edit(None, &edits).expect("usable paths");
        let person = Person { name: "dev".to_owned(), email: "dev@example.invalid".to_owned() };
        let commit =
            repo.commit(tree, &[], (&person, &person), self.now().timestamp(), "Initial commit\n");
        repo.set_branch("main", commit).unwrap();
        let refs = Refs { dir: Some(dir), ..Refs::default() };
        self.shared.state().git_host.insert(path.trim_end_matches(".git").to_owned(), refs);
        commit.to_string()
    }

    /// Removes a repository from the git host: 404.
    pub fn remove_git_repo(&self, path: &str) {
        self.shared.state().git_host.remove(path.trim_end_matches(".git"));
    }
}
