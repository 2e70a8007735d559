//! Parses datafiles in batches on all cores: parsing is most of the work before the first network call.

use std::num::NonZero;
use std::ops::Range;

use super::fields::Field;
use super::parsed_files::{BlobId, Known, ParsedFiles};
use crate::app_interface::Sniff;
use yaml11::{Limits, Tree};

/// A batch is full at this many files or bytes: enough to split among threads, little to keep in memory.
const FILES: usize = 512;
const BYTES: usize = 4 << 20;
/// More threads do not help: one thread reads the files.
const MOST_THREADS: usize = 4;

/// Kinds of datafiles that promotions depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    SaasFile,
    TargetFile,
    App,
    Namespace,
    Cluster,
    Environment,
    SloDocument,
    Role,
    User,
}

impl Schema {
    /// Every kind, in the order in which a reader of the docs meets them.
    pub(super) const ALL: [Self; 9] = [
        Self::SaasFile,
        Self::TargetFile,
        Self::App,
        Self::Namespace,
        Self::Cluster,
        Self::Environment,
        Self::SloDocument,
        Self::Role,
        Self::User,
    ];

    /// The value of `$schema` in files of this kind.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::SaasFile => "/app-sre/saas-file-2.yml",
            Self::TargetFile => "/app-sre/saas-file-target-1.yml",
            Self::App => "/app-sre/app-1.yml",
            Self::Namespace => "/openshift/namespace-1.yml",
            Self::Cluster => "/openshift/cluster-1.yml",
            Self::Environment => "/app-sre/environment-1.yml",
            Self::SloDocument => "/app-sre/slo-document-1.yml",
            Self::Role => "/access/role-1.yml",
            Self::User => "/access/user-1.yml",
        }
    }

    /// What files of this kind are called.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::SaasFile => "Saas file",
            Self::TargetFile => "Target",
            Self::App => "App",
            Self::Namespace => "Namespace",
            Self::Cluster => "Cluster",
            Self::Environment => "Environment",
            Self::SloDocument => "SLO document",
            Self::Role => "Role",
            Self::User => "User",
        }
    }

    fn from_path(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|schema| schema.path() == text)
    }
}

/// The result of parsing a file.
pub(super) enum Parsed {
    /// Not a kind that promotions depend on.
    Other,
    /// One of the kinds in [`Schema`].
    Datafile(Schema, Box<Tree>),
    /// Possibly one of them, but unreadable.
    Unreadable(yaml11::ParseError),
}

/// The result, and what to keep of it.
pub(super) struct Outcome {
    pub(super) parsed: Parsed,
    /// What the next run may know.
    pub(super) new: Option<Known>,
    /// Did an earlier run parse the file?
    pub(super) was_known: bool,
}

/// Files waiting to be parsed.
#[derive(Default)]
pub(super) struct Batch {
    /// Are users read?
    with_users: bool,
    text: Vec<u8>,
    files: Vec<Waiting>,
}

pub(super) struct Waiting {
    pub(super) path: String,
    bytes: Range<usize>,
    /// The id of the content, if it has one.
    pub(super) blob: Option<BlobId>,
    relevance: Relevance,
}

impl Batch {
    pub fn new(with_users: bool) -> Self {
        Self { with_users, ..Self::default() }
    }

    /// Adds a file, unless its schema shows that promotions do not depend on it.
    pub fn push(
        &mut self,
        path: &str,
        bytes: &[u8],
        blob: Option<BlobId>,
        parsed: &mut ParsedFiles,
    ) {
        let is_known = blob.is_some_and(|blob| parsed.use_known(&blob).is_some());
        let relevance = match is_known {
            true => Relevance::Known,
            false => judge_relevance(bytes, self.with_users),
        };
        if relevance == Relevance::None {
            blob.into_iter().for_each(|blob| parsed.keep(blob, Known::Other));
            return;
        }
        let start = self.text.len();
        self.text.extend_from_slice(bytes);
        let bytes = start..self.text.len();
        self.files.push(Waiting { path: path.to_owned(), bytes, blob, relevance });
    }

