//! The config repo at one commit, from a url: bare and one commit deep.

use std::fs;
use std::path::{Path, PathBuf};

use git2::{Oid, Repository, RepositoryInitOptions};

use super::cache::{Cache, Distrust};
use super::local::sha;
use super::remote::Remote;
use super::scratch::ScratchDir;
use super::{Credentials, GitError, TimeOuts, tree, without_userinfo};
use crate::app_interface::Entry;
use crate::clients::http::HttpClient;
use crate::domain::{CommitSha, error_chain};

/// Where our one ref is: the commit that was fetched last.
pub(super) const TIP: &str = "refs/sapm/tip";

/// What to clone. A repository on this machine (`file://`) that is not to be
/// kept in a cache is read where it is. Has no `Debug`, as it may hold a token.
#[derive(Clone)]
pub struct CloneOptions {
    /// `http(s)://` or `file://`; credentials in it win over `credentials`.
    pub url: String,
    /// The branch; `None`: the one that the remote's HEAD names.
    pub branch: Option<String>,
    /// User and token, sent to the url's own host only.
    pub credentials: Option<Credentials>,
    /// Where the clone is kept for the next run.
    pub cache_dir: Option<PathBuf>,
    /// Where a clone goes that is not kept, e.g. the system's temporary folder.
    pub scratch_dir: PathBuf,
    /// How long to wait.
    pub times: TimeOuts,
    /// What its requests have in common with all others: settings, counts, known secrets.
    pub http: HttpClient,
}

/// What the clone cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FetchStats {
    /// Was a cache there, and good?
    pub from_cache: bool,
    /// Objects that were fetched.
    pub objects: usize,
    /// Bytes of packs that were fetched.
    pub bytes: usize,
}

/// The config repo at one commit. Dropping it removes a clone that is not kept.
pub struct ConfigCheckout {
    // Before `home`: closed before its folder goes.
    repo: Repository,
    id: Oid,
    commit: CommitSha,
    branch: String,
    place: String,
    stats: FetchStats,
    home: Home,
}

enum Home {
    Cache(Cache),
    Scratch(#[expect(dead_code, reason = "removes the folder when dropped")] ScratchDir),
    InPlace,
}

impl ConfigCheckout {
    /// The commit whose files are read: a push meanwhile changes nothing.
    pub fn commit(&self) -> &CommitSha {
        &self.commit
    }

    /// The branch that was asked for, or the remote's default branch.
    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// The url, without userinfo.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What the clone cost.
    pub fn stats(&self) -> FetchStats {
        self.stats
    }

    /// Where its objects are, for as long as it lives.
    pub fn objects_folder(&self) -> PathBuf {
        self.repo.commondir().join("objects")
    }

    /// Shows every datafile below `data/`, as [`FileTree::visit`](crate::app_interface::FileTree::visit) does.
    ///
    /// # Errors
    /// [`GitError::NoSuchPath`] when there is no `data/`; otherwise when an
    /// object is damaged, which also makes the next run clone anew.
    pub fn visit_files(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), GitError> {
        let result = tree::visit_datafiles(&self.repo, self.id, &self.place, visitor);
        if let (Err(GitError::Git { .. }), Home::Cache(cache)) = (&result, &self.home) {
            cache.unseal();
        }
        result
    }
}

/// Gets the config repo. Blocks: call it where that is allowed.
///
/// # Errors
/// See [`GitError`]. Trouble with the cache folder is none: then the clone
/// is rebuilt, in the cache or aside.
pub fn open(options: &CloneOptions) -> Result<ConfigCheckout, GitError> {
    let remote = Remote::new(options)?;
    if let Some(cache) =
        options.cache_dir.as_deref().and_then(|folder| lock(folder, remote.place()))
        && let Some(checkout) = open_cached(cache, &remote, options)?
    {
        return Ok(checkout);
    }
    if let Some(source) = remote.in_place(options.branch.as_deref()) {
        let (repo, id, branch) = source?;
        return checkout(repo, id, branch, FetchStats::default(), Home::InPlace, &remote);
    }
    let scratch = ScratchDir::create(&options.scratch_dir)?;
    let path = scratch.path().to_owned();
    fresh(Home::Scratch(scratch), &path, &remote, options)
}

fn lock(folder: &Path, place: &str) -> Option<Cache> {
    match Cache::lock(folder, place) {
        Ok(Some(cache)) => Some(cache),
        Ok(None) => {
            tracing::warn!(folder = %folder.display(), "another run uses the clone cache: cloning without it");
            None
        }
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "cannot use the clone cache: cloning without it");
            None
        }
    }
}

