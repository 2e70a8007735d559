//! Parsed datafiles, kept between runs.
//!
//! The file is `parsed-<hash>` in the cache folder, one for each config repo and token. Anyone who may write to the
//! folder can damage or delete it, which costs the next run the time for parsing. Nobody can make it believe
//! anything else: the file is authenticated with a key that follows from the token, which the folder does not contain.
//! The token of a job changes with each job, so it keeps nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::replace::{remove_old_drafts, replace};
use crate::app_interface::ParsedFiles;
use crate::domain::hex;

const START: &str = "parsed-";

/// A larger file is not read: a config repo of 100,000 datafiles has one of 72 MB.
const MAX_BYTES: u64 = 1 << 30;

/// Files of other tokens and config repos are removed after this time.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The file of one config repo and token.
pub struct ParsedCache {
    path: PathBuf,
    key: Vec<u8>,
}

impl ParsedCache {
    /// The file in this folder for `what` is read: a config repo, and which of its files count.
    pub fn new(folder: &Path, what: &str, token: &SecretString) -> Self {
        let derive = |purpose: &str| {
            let token = token.expose_secret().as_bytes();
            let mut derived =
                <Hmac<Sha256> as KeyInit>::new_from_slice(token).expect("keys of any length");
            derived.update(purpose.as_bytes());
            derived.update(what.as_bytes());
            derived.finalize().into_bytes().to_vec()
        };
        let name = &hex(&derive("name of the parsed datafiles of "))[..16];
        Self { path: folder.join(format!("{START}{name}")), key: derive("parsed datafiles of ") }
    }

    /// Reads the file. Without one that can be believed, no datafile is known.
    pub fn read(&self) -> ParsedFiles {
        let read = || -> Result<Option<ParsedFiles>, String> {
            match fs::symlink_metadata(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error.to_string()),
                Ok(data) if !data.is_file() => return Err("it is not a regular file".to_owned()),
                Ok(data) if data.len() > MAX_BYTES => return Err("it is too large".to_owned()),
                Ok(_) => {}
            }
            let bytes = fs::read(&self.path).map_err(|error| error.to_string())?;
            Ok(Some(ParsedFiles::from_bytes(&bytes.into(), &self.key)?))
        };
        read()
            .unwrap_or_else(|reason| {
                tracing::info!(path = %self.path.display(), "all datafiles are parsed, as the cache is not used: {reason}");
                None
            })
            .unwrap_or_else(ParsedFiles::new)
    }

    /// Writes the file, if anything changed, and removes old ones. A failure only costs the next run its time.
    pub fn write(&self, parsed: &ParsedFiles) {
        if !parsed.has_changed() {
            return;
        }
        let written = replace(&self.path, &parsed.to_bytes(&self.key))
            .and_then(|()| remove_old_drafts(&self.path))
            .and_then(|()| self.remove_unused());
        if let Err(error) = written {
            tracing::debug!(path = %self.path.display(), %error, "parsed datafiles cannot be kept for the next run");
        }
    }

    fn remove_unused(&self) -> io::Result<()> {
        let Some(folder) = self.path.parent() else { return Ok(()) };
        let now = fs::metadata(&self.path)?.modified()?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let is_ours = entry.file_name().to_string_lossy().starts_with(START);
            let age = now.duration_since(entry.metadata()?.modified()?).unwrap_or_default();
            if is_ours && age > UNUSED {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}
