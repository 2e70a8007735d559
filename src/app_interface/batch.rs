//! Datafiles are parsed many at once, on all cores: it is most of the work before the first question.

use std::num::NonZero;
use std::ops::Range;

use super::fields::Field;
use crate::app_interface::Sniff;
use yaml11::{Limits, Tree};

/// So many files, or bytes, are parsed together: enough to share, and little to hold.
const FILES: usize = 512;
const BYTES: usize = 4 << 20;
/// More threads have nothing to gain: reading the files is one thread's work.
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
}

impl Schema {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "/app-sre/saas-file-2.yml" => Self::SaasFile,
            "/app-sre/saas-file-target-1.yml" => Self::TargetFile,
            "/app-sre/app-1.yml" => Self::App,
            "/openshift/namespace-1.yml" => Self::Namespace,
            "/openshift/cluster-1.yml" => Self::Cluster,
            "/app-sre/environment-1.yml" => Self::Environment,
            "/app-sre/slo-document-1.yml" => Self::SloDocument,
            "/access/role-1.yml" => Self::Role,
            _ => return None,
        })
    }
}

/// What a file turned out to be.
pub(super) enum Parsed {
    /// None that promotions depend on.
    Other,
    /// One of these.
    Datafile(Schema, Box<Tree>),
    /// It may be one, and cannot be read.
    Unreadable(yaml11::ParseError),
}

/// Files that wait to be parsed.
#[derive(Default)]
pub(super) struct Batch {
    text: Vec<u8>,
    files: Vec<Waiting>,
}

struct Waiting {
    path: String,
    bytes: Range<usize>,
    /// Only an escape sequence made it worth a look.
    unsure: bool,
}

impl Batch {
    /// Takes in a file, unless it is none that promotions depend on at first sight.
    pub fn push(&mut self, path: &str, bytes: &[u8]) {
        let unsure = match crate::app_interface::sniff_schema(bytes) {
            Sniff::None => return,
            Sniff::Found(text) => match Schema::of(&text) {
                None => return,
                // There are thousands of roles, and few of them are about datafiles.
                Some(Schema::Role) if !contains(bytes, b"self_service") => return,
                Some(_) => false,
            },
            Sniff::Unknown => true,
        };
        let start = self.text.len();
        self.text.extend_from_slice(bytes);
        let bytes = start..self.text.len();
        self.files.push(Waiting { path: path.to_owned(), bytes, unsure });
    }

    /// Should they be parsed now?
    pub fn is_full(&self) -> bool {
        self.files.len() >= FILES || self.text.len() >= BYTES
    }

    /// All of them, in their order: path, bytes, and what they are.
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
        part.iter().map(|file| parse(&self.text[file.bytes.clone()], file.unsure)).collect()
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.text.clear();
        self.files.clear();
    }
}

fn parse(bytes: &[u8], unsure: bool) -> Parsed {
    let tree = match Tree::parse(bytes, &Limits::default()) {
        Ok(tree) => tree,
        Err(_) if unsure && !names_schema(bytes) => return Parsed::Other,
        Err(error) => return Parsed::Unreadable(error),
    };
    let schema = Field::root(tree.root()).get("$schema").and_then(|field| field.text().ok());
    match schema.as_deref().and_then(Schema::of) {
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
