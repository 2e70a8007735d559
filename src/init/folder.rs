//! Writes files to an empty or new folder: all of them, or none.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::File;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The folder must not be used.
    #[error("{} {reason}", .path.display())]
    Refused {
        /// The folder.
        path: PathBuf,
        /// What it is.
        reason: &'static str,
    },
    /// The file system refused a write. What had been written by then is removed.
    #[error("cannot write {}: {source}", .path.display())]
    Failed {
        /// What was to be written.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
}

/// Writes the files to a folder that is empty, or that does not exist. Its parent must exist. No file is ever
/// overwritten. After an error, what was written is removed.
///
/// # Errors
/// [`WriteError`]
pub fn write_files(folder: &Path, files: &[File]) -> Result<(), WriteError> {
    let mut made = Made(Vec::new());
    let result = check_folder(folder).and_then(|()| made.write_all(folder, files));
    if result.is_err() {
        made.remove();
    }
    result
}

fn check_folder(folder: &Path) -> Result<(), WriteError> {
    let refused = |reason| Err(WriteError::Refused { path: folder.to_owned(), reason });
    let failed = |source| WriteError::Failed { path: folder.to_owned(), source };
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error)),
        Ok(found) if found.is_symlink() => refused("is a symbolic link: name the folder itself"),
        Ok(found) if !found.is_dir() => refused("is a file: name a new or empty folder"),
        Ok(_) => match fs::read_dir(folder).map_err(failed)?.next() {
            None => Ok(()),
            Some(_) => refused("is not empty: name a new or empty folder"),
        },
    }
}

/// The files and folders that were made, in this order.
struct Made(Vec<PathBuf>);

impl Made {
    fn write_all(&mut self, folder: &Path, files: &[File]) -> Result<(), WriteError> {
        self.make_folder(folder)?;
        for file in files {
            let mut path = folder.to_owned();
            let mut parts = file.path.split('/').peekable();
            while let Some(part) = parts.next() {
                path.push(part);
                if parts.peek().is_some() {
                    self.make_folder(&path)?;
                }
            }
            self.write(&path, &file.text)
                .map_err(|source| WriteError::Failed { path: path.clone(), source })?;
        }
        Ok(())
    }

    fn make_folder(&mut self, path: &Path) -> Result<(), WriteError> {
        match fs::create_dir(path) {
            Ok(()) => self.0.push(path.to_owned()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_folder(path) => {}
            Err(source) => return Err(WriteError::Failed { path: path.to_owned(), source }),
        }
        Ok(())
    }

    fn write(&mut self, path: &Path, text: &str) -> io::Result<()> {
        // Fails if somebody else was faster, also with a symbolic link.
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        self.0.push(path.to_owned());
        file.write_all(text.as_bytes())
    }

    /// Removes what was made, the latest first. A folder in which somebody else put something stays.
    fn remove(self) {
        for path in self.0.into_iter().rev() {
            let _ = if is_folder(&path) { fs::remove_dir(&path) } else { fs::remove_file(&path) };
        }
    }
}

/// Is it a folder, and no link to one?
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}
