//! Writes a text as a scalar that every reader parses as the same text.

use crate::scalar::{Scalar, resolve_plain};
use std::fmt::Write;

/// Where a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// As the value of a block mapping or list.
    Block,
    /// Inside `[…]` or `{…}`.
    Flow,
    /// In a JSON file: always in double quotes.
    Json,
}

/// How a scalar is written, if possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quoting {
    /// Without quotes, else in single quotes, else in double quotes.
    Plain,
    /// In single quotes, else in double quotes.
    Single,
    /// In double quotes.
    Double,
}

/// The text as a scalar on one line that readers of YAML 1.1 and 1.2 parse as this text.
pub fn write_scalar(text: &str, quoting: Quoting, context: Context) -> String {
    let printable = text.chars().all(is_printable);
    match (context, quoting) {
        (Context::Json, _) | (_, Quoting::Double) => double(text),
        (_, Quoting::Plain) if printable && is_plain(text, context) => text.to_owned(),
        _ if printable => format!("'{}'", text.replace('\'', "''")),
        _ => double(text),
    }
}

/// Is a plain scalar with this text a text in YAML 1.1 (in `PyYAML` and in the specification) and in
/// the core schema of YAML 1.2?
pub fn reads_as_text(text: &str) -> bool {
    matches!(resolve_plain(text), Scalar::Str(_))
        && !is_core_number(text)
        && !matches!(text, "<<" | "=" | "y" | "Y" | "n" | "N")
}

/// Numbers of YAML 1.2: no sign in the middle, no `_`. Numbers with `_`, base 60 and the like are included, because
/// other readers may accept more than these two.
fn is_core_number(text: &str) -> bool {
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest.eq_ignore_ascii_case(".inf") || rest.eq_ignore_ascii_case(".nan") {
        return true;
    }
    let lower = rest.to_ascii_lowercase();
    for (prefix, digits) in [("0x", "0123456789abcdef_"), ("0o", "01234567_"), ("0b", "01_")] {
        if lower.strip_prefix(prefix).is_some_and(|x| x.chars().all(|c| digits.contains(c))) {
            return true;
        }
    }
    let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
    let digits = |s: &str, more: &str| s.chars().all(|c| c.is_ascii_digit() || more.contains(c));
    let any_digit = mantissa.contains(|c: char| c.is_ascii_digit());
    let power = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    any_digit
        && mantissa.matches('.').count() < 2
        && digits(mantissa, "._:,")
        && !power.is_empty()
        && digits(power, "_")
}

/// Can the text be written without quotes? Stricter than the grammar, where readers disagree or people may misread it.
fn is_plain(text: &str, context: Context) -> bool {
    let Some(first) = text.chars().next() else {
        return false;
    };
    let ends_blank = text.starts_with(' ') || text.ends_with(' ');
    if ends_blank
        || text.ends_with(':')
        || text.contains(": ")
        || text.contains(" #")
        || text.starts_with("...")
    {
        return false;
    }
    if "-?:,[]{}#&*!|>'\"%@`".contains(first) {
        return false;
    }
    if context == Context::Flow && text.contains([',', '[', ']', '{', '}', ':', '?', '#']) {
        return false;
    }
    reads_as_text(text)
}

/// Not a control character, a line break of any kind, a byte order mark or a tab.
fn is_printable(c: char) -> bool {
    !matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Uses only escapes that JSON has as well.
fn double(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            // all of them have four hex digits at most; writing to a string can't fail
            c => drop(write!(out, "\\u{:04x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_another_type_are_quoted() {
        for text in [
            "1234567",
            "12e4567",
            "12345678901234567890123456789012345678e1",
            "0x1f",
            "0o17",
            "0777",
            "1_000",
            "1:30",
            "yes",
            "y",
            "Null",
            "~",
            "",
            "2026-08-20",
            ".inf",
            "1.",
            ".5",
            "+1",
            "1e5",
            "<<",
            "=",
            "0b1",
            "-1",
        ] {
            assert_eq!(write_scalar(text, Quoting::Plain, Context::Block), format!("'{text}'"));
        }
        for text in
            ["main", "c00dbbc9", "1.2.3", "v1", "a:b", "a#b", "é", "feature/x", "1234abc", "it's"]
        {
            assert_eq!(write_scalar(text, Quoting::Plain, Context::Block), text);
        }
    }

    #[test]
    fn quotes_and_escapes_are_as_simple_as_can_be() {
        for (text, written) in [
            ("- a", "'- a'"),
            ("a: b", "'a: b'"),
            ("a #b", "'a #b'"),
            ("'", "''''"),
            ("&a", "'&a'"),
            ("a\nb", "\"a\\nb\""),
            ("\u{85}\"\\", "\"\\u0085\\\"\\\\\""),
            (" a", "' a'"),
        ] {
            assert_eq!(write_scalar(text, Quoting::Plain, Context::Block), written);
        }
        assert_eq!(write_scalar("a:b", Quoting::Plain, Context::Flow), "'a:b'");
        assert_eq!(write_scalar("a", Quoting::Plain, Context::Json), "\"a\"");
        assert_eq!(write_scalar("it's", Quoting::Single, Context::Block), "'it''s'");
    }
}
