//! Paths in a document.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Longer keys are shortened when printed.
const MAX_PRINTED_BYTES: usize = 1_024;
const PRINTED_BYTES: usize = 100;

/// One step from a node to a child.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Step {
    /// Into a mapping.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

/// The path from the root to a node, with aliases and merge keys resolved. Printed as
/// `resourceTemplates[0].targets[1].ref`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodePath(Vec<Step>);

impl NodePath {
    /// The root.
    pub fn root() -> Self {
        Self::default()
    }

    /// The steps from the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The path of a value in this mapping.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        let mut path = self.clone();
        path.push(Step::Key(key.into()));
        path
    }

    /// The path of an item in this list, from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.push(Step::Index(index));
        path
    }

    /// Parses a printed path; `None` if it is not one. The empty text is the root.
    pub fn parse(text: &str) -> Option<Self> {
        let mut path = Self::root();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(bracket) = rest.strip_prefix('[') {
                let quoted = bracket.starts_with('"');
                let end = bracket.find(if quoted { "\"]" } else { "]" })? + usize::from(quoted);
                path.push(match bracket[..end].strip_prefix('"') {
                    None => Step::Index(bracket[..end].parse().ok()?),
                    Some(key) => Step::Key(unescaped(key.strip_suffix('"')?)?),
                });
                rest = &bracket[end + 1..];
                continue;
            }
            let key = if path.0.is_empty() { rest } else { rest.strip_prefix('.')? };
            let end = key.find(['.', '[']).unwrap_or(key.len());
            if end == 0 {
                return None;
            }
            path.push(Step::Key(key[..end].to_owned()));
            rest = &key[end..];
        }
        Some(path)
    }

    /// The parent path; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }

    /// Is this the other place, or a place inside of it?
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    pub(crate) fn reversed(mut steps: Vec<Step>) -> Self {
        steps.reverse();
        Self(steps)
    }
}

/// Undoes Rust's quoting of a text; `None` for escapes that no key of a datafile needs.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                c @ ('"' | '\\' | '\'') => c,
                _ => return None,
            },
            c => c,
        });
    }
    Some(out)
}

impl FromIterator<Step> for NodePath {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the document");
        }
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(n) => write!(f, "[{n}]")?,
                // Messages repeat paths, and nobody reads a key of a megabyte.
                Step::Key(key) if key.len() > MAX_PRINTED_BYTES => {
                    let cut =
                        key.char_indices().map(|(at, _)| at).take_while(|at| *at <= PRINTED_BYTES);
                    write!(f, "[\"{}…\"]", key[..cut.last().unwrap_or(0)].escape_debug())?;
                }
                Step::Key(key)
                    if key.is_empty() || key.contains(['.', '[', ']', '"', ' ', '\n']) =>
                {
                    write!(f, "[{key:?}]")?;
                }
                Step::Key(key) if i == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_print_as_people_write_them() {
        let path = NodePath::root().key("a").index(0).key("b.c").key("d");
        assert_eq!(path.to_string(), "a[0][\"b.c\"].d");
        assert_eq!(NodePath::parse(&path.to_string()), Some(path.clone()));
        assert_eq!(NodePath::parse(""), Some(NodePath::root()));
        let long = NodePath::root().key("é".repeat(1_000)).to_string();
        assert_eq!(long, format!("[\"{}…\"]", "é".repeat(50)));
        for no_path in ["[", "[x]", "a..b", "a[0]b", "a[\"b]", ".a"] {
            assert_eq!(NodePath::parse(no_path), None, "{no_path}");
        }
        assert!(path.starts_with(&NodePath::root().key("a")));
        assert_eq!(path.parent().map(|p| p.to_string()).as_deref(), Some("a[0][\"b.c\"]"));
    }
}
