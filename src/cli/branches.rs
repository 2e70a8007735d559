//! Reads the bot's branches: with git next to the clone, or with GitLab's API if git does not serve them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt};

use super::clients::{Clients, ConfigProject};
use super::config::Config;
use super::gitlab_config::same_host;
use super::source::{Loaded, Source, git_credentials};
use crate::clients::git::{BranchOptions, Branches, FetchedBranch, TimeOuts};
use crate::clients::gitlab::GitLabReader;
use crate::domain::{CommitSha, RepoPath};
use crate::plan::verify;
use crate::ports::{Branch, BranchReader};
use crate::snapshot::{Failure, Lookup};

/// Maximum commits per run for which GitLab is asked whether they are on the target branch. Git proves that for
/// all branches at once. The rest are branches that were merged, or not created by the bot.
const MAX_BASES_ASKED: usize = 50;

/// Reads the bot's branches.
pub struct ConfigBranches {
    git: Option<Branches>,
    /// Does git serve them?
    by_git: AtomicBool,
    gitlab: GitLabReader,
}

impl ConfigBranches {
    /// Creates the reader without any request.
    pub fn new(
        config: &Config,
        clients: &Clients,
        loaded: &Loaded,
        gitlab: &ConfigProject,
    ) -> Self {
        let git = build_options(config, clients, loaded, gitlab).map(Branches::new);
        Self { git, by_git: AtomicBool::new(false), gitlab: gitlab.reader.until(&clients.deadline) }
    }

    /// Asks GitLab for what git could not prove, if it matters, up to the maximum.
    async fn finished(&self, fetched: Vec<FetchedBranch>, target_branch: &str) -> Vec<Branch> {
        let open = |branch: &FetchedBranch| {
            let matters = !branch.content.base_on_target && verify::declares(&branch.tip.message);
            matters.then(|| branch.tip.parents.first().cloned()).flatten()
        };
        let bases: BTreeSet<CommitSha> = fetched.iter().filter_map(open).collect();
        let answers: BTreeMap<CommitSha, Result<bool, Failure>> =
            stream::iter(bases.into_iter().take(MAX_BASES_ASKED))
                .map(|base| async move {
                    let answer = self.gitlab.is_on_branch(&base, target_branch).await;
                    (base, answer)
                })
                .buffer_unordered(MAX_BASES_ASKED)
                .collect()
                .await;
        fetched
            .into_iter()
            .map(|mut branch| {
                let answer = open(&branch).map(|base| answers.get(&base).cloned());
                let failure = match answer {
                    None => None,
                    Some(Some(Ok(on_target))) => {
                        branch.content.base_on_target = on_target;
                        None
                    }
                    Some(Some(Err(failure))) => Some(failure),
                    Some(None) => Some(Failure::new(format!(
                        "more than {MAX_BASES_ASKED} branches are based on their own commits"
                    ))),
                };
                let content = failure.map_or(Lookup::Found(branch.content), Lookup::Failed);
                Branch { name: branch.name, tip: branch.tip, content }
            })
            .collect()
    }
}

/// How to fetch the branches; `None` without a repository that has the commit that was read.
fn build_options(
    config: &Config,
    clients: &Clients,
    loaded: &Loaded,
    gitlab: &ConfigProject,
) -> Option<BranchOptions> {
    let address = config.gitlab.as_ref()?;
    let url = match &config.source {
        Source::Url(url) if same_host(&address.url, url) => url.clone(),
        _ => {
            let base = address.url.trim_end_matches('/');
            format!("{base}/{}.git", gitlab.reader.project().path)
        }
    };
    Some(BranchOptions {
        url,
        credentials: address.token.as_ref().map(git_credentials),
        objects: loaded.objects()?,
        base: loaded.commit.clone()?,
        scratch_dir: std::env::temp_dir(),
        times: TimeOuts::default(),
        http: clients.http().clone(),
    })
}

#[async_trait]
impl BranchReader for ConfigBranches {
    async fn branches(
        &self,
        prefixes: &[String],
        target_branch: &str,
    ) -> Result<Vec<Branch>, Failure> {
        if let Some(git) = &self.git {
            match git.fetch(prefixes, target_branch).await {
                Ok(fetched) => {
                    self.by_git.store(true, Ordering::Relaxed);
                    return Ok(self.finished(fetched, target_branch).await);
                }
                Err(failure) => tracing::info!(
                    "reading the branches with GitLab's API, because git does not serve them: {}",
                    failure.error
                ),
            }
        }
        self.gitlab.branches(prefixes, target_branch).await
    }

    async fn file(&self, commit: &CommitSha, path: &RepoPath) -> Result<Option<String>, Failure> {
        match &self.git {
            Some(git) if self.by_git.load(Ordering::Relaxed) => git.text(commit, path).await,
            _ => self.gitlab.file(commit, path).await,
        }
    }
}
