//! Parses datafiles in batches on all cores: parsing is most of the work before the first network call.

use std::num::NonZero;
use std::ops::Range;

use super::fields::Field;
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

/// Files waiting to be parsed.
#[derive(Default)]
pub(super) struct Batch {
    /// Are users read?
    with_users: bool,
    text: Vec<u8>,
    files: Vec<Waiting>,
}

struct Waiting {
    path: String,
    bytes: Range<usize>,
    /// The file is parsed only because an escape sequence could hide its `$schema`.
    unsure: bool,
    /// Nothing that is promoted depends on the file, so it may be unreadable.
    is_optional: bool,
}

impl Batch {
    pub fn new(with_users: bool) -> Self {
        Self { with_users, ..Self::default() }
    }

    /// Adds a file, unless its schema shows that promotions do not depend on it.
    pub fn push(&mut self, path: &str, bytes: &[u8]) {
        let mut is_optional = false;
        let unsure = match crate::app_interface::sniff_schema(bytes) {
            Sniff::None => return,
            Sniff::Found(text) => match Schema::from_path(&text) {
                None => return,
                // There are thousands of roles, and few of them list datafiles.
                Some(Schema::Role) if !contains(bytes, b"self_service") => return,
                // There are even more users, and few of them say whether they want to be mentioned.
                Some(Schema::User)
                    if !self.with_users || !contains(bytes, b"tag_on_merge_requests") =>
                {
                    return;
                }
                Some(schema) => {
                    is_optional = schema == Schema::User;
                    false
                }
            },
            Sniff::Unknown => true,
        };
        let start = self.text.len();
        self.text.extend_from_slice(bytes);
        let bytes = start..self.text.len();
        self.files.push(Waiting { path: path.to_owned(), bytes, unsure, is_optional });
    }

    /// Should the batch be parsed now?
    pub fn is_full(&self) -> bool {
        self.files.len() >= FILES || self.text.len() >= BYTES
    }

    /// Parses all files and returns path, bytes and result in the order they were added.
    pub fn parse(&self) -> impl Iterator<Item = (&str, &[u8], Parsed)> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let part = self.files.len().div_ceil(threads.min(MOST_THREADS)).max(1);
        let mut parts = self.files.chunks(part);
        let parsed: Vec<Vec<Parsed>> = std::thread::scope(|scope| {
            let first = parts.next();
            let others: Vec<_> = parts.map(|part| scope.spawn(|| self.parse_part(part))).collect();
            let first = first.map(|part| self.parse_part(part)).unwrap_or_default();
            let joined = others.into_iter().map(|other| match other.join() {
                Ok(parsed) => parsed,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            std::iter::once(first).chain(joined).collect()
        });
        self.files
            .iter()
            .zip(parsed.into_iter().flatten())
            .map(|(file, parsed)| (file.path.as_str(), &self.text[file.bytes.clone()], parsed))
    }

    fn parse_part(&self, part: &[Waiting]) -> Vec<Parsed> {
        part.iter().map(|file| parse(&self.text[file.bytes.clone()], file)).collect()
    }

    /// Removes all files.
    pub fn clear(&mut self) {
        self.text.clear();
        self.files.clear();
    }
}

fn parse(bytes: &[u8], file: &Waiting) -> Parsed {
    let tree = match Tree::parse(bytes, &Limits::default()) {
        Ok(tree) => tree,
        Err(_) if file.is_optional => return Parsed::Other,
        Err(_) if file.unsure && !names_schema(bytes) => return Parsed::Other,
        Err(error) => return Parsed::Unreadable(error),
    };
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
