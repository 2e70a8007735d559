//! Walks over the datafiles with the same rules and limits on disk and in
//! a commit.

use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};

use super::parsed_files::BlobId;
use super::tree::{RootFile, is_datafile};
use crate::domain::{Problem, ProblemCode};
use yaml11::Limits;

/// Folder of the datafiles.
const DATA: &str = "data";
/// Maximum depth of folders below `data/`.
pub const MAX_DEPTH: usize = 100;
/// Maximum links followed to one datafile; the same number as on Linux.
pub const MAX_LINKS: usize = 40;

/// Maximum length of the path in a link, in bytes; the same number as on Linux.
const MAX_LINK_BYTES: u64 = 4_096;

/// What a walk finds.
pub enum Entry<'a> {
    /// A datafile of a commit, before its content is read. Its [`Entry::File`] follows, unless `is_wanted` is set to
    /// false.
    Blob {
        /// Its path, as in [`Entry::File`].
        path: &'a str,
        /// The id of its content.
        blob: BlobId,
        /// Its size in bytes.
        size: u64,
        /// Is the content to be read?
        is_wanted: &'a Cell<bool>,
    },
    /// A datafile: its path from `data/` with a leading slash, and its bytes.
    File(&'a str, &'a [u8]),
    /// A symbolic link to a datafile. The file is also listed under its own path.
    Link {
        /// Path of the link.
        path: &'a str,
        /// Path of the file.
        to: &'a str,
    },
    /// An entry that is not read, and why.
    Problem(Problem),
}

/// The kind of a folder's entry.
pub enum Kind<N> {
    /// A folder.
    Folder(N),
    /// A regular file.
    File(N),
    /// A symbolic link.
    Link(N),
    /// Another repository, whose files are not in this one.
    Submodule,
    /// A pipe, a socket or a device.
    Other,
}

/// Name and kind of an entry. `Err`: a name that is not UTF-8, made printable.
pub type Named<N> = (Result<String, String>, Kind<N>);

/// Where files come from.
pub trait Source {
    /// A file, folder or link.
    type Node: Clone;
    /// Why something cannot be read.
    type Error;

    /// The folder that contains `data/`.
    fn root(&self) -> Self::Node;

    /// Lists a folder, in any order.
    fn list(&self, folder: &Self::Node) -> Result<Vec<Named<Self::Node>>, Self::Error>;

    /// Finds one entry of a folder.
    fn find(
        &self,
        folder: &Self::Node,
        name: &str,
    ) -> Result<Option<Kind<Self::Node>>, Self::Error>;

    /// The path that a link contains.
    fn target(&self, link: &Self::Node) -> Result<String, Self::Error>;

    /// The id of a file's content, if it has one.
    fn blob(&self, _file: &Self::Node) -> Option<BlobId> {
        None
    }

    /// The size of a file, without reading it.
    fn size(&self, file: &Self::Node) -> Result<u64, Self::Error>;

