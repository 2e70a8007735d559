//! Checkouts on this machine.

use std::path::Path;
use std::sync::Once;

use git2::{ErrorCode, Oid, Repository, StatusOptions};

use super::{GitError, tree, without_userinfo};
use crate::app_interface::{Entry, RootFile};
use crate::domain::CommitSha;

/// What is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalHead {
    /// The commit.
    pub commit: CommitSha,
    /// The branch; `None` when HEAD is detached, as in a CI job.
    pub branch: Option<String>,
    /// Url of the remote `origin`, without userinfo.
    pub origin_url: Option<String>,
}

/// What is checked out at `path`, or `None` if that is not a git checkout with
/// a commit. The path must be the root of the work tree (a linked worktree is
/// allowed): in a subfolder, paths differ from those in the commit.
///
/// # Errors
/// When the repository cannot be read.
pub fn local_head(path: &Path) -> Result<Option<LocalHead>, GitError> {
    let failed = || GitError::git("read the checkout", path.display());
    let repo = match open_repository(path) {
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        other => other.map_err(failed())?,
    };
    if repo.workdir().is_none() {
        return Ok(None);
    }
    let head = match repo.head() {
        Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
            return Ok(None);
        }
        other => other.map_err(failed())?,
    };
    let commit = head.peel_to_commit().map_err(failed())?.id();
    let branch = if head.is_branch() { head.shorthand().ok().map(str::to_owned) } else { None };
    let origin = repo.find_remote("origin").ok();
    let origin_url = origin.and_then(|remote| remote.url().ok().map(without_userinfo));
    Ok(Some(LocalHead { commit: sha(commit)?, branch, origin_url }))
}

/// The commit that a name (branch, tag, commit) stands for in the repository at `path`; `None` if it has no such commit.
///
/// # Errors
/// When there is no readable repository.
pub fn find_commit(path: &Path, name: &str) -> Result<Option<CommitSha>, GitError> {
    let repo = open_repository(path).map_err(GitError::git("read", path.display()))?;
    // A branch that only the remote has is meant by its own name, too.
    let names = [name.to_owned(), format!("refs/remotes/origin/{name}")];
    let found =
        names.iter().find_map(|name| repo.revparse_single(name).ok()?.peel_to_commit().ok());
    found.map(|commit| sha(commit.id())).transpose()
}

/// Do files below `data/` differ from the commit that is checked out, or are
/// there additional files? Compares every file's time and size.
///
/// # Errors
/// When the repository cannot be read.
pub fn has_local_changes(path: &Path) -> Result<bool, GitError> {
    let failed = || GitError::git("compare the checkout", path.display());
    let repo = open_repository(path).map_err(failed())?;
    let mut options = StatusOptions::new();
    options.pathspec("data").include_untracked(true).exclude_submodules(true).no_refresh(true);
    Ok(!repo.statuses(Some(&mut options)).map_err(failed())?.is_empty())
}

/// Passes every datafile of a commit in the repository at `path` to the visitor, as
/// [`super::ConfigCheckout::visit_files`] does.
///
/// # Errors
/// When the commit or an object is missing, or there is no `data/`.
pub fn visit_commit(
    path: &Path,
    commit: &CommitSha,
    visitor: &mut dyn FnMut(Entry<'_>),
) -> Result<(), GitError> {
    let place = path.display().to_string();
    let failed = || GitError::git("read", &place);
    let repo = open_repository(path).map_err(failed())?;
    let commit = Oid::from_str(commit.as_str()).map_err(failed())?;
    tree::visit_datafiles(&repo, commit, &place, visitor)
}

/// A regular file of a commit by its path from the root, as [`super::ConfigCheckout::root_file`] reads it.
///
/// # Errors
/// When the commit or an object is missing.
pub fn root_file_of_commit(
    path: &Path,
    commit: &CommitSha,
    file: &str,
    limit: u64,
) -> Result<Option<RootFile>, GitError> {
    let failed = || GitError::git("read", path.display());
    let repo = open_repository(path).map_err(failed())?;
    let commit = Oid::from_str(commit.as_str()).map_err(failed())?;
    tree::root_file(&repo, commit, file, limit)
}

/// The folder with the objects of the repository at `path`, which may be a linked worktree.
///
/// # Errors
/// When there is no readable repository.
pub fn objects_folder(path: &Path) -> Result<std::path::PathBuf, GitError> {
    let repo = open_repository(path).map_err(GitError::git("read", path.display()))?;
    Ok(repo.commondir().join("objects"))
}

/// Converts a commit id; fails for a repository with SHA-256 ids.
pub(super) fn sha(id: Oid) -> Result<CommitSha, GitError> {
    let text = id.to_string();
    CommitSha::parse(&text)
        .ok_or_else(|| GitError::git("use", &text)(git2::Error::from_str("not a SHA-1 commit id")))
}

/// Opens the repository at `path` itself, not above it, whoever owns it: in a
/// CI job, the folder often belongs to another user. That is safe because libgit2
/// runs neither hooks nor programs from the repository's configuration.
pub(super) fn open_repository(path: &Path) -> Result<Repository, git2::Error> {
    static ONCE: Once = Once::new();
    ONCE.call_once(allow_other_owners);
    Repository::open(path)
}

#[allow(unsafe_code)]
fn allow_other_owners() {
    // SAFETY: sets one integer in libgit2, once; nothing in this crate sets it again.
    if let Err(error) = unsafe { git2::opts::set_verify_owner_validation(false) } {
        tracing::debug!(%error, "libgit2 keeps checking who owns a repository");
    }
}
