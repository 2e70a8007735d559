//! Decodes bytes, and counts positions in the text.

use crate::error::{ParseError, Position};
use granit_parser::Marker;

/// The byte order mark.
pub(crate) const BOM: &str = "\u{feff}";

/// The text of a file in UTF-8.
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, ParseError> {
    let wide = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, _, ..] | [_, 0, ..]);
    if wide {
        return Err(ParseError::Utf16);
    }
    std::str::from_utf8(bytes).map_err(|e| {
        let good = bytes.split_at(e.valid_up_to()).0;
        let good = std::str::from_utf8(good).unwrap_or_default();
        ParseError::NotUtf8 {
            at: position_after(good.strip_prefix(BOM).unwrap_or(good)),
            byte: bytes.get(e.valid_up_to()).copied().unwrap_or_default(),
        }
    })
}

/// The position after this text.
fn position_after(text: &str) -> Position {
    let text_lf = text.replace("\r\n", "\n");
    let mut lines = text_lf.split(['\n', '\r']);
    let last = lines.next_back().unwrap_or_default();
    Position { line: small(lines.count() + 1), column: small(last.chars().count() + 1) }
}

/// Offsets and counts fit in 32 bits, because the size of files is limited.
pub(crate) fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Converts the parser's position.
pub(crate) fn position(marker: &Marker) -> Position {
    Position { line: small(marker.line()).max(1), column: small(marker.col() + 1) }
}
