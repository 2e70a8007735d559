//! A bare clone of the config repo, one commit deep.

use std::fs;
use std::path::{Path, PathBuf};

use git2::{Oid, Repository, RepositoryInitOptions};

use super::cache::{Cache, Distrust};
use super::local::sha;
use super::remote::Remote;
use super::scratch::ScratchDir;
use super::{Credentials, GitError, TimeOuts, tree, without_userinfo};
use crate::app_interface::{Entry, RootFile};
use crate::clients::http::HttpClient;
use crate::domain::{CommitSha, error_chain};

/// Our only ref: the commit that was fetched last.
pub(super) const TIP: &str = "refs/sapm/tip";

/// What to clone. A repository on this machine (`file://`) is read in place unless it is
/// kept in a cache. Has no `Debug`, because it may contain a token.
#[derive(Clone)]
pub struct CloneOptions {
    /// `http(s)://` or `file://`. Credentials in it take precedence over `credentials`.
    pub url: String,
    /// The branch; `None`: the one that the remote's HEAD points to.
    pub branch: Option<String>,
    /// User and token, sent only to the URL's own host.
    pub credentials: Option<Credentials>,
    /// Folder of the clone that is kept for the next run.
    pub cache_dir: Option<PathBuf>,
    /// Parent folder of a clone that is not kept, e.g. the system's temporary folder.
    pub scratch_dir: PathBuf,
    /// Timeouts.
    pub times: TimeOuts,
    /// Settings, counters and known secrets shared with all other requests.
    pub http: HttpClient,
}

/// The cost of the clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FetchStats {
    /// Was there an intact cache?
    pub from_cache: bool,
    /// Number of fetched objects.
    pub objects: usize,
    /// Bytes of fetched packs.
    pub bytes: usize,
}

/// The config repo at one commit. Dropping it removes a temporary clone.
pub struct ConfigCheckout {
    // Declared before `home`, so that it is closed before its folder is removed.
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
    /// The commit whose files are read. A push during the run changes nothing.
    pub fn commit(&self) -> &CommitSha {
        &self.commit
    }

    /// The requested branch, or the remote's default branch.
    pub fn branch(&self) -> &str {
        &self.branch
    }

    /// The URL, without userinfo.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The cost of the clone.
    pub fn stats(&self) -> FetchStats {
        self.stats
    }

    /// The folder of its objects, valid as long as it exists.
    pub fn objects_folder(&self) -> PathBuf {
        self.repo.commondir().join("objects")
    }

    /// Passes every datafile below `data/` to the visitor, as
    /// [`FileTree::visit`](crate::app_interface::FileTree::visit) does.
    ///
    /// # Errors
    /// [`GitError::NoSuchPath`] when there is no `data/`. Otherwise when an
    /// object is damaged; then the next run clones again.
    pub fn visit_files(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), GitError> {
        let result = tree::visit_datafiles(&self.repo, self.id, &self.place, visitor);
        if let (Err(GitError::Git { .. }), Home::Cache(cache)) = (&result, &self.home) {
            cache.unseal();
        }
        result
    }

    /// A regular file by its path from the root, as [`FileTree::root_file`](crate::app_interface::FileTree::root_file)
    /// reads it.
    ///
    /// # Errors
    /// When an object is damaged.
    pub fn root_file(&self, path: &str, limit: u64) -> Result<Option<RootFile>, GitError> {
        tree::root_file(&self.repo, self.id, path, limit)
    }
}

/// Clones the config repo. Blocks the thread.
///
/// # Errors
/// See [`GitError`]. A problem with the cache folder is not an error: then the clone
/// is rebuilt, in the cache or in a temporary folder.
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
    clone_fresh(Home::Scratch(scratch), &path, &remote, options)
}

fn lock(folder: &Path, place: &str) -> Option<Cache> {
    match Cache::lock(folder, place) {
        Ok(Some(cache)) => Some(cache),
        Ok(None) => {
            tracing::warn!(folder = %folder.display(), "another run is using the clone cache: \
                                                        cloning without it");
            None
        }
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "cannot use the clone cache: cloning without it");
            None
        }
    }
}

/// `None`: the cache folder is not writable, or the disk is full.
fn open_cached(
    cache: Cache,
    remote: &Remote,
    options: &CloneOptions,
) -> Result<Option<ConfigCheckout>, GitError> {
    let distrust = match cache.open() {
        Ok(repo) => match update_clone(&repo, &cache, remote, options) {
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
        tracing::warn!(folder = %cache.dir().display(), %reason, "clone cache is not intact: \
                                                                  cloning again");
    }
    if let Err(error) = cache.clear().and_then(|()| fs::create_dir(cache.dir())) {
        tracing::warn!(folder = %cache.dir().display(), %error, "cannot renew the clone cache: cloning without it");
        return Ok(None);
    }
    let path = cache.dir().to_owned();
    let checkout = match clone_fresh(Home::Cache(cache), &path, remote, options) {
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

fn update_clone(
    repo: &Repository,
    cache: &Cache,
    remote: &Remote,
    options: &CloneOptions,
) -> Result<(Oid, String, FetchStats), GitError> {
    let before = repo.refname_to_id(TIP).ok();
    let (id, branch, stats) = remote.fetch(repo, options.branch.as_deref())?;
    if before == Some(id) {
        // The seal proves that everything is as it was after the last check.
        return Ok((id, branch, stats));
    }
    match tree::check_complete(repo, id, remote.place()) {
        // The reader reports a commit without `data/`.
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

fn clone_fresh(
    home: Home,
    path: &Path,
    remote: &Remote,
    options: &CloneOptions,
) -> Result<ConfigCheckout, GitError> {
    let result = init_repository(path)
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

fn init_repository(path: &Path) -> Result<Repository, git2::Error> {
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
