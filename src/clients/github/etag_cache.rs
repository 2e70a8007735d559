//! Commits from GitHub, kept between runs: an unchanged response (304) does not count against the
//! rate limit of a token (GitHub docs, rest/using-the-rest-api/best-practices: conditional requests).
//!
//! The file is `github-commits.json` in the cache folder. It may be outdated, damaged or missing, and two jobs may
//! write it. The commit of a ref is never taken from it: GitHub confirms that the hash is still current. Time and
//! subject, which belong to a hash, are taken from it; they are only displayed. A digest detects damage, but not
//! deliberate changes: like the clone in it, the folder belongs to the bot.

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

/// By URL.
type Known = BTreeMap<String, CommitFact>;

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    /// Digest of the commits, see [`digest`].
    sha256: String,
    commits: Known,
}

/// Cached commits by URL.
#[derive(Debug)]
pub(super) struct Memory {
    path: PathBuf,
    before: Known,
    /// What was looked up in this run, and the results.
    now: Mutex<BTreeMap<String, Option<CommitFact>>>,
}

impl Memory {
    /// Reads the cache; empty if it cannot be read.
    pub fn open(folder: &Path) -> Self {
        let path = folder.join(NAME);
        let before = read(&path).unwrap_or_else(|reason| {
            tracing::debug!(path = %path.display(), "the cache of GitHub's responses is not used: \
                                                     {reason}");
            Known::new()
        });
        Self { path, before, now: Mutex::default() }
    }

    /// The commit that an earlier run found at this URL. Marks the URL as looked up.
    pub fn get(&self, address: &str) -> Option<&CommitFact> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.entry(address.to_owned()).or_default();
        self.before.get(address)
    }

    /// Stores a result of this run.
    pub fn put(&self, address: &str, commit: CommitFact) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.insert(address.to_owned(), Some(commit));
    }

    /// Writes the file if anything changed. After a run that looked up `all` refs, entries that it did not look
    /// up are dropped. A partial run keeps the other entries.
    ///
    /// # Errors
    /// When the folder is not writable. The next run then starts with an empty cache.
    pub fn save(&self, all: bool) -> io::Result<()> {
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

/// SHA-256, in base64, of the serialised commits.
fn digest(commits: &Known) -> io::Result<String> {
    Ok(base64(&Sha256::digest(serde_json::to_vec(commits)?)))
}
