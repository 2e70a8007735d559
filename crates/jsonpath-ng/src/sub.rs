//! `` `sub(/regex/, replacement)` ``: Python's `re.sub`.

use super::SelectError;
use super::budget::Budget;
use super::datum::Val;
use super::pattern::Pattern;
use fancy_regex::Regex;
use std::sync::Arc;

/// As in jsonpath_ng, a blank must follow the comma.
const SUB: &str = r"\Asub\(/(.*)/,\s+(.*)\)";

/// What is replaced, and by what.
#[derive(Debug, Clone)]
pub(super) struct Sub {
    pattern: Arc<Pattern>,
    replacement: Vec<Piece>,
}

/// A part of a replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
}

/// The regular expression and the replacement of `sub(/…/, …)`.
pub(super) fn read(text: &str) -> Result<(&str, &str), String> {
    let invalid = || format!("`{text}` is not `sub(/regular expression/, replacement)`");
    let regex = Regex::new(SUB).map_err(|_| invalid())?;
    let groups = regex.captures(text).ok().flatten().ok_or_else(invalid)?;
    let group = |index| groups.get(index).map_or("", |group| group.as_str().trim());
    Ok((group(1), group(2)))
}

impl Sub {
    pub(super) fn new(pattern: Arc<Pattern>, replacement: &str) -> Result<Self, String> {
        let replacement = template(replacement, pattern.groups())
            .map_err(|message| format!("replacement: {message}"))?;
        Ok(Self { pattern, replacement })
    }

    /// The text with all matches replaced; `None` if nothing changes.
    pub(super) fn apply<'a>(
        &self,
        value: &Val<'_>,
        budget: &Budget,
    ) -> Result<Option<Val<'a>>, SelectError> {
        let Some(text) = value.text() else {
            return Err(SelectError::Type(
                "replace something in a value that is not a \
                                          text"
                    .to_owned(),
            ));
        };
        let mut out = String::new();
        let mut copied = 0;
        let mut from = 0;
        while let Some(groups) = self.pattern.find_from(text, from, budget)? {
            let [Some((start, end)), ..] = groups.as_slice() else { break };
            let (start, end) = (*start, *end);
            out.push_str(&text[copied..start]);
            for piece in &self.replacement {
                let piece = match piece {
                    Piece::Text(text) => text.as_str(),
                    Piece::Group(number) => groups
                        .get(*number)
                        .copied()
                        .flatten()
                        .map_or("", |(start, end)| &text[start..end]),
                };
                budget.hold(piece.len())?;
                out.push_str(piece);
            }
            copied = end;
            from = end;
            if start == end {
                // After an empty match, the search continues with the next character.
                let Some(next) = text[end..].chars().next() else { break };
                from += next.len_utf8();
            }
        }
        budget.hold(text.len())?;
        out.push_str(&text[copied..]);
        Ok((out != text).then(|| Val::scalar(out)))
    }
}

/// Reads a replacement: `\1`, `\g<1>`, `\g<name>`, and Python's escapes.
fn template(text: &str, groups: &[Option<String>]) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        literal.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let first = rest.chars().next().ok_or("bad escape at the end")?;
        if first.is_ascii_digit() || first == 'g' {
            let (read, after) = numbered(rest, groups)?;
            rest = after;
            match read {
                Reference::Character(character) => literal.push(character),
                Reference::Group(number) if number <= groups.len() => {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    pieces.push(Piece::Group(number));
                }
                Reference::Group(number) => return Err(format!("no group {number}")),
            }
            continue;
        }
        rest = &rest[first.len_utf8()..];
        match first {
            'a' => literal.push('\x07'),
            'b' => literal.push('\x08'),
            'f' => literal.push('\x0c'),
            'n' => literal.push('\n'),
            'r' => literal.push('\r'),
            't' => literal.push('\t'),
            'v' => literal.push('\x0b'),
            '\\' => literal.push('\\'),
            letter if letter.is_ascii_alphabetic() => return Err(format!("bad escape \\{letter}")),
            other => literal.extend(['\\', other]),
        }
    }
    literal.push_str(rest);
    pieces.push(Piece::Text(literal));
    Ok(pieces)
}

enum Reference {
    Character(char),
    Group(usize),
}

/// A group or an octal escape, after the backslash, and the text after it.
fn numbered<'t>(text: &'t str, groups: &[Option<String>]) -> Result<(Reference, &'t str), String> {
    if let Some(named) = text.strip_prefix('g') {
        let named = named.strip_prefix('<').ok_or("missing < behind \\g")?;
        let (name, after) = named.split_once('>').ok_or("missing > behind \\g<")?;
        let number = match name.parse() {
            Ok(number) => number,
            Err(_) => {
                let known = groups.iter().position(|group| group.as_deref() == Some(name));
                known.ok_or_else(|| format!("unknown group name `{name}`"))? + 1
            }
        };
        return Ok((Reference::Group(number), after));
    }
    let octal = text.bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    if text.starts_with('0') || octal == 3 {
        let value = u32::from_str_radix(&text[..octal], 8).map_err(|_| "bad octal escape")?;
        let character = char::from_u32(value).filter(|_| value <= 0o377);
        let character = character.ok_or("octal escape outside of range 0-0o377")?;
        return Ok((Reference::Character(character), &text[octal..]));
    }
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let number = text[..digits].parse().map_err(|_| "bad group number")?;
    Ok((Reference::Group(number), &text[digits..]))
}
