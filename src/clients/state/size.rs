//! How large an object may be: one that is huge by mistake is its key's error, and not the end of the run.

use crate::report::EXPORT_KEY;

/// A deployment record has some hundred bytes.
const RECORD: u64 = 1024 * 1024;

/// The state export grows with the config repo: some hundred bytes for each publisher.
const EXPORT: u64 = 64 * 1024 * 1024;

/// Most bytes that are read at a key.
pub(super) fn most_bytes(key: &str) -> u64 {
    if key == EXPORT_KEY { EXPORT } else { RECORD }
}

/// What is said of an object with more bytes; its size may not be known.
pub(super) fn too_large(size: Option<u64>, limit: u64) -> String {
    match size {
        Some(size) => format!("it has {size} bytes, and no more than {limit} are read: replace it"),
        None => format!("it has more than {limit} bytes, and no more are read: replace it"),
    }
}
