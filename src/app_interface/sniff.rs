//! Finds the schema of a datafile without parsing it.

use std::borrow::Cow;

use yaml11::{Scalar, resolve_plain};

/// What the bytes show about the top-level `$schema`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sniff<'a> {
    /// If the file is readable, this is its schema.
    Found(Cow<'a, str>),
    /// The file has none.
    None,
    /// Only parsing can tell.
    Unknown,
}

const KEY: &[u8] = b"$schema";

/// Finds the top-level `$schema` of a datafile at a fraction of the cost of [`yaml11::Tree::parse`].
///
/// The answer is never wrong, but anything unusual is `Unknown`: this only finds a `$schema` that comes first in the
/// file (or after nothing but comments, `---` and simple keys), in a block mapping or in JSON.
pub fn sniff_schema(bytes: &[u8]) -> Sniff<'_> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Some(first) = find(bytes, 0) else {
        return if escapes_may_spell_key(bytes) { Sniff::Unknown } else { Sniff::None };
    };
    let found = match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => in_json(bytes, first),
        _ => in_block(bytes),
    };
    found.map_or(Sniff::Unknown, |text| Sniff::Found(Cow::Borrowed(text)))
}

fn find(bytes: &[u8], from: usize) -> Option<usize> {
    // `$` is rare, so searching for it alone is fast
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|b| *b == b'$')?;
        if bytes[at..].starts_with(KEY) {
            return Some(at);
        }
        at += 1;
    }
}

/// Could escape sequences spell a part of `$schema`? Two kinds can: a character by its code (`\x24`, `\u0024`,
/// `\U00000024`), and a line break that is skipped. All others, as the many of a regular expression, cannot.
fn escapes_may_spell_key(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|b| *b == b'\\') {
        rest = &rest[at + 1..];
        let digits = match rest.first() {
            Some(b'x') => 2,
            Some(b'u') => 4,
            Some(b'U') => 8,
            // YAML has line breaks outside ASCII.
            None | Some(b'\r' | b'\n' | 0x80..) => return true,
            Some(_) => continue,
        };
        let code = rest.get(1..=digits).and_then(|code| std::str::from_utf8(code).ok());
        let code = code.and_then(|code| u32::from_str_radix(code, 16).ok());
        if code.is_none_or(|code| KEY.iter().any(|byte| u32::from(*byte) == code)) {
            return true;
        }
    }
    false
}

/// `{"$schema": "/x.yml"` and no other mention of it.
fn in_json(bytes: &[u8], at: usize) -> Option<&str> {
    let before = bytes[..at].strip_suffix(b"\"")?;
    if !before.iter().all(|b| b.is_ascii_whitespace() || *b == b'{')
        || before.iter().filter(|b| **b == b'{').count() != 1
    {
        return None;
    }
    let rest = skip_blank(bytes[at + KEY.len()..].strip_prefix(b"\"")?);
    let rest = skip_blank(rest.strip_prefix(b":")?);
    let (value, rest) = quoted(rest, b'"')?;
    let escaped_or_again = find(bytes, at + 1).is_some() || escapes_may_spell_key(bytes);
    let ends = matches!(skip_blank(rest).first(), Some(b',' | b'}'));
    (ends && !escaped_or_again).then_some(value)
}

fn skip_blank(bytes: &[u8]) -> &[u8] {
    let n = bytes.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
    &bytes[n..]
}

/// A quoted text of simple characters, and the bytes after it.
fn quoted(bytes: &[u8], quote: u8) -> Option<(&str, &[u8])> {
    let inner = bytes.strip_prefix(&[quote])?;
    let end = inner.iter().position(|b| *b == quote)?;
    Some((simple(&inner[..end])?, &inner[end + 1..]))
}

/// A text without any character that is special in YAML or JSON.
fn simple(bytes: &[u8]) -> Option<&str> {
    let fine = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'.');
    let starts = bytes.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'/');
    let text = std::str::from_utf8(bytes).ok()?;
    let is_text = matches!(resolve_plain(text), Scalar::Str(_));
    (starts && bytes.iter().all(fine) && is_text).then_some(text)
}

struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(self.0.len());
        let (line, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        Some(line)
    }
}