    /// Passes at most `limit` bytes of a file to `show`.
    fn read(
        &self,
        file: &Self::Node,
        limit: u64,
        show: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Self::Error>;

    /// Returns why one file or folder is left out.
    ///
    /// # Errors
    /// When the error concerns the source as a whole.
    fn only_here(&self, error: Self::Error) -> Result<String, Self::Error>;
}

/// Everything below `data/`, not read yet.
pub struct Listing<N> {
    /// Datafiles by path.
    pub files: BTreeMap<String, N>,
    links: BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl<N: Clone> Listing<N> {
    /// Walks through `data/`. Returns `None` if there is no such folder. A link does not count: files that it leads to
    /// could not be edited.
    ///
    /// # Errors
    /// When the source as a whole cannot be read.
    pub fn collect<S: Source<Node = N>>(source: &S) -> Result<Option<Self>, S::Error> {
        let Some(Kind::Folder(data)) = source.find(&source.root(), DATA)? else { return Ok(None) };
        let mut walk = Walk { source, listing: Self::empty(), links: Vec::new() };
        walk.folders(data)?;
        for (path, node) in std::mem::take(&mut walk.links) {
            walk.link(path, &node)?;
        }
        Ok(Some(walk.listing))
    }

    fn empty() -> Self {
        Self { files: BTreeMap::new(), links: BTreeMap::new(), problems: Vec::new() }
    }

    /// Passes everything to the visitor: the files in code point order of their paths, then the rest.
    ///
    /// # Errors
    /// When the source as a whole cannot be read.
    pub fn show<S: Source<Node = N>>(
        self,
        source: &S,
        visitor: &mut dyn FnMut(Entry<'_>),
    ) -> Result<(), S::Error> {
        for (path, node) in &self.files {
            let read = source.size(node).and_then(|size| {
                let limit = Limits::default().bytes as u64;
                if size > limit {
                    let reason = format!("it has {size} bytes; the limit is {limit}");
                    visitor(Entry::Problem(report_unreadable(path, &reason)));
                    return Ok(());
                }
                let is_wanted = Cell::new(true);
                if let Some(blob) = source.blob(node) {
                    visitor(Entry::Blob { path, blob, size, is_wanted: &is_wanted });
                }
                if !is_wanted.get() {
                    return Ok(());
                }
                source.read(node, limit, &mut |bytes| visitor(Entry::File(path, bytes)))
            });
            if let Err(error) = read {
                visitor(Entry::Problem(report_unreadable(path, &source.only_here(error)?)));
            }
        }
        for (path, to) in &self.links {
            visitor(Entry::Link { path, to });
        }
        self.problems.into_iter().for_each(|problem| visitor(Entry::Problem(problem)));
        Ok(())
    }
}

fn report_unreadable(path: &str, reason: &str) -> Problem {
    Problem::new(ProblemCode::UnreadableDatafile, format!("not readable: {reason}")).in_file(path)
}

struct Walk<'a, S: Source> {
    source: &'a S,
    listing: Listing<S::Node>,
    links: Vec<(String, S::Node)>,
}

impl<S: Source> Walk<'_, S> {
    fn folders(&mut self, data: S::Node) -> Result<(), S::Error> {
        let mut folders = vec![(String::new(), data)];
        while let Some((folder, node)) = folders.pop() {
            let entries = match self.source.list(&node) {
                Ok(entries) => entries,
                Err(error) => {
                    let reason = self.source.only_here(error)?;
                    self.listing.problems.push(report_unreadable(&folder, &reason));
                    continue;
                }
            };
            for (name, kind) in entries {
                let (Ok(shown) | Err(shown)) = &name;
                if shown.starts_with('.') {
                    continue;
                }
                let path = format!("{folder}/{shown}");
                match kind {
                    Kind::Folder(_) | Kind::File(_) | Kind::Link(_) if name.is_err() => {
                        self.unnamed(&path, &kind);
                    }
                    Kind::Folder(_) if path.matches('/').count() > MAX_DEPTH => {
                        self.too_deep(path);
                    }
                    Kind::Folder(node) => folders.push((path, node)),
                    Kind::File(node) if is_datafile(&path) => {
                        self.listing.files.insert(path, node);
                    }
                    Kind::Link(node) => self.links.push((path, node)),
                    Kind::Submodule => self.submodule(path),
                    Kind::Other if is_datafile(&path) => {
                        self.listing
                            .problems
                            .push(report_unreadable(&path, "it is not a regular file"));
                    }
                    Kind::File(_) | Kind::Other => {}
                }
            }
        }
        Ok(())
    }

    fn unnamed(&mut self, path: &str, kind: &Kind<S::Node>) {
        if matches!(kind, Kind::Folder(_)) || is_datafile(path) {
            self.listing.problems.push(report_unreadable(path, "its name is not UTF-8"));
        }
    }

    fn too_deep(&mut self, path: String) {
        let message = format!(
            "more than {MAX_DEPTH} nested folders: the contents of the last one are not read"
        );
        self.listing.problems.push(Problem::new(ProblemCode::FolderTooDeep, message).in_file(path));
    }

    fn submodule(&mut self, path: String) {
        let message = "a submodule: its files are in another repository and are not read";
        self.listing.problems.push(Problem::new(ProblemCode::Submodule, message).in_file(path));
    }

    /// A link to a datafile is another name of it. The files of a linked folder are read at its own path. A broken
    /// link without a file ending may have meant a folder with datafiles.
    fn link(&mut self, path: String, node: &S::Node) -> Result<(), S::Error> {
        let found = target(self.source, node).and_then(|text| match text {
            Ok(text) => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                follow(self.source, &format!("{DATA}{folder}/{text}"), &text)
            }
            Err(reason) => Ok(Err(reason)),
        });
        let found = match found {
            Ok(found) => found,
            Err(error) => Err(self.source.only_here(error)?),
        };
        let reason = match found {
            Ok(Found::File(to, node)) if is_datafile(&path) => {
                self.listing.files.entry(to.clone()).or_insert(node);
                self.listing.links.insert(path, to);
                return Ok(());
            }
            Ok(Found::Folder(to)) => {
                let to = if to.is_empty() { "/" } else { &to };
                let message = format!(
                    "a symbolic link to the folder {to}: its files are read there, and a $ref \
                     through the link does not resolve"
                );
                let problem = Problem::new(ProblemCode::LinkedFolder, message).in_file(path);
                self.listing.problems.push(problem);
                return Ok(());
            }
            Err(reason) => reason,
            Ok(Found::File(..)) => return Ok(()),
        };
        let message = format!("a symbolic link that cannot be followed: {reason}");
        let is_named_as_folder = path.rsplit('/').next().is_some_and(|name| !name.contains('.'));
        let problem = if is_datafile(&path) {
            Problem::new(ProblemCode::UnusableLink, message)
        } else if is_named_as_folder {
            Problem::new(ProblemCode::UnusableLink, message).as_warning()
        } else {
            return Ok(());
        };
        self.listing.problems.push(problem.in_file(path));
        Ok(())
    }
}

