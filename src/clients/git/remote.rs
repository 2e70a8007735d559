//! The source of a clone, and fetching its newest commit.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use git2::{AutotagOption, Direction, FetchOptions, Oid, Repository, Tree};

use super::GitError;
use super::address::Address;
use super::clone::{CloneOptions, FetchStats, TIP};
use super::local::open_repository;
use super::transport::Session;

const HEADS: &str = "refs/heads/";

/// The source of a clone.
pub(super) struct Remote {
    place: String,
    source: Source,
}

enum Source {
    Http(Arc<Session>),
    /// A repository on this machine. libgit2 cannot fetch from it shallowly.
    Local(PathBuf),
}

type Fetched = (Oid, String, FetchStats);

impl Remote {
    pub(super) fn new(options: &CloneOptions) -> Result<Self, GitError> {
        match Address::parse(&options.url)? {
            Address::Http { url, credentials } => {
                let place = url.to_string();
                let credentials = credentials.or_else(|| options.credentials.clone());
                Ok(Self { place, source: Source::Http(Session::new(url, credentials, options)?) })
            }
            Address::File(path) => {
                Ok(Self { place: path.display().to_string(), source: Source::Local(path) })
            }
        }
    }

    /// The URL, without userinfo.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The repository, commit and branch, if no copy is needed: a temporary clone of a repository on this
    /// machine is pointless, because its objects do not change.
    pub(super) fn in_place(
        &self,
        branch: Option<&str>,
    ) -> Option<Result<(Repository, Oid, String), GitError>> {
        let Source::Local(path) = &self.source else { return None };
        Some(open_source(path).and_then(|repo| {
            let (id, name) = self.local_tip(&repo, branch)?;
            Ok((repo, id, name))
        }))
    }

    /// Fetches the newest commit of the branch into `repo`, as far as objects are
    /// missing, and points [`TIP`] to it.
    pub(super) fn fetch(
        &self,
        repo: &Repository,
        branch: Option<&str>,
    ) -> Result<Fetched, GitError> {
        match &self.source {
            Source::Http(session) => self.fetch_http(session, repo, branch),
            Source::Local(path) => self.fetch_local(&open_source(path)?, repo, branch),
        }
    }

    fn fetch_http(
        &self,
        session: &Arc<Session>,
        repo: &Repository,
        branch: Option<&str>,
    ) -> Result<Fetched, GitError> {
        let fetched = session.run("fetch", || {
            // Anonymous, so that no part of the URL is written to a file.
            let mut remote = repo.remote_anonymous(&self.place)?;
            let mut connection = remote.connect_auth(Direction::Fetch, None, None)?;
            let Some((name, id)) = pick_branch(&connection, branch)? else { return Ok(None) };
            let stats = if is_here(repo, id) {
                FetchStats::default()
            } else {
                let mut options = FetchOptions::new();
                options.depth(1).download_tags(AutotagOption::None);
                connection
                    .remote()
                    .download(&[format!("+{HEADS}{name}:{TIP}")], Some(&mut options))?;
                let stats = connection.remote().stats();
                FetchStats {
                    from_cache: false,
                    objects: stats.received_objects(),
                    bytes: session.received(),
                }
            };
            repo.reference(TIP, id, true, "")?;
            Ok(Some((id, name, stats)))
        })?;
        fetched.ok_or_else(|| self.branch_missing(branch))
    }

    fn fetch_local(
        &self,
        source: &Repository,
        repo: &Repository,
        branch: Option<&str>,
    ) -> Result<Fetched, GitError> {
        let failed = || GitError::git("clone", &self.place);
        let (id, name) = self.local_tip(source, branch)?;
        let stats = if is_here(repo, id) {
            FetchStats::default()
        } else {
            copy_commit(source, repo, id).map_err(failed())?
        };
        let note = || -> Result<(), git2::Error> {
            fs::write(repo.path().join("shallow"), format!("{id}\n"))
                .map_err(|error| git2::Error::from_str(&error.to_string()))?;
            repo.reference(TIP, id, true, "").map(drop)
        };
        note().map_err(failed())?;
        Ok((id, name, stats))
    }

