//! The clone that is kept between runs, and the check that it is intact.
//!
//! It is a bare repository in `<cache dir>/clone-<hash of the url>`, with a
//! seal: a file that contains the URL and lists every other file with its size
//! and SHA-256. The seal is written last, so an interrupted run leaves none. If
//! any file, including packs, indexes, refs and configuration, does not match
//! the seal, the cache is discarded and cloned again.
//!
//! A run holds an exclusive lock on `clone-<hash>.lock` as long as it reads. The kernel
//! releases it when the process ends, however it ends. A run
//! that does not get the lock does not wait: it makes its own temporary clone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use git2::Repository;
use sha2::{Digest, Sha256};

use super::local::open_repository;
use crate::clients::replace::replace;
use crate::domain::hex;

const SEAL: &str = "sapm-seal";
const SEAL_VERSION: &str = "sapm clone cache 1";
/// Each fetch adds a pack (at least two files). With more files than this,
/// a new clone is smaller and faster.
const MOST_PACK_FILES: usize = 60;

/// The locked cache folder of one URL.
pub(super) struct Cache {
    dir: PathBuf,
    url: String,
    lock: File,
}

impl Drop for Cache {
    /// Unlocks explicitly. Closing the file is not enough: a child process that is being started also has it open until
    /// it executes another program.
    fn drop(&mut self) {
        if let Err(error) = self.lock.unlock() {
            tracing::debug!(%error, "cannot unlock the clone cache");
        }
    }
}

/// Why a cache cannot be used as it is.
pub(super) enum Distrust {
    /// There is no cache yet.
    Absent,
    /// There is a cache, but it is not usable for this reason.
    Because(String),
}

impl Cache {
    /// Locks the cache of `url` (without userinfo) in `folder`, which is created
    /// if missing. Returns `None` if another process has the lock.
    pub(super) fn lock(folder: &Path, url: &str) -> io::Result<Option<Self>> {
        fs::create_dir_all(folder)?;
        let name = format!("clone-{}", &hex(&Sha256::digest(url.as_bytes()))[..16]);
        let lock = open_lock(&folder.join(format!("{name}.lock")))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { dir: folder.join(name), url: url.to_owned(), lock })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Opens the repository if its seal matches.
    pub(super) fn open(&self) -> Result<Repository, Distrust> {
        match fs::symlink_metadata(&self.dir) {
            Err(_) => return Err(Distrust::Absent),
            Ok(data) if data.is_symlink() => {
                return Err(Distrust::Because("it is a symbolic link".to_owned()));
            }
            Ok(_) => {}
        }
        let seal = fs::read_to_string(self.dir.join(SEAL))
            .map_err(|error| Distrust::Because(format!("its seal cannot be read: {error}")))?;
        let found = self.seal_text().map_err(|error| Distrust::Because(error.to_string()))?;
        if let Some(reason) = find_difference(&seal, &found) {
            return Err(Distrust::Because(reason));
        }
        let packs = found.lines().filter(|line| line.contains(" objects/pack/")).count();
        if packs > MOST_PACK_FILES {
            return Err(Distrust::Because(format!("it has grown to {packs} pack files")));
        }
        open_repository(&self.dir).map_err(|error| Distrust::Because(error.message().to_owned()))
    }

    /// Writes the seal for the current files.
    pub(super) fn seal(&self) -> io::Result<()> {
        replace(&self.dir.join(SEAL), self.seal_text()?.as_bytes())
    }

    /// Removes the seal, so that the next run clones again.
    pub(super) fn unseal(&self) {
        if let Err(error) = fs::remove_file(self.dir.join(SEAL)) {
            tracing::debug!(%error, "cannot remove the seal of the clone cache");
        }
    }

    /// Removes the repository, or whatever is in its place.
    pub(super) fn clear(&self) -> io::Result<()> {
        let result = match fs::symlink_metadata(&self.dir) {
            Ok(data) if data.is_dir() => fs::remove_dir_all(&self.dir),
            Ok(_) => fs::remove_file(&self.dir),
            Err(error) => Err(error),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn seal_text(&self) -> io::Result<String> {
        let mut files = BTreeMap::new();
        list(&self.dir, "", &mut files)?;
        files.remove(SEAL);
        let mut text = format!("{SEAL_VERSION}\nurl {}\n", self.url);
        for (name, path) in files {
            let (size, digest) = digest(&path)?;
            let _ = writeln!(text, "{digest} {size} {name}");
        }
        Ok(text)
    }
}

/// Opens the lock file, creating it if missing. Never follows a link, which could lead to
/// a file of another user.
fn open_lock(path: &Path) -> io::Result<File> {
    match File::create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other(format!("{} is not a regular file", path.display())));
    }
    File::options().write(true).open(path)
}

/// Describes the first line in which two seals differ.
fn find_difference(sealed: &str, found: &str) -> Option<String> {
    if sealed == found {
        return None;
    }
    let name =
        |line: Option<&str>| line.and_then(|line| line.splitn(3, ' ').last().map(str::to_owned));
    let (mut sealed, mut found) = (sealed.lines(), found.lines());
    loop {
        match (sealed.next(), found.next()) {
            (Some(sealed), Some(found)) if sealed == found => {}
            (None, None) => return Some("its seal is damaged".to_owned()),
            (sealed, found) => {
                let name = name(sealed.min(found).or(sealed).or(found)).unwrap_or_default();
                return Some(format!("it was changed, starting with {name}"));
            }
        }
    }
}

fn list(folder: &Path, prefix: &str, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&entry.path(), &format!("{name}/"), files)?;
        } else if kind.is_file() {
            files.insert(name, entry.path());
        } else {
            return Err(io::Error::other(format!("{name} is neither a file nor a folder")));
        }
    }
    Ok(())
}

fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((size, hex(&hasher.finalize())));
        }
        size += count as u64;
        hasher.update(&buffer[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_starting_child_process_does_not_keep_the_lock() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let lock = || Cache::lock(folder.path(), "https://h/r.git").expect("a lock file");
        let first = lock().expect("nobody has it");
        // Stands for the open file that `fork` inherits.
        let inherited = first.lock.try_clone().expect("the same open file");
        assert!(lock().is_none(), "one process has it");
        drop(first);
        assert!(lock().is_some(), "it is free again");
        drop(inherited);
    }
}
