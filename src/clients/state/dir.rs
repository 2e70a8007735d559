//! The state as files of a folder.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::check_key;
use super::size::{max_bytes, too_large};
use crate::clients::replace::replace;
use crate::ports::{StateError, StateStore, StoredObject};

/// Characters that stay unencoded in a file name: letters, digits and `-._~`.
const UNSAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A folder with one file per key.
#[derive(Debug, Clone)]
pub struct DirState {
    root: PathBuf,
}

/// The path of a key below the folder. Each part between slashes is
/// percent-encoded (UTF-8; everything but letters, digits and `-._~`, as
/// Python's `quote(part, safe="")` does). `.` and `..` become `%2E` and `%2E%2E`, and an
/// empty part becomes `%`.
pub fn file_of(key: &str) -> PathBuf {
    key.split('/')
        .map(|part| match part {
            "" => "%".to_owned(),
            "." | ".." => part.replace('.', "%2E"),
            _ => utf8_percent_encode(part, UNSAFE).to_string(),
        })
        .collect()
}

/// The unencoded key, if it is a path within the folder. Copying a bucket into a folder
/// (`aws s3 sync`) creates such files.
fn plain_file_of(key: &str) -> Option<PathBuf> {
    let is_plain =
        !key.contains(['\\', '\0']) && key.split('/').all(|part| !matches!(part, "" | "." | ".."));
    is_plain.then(|| PathBuf::from(key))
}

impl DirState {
    /// Takes the folder. It must exist when it is used.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        check_key(key, &self.location())?;
        let encoded = file_of(key);
        let plain = plain_file_of(key).filter(|plain| *plain != encoded);
        for file in [Some(encoded), plain].into_iter().flatten() {
            match read_up_to(&self.root.join(file), max_bytes(key)) {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(error) if is_missing(&error) => {}
                Err(error) => {
                    return Err(StateError::Key(format!(
                        "cannot read {key} of {}: {error}",
                        self.location()
                    )));
                }
            }
        }
        self.check_root().map(|()| None)
    }

    fn write(&self, key: &str, bytes: &[u8]) -> Result<(), StateError> {
        check_key(key, &self.location())?;
        self.check_root()?;
        replace(&self.root.join(file_of(key)), bytes).map_err(|error| {
            StateError::Key(format!("cannot write {key} of {}: {error}", self.location()))
        })
    }

    /// Writes if the key still has these bytes. A lock on the folder, which the kernel releases when the process ends,
    /// makes both one step; a file system without locks does without.
    fn write_over(&self, key: &str, bytes: &[u8], old: Option<&[u8]>) -> Result<bool, StateError> {
        let lock = File::open(&self.root).and_then(|folder| folder.lock().map(|()| folder));
        let same = self.read(key)?.as_deref() == old;
        if same {
            self.write(key, bytes)?;
        }
        if let Ok(folder) = lock {
            let _ = folder.unlock();
        }
        Ok(same)
    }

    fn when_modified(&self, key: &str) -> Option<DateTime<Utc>> {
        let paths = [Some(file_of(key)), plain_file_of(key)];
        let found = paths.into_iter().flatten().find_map(|file| {
            fs::metadata(self.root.join(file)).and_then(|data| data.modified()).ok()
        });
        found.map(DateTime::from)
    }

    /// Keys below a folder; of files whose names are percent-encoded the encoded ones.
    fn listed(&self, start: &str, at_most: usize) -> Vec<String> {
        let mut folders = vec![start.trim_end_matches('/').to_owned()];
        let mut keys = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(self.root.join(&folder)).into_iter().flatten().flatten() {
                if keys.len() == at_most {
                    break;
                }
                let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(path),
                    _ => keys.push(path),
                }
            }
        }
        keys.sort();
        keys
    }

    fn check_root(&self) -> Result<(), StateError> {
        let reason = match fs::metadata(&self.root) {
            Ok(data) if data.is_dir() => return Ok(()),
            Ok(_) => "it is not a folder".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(StateError::Whole(format!("cannot use the state {}: {reason}", self.location())))
    }
}

/// The file does not exist, or one of its parent folders.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Reads a file up to a number of bytes.
fn read_up_to(file: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let file = File::open(file)?;
    let size = file.metadata()?.len();
    if size > limit as u64 {
        return Err(io::Error::other(too_large(Some(size), limit)));
    }
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::Error::other(too_large(None, limit)));
    }
    Ok(bytes)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StateError> + Send + 'static,
) -> Result<T, StateError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(StateError::Key(format!("the state's task stopped: {error}"))))
}

#[async_trait]
impl StateStore for DirState {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        let (state, key) = (self.clone(), key.to_owned());
        blocking(move || state.read(&key)).await
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), StateError> {
        let (state, key) = (self.clone(), key.to_owned());
        blocking(move || state.write(&key, &bytes)).await
    }

    async fn replace(
        &self,
        key: &str,
        bytes: Vec<u8>,
        old: Option<&StoredObject>,
    ) -> Result<bool, StateError> {
        let (state, key, old) = (self.clone(), key.to_owned(), old.map(|old| old.bytes.clone()));
        blocking(move || state.write_over(&key, &bytes, old.as_deref())).await
    }

    fn location(&self) -> String {
        url::Url::from_directory_path(&self.root).map_or_else(
            |()| format!("file://{}", self.root.display()),
            |url| url.as_str().trim_end_matches('/').to_owned(),
        )
    }

    async fn modified_at(&self, key: &str) -> Result<Option<DateTime<Utc>>, StateError> {
        let (state, key) = (self.clone(), key.to_owned());
        blocking(move || Ok(state.when_modified(&key))).await
    }

    async fn keys(&self, start: &str, at_most: usize) -> Result<Vec<String>, StateError> {
        let (state, start) = (self.clone(), start.to_owned());
        blocking(move || Ok(state.listed(&start, at_most))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_paths_inside_the_folder() {
        for (key, file) in [
            ("state/a-b_c.d~1/x", "state/a-b_c.d~1/x"),
            ("state/ch:1 ä%/x", "state/ch%3A1%20%C3%A4%25/x"),
            ("../../etc/passwd", "%2E%2E/%2E%2E/etc/passwd"),
            ("/a//./b", "%/a/%/%2E/b"),
            ("a\\..\\b", "a%5C..%5Cb"),
        ] {
            assert_eq!(file_of(key), PathBuf::from(file), "{key}");
        }
    }
}
