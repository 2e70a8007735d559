//! Size limits of objects. An object that is huge by mistake is an error of its key, and does not end the run.

use crate::report::EXPORT_KEY;

/// A deployment record has some hundred bytes.
const RECORD: usize = 1024 * 1024;

/// The state export grows with the config repo: some hundred bytes per publisher.
const EXPORT: usize = 64 * 1024 * 1024;

/// Maximum bytes to read for a key, or for a URL that contains one.
pub(super) fn max_bytes(key: &str) -> usize {
    if key.ends_with(EXPORT_KEY) { EXPORT } else { RECORD }
}

/// The message for an object with more bytes. Its size may not be known.
pub(super) fn too_large(size: Option<u64>, limit: usize) -> String {
    match size {
        Some(size) => format!("it has {size} bytes; the limit is {limit}: replace it"),
        None => format!("it has more than {limit} bytes, the limit: replace it"),
    }
}
