//! Reads datafiles of one commit from the object database.

use git2::{ObjectType, Odb, Oid, Repository};

use super::GitError;
use crate::app_interface::walk::{self, Kind, Listing, Named, Source};
use crate::app_interface::{BlobId, Entry, RootFile};
use yaml11::Limits;

const LINK: i32 = 0o120_000;
const TYPE_BITS: i32 = 0o170_000;

/// Passes every file below `data/` to the visitor, decompressing each once.
pub(super) fn visit_datafiles(
    repo: &Repository,
    commit: Oid,
    place: &str,
    visitor: &mut dyn FnMut(Entry<'_>),
) -> Result<(), GitError> {
    let source = CommitSource::open(repo, commit, place)?;
    source.listing()?.show(&source, visitor)
}

/// Are all datafiles of the commit in the object database?
pub(super) fn check_complete(repo: &Repository, commit: Oid, place: &str) -> Result<(), GitError> {
    let source = CommitSource::open(repo, commit, place)?;
    let files = source.listing()?.files;
    match files.iter().find(|(_, id)| !source.odb.exists(**id)) {
        None => Ok(()),
        Some((path, _)) => {
            let reason = format!("the object of {path} is missing");
            Err(GitError::git("read", place)(git2::Error::from_str(&reason)))
        }
    }
}

/// Text of a file in a commit, following links; `None` if there is no such file.
pub(super) fn text_at(
    repo: &Repository,
    commit: Oid,
    path: &str,
) -> Result<Option<String>, GitError> {
    let source = CommitSource::open(repo, commit, path)?;
    let Some(id) = walk::find_file(&source, path)? else { return Ok(None) };
    let refused = |reason: &str| GitError::git("read", path)(git2::Error::from_str(reason));
    let limit = Limits::default().bytes as u64;
    if source.size(&id)? > limit {
        return Err(refused(&format!("it is larger than {limit} bytes")));
    }
    let mut text = None;
    source.read(&id, limit, &mut |bytes| text = String::from_utf8(bytes.to_vec()).ok())?;
    text.ok_or_else(|| refused("it is not UTF-8 text")).map(Some)
}

/// A regular file of a commit by its path, without following links; `None` if there is none.
pub(super) fn root_file(
    repo: &Repository,
    commit: Oid,
    path: &str,
    limit: u64,
) -> Result<Option<RootFile>, GitError> {
    walk::read_root_file(&CommitSource::open(repo, commit, path)?, path, limit)
}

struct CommitSource<'a> {
    repo: &'a Repository,
    odb: Odb<'a>,
    commit: Oid,
    root: Oid,
    place: &'a str,
}

impl<'a> CommitSource<'a> {
    fn open(repo: &'a Repository, commit: Oid, place: &'a str) -> Result<Self, GitError> {
        let odb = repo.odb().map_err(GitError::git("read", place))?;
        let root = repo.find_commit(commit).map_err(GitError::git("read", place))?.tree_id();
        Ok(Self { repo, odb, commit, root, place })
    }

    fn listing(&self) -> Result<Listing<Oid>, GitError> {
        Listing::collect(self)?.ok_or_else(|| GitError::NoSuchPath {
            place: self.place.to_owned(),
            commit: self.commit.to_string(),
            path: "data/".to_owned(),
        })
    }

    fn failed(&self) -> impl FnOnce(git2::Error) -> GitError {
        GitError::git("read", self.place)
    }
}

fn kind(entry: &git2::TreeEntry<'_>) -> Kind<Oid> {
    match entry.kind() {
        Some(ObjectType::Tree) => Kind::Folder(entry.id()),
        // Symbolic links are blobs with another mode.
        Some(ObjectType::Blob) if entry.filemode() & TYPE_BITS == LINK => Kind::Link(entry.id()),
        Some(ObjectType::Blob) => Kind::File(entry.id()),
        Some(ObjectType::Commit) => Kind::Submodule,
        _ => Kind::Other,
    }
}

impl Source for CommitSource<'_> {
    type Node = Oid;
    type Error = GitError;

    fn root(&self) -> Oid {
        self.root
    }

    fn list(&self, folder: &Oid) -> Result<Vec<Named<Oid>>, GitError> {
        let tree = self.repo.find_tree(*folder).map_err(self.failed())?;
        let name = |entry: &git2::TreeEntry<'_>| match entry.name() {
            Ok(name) => Ok(name.to_owned()),
            Err(_) => Err(String::from_utf8_lossy(entry.name_bytes()).into_owned()),
        };
        Ok(tree.iter().map(|entry| (name(&entry), kind(&entry))).collect())
    }

    fn find(&self, folder: &Oid, name: &str) -> Result<Option<Kind<Oid>>, GitError> {
        // Names never contain NUL, and libgit2's binding panics on it.
        if name.contains('\0') {
            return Ok(None);
        }
        let tree = self.repo.find_tree(*folder).map_err(self.failed())?;
        Ok(tree.get_name(name).map(|entry| kind(&entry)))
    }

    fn target(&self, link: &Oid) -> Result<String, GitError> {
        let blob = self.odb.read(*link).map_err(self.failed())?;
        Ok(String::from_utf8_lossy(blob.data()).into_owned())
    }

    fn blob(&self, file: &Oid) -> Option<BlobId> {
        file.as_bytes().try_into().ok().map(BlobId)
    }

    fn size(&self, file: &Oid) -> Result<u64, GitError> {
        let (size, _) = self.odb.read_header(*file).map_err(self.failed())?;
        Ok(size as u64)
    }

    fn read(&self, file: &Oid, _: u64, show: &mut dyn FnMut(&[u8])) -> Result<(), GitError> {
        show(self.odb.read(*file).map_err(self.failed())?.data());
        Ok(())
    }

    /// An unreadable object means that the clone is damaged.
    fn only_here(&self, error: GitError) -> Result<String, GitError> {
        Err(error)
    }
}
