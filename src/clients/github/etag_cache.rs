//! What GitHub said of commits, kept between runs: an answer that has not changed (304) does not count against the
//! rate limit of a token (GitHub docs, rest/using-the-rest-api/best-practices: conditional requests).
//!
//! The file is `github-commits.json` in the cache folder. It may be old, damaged or gone, and two jobs may write it.
//! Which commit a ref points to is never taken from it: GitHub is asked whether it is still that hash. Time and
//! subject, which a hash stands for, are taken from it. They are only shown; a digest finds damage, and nothing finds who
//! writes them on purpose: the folder is the bot's own, as the clone in it is.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clients::http::base64;
use crate::clients::replace::{remove_old_drafts, replace};
use crate::snapshot::CommitFact;

const NAME: &str = "github-commits.json";
const VERSION: u32 = 2;

/// By the address that was asked.
type Known = BTreeMap<String, CommitFact>;

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    /// Of the commits, see [`digest`].
    sha256: String,
    commits: Known,
}

/// Commits by address.
#[derive(Debug)]
pub(super) struct Memory {
    path: PathBuf,
    before: Known,
    /// What was asked in this run, and the answers that there were.
    now: Mutex<BTreeMap<String, Option<CommitFact>>>,
}

impl Memory {
    /// What is in the folder; nothing if it cannot be read.
    pub fn open(folder: &Path) -> Self {
        let path = folder.join(NAME);
        let before = read(&path).unwrap_or_else(|reason| {
            tracing::debug!(path = %path.display(), "what GitHub said before is not used: {reason}");
            Known::new()
        });
        Self { path, before, now: Mutex::default() }
    }

    /// What was said to this address in an earlier run. It is going to be asked now.
    pub fn get(&self, address: &str) -> Option<&CommitFact> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.entry(address.to_owned()).or_default();
        self.before.get(address)
    }

    /// What was said now.
    pub fn put(&self, address: &str, commit: CommitFact) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.insert(address.to_owned(), Some(commit));
    }

    /// Writes the file if there is anything new. After a run that asked for `all` that there is, what it did not ask
    /// for is forgotten; a run about a part leaves the rest as it is.
    ///
    /// # Errors
    /// When the folder cannot be written to: the next run asks as if for the first time.
    pub fn keep(&self, all: bool) -> io::Result<()> {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let mut commits = self.before.clone();
        commits.retain(|address, _| !all || now.contains_key(address));
        for (address, commit) in &*now {
            commits.extend(commit.clone().map(|commit| (address.clone(), commit)));
        }
        if commits == self.before {
            return Ok(());
        }
        let file = File { version: VERSION, sha256: digest(&commits)?, commits };
        replace(&self.path, &serde_json::to_vec(&file)?)?;
        remove_old_drafts(&self.path)
    }
}

fn read(path: &Path) -> Result<Known, String> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Known::new()),
        read => read.map_err(|error| error.to_string())?,
    };
    let file: File = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let fits = digest(&file.commits).is_ok_and(|digest| digest == file.sha256);
    match file.version {
        VERSION if fits => Ok(file.commits),
        VERSION => Err("it is damaged".to_owned()),
        other => Err(format!("it has version {other}")),
    }
}

/// SHA-256, in base64, of the commits as they are written.
fn digest(commits: &Known) -> io::Result<String> {
    Ok(base64(&Sha256::digest(serde_json::to_vec(commits)?)))
}