    fn local_tip(
        &self,
        source: &Repository,
        branch: Option<&str>,
    ) -> Result<(Oid, String), GitError> {
        let found = match branch {
            Some(name) => source.find_reference(&format!("{HEADS}{name}")),
            None => source.head(),
        };
        let head = found.map_err(|_| self.branch_missing(branch))?;
        let name = head.name().unwrap_or_default();
        let name = name.strip_prefix(HEADS).unwrap_or(name).to_owned();
        let id = head.peel_to_commit().map_err(GitError::git("clone", &self.place))?.id();
        Ok((id, name))
    }

    fn branch_missing(&self, branch: Option<&str>) -> GitError {
        GitError::BranchMissing { url: self.place.clone(), branch: branch.map(str::to_owned) }
    }
}

/// Opens the repository of a file url, bare or not.
pub(super) fn open_source(path: &std::path::Path) -> Result<Repository, GitError> {
    let place = path.display().to_string();
    open_repository(path).map_err(|error| match error.code() {
        git2::ErrorCode::NotFound => GitError::NotFound { url: place },
        _ => GitError::git("open", place)(error),
    })
}

/// Is the commit the one that was fetched last, with all objects?
fn is_here(repo: &Repository, id: Oid) -> bool {
    repo.refname_to_id(TIP).is_ok_and(|tip| tip == id)
}

/// Name (without `refs/heads/`) and commit of the branch.
fn pick_branch(
    connection: &git2::RemoteConnection<'_, '_, '_>,
    branch: Option<&str>,
) -> Result<Option<(String, Oid)>, git2::Error> {
    let heads = connection.list()?;
    let name = match branch {
        Some(name) => Some(format!("{HEADS}{name}")),
        None => find_default_branch(heads),
    };
    Ok(name.and_then(|name| {
        let head = heads.iter().find(|head| head.name() == name)?;
        Some((name.strip_prefix(HEADS).unwrap_or(&name).to_owned(), head.oid()))
    }))
}

/// The branch that HEAD points to. An old server does not say; then the branch at the
/// same commit, `main` and `master` first.
fn find_default_branch(heads: &[git2::RemoteHead<'_>]) -> Option<String> {
    let head = heads.iter().find(|head| head.name() == "HEAD")?;
    if let Some(target) = head.symref_target() {
        return Some(target.to_owned());
    }
    let same =
        |name: &&str| heads.iter().any(|other| other.name() == *name && other.oid() == head.oid());
    let usual = ["refs/heads/main", "refs/heads/master"].into_iter().find(|name| same(name));
    let any =
        || heads.iter().find(|other| other.name().starts_with(HEADS) && other.oid() == head.oid());
    usual.map(str::to_owned).or_else(|| any().map(|head| head.name().to_owned()))
}

/// Copies the missing objects of one commit.
fn copy_commit(
    source: &Repository,
    target: &Repository,
    id: Oid,
) -> Result<FetchStats, git2::Error> {
    let commit = source.find_commit(id)?;
    let odb = target.odb()?;
    let mut builder = source.packbuilder()?;
    builder.set_threads(0);
    builder.insert_object(id, None)?;
    let mut add = |id: Oid, name: Option<&str>| {
        let missing = !odb.exists(id);
        if missing { builder.insert_object(id, name).map(|()| true) } else { Ok(false) }
    };
    let root = commit.tree()?;
    if add(root.id(), None)? {
        copy_tree(source, &root, &mut add)?;
    }
    let mut writer = odb.packwriter()?;
    let (mut bytes, mut failed) = (0, None);
    builder.foreach(|part| {
        bytes += part.len();
        failed = std::io::Write::write_all(&mut writer, part).err();
        failed.is_none()
    })?;
    if let Some(error) = failed {
        return Err(git2::Error::from_str(&error.to_string()));
    }
    let objects = builder.object_count();
    writer.commit()?;
    Ok(FetchStats { from_cache: false, objects, bytes })
}

/// Adds an object if it is missing; returns whether it was.
type Add<'a> = dyn FnMut(Oid, Option<&str>) -> Result<bool, git2::Error> + 'a;

fn copy_tree(source: &Repository, tree: &Tree<'_>, add: &mut Add<'_>) -> Result<(), git2::Error> {
    for entry in tree {
        match entry.kind() {
            Some(git2::ObjectType::Blob) => {
                add(entry.id(), entry.name().ok())?;
            }
            Some(git2::ObjectType::Tree) if add(entry.id(), entry.name().ok())? => {
                copy_tree(source, &source.find_tree(entry.id())?, add)?;
            }
            _ => {}
        }
    }
    Ok(())
}
