//! Datafiles that earlier runs parsed.
//!
//! A file of the config repo is known by its blob id, which is a digest of its content. So what was parsed once need
//! not be parsed again, however the file is called, and of a file that promotions do not depend on, the content is not
//! even read.
//!
//! The bytes end with a code (HMAC-SHA-256) that only the holder of the key can make. Bytes of anyone else, of another
//! version, or damaged ones are not believed; then everything is parsed again.

use std::collections::BTreeMap;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use yaml11::Tree;

/// Changes with everything that decides how a datafile is parsed (`build.rs`).
const VERSION: &str = env!("SAPM_PARSER_VERSION");

/// Bytes of the code at the end.
const CODE_BYTES: usize = 32;

/// Git's id of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobId(pub [u8; 20]);

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// Promotions do not depend on it.
    Other,
    /// Its tree ([`Tree::to_stored`]).
    Tree(Bytes),
}

/// What is written: the files with their trees, or without one if promotions do not depend on them.
type Written<'a> = Vec<(BlobId, Option<&'a [u8]>)>;

/// Datafiles that were parsed before, and those of this run.
#[derive(Debug, Default)]
pub struct ParsedFiles {
    known: BTreeMap<BlobId, Entry>,
    /// Are results kept for the next run?
    keeps: bool,
    /// Is there a new result?
    has_new: bool,
}

#[derive(Debug)]
struct Entry {
    known: Known,
    /// Does this run need it, so that the next one probably does?
    used: bool,
}

impl ParsedFiles {
    /// None yet.
    pub fn new() -> Self {
        Self { keeps: true, ..Self::default() }
    }

    /// Neither uses nor keeps anything.
    pub fn disabled() -> Self {
        Self::default()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote with the same key.
    ///
    /// # Errors
    /// Why the bytes are not believed.
    pub fn from_bytes(bytes: &Bytes, key: &[u8]) -> Result<Self, &'static str> {
        let (body, code) = bytes.split_last_chunk::<CODE_BYTES>().ok_or("it is too short")?;
        code_of(body, key)
            .verify_slice(code)
            .map_err(|_| "it is damaged, of another version, or written with another token")?;
        let written: Written<'_> = postcard::from_bytes(body).map_err(|_| "it cannot be read")?;
        let entry = |(blob, stored): (BlobId, Option<&[u8]>)| {
            let known = stored.map_or(Known::Other, |tree| Known::Tree(bytes.slice_ref(tree)));
            (blob, Entry { known, used: false })
        };
        Ok(Self { known: written.into_iter().map(entry).collect(), ..Self::new() })
    }

    /// What this run used or parsed, as bytes.
    pub fn to_bytes(&self, key: &[u8]) -> Vec<u8> {
        let used = self.known.iter().filter(|(_, entry)| entry.used);
        let stored = |known| match known {
            &Known::Other => None,
            Known::Tree(stored) => Some(&**stored),
        };
        let used: Written<'_> = used.map(|(blob, entry)| (*blob, stored(&entry.known))).collect();
        // Writing to memory cannot fail.
        let mut bytes = postcard::to_allocvec(&used).unwrap_or_default();
        let code = code_of(&bytes, key).finalize().into_bytes();
        bytes.extend_from_slice(&code);
        bytes
    }

    /// Should the bytes replace those that were read?
    pub fn has_changed(&self) -> bool {
        self.has_new || self.known.values().any(|entry| !entry.used)
    }

    /// What is known of a file, which is then kept for the next run.
    pub(super) fn use_known(&mut self, blob: &BlobId) -> Option<&Known> {
        let entry = self.known.get_mut(blob)?;
        entry.used = true;
        Some(&entry.known)
    }

    /// The tree of a file, if it is known.
    pub(super) fn tree(&self, blob: Option<BlobId>, text: &[u8]) -> Option<Tree> {
        match &self.known.get(&blob?)?.known {
            Known::Tree(stored) => Tree::from_stored(text, stored),
            Known::Other => None,
        }
    }

    /// Are results kept?
    pub(super) fn keeps(&self) -> bool {
        self.keeps
    }

    /// Keeps a result for the next run.
    pub(super) fn keep(&mut self, blob: BlobId, known: Known) {
        if self.keeps {
            self.known.insert(blob, Entry { known, used: true });
            self.has_new = true;
        }
    }
}

fn code_of(bytes: &[u8], key: &[u8]) -> Hmac<Sha256> {
    let mut code = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("keys of any length");
    code.update(VERSION.as_bytes());
    code.update(bytes);
    code
}
