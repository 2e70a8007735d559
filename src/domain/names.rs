//! Limits on the length of names.
//!
//! Identities, branches, messages and reports repeat names many times. A name of one megabyte that 200 targets share
//! would take gigabytes.

use std::borrow::Cow;

/// Maximum length of any name: a target, a channel, a ref, a version, a path of a datafile.
pub const MAX_NAME_BYTES: usize = 1_024;

/// Maximum length of a URL.
pub const MAX_URL_BYTES: usize = 2_048;

/// Number of characters that a message quotes of a text of any length.
const EXCERPT_CHARS: usize = 100;

/// Checks the length of a text.
///
/// # Errors
/// A message with the length and the limit, without the text itself.
pub fn check_length(text: &str, limit: usize) -> Result<(), String> {
    if text.len() <= limit {
        return Ok(());
    }
    Err(format!("has {} bytes; the limit is {limit}", text.len()))
}

/// The part of a text that a message quotes.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(EXCERPT_CHARS) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

/// The first part of a key of the state that is `.` or `..`. Some stores, and proxies in front of them, would
/// access another object.
pub fn dot_segment(key: &str) -> Option<&str> {
    key.split('/').find(|part| matches!(*part, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_repeats_a_part_of_a_long_text() {
        assert_eq!(excerpt("short"), "short");
        assert_eq!(excerpt(&"é".repeat(101)), format!("{}…", "é".repeat(100)));
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        assert_eq!(check_length("abcd", 4), Ok(()));
        let error = check_length("abcde", 4).expect_err("too long");
        assert_eq!(error, "has 5 bytes; the limit is 4");
    }
}
