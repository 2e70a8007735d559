//! Sources of datafiles.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::walk::{self, Entry, Kind, Listing, Named, Source};

/// A tree of datafiles.
pub trait FileTree {
    /// Passes every datafile to the visitor once, in code point order of its path, which is relative to `data/` and
    /// begins with a slash, as in `$ref`s. Then passes the links to datafiles, and the entries that are not read.
    ///
    /// # Errors
    /// When the tree as a whole cannot be read, or there is no `data/`.
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError>;

    /// A regular file by its path from the repository's root, without following links; `None` if there is none. At most
    /// `limit` bytes are read.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    fn root_file(&self, _path: &str, _limit: u64) -> Result<Option<RootFile>, TreeError> {
        Ok(None)
    }
}

/// A file that need not be a datafile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootFile {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// Its size, which is above the limit.
    TooLarge(u64),
}

/// Why a tree cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// It has no `data/`, so it is not a config repo.
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

/// Is it a datafile by its name? Files and folders that begin with a dot are ignored.
pub fn is_datafile(path: &str) -> bool {
    let name_fits = [".yml", ".yaml", ".json"].iter().any(|end| path.ends_with(end));
    name_fits && !path.split('/').any(|part| part.starts_with('.'))
}

/// Files in memory: path to text.
impl<P: AsRef<str>, T: AsRef<[u8]>> FileTree for BTreeMap<P, T> {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        self.iter().for_each(|(path, text)| visitor(Entry::File(path.as_ref(), text.as_ref())));
        Ok(())
    }
}

/// A folder on disk that contains `data/`.
#[derive(Debug, Clone)]
pub struct DirectoryTree {
    root: PathBuf,
}

impl DirectoryTree {
    /// Takes the folder that contains `data/`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }
}

impl FileTree for DirectoryTree {
    fn visit(&self, visitor: &mut dyn FnMut(Entry<'_>)) -> Result<(), TreeError> {
        let folder = Folder { root: &self.root, submodules: submodules(&self.root) };
        let failed = |source: io::Error| TreeError::Read {
            place: self.root.display().to_string(),
            source: source.into(),
        };
        match Listing::collect(&folder).map_err(failed)? {
            Some(listing) => listing.show(&folder, visitor).map_err(failed),
            None => Err(TreeError::NoData(self.root.display().to_string())),
        }
    }

    fn root_file(&self, path: &str, limit: u64) -> Result<Option<RootFile>, TreeError> {
        let folder = Folder { root: &self.root, submodules: BTreeSet::new() };
        walk::read_root_file(&folder, path, limit).map_err(|source| TreeError::Read {
            place: self.root.join(path).display().to_string(),
            source: source.into(),
        })
    }
}

struct Folder<'a> {
    root: &'a Path,
    /// Paths of submodules in `.gitmodules`: a submodule that was not fetched is an empty folder.
    submodules: BTreeSet<PathBuf>,
}

/// Paths in `.gitmodules`.
fn submodules(root: &Path) -> BTreeSet<PathBuf> {
    let text = fs::read_to_string(root.join(".gitmodules")).unwrap_or_default();
    let path = |line: &str| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "path").then(|| root.join(value.trim().trim_matches('"')))
    };
    text.lines().filter_map(path).collect()
}

impl Folder<'_> {
    fn kind(&self, path: PathBuf, kind: fs::FileType) -> Kind<PathBuf> {
        if kind.is_symlink() {
            Kind::Link(path)
        } else if kind.is_dir() {
            let is_repository = fs::symlink_metadata(path.join(".git")).is_ok();
            let is_submodule = is_repository || self.submodules.contains(&path);
            if is_submodule { Kind::Submodule } else { Kind::Folder(path) }
        } else if kind.is_file() {
            Kind::File(path)
        } else {
            Kind::Other
        }
    }
}

impl Source for Folder<'_> {
    type Node = PathBuf;
    type Error = io::Error;

    fn root(&self) -> PathBuf {
        self.root.to_owned()
    }

    fn list(&self, folder: &PathBuf) -> io::Result<Vec<Named<PathBuf>>> {
        let named = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|name| name.to_string_lossy().into_owned());
            Ok((name, self.kind(entry.path(), entry.file_type()?)))
        };
        fs::read_dir(folder)?.map(named).collect()
    }

    fn find(&self, folder: &PathBuf, name: &str) -> io::Result<Option<Kind<PathBuf>>> {
        let path = folder.join(name);
        match fs::symlink_metadata(&path) {
            Ok(data) => Ok(Some(self.kind(path, data.file_type()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn target(&self, link: &PathBuf) -> io::Result<String> {
        Ok(fs::read_link(link)?.to_string_lossy().into_owned())
    }

    fn size(&self, file: &PathBuf) -> io::Result<u64> {
        Ok(fs::symlink_metadata(file)?.len())
    }

    fn read(&self, file: &PathBuf, limit: u64, show: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let mut bytes = Vec::new();
        fs::File::open(file)?.take(limit).read_to_end(&mut bytes)?;
        show(&bytes);
        Ok(())
    }

    fn only_here(&self, error: io::Error) -> io::Result<String> {
        Ok(error.to_string())
    }
}
