//! The CODEOWNERS file of the config repo, read as GitLab reads it (GitLab docs, user/project/codeowners/reference and
//! advanced).

mod owners;
mod pattern;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use owners::parse_owners;
use pattern::Pattern;

use crate::domain::{Person, RepoPath};

/// Where the file can be, in the order in which GitLab looks for it.
pub const CODE_OWNERS_PATHS: [&str; 3] = ["CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];
/// Maximum size of the file, in bytes.
pub const MAX_CODE_OWNERS_BYTES: u64 = 1 << 20;
/// Maximum number of its lines.
pub const MAX_CODE_OWNERS_LINES: usize = 10_000;

/// Who owns which paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeOwners {
    /// The entries before the first heading come first.
    sections: Vec<Section>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Section {
    /// In lower case; `None` for the entries before the first heading.
    name: Option<String>,
    entries: Vec<Entry>,
    /// Where an entry with this pattern is.
    places: BTreeMap<String, usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    pattern: Pattern,
    /// `None`: what it matches has no owner in this section.
    owners: Option<Vec<Person>>,
    is_optional: bool,
}

/// The owners of a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathOwners {
    /// Those whose approval GitLab can require.
    pub required: Vec<Person>,
    /// Those of optional sections.
    pub optional: Vec<Person>,
}

impl CodeOwners {
    /// Reads the text of the file. A line that is none of the known forms is an entry, as in GitLab.
    ///
    /// # Errors
    /// When it has too many lines.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().count();
        if lines > MAX_CODE_OWNERS_LINES {
            return Err(format!("it has {lines} lines; the limit is {MAX_CODE_OWNERS_LINES}"));
        }
        let mut file = Self { sections: vec![Section::default()] };
        let (mut section, mut heading) = (0, Heading::default());
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match Heading::parse(line) {
                Some(next) => {
                    section = file.section(next.name);
                    heading = next;
                }
                None => file.sections[section].add(line, &heading),
            }
        }
        Ok(file)
    }

    /// The section with this name, whose letter case does not matter.
    fn section(&mut self, name: &str) -> usize {
        let name = Some(name.to_lowercase());
        match self.sections.iter().position(|section| section.name == name) {
            Some(at) => at,
            None => {
                self.sections.push(Section { name, ..Section::default() });
                self.sections.len() - 1
            }
        }
    }

    /// The owners of a path, section by section. In each one, the last entry that matches counts, unless any that
    /// matches is an exclusion.
    pub fn owners_of(&self, path: &RepoPath) -> PathOwners {
        let path = format!("/{path}");
        let mut found = PathOwners::default();
        for section in &self.sections {
            let matching = section.entries.iter().filter(|entry| entry.pattern.matches(&path));
            let matching: Vec<&Entry> = matching.collect();
            let Some(last) = matching.last() else { continue };
            if matching.iter().any(|entry| entry.owners.is_none()) {
                continue;
            }
            let into = if last.is_optional { &mut found.optional } else { &mut found.required };
            into.extend(last.owners.iter().flatten().cloned());
        }
        found
    }
}

impl Section {
    fn add(&mut self, line: &str, heading: &Heading<'_>) {
        let (pattern, owners) = split_entry(line);
        let (pattern, is_exclusion) = match pattern.strip_prefix('!') {
            Some(pattern) => (pattern, true),
            None => (pattern, false),
        };
        let normal = normalise(pattern);
        let owners = if owners.is_empty() { heading.owners } else { owners };
        let entry = Entry {
            pattern: Pattern::parse(&normal),
            owners: (!is_exclusion).then(|| parse_owners(owners)),
            is_optional: heading.is_optional,
        };
        // As in GitLab, an entry that is repeated replaces the earlier one, in its place.
        match self.places.get(&normal) {
            Some(&at) => self.entries[at] = entry,
            None => {
                self.places.insert(normal, self.entries.len());
                self.entries.push(entry);
            }
        }
    }
}

/// The heading of a section: `^[Name][2] @default-owner`.
#[derive(Default)]
struct Heading<'a> {
    name: &'a str,
    is_optional: bool,
    owners: &'a str,
}

impl<'a> Heading<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (rest, is_optional) = match line.strip_prefix('^') {
            Some(rest) => (rest, true),
            None => (line, false),
        };
        let (name, rest) = rest.strip_prefix('[')?.split_once(']')?;
        let owners = without_count(rest);
        // GitLab reads default owners up to the first character that no name has.
        let fits = |c: char| c.is_alphanumeric() || c.is_whitespace() || "@_.-/+".contains(c);
        let end = owners.find(|c| !fits(c)).unwrap_or(owners.len());
        let owners =
            if owners.starts_with(char::is_whitespace) { owners[..end].trim() } else { "" };
        Some(Self { name, is_optional, owners })
    }
}

/// What follows the number of approvals, if there is one.
fn without_count(text: &str) -> &str {
    let count = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match count {
        Some((count, rest)) if count.chars().all(|c| c.is_ascii_digit()) => rest,
        _ => text,
    }
}

/// Pattern and owners: divided at the first blank without a backslash before it.
fn split_entry(line: &str) -> (&str, &str) {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if c.is_whitespace() && before != '\\' {
            return (&line[..at], line[at..].trim());
        }
        before = c;
    }
    (line, "")
}

/// The pattern from the root: a name is looked for in every folder, and a folder stands for all that is in it.
fn normalise(pattern: &str) -> String {
    if pattern == "*" {
        return "/**/*".to_owned();
    }
    let pattern = if pattern.starts_with("\\#") { &pattern[1..] } else { pattern };
    let mut normal = if pattern.starts_with('/') { String::new() } else { "/**/".to_owned() };
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\\' && rest.peek().is_some_and(|next| next.is_whitespace()) {
            while rest.next_if(|next| next.is_whitespace()).is_some() {}
            normal.push(' ');
        } else {
            normal.push(c);
        }
    }
    if normal.ends_with('/') {
        normal.push_str("**/*");
    }
    normal
}
