//! Makes text from outside safe to show. All outputs use this rule.
//!
//! Names come from datafiles, messages from services. A terminal, a browser or a job log may interpret
//! some of their characters, or hide them so that one name looks like another. Outputs show U+FFFD
//! instead. JSON, which programs read, uses escapes.

use std::io::{self, Write as _};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Replaces a character that is not shown.
const REPLACEMENT: char = '\u{fffd}';

/// Is the character visible, and does it do nothing else?
///
/// Not so for control characters, line separators, non-characters, and all that Unicode calls
/// "default ignorable" (zero-width and bidirectional controls, tags, fillers, variation selectors).
pub fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let obeyed = c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}');
    !(obeyed || is_ignorable(c) || is_noncharacter(c))
}

/// Is it all printable ASCII, as nearly every text is?
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Unicode's property `Default_Ignorable_Code_Point`.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Code points that are not characters and that XML and HTML reject.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// Replaces each character that is not printable by U+FFFD. The result is one line of the same length.
pub fn printable(text: &str) -> String {
    printable_except(text, "")
}

/// Like [`printable`], but keeps the characters in `kept`, for example line ends.
pub fn printable_except(text: &str, kept: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let shown = |c: char| if is_printable(c) || kept.contains(c) { c } else { REPLACEMENT };
    text.chars().map(shown).collect()
}

/// A name from outside as messages show it: [`printable`], in backquotes, without backquotes of its own.
pub fn quoted(name: &str) -> String {
    format!("`{}`", printable(name).replace('`', "'"))
}

/// Writes pretty JSON with a line end. Invisible characters become escapes with the same meaning.
///
/// # Errors
/// When writing fails.
pub fn write_json(value: &impl Serialize, to: impl io::Write) -> io::Result<()> {
    write_escaped(to, |json| Ok(serde_json::to_writer_pretty(json, value)?))
}

/// Like [`write_json`], as a text.
pub fn to_json(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    // Writing to a vector cannot fail.
    let _ = write_json(value, &mut bytes);
    String::from_utf8(bytes).unwrap_or_default()
}

/// Writes JSON for large reports, with a line end: one line for each entry of the root's lists, and for each other value
/// of the root. Whoever searches such a file by line finds whole entries. Invisible characters are escaped as in
/// [`write_json`].
///
/// # Errors
/// When writing fails.
pub fn write_json_by_entry(value: &impl Serialize, to: impl io::Write) -> io::Result<()> {
    write_escaped(to, |json| {
        let mut json = Serializer::with_formatter(json, ByEntry::default());
        Ok(value.serialize(&mut json)?)
    })
}

/// Writes JSON and a line end. What is escaped is collected first, because serde_json writes each token by itself.
fn write_escaped(
    to: impl io::Write,
    json: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut to = io::BufWriter::new(Escaping(to));
    json(&mut to)?;
    to.write_all(b"\n")?;
    to.flush()
}

/// Compact JSON with line ends around what the root contains, and around the entries of its lists.
#[derive(Default)]
struct ByEntry {
    depth: usize,
    /// Has the innermost list or object entries?
    filled: bool,
}

impl ByEntry {
    fn open<W: ?Sized + io::Write>(&mut self, to: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.filled = false;
        to.write_all(bracket)
    }

    /// Before an entry; lines end at a depth of `lines`.
    fn begin<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
        lines: usize,
    ) -> io::Result<()> {
        self.filled = true;
        let comma: &[u8] = if first { b"" } else { b"," };
        to.write_all(comma)?;
        if self.depth == lines { to.write_all(b"\n") } else { Ok(()) }
    }

    fn close<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        bracket: &[u8],
        lines: usize,
    ) -> io::Result<()> {
        if self.depth == lines && self.filled {
            to.write_all(b"\n")?;
        }
        self.depth -= 1;
        self.filled = true;
        to.write_all(bracket)
    }
}

impl Formatter for ByEntry {
    fn begin_array<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.open(to, b"[")
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.close(to, b"]", 2)
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.begin(to, first, 2)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.open(to, b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.close(to, b"}", 1)
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.begin(to, first, 1)
    }
}

/// Escapes JSON: non-ASCII characters occur only in strings. Neither serde_json nor a `BufWriter` splits a character.
struct Escaping<W>(W);

impl<W: io::Write> io::Write for Escaping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Without an early end, the compiler makes it a comparison of many bytes at once.
        let plain = bytes
            .iter()
            .fold(true, |plain, byte| plain & (*byte == b'\n' || (b' '..=b'~').contains(byte)));
        if plain {
            return self.0.write_all(bytes).map(|()| bytes.len());
        }
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        let mut escaped = String::with_capacity(text.len());
        for c in text.chars() {
            if is_printable(c) || c == '\n' {
                escaped.push(c);
            } else {
                let units = c
                    .encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|u| format!("\\u{u:04x}"))
                    .collect::<String>();
                escaped.push_str(&units);
            }
        }
        self.0.write_all(escaped.as_bytes()).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ignorable_characters_are_those_of_unicode() {
        let property = r"[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\x{fff9}-\x{fffb}]";
        let hidden = fancy_regex::Regex::new(property).expect("a pattern");
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            let wanted = !hidden.is_match(&text).expect("a match");
            assert_eq!(is_printable(c), wanted, "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn json_means_the_same_and_shows_everything() {
        let hostile = "a\u{9b}b\u{202e}c\u{e0041}d\u{fffe}e\u{7f}\u{1b}\nü😀";
        let json = to_json(&serde_json::json!({ hostile: [hostile, 1] }));
        assert!(json.chars().all(|c| is_printable(c) || c == '\n'), "{json}");
        assert!(
            json.contains("\\u009b") && json.contains("\\udb40\\udc41") && json.contains("ü😀"),
            "{json}"
        );
        let back: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(back, serde_json::json!({ hostile: [hostile, 1] }));
    }

    #[test]
    fn a_text_keeps_its_length() {
        assert_eq!(printable("a\nb\u{200b}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(printable_except("a\nb\u{200b}\tc", "\n\t"), "a\nb\u{fffd}\tc");
    }

    #[test]
    fn a_quoted_name_ends_where_its_quotes_end() {
        assert_eq!(quoted("a\"b\\ü"), "`a\"b\\ü`");
        assert_eq!(quoted("a`; all is well `\n\u{202e}"), "`a'; all is well '\u{fffd}\u{fffd}`");
    }
}
