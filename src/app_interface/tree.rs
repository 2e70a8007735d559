//! Where datafiles come from.

use std::path::{Path, PathBuf};

/// A tree of datafiles.
pub trait FileTree {
    /// Shows every datafile once, in code point order of its path, which is
    /// relative to `data/` and begins with a slash, as `$ref`s are.
    ///
    /// # Errors
    /// When the tree as a whole cannot be read, or there is no `data/`.
    fn visit(&self, visitor: &mut dyn FnMut(&str, &[u8])) -> Result<(), TreeError>;
}

/// Why a tree cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// No `data/` in it: this is no config repo.
    #[error("{0} has no folder data/")]
    NoData(String),
    /// Reading failed.
    #[error("cannot read {place}")]
    Read {
        /// The file or folder, or the commit.
        place: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Is it a datafile by its name? Files and folders that begin with a dot are not looked at.
pub fn is_datafile(path: &str) -> bool {
    let name_fits = [".yml", ".yaml", ".json"].iter().any(|end| path.ends_with(end));
    name_fits && !path.split('/').any(|part| part.starts_with('.'))
}

/// A folder on disk with `data/` below it.
#[derive(Debug, Clone)]
pub struct DirectoryTree {
    root: PathBuf,
}

impl DirectoryTree {
    /// Takes the folder that holds `data/`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn list(&self, data: &Path) -> Result<Vec<(String, PathBuf)>, TreeError> {
        let mut files = Vec::new();
        let mut folders = vec![(String::new(), data.to_owned())];
        while let Some((prefix, folder)) = folders.pop() {
            let read_error = |source: std::io::Error| TreeError::Read {
                place: folder.display().to_string(),
                source: source.into(),
            };
            for entry in std::fs::read_dir(&folder).map_err(read_error)? {
                let entry = entry.map_err(read_error)?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                if name.starts_with('.') {
                    continue;
                }
                let path = format!("{prefix}/{name}");
                let kind = entry.file_type().map_err(read_error)?;
                if kind.is_dir() {
                    folders.push((path, entry.path()));
                } else if kind.is_file() && is_datafile(&path) {
                    files.push((path, entry.path()));
                }
            }
        }
        files.sort();
        Ok(files)
    }
}

impl FileTree for DirectoryTree {
    fn visit(&self, visitor: &mut dyn FnMut(&str, &[u8])) -> Result<(), TreeError> {
        let data = self.root.join("data");
        if !data.is_dir() {
            return Err(TreeError::NoData(self.root.display().to_string()));
        }
        for (path, file) in self.list(&data)? {
            let bytes = std::fs::read(&file).map_err(|source| TreeError::Read {
                place: file.display().to_string(),
                source: source.into(),
            })?;
            visitor(&path, &bytes);
        }
        Ok(())
    }
}