    /// Should the batch be parsed now?
    pub fn is_full(&self) -> bool {
        self.files.len() >= FILES || self.text.len() >= BYTES
    }

    /// Parses all files and returns file, bytes and result in the order they were added.
    pub fn parse<'a>(
        &'a self,
        before: &ParsedFiles,
    ) -> impl Iterator<Item = (&'a Waiting, &'a [u8], Outcome)> + use<'a> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let part = self.files.len().div_ceil(threads.min(MOST_THREADS)).max(1);
        let mut parts = self.files.chunks(part);
        let parsed: Vec<Vec<Outcome>> = std::thread::scope(|scope| {
            let first = parts.next();
            let others: Vec<_> =
                parts.map(|part| scope.spawn(|| self.parse_part(part, before))).collect();
            let first = first.map(|part| self.parse_part(part, before)).unwrap_or_default();
            let joined = others.into_iter().map(|other| match other.join() {
                Ok(parsed) => parsed,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            std::iter::once(first).chain(joined).collect()
        });
        self.files
            .iter()
            .zip(parsed.into_iter().flatten())
            .map(|(file, outcome)| (file, &self.text[file.bytes.clone()], outcome))
    }

    fn parse_part(&self, part: &[Waiting], before: &ParsedFiles) -> Vec<Outcome> {
        part.iter().map(|file| parse(file, &self.text[file.bytes.clone()], before)).collect()
    }

    /// Removes all files.
    pub fn clear(&mut self) {
        self.text.clear();
        self.files.clear();
    }
}

/// Do promotions depend on a file?
#[derive(Clone, Copy, PartialEq)]
enum Relevance {
    None,
    Certain,
    /// An earlier run parsed it.
    Known,
    /// An escape sequence could hide its `$schema`: only parsing can tell.
    Unsure,
    /// It may be unreadable.
    Optional,
}

fn judge_relevance(bytes: &[u8], with_users: bool) -> Relevance {
    match crate::app_interface::sniff_schema(bytes) {
        Sniff::None => Relevance::None,
        Sniff::Found(text) => match Schema::from_path(&text) {
            None => Relevance::None,
            // There are thousands of roles, and few of them list datafiles.
            Some(Schema::Role) if !contains(bytes, b"self_service") => Relevance::None,
            // There are even more users, and few of them say whether they want to be mentioned.
            Some(Schema::User) if with_users && contains(bytes, b"tag_on_merge_requests") => {
                Relevance::Optional
            }
            Some(Schema::User) => Relevance::None,
            Some(_) => Relevance::Certain,
        },
        Sniff::Unknown => Relevance::Unsure,
    }
}

fn parse(file: &Waiting, bytes: &[u8], before: &ParsedFiles) -> Outcome {
    if let Some(tree) = before.tree(file.blob, bytes) {
        return Outcome { parsed: sort(tree), new: None, was_known: true };
    }
    let parsed = match Tree::parse(bytes, &Limits::default()) {
        Ok(tree) => sort(tree),
        Err(_) if file.relevance == Relevance::Optional => Parsed::Other,
        Err(_) if file.relevance == Relevance::Unsure && !names_schema(bytes) => Parsed::Other,
        Err(error) => Parsed::Unreadable(error),
    };
    let new = match &parsed {
        _ if !before.keeps() => None,
        Parsed::Other => Some(Known::Other),
        Parsed::Datafile(_, tree) => Some(Known::Tree(tree.to_stored().into())),
        Parsed::Unreadable(_) => None,
    };
    Outcome { parsed, new, was_known: false }
}

fn sort(tree: Tree) -> Parsed {
    let schema = Field::root(tree.root()).get("$schema").and_then(|field| field.text().ok());
    match schema.as_deref().and_then(Schema::from_path) {
        Some(schema) => Parsed::Datafile(schema, Box::new(tree)),
        None => Parsed::Other,
    }
}

fn names_schema(bytes: &[u8]) -> bool {
    contains(bytes, b"$schema")
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
