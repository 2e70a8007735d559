//! Resolves scalars as `PyYAML`'s safe loader does for YAML 1.1.

use crate::float::python_repr;
use crate::number::{float_value, int_value, is_float, is_timestamp, tagged_int};
use crate::tag::Tag;
use std::borrow::Cow;

/// The value of a scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar<'a> {
    /// `~`, `null`, or missing.
    Null,
    /// `yes`, `off`, `True`…
    Bool(bool),
    /// A whole number of any size, as decimal text.
    Int(Cow<'a, str>),
    /// A number with a decimal point.
    Float(f64),
    /// A text.
    Str(&'a str),
    /// A date or a time, in its original notation.
    Timestamp(&'a str),
    /// `!!binary`: base64, in its original notation.
    Binary(&'a str),
}

impl<'a> Scalar<'a> {
    /// The value as a text: numbers as Python's `str` prints them, dates unchanged. `None` for a boolean, null
    /// and binary data.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Null | Self::Bool(_) | Self::Binary(_) => None,
            Self::Int(digits) => Some(digits.clone()),
            Self::Float(x) => Some(Cow::Owned(python_repr(*x))),
            Self::Str(text) | Self::Timestamp(text) => Some(Cow::Borrowed(text)),
        }
    }

    /// The value as the text of a key: like [`Self::text`], and `true`, `false`, `null`.
    pub fn key_text(&self) -> Cow<'a, str> {
        match self {
            Self::Null => Cow::Borrowed("null"),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Binary(text) => Cow::Borrowed(text),
            other => other.text().unwrap_or_default(),
        }
    }
}

/// The value of a plain scalar (without quotes and tag) in YAML 1.1.
///
/// Two values that `PyYAML` rejects are texts here: `=`, and numbers without digits (`0x_`).
pub fn resolve_plain(text: &str) -> Scalar<'_> {
    let Some(first) = text.bytes().next() else {
        return Scalar::Null;
    };
    match first {
        b'~' | b'n' | b'N' | b'y' | b'Y' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => word(text),
        b'0'..=b'9' | b'+' | b'-' | b'.' => number(text),
        _ => Scalar::Str(text),
    }
}

/// The value of a scalar with a tag; `None` if they do not match.
pub(crate) fn resolve_tagged(text: &str, tag: Tag) -> Option<Scalar<'_>> {
    Some(match tag {
        Tag::None | Tag::NonSpecific => resolve_plain(text),
        Tag::Str => Scalar::Str(text),
        Tag::Null => Scalar::Null,
        Tag::Binary => Scalar::Binary(text),
        Tag::Bool => match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" => Scalar::Bool(true),
            "no" | "false" | "off" => Scalar::Bool(false),
            _ => return None,
        },
        Tag::Int => match number(text) {
            int @ Scalar::Int(_) => int,
            _ => Scalar::Int(tagged_int(text)?.into()),
        },
        Tag::Float => Scalar::Float(float_value(text)?),
        Tag::Timestamp if is_timestamp(text) => Scalar::Timestamp(text),
        Tag::Timestamp | Tag::Merge | Tag::Seq | Tag::Map => return None,
    })
}

fn word(text: &str) -> Scalar<'_> {
    match text {
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        _ => Scalar::Str(text),
    }
}

fn number(text: &str) -> Scalar<'_> {
    // most texts that begin with a digit are hashes, URLs or versions: exclude them first
    let may_be_number =
        text.len() <= 64 || text.bytes().all(|b| b.is_ascii_hexdigit() || b"+-_.:xb".contains(&b));
    if !may_be_number {
        return Scalar::Str(text);
    }
    if is_float(text) {
        return float_value(text).map_or(Scalar::Str(text), Scalar::Float);
    }
    if let Some(int) = int_value(text) {
        return Scalar::Int(int);
    }
    if is_timestamp(text) {
        return Scalar::Timestamp(text);
    }
    Scalar::Str(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_mean_what_pyyaml_says() {
        for (text, value) in [
            ("0777", Scalar::Int("511".into())),
            ("0x1F", Scalar::Int("31".into())),
            ("-0b101", Scalar::Int("-5".into())),
            ("1_000", Scalar::Int("1000".into())),
            ("1:30:45", Scalar::Int("5445".into())),
            ("1e3", Scalar::Str("1e3")),
            ("1.5e+3", Scalar::Float(1500.0)),
            ("1.5e3", Scalar::Str("1.5e3")),
            ("12345e7", Scalar::Str("12345e7")),
            ("1:30.5", Scalar::Float(90.5)),
            ("089", Scalar::Str("089")),
            ("y", Scalar::Str("y")),
            ("oN", Scalar::Str("oN")),
            ("On", Scalar::Bool(true)),
            ("2026-08-20", Scalar::Timestamp("2026-08-20")),
            ("2026-8-20 1:00:00 +2", Scalar::Timestamp("2026-8-20 1:00:00 +2")),
            ("2026-8-20", Scalar::Str("2026-8-20")),
            ("0x_", Scalar::Str("0x_")),
            ("", Scalar::Null),
        ] {
            assert_eq!(resolve_plain(text), value, "{text}");
        }
    }
}
