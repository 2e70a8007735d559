//! How large an object may be: one that is huge by mistake is its key's error, and not the end of the run.

use crate::report::EXPORT_KEY;

/// A deployment record has some hundred bytes.
const RECORD: usize = 1024 * 1024;

/// The state export grows with the config repo: some hundred bytes for each publisher.
const EXPORT: usize = 64 * 1024 * 1024;

/// Most bytes that are read at a key, or at the address of one.
pub(super) fn max_bytes(key: &str) -> usize {
    if key.ends_with(EXPORT_KEY) { EXPORT } else { RECORD }
}

/// What is said of an object with more bytes; its size may not be known.
pub(super) fn too_large(size: Option<u64>, limit: usize) -> String {
    match size {
        Some(size) => format!("it has {size} bytes, and no more than {limit} are read: replace it"),
        None => format!("it has more than {limit} bytes, and no more are read: replace it"),
    }
}