fn in_block(bytes: &[u8]) -> Option<&str> {
    let mut lines = Lines(bytes);
    let mut marker_allowed = true;
    let value = loop {
        let line = lines.next()?;
        match line.first() {
            None | Some(b'#') => {}
            Some(b'-') if marker_allowed && line.starts_with(b"---") => {
                // the content of a document may begin on this line
                if !only_comment(&line[3..]) {
                    return None;
                }
                marker_allowed = false;
            }
            Some(b'$' | b'"' | b'\'') => break schema_line(line)?,
            // anything quoted or in brackets could continue on the next lines, whatever its indentation
            Some(b'a'..=b'z' | b'A'..=b'Z') if is_simple_key(line) => marker_allowed = false,
            Some(b' ' | b'-') if !marker_allowed && !opens(line) => {}
            Some(_) => return None,
        }
    };
    let mut directly_after = true;
    for line in lines {
        let Some(first) = line.first() else {
            continue;
        };
        // the value could continue here
        if directly_after && matches!(first, b' ' | b'\t') {
            return None;
        }
        directly_after = false;
        let fine = match first {
            b' ' | b'#' | b'-' => true,
            b'"' | b'\'' => !escapes_may_spell_key(line) && find(line, 0).is_none(),
            b'?' | b'*' | b'&' | b'!' | b'$' => false,
            _ => true,
        };
        if !fine {
            return None;
        }
    }
    Some(value)
}

fn only_comment(rest: &[u8]) -> bool {
    let blank = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    blank == rest.len() || (blank > 0 && rest[blank] == b'#')
}

/// Could a multi-line text begin here?
fn opens(line: &[u8]) -> bool {
    line.iter()
        .any(|b| matches!(b, b'"' | b'\'' | b'{' | b'[' | b'$' | b'\\' | b'?' | b'&' | b'*' | b'!'))
}

/// `key:` or `key: value` without special characters.
fn is_simple_key(line: &[u8]) -> bool {
    let name =
        line.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')).count();
    matches!(&line[name..], [b':'] | [b':', b' ', ..]) && !opens(line)
}

/// The value of a line `$schema: /x.yml`.
fn schema_line(line: &[u8]) -> Option<&str> {
    let rest = match line {
        [quote @ (b'"' | b'\''), rest @ ..] => rest.strip_prefix(KEY)?.strip_prefix(&[*quote])?,
        _ => line.strip_prefix(KEY)?,
    };
    let rest = rest.strip_prefix(b":")?;
    let blank = rest.iter().take_while(|b| **b == b' ').count();
    if blank == 0 {
        return None;
    }
    let (value, rest) = match &rest[blank..] {
        [quote @ (b'"' | b'\''), ..] => quoted(&rest[blank..], *quote)?,
        value => {
            let end = value.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(value.len());
            (simple(&value[..end])?, &value[end..])
        }
    };
    only_comment(rest).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<String> {
        match sniff_schema(text.as_bytes()) {
            Sniff::Found(value) => Some(value.into_owned()),
            _ => None,
        }
    }

    #[test]
    fn common_files_are_recognised_without_parsing() {
        for text in [
            "$schema: /a-1.yml\nname: x\n",
            "---\n$schema: /a-1.yml\n\nlabels: {}\n",
            "# x\r\n---\r\n\"$schema\": '/a-1.yml' # c\r\nx: [\r\n]\r\n",
            "name: x\nl:\n- a: b\n$schema: /a-1.yml",
            "{\n  \"$schema\": \"/a-1.yml\",\n  \"x\": 1\n}\n",
            "{\"$schema\": \"/a-1.yml\", \"x\": \"\\\"a\\\\.b\\u003c\"}\n",
        ] {
            assert_eq!(found(text).as_deref(), Some("/a-1.yml"), "{text}");
        }
        for text in
            ["a: b\n", "{\"a\": \"\\\\d+\\.\\u003e\\n\"}", "a: '\\.'\n\"b\\\"\": \"\\x3e\"\n"]
        {
            assert_eq!(sniff_schema(text.as_bytes()), Sniff::None, "{text}");
        }
    }

    #[test]
    fn doubtful_files_are_parsed() {
        for text in [
            "x: \"\n$schema: /a.yml\n\"\n",
            "x: {\n$schema: /a.yml\n}\n",
            "--- |\n$schema: /a.yml\n",
            "$schema: /a.yml\n$schema: /b.yml\n",
            "$schema: /a.yml\n  b\n",
            "$schema: /a.yml\n\n  b\n",
            "$schema: /a.yml\n\"\\x24schema\": b\n",
            "$schema: &a /a.yml\n",
            "$schema: 12\n",
            "x: 1\ny:\n  $schema: /a.yml\n",
            "{\"$schema\": \"/a.yml\", \"x\": {\"$schema\": 1}}",
            "\"\\x24schema\": b\n",
            "{\"\\u0024schema\": \"/a.yml\"}",
            "{\"$schema\": \"/a.yml\", \"$sch\\U00000065ma\": 1}",
            "\"$sch\\\nema\": b\n",
            "\"\\u24\": b\n",
        ] {
            assert_eq!(sniff_schema(text.as_bytes()), Sniff::Unknown, "{text}");
        }
    }
}
