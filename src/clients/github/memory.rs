//! What GitHub said before, kept between runs: an answer that has not changed (304) does not count against the
//! rate limit of a token (GitHub docs, rest/using-the-rest-api/best-practices: conditional requests).
//!
//! The file is `github-commits.json` in the cache folder. It is only ever a hint: nothing is taken from it
//! that GitHub did not just confirm, so it may be old, broken or gone, and two jobs may write it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::snapshot::CommitFact;

const NAME: &str = "github-commits.json";
const VERSION: u32 = 1;

/// An answer and the ETag that it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub etag: String,
    pub commit: CommitFact,
}

#[derive(Default, Serialize, Deserialize)]
struct File {
    version: u32,
    /// By the address that was asked.
    commits: BTreeMap<String, Known>,
}

/// Answers by address.
#[derive(Debug)]
pub(super) struct Memory {
    path: PathBuf,
    before: BTreeMap<String, Known>,
    now: Mutex<BTreeMap<String, Known>>,
}

impl Memory {
    /// What is in the folder; nothing if it cannot be read.
    pub fn open(folder: &Path) -> Self {
        let path = folder.join(NAME);
        let before = match fs::read(&path).map(|bytes| serde_json::from_slice::<File>(&bytes)) {
            Ok(Ok(file)) if file.version == VERSION => file.commits,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            _ => {
                tracing::debug!(path = %path.display(), "what GitHub said before cannot be read");
                BTreeMap::new()
            }
        };
        Self { path, before, now: Mutex::default() }
    }

    /// What was said to this address in an earlier run.
    pub fn get(&self, address: &str) -> Option<&Known> {
        self.before.get(address)
    }

    /// What was said now.
    pub fn put(&self, address: &str, known: Known) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.insert(address.to_owned(), known);
    }

    /// Writes the file if there is anything new. (A run about a part leaves the rest as it is.)
    ///
    /// # Errors
    /// When the folder cannot be written to: the next run asks as if for the first time.
    pub fn keep(&self) -> io::Result<()> {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.iter().all(|(address, known)| self.before.get(address) == Some(known)) {
            return Ok(());
        }
        let mut commits = self.before.clone();
        commits.extend(now.iter().map(|(address, known)| (address.clone(), known.clone())));
        let bytes = serde_json::to_vec(&File { version: VERSION, commits })?;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let draft = self.path.with_extension(format!("{}.new", std::process::id()));
        fs::write(&draft, bytes)?;
        fs::rename(draft, &self.path)
    }
}
