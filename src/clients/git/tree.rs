//! Reading datafiles of one commit out of the object database.

use git2::{Oid, Repository, Tree};

use super::GitError;

/// Folder of the datafiles.
const DATA: &str = "data";
const ENDINGS: [&str; 3] = [".yml", ".yaml", ".json"];
/// Folders inside each other that are looked into.
const MOST_DEPTH: usize = 100;
const TYPE_BITS: i32 = 0o170_000;
const REGULAR: i32 = 0o100_000;

/// Shows every datafile below `data/` once, in code point order of its path
/// (which is git's own order), each decompressed once.
pub(super) fn visit_datafiles(
    repo: &Repository,
    commit: Oid,
    place: &str,
    visitor: &mut dyn FnMut(&str, &[u8]),
) -> Result<(), GitError> {
    let odb = repo.odb().map_err(GitError::git("read", place))?;
    each_datafile(repo, commit, place, &mut |path, id| {
        let blob = odb.read(id)?;
        visitor(path, blob.data());
        Ok(())
    })
}

/// Is every datafile of the commit in the object database?
pub(super) fn check_complete(repo: &Repository, commit: Oid, place: &str) -> Result<(), GitError> {
    let odb = repo.odb().map_err(GitError::git("read", place))?;
    each_datafile(repo, commit, place, &mut |path, id| {
        if odb.exists(id) {
            Ok(())
        } else {
            Err(git2::Error::from_str(&format!("the object of {path} is missing")))
        }
    })
}

type EachBlob<'a> = dyn FnMut(&str, Oid) -> Result<(), git2::Error> + 'a;

fn each_datafile(
    repo: &Repository,
    commit: Oid,
    place: &str,
    each: &mut EachBlob<'_>,
) -> Result<(), GitError> {
    let read = || GitError::git("read", place);
    let root = repo.find_commit(commit).and_then(|commit| commit.tree()).map_err(read())?;
    let data = root
        .get_name(DATA)
        .filter(|entry| entry.kind() == Some(git2::ObjectType::Tree))
        .map(|entry| repo.find_tree(entry.id()));
    match data {
        Some(data) => {
            walk(repo, &data.map_err(read())?, &mut String::new(), 0, each).map_err(read())
        }
        None => Err(GitError::NoSuchPath {
            place: place.to_owned(),
            commit: commit.to_string(),
            path: format!("{DATA}/"),
        }),
    }
}

fn walk(
    repo: &Repository,
    tree: &Tree<'_>,
    path: &mut String,
    depth: usize,
    each: &mut EachBlob<'_>,
) -> Result<(), git2::Error> {
    if depth > MOST_DEPTH {
        return Err(git2::Error::from_str(&format!(
            "more than {MOST_DEPTH} folders inside each other at {path}"
        )));
    }
    for entry in tree {
        let Ok(name) = entry.name() else {
            tracing::warn!(folder = %path, "skipped a datafile or folder whose name is not UTF-8");
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        let length = path.len();
        path.push('/');
        path.push_str(name);
        match entry.kind() {
            Some(git2::ObjectType::Tree) => {
                walk(repo, &repo.find_tree(entry.id())?, path, depth + 1, each)?
            }
            // Symlinks are blobs with another mode.
            Some(git2::ObjectType::Blob)
                if entry.filemode() & TYPE_BITS == REGULAR
                    && ENDINGS.iter().any(|end| name.ends_with(end)) =>
            {
                each(path, entry.id())?;
            }
            _ => {}
        }
        path.truncate(length);
    }
    Ok(())
}