/// `None`: the cache folder cannot be written, or has no room left.
fn open_cached(
    cache: Cache,
    remote: &Remote,
    options: &CloneOptions,
) -> Result<Option<ConfigCheckout>, GitError> {
    let distrust = match cache.open() {
        Ok(repo) => match update(&repo, &cache, remote, options) {
            Ok((id, branch, stats)) => {
                let stats = FetchStats { from_cache: true, ..stats };
                return checkout(repo, id, branch, stats, Home::Cache(cache), remote).map(Some);
            }
            Err(error) if error.is_remote() => return Err(error),
            Err(error) => Distrust::Because(error_chain(&error)),
        },
        Err(distrust) => distrust,
    };
    if let Distrust::Because(reason) = distrust {
        tracing::warn!(folder = %cache.dir().display(), %reason, "clone cache is not trusted: cloning anew");
    }
    if let Err(error) = cache.clear().and_then(|()| fs::create_dir(cache.dir())) {
        tracing::warn!(folder = %cache.dir().display(), %error, "cannot renew the clone cache: cloning without it");
        return Ok(None);
    }
    let path = cache.dir().to_owned();
    let checkout = match fresh(Home::Cache(cache), &path, remote, options) {
        Ok(checkout) => checkout,
        Err(error) if error.is_remote() => return Err(error),
        Err(error) => {
            let reason = error_chain(&error);
            tracing::warn!(folder = %path.display(), %reason, "cannot clone into the cache: cloning without it");
            return Ok(None);
        }
    };
    if let Home::Cache(cache) = &checkout.home
        && let Err(error) = cache.seal()
    {
        tracing::warn!(folder = %cache.dir().display(), %error, "cannot seal the clone cache");
    }
    Ok(Some(checkout))
}

fn update(
    repo: &Repository,
    cache: &Cache,
    remote: &Remote,
    options: &CloneOptions,
) -> Result<(Oid, String, FetchStats), GitError> {
    let before = repo.refname_to_id(TIP).ok();
    let (id, branch, stats) = remote.fetch(repo, options.branch.as_deref())?;
    if before == Some(id) {
        // The seal says that it is as it was when it was checked.
        return Ok((id, branch, stats));
    }
    match tree::check_complete(repo, id, remote.place()) {
        // A commit without `data/` is for the reader to complain about.
        Ok(()) | Err(GitError::NoSuchPath { .. }) => {}
        Err(error) => return Err(error),
    }
    cache.seal().map_err(|source| GitError::Io {
        doing: "seal the clone cache",
        place: cache.dir().display().to_string(),
        source,
    })?;
    Ok((id, branch, stats))
}

fn fresh(
    home: Home,
    path: &Path,
    remote: &Remote,
    options: &CloneOptions,
) -> Result<ConfigCheckout, GitError> {
    let result = init(path)
        .map_err(GitError::git("make a repository in", path.display()))
        .and_then(|repo| {
            let (id, branch, stats) = remote.fetch(&repo, options.branch.as_deref())?;
            Ok((repo, id, branch, stats))
        });
    match result {
        Ok((repo, id, branch, stats)) => checkout(repo, id, branch, stats, home, remote),
        Err(error) => {
            if let Home::Cache(cache) = &home
                && let Err(error) = cache.clear()
            {
                tracing::debug!(%error, "cannot remove the unfinished clone");
            }
            Err(error)
        }
    }
}

fn init(path: &Path) -> Result<Repository, git2::Error> {
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false).initial_head("sapm");
    Repository::init_opts(path, &options)
}

fn checkout(
    repo: Repository,
    id: Oid,
    branch: String,
    stats: FetchStats,
    home: Home,
    remote: &Remote,
) -> Result<ConfigCheckout, GitError> {
    let commit = sha(id)?;
    let place = without_userinfo(remote.place());
    tracing::debug!(%place, %commit, branch, ?stats, "config repo is here");
    Ok(ConfigCheckout { repo, id, commit, branch, place, stats, home })
}
