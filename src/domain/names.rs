//! How long names may be.
//!
//! Names stand in identities, branches, messages and reports, many times each: a name of a megabyte that 200 targets
//! share would be gigabytes.

use std::borrow::Cow;

/// Longest name of anything: a target, a channel, a ref, a version, a path of a datafile.
pub const MAX_NAME_BYTES: usize = 1_024;

/// Longest address.
pub const MAX_URL_BYTES: usize = 2_048;

/// Characters of a text of any length that a message repeats.
const EXCERPT_CHARS: usize = 100;

/// Says how long a text is and may be, if it is too long.
///
/// # Errors
/// In words, without the text itself.
pub fn check_length(text: &str, limit: usize) -> Result<(), String> {
    if text.len() <= limit {
        return Ok(());
    }
    Err(format!("has {} bytes, more than the {limit} that are allowed", text.len()))
}

/// A text as far as a message repeats it.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(EXCERPT_CHARS) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
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
        assert_eq!(error, "has 5 bytes, more than the 4 that are allowed");
    }
}
