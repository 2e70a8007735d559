//! Links to pages of forges.

use super::super::markup::repository_link;
use crate::domain::{NULL_COMMIT, RepoUrl, is_commit_sha};

/// The forge's page that compares two commits; `None` where none can be made.
pub fn compare_url(
    repo: &RepoUrl,
    from: &str,
    to: &str,
    gitlab_host: Option<&str>,
) -> Option<String> {
    if !is_commit_sha(from) || !is_commit_sha(to) || from == NULL_COMMIT {
        return None;
    }
    Some(format!("{}/compare/{from}...{to}", forge_pages(repo, gitlab_host)?))
}

/// Where a forge's pages of a repository begin: `/compare/…` and `/commit/…` follow. `None` where
/// it is not known which forge it is.
pub fn forge_pages(repo: &RepoUrl, gitlab_host: Option<&str>) -> Option<String> {
    let base = repository_link(repo.as_str())?;
    let base = base.trim_end_matches('/').trim_end_matches(".git");
    let host = base.split("://").nth(1)?.split('/').next()?;
    if Some(host) == gitlab_host || host.starts_with("gitlab.") {
        Some(format!("{base}/-"))
    } else if host == "github.com" || host.starts_with("github.") {
        Some(base.to_owned())
    } else {
        None
    }
}