/// Finds the file at a path from the root, following links within `data/`.
///
/// # Errors
/// When the source cannot be read.
pub fn find_file<S: Source>(source: &S, path: &str) -> Result<Option<S::Node>, S::Error> {
    Ok(match follow(source, path, path)? {
        Ok(Found::File(_, node)) => Some(node),
        Ok(Found::Folder(_)) | Err(_) => None,
    })
}

/// Reads a regular file by its path from the root, without following links.
///
/// # Errors
/// When the source cannot be read.
pub fn read_root_file<S: Source>(
    source: &S,
    path: &str,
    limit: u64,
) -> Result<Option<RootFile>, S::Error> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut folder = source.root();
    for part in folders.split('/').filter(|part| !part.is_empty()) {
        let Some(Kind::Folder(next)) = source.find(&folder, part)? else { return Ok(None) };
        folder = next;
    }
    let Some(Kind::File(file)) = source.find(&folder, name)? else { return Ok(None) };
    let size = source.size(&file)?;
    if size > limit {
        return Ok(Some(RootFile::TooLarge(size)));
    }
    let mut bytes = Vec::new();
    source.read(&file, limit, &mut |read| bytes.extend_from_slice(read))?;
    Ok(Some(RootFile::Bytes(bytes)))
}

/// Finds the entry that a path from the root leads to. If there is none, returns why, calling the path `name`.
fn follow<S: Source>(
    source: &S,
    path: &str,
    name: &str,
) -> Result<Result<Found<S::Node>, String>, S::Error> {
    let outside = || Ok(Err(format!("{name} points outside data/")));
    let missing = || Ok(Err(format!("{name} does not exist")));
    let mut left: VecDeque<String> = path.split('/').map(str::to_owned).collect();
    let mut way: Vec<(String, S::Node)> = Vec::new();
    let mut links = 1;
    while let Some(part) = left.pop_front() {
        match part.as_str() {
            "" | "." => continue,
            ".." if way.pop().is_some() => continue,
            DATA => {}
            _ if way.is_empty() => return outside(),
            _ => {}
        }
        let at = way.last().map_or_else(|| source.root(), |(_, node)| node.clone());
        match source.find(&at, &part)? {
            Some(Kind::Folder(node)) => way.push((part, node)),
            Some(Kind::File(node)) if left.iter().all(|part| part.is_empty()) => {
                let to = join_path(&way) + "/" + &part;
                return Ok(Ok(Found::File(to, node)));
            }
            Some(Kind::Link(_)) if way.is_empty() => return outside(),
            Some(Kind::Link(_)) if links == MAX_LINKS => {
                return Ok(Err(format!("{name} leads through {MAX_LINKS} links")));
            }
            Some(Kind::Link(node)) => {
                links += 1;
                match target(source, &node)? {
                    Ok(next) => {
                        next.rsplit('/').for_each(|part| left.push_front(part.to_owned()));
                    }
                    Err(reason) => return Ok(Err(reason)),
                }
            }
            Some(Kind::Submodule) => return Ok(Err(format!("{name} is in a submodule"))),
            Some(Kind::Other | Kind::File(_)) | None => return missing(),
        }
    }
    if way.is_empty() { outside() } else { Ok(Ok(Found::Folder(join_path(&way)))) }
}

/// The relative path in a link, or why it has none. In a commit, a link can have any size.
fn target<S: Source>(source: &S, link: &S::Node) -> Result<Result<String, String>, S::Error> {
    if source.size(link)? > MAX_LINK_BYTES {
        return Ok(Err(format!("its path is longer than {MAX_LINK_BYTES} bytes")));
    }
    let text = source.target(link)?;
    let is_absolute = text.starts_with('/');
    Ok(if is_absolute { Err(format!("{text} is an absolute path")) } else { Ok(text) })
}

enum Found<N> {
    File(String, N),
    Folder(String),
}

/// The path from `data/`.
fn join_path<N>(way: &[(String, N)]) -> String {
    way.iter().skip(1).map(|(name, _)| format!("/{name}")).collect()
}
