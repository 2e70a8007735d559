//! Commits and refs.

use std::fmt;

use arrayvec::ArrayString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::quoted;

/// A full commit id: 40 lower-case hex digits.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct CommitSha(HexDigits);

/// 40 hex digits, without memory of their own: a run has tens of thousands of them.
pub(super) type HexDigits = ArrayString<40>;

/// A ref in a datafile.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GitRef {
    /// A full commit id, which never moves.
    Pinned(CommitSha),
    /// Anything else (a branch, a tag, a short or upper-case hash): its commit has to be looked up.
    Moving(String),
}

impl GitRef {
    /// Decides by the form of the text.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        CommitSha::parse(&text).map_or_else(|| Self::Moving(text), Self::Pinned)
    }

    /// The ref as written in the datafile.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pinned(commit) => commit.as_str(),
            Self::Moving(text) => text,
        }
    }

    /// The branch, tag or other name whose commit has to be looked up.
    pub fn moving(&self) -> Option<&str> {
        match self {
            Self::Pinned(_) => None,
            Self::Moving(text) => Some(text),
        }
    }
}

impl fmt::Display for GitRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Git's id for "no commit": the ref of a target to which nothing was deployed yet.
pub const NULL_COMMIT: &str = "0000000000000000000000000000000000000000";

/// Is this a full commit id: 40 lower-case hex digits?
pub fn is_commit_sha(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A ref in messages for people: the first 8 digits of a commit.
pub fn short_ref(git_ref: &str) -> &str {
    if is_commit_sha(git_ref) { &git_ref[..8] } else { git_ref }
}

/// Why an id from a git host is not a [`CommitSha`].
pub fn no_commit(id: &str) -> String {
    if id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return format!(
            "{}… is a SHA-256 id; sapm promotes only commits with SHA-1 ids (40 digits)",
            &id[..8]
        );
    }
    format!("{} is not a commit id of 40 digits", quoted(id))
}

impl CommitSha {
    /// The commit id, or `None` if the text is not 40 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        if is_commit_sha(text) { HexDigits::from(text).ok().map(Self) } else { None }
    }

    /// All 40 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 8 digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..8]
    }
}

impl fmt::Display for CommitSha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for CommitSha {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| {
            format!("not a commit id of 40 lower-case hex digits: {}", quoted(&text))
        })
    }
}

impl From<CommitSha> for String {
    fn from(sha: CommitSha) -> Self {
        sha.0.to_string()
    }
}

/// Why a text cannot be the name of a ref (git's check-ref-format); `None` if it can.
pub fn explain_invalid_ref(text: &str) -> Option<&'static str> {
    let odd = |c: char| matches!(c, '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let bad_part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    Some(match text {
        "" => "it is empty",
        "@" => "`@` alone is not a name",
        _ if text.contains(char::is_whitespace) => "it contains whitespace",
        _ if text.contains(char::is_control) => "it contains a control character",
        _ if text.contains(odd) => "it contains one of ~ ^ : ? * [ \\",
        _ if text.contains("..") || text.contains("@{") => "it contains `..` or `@{`",
        _ if text.starts_with('-') => "it begins with `-`",
        _ if text.ends_with('.') => "it ends with a dot",
        _ if text.split('/').any(bad_part) => {
            "a part between slashes is empty, begins with a dot or ends with `.lock`"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forty_lower_case_hex_digits_are_a_commit() {
        assert!(is_commit_sha("c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc"));
        for text in ["c2a6b03f", "C2A6B03F190DFB2B4AA91F8AF8D477A9BC3401DC", "main", ""] {
            assert!(!is_commit_sha(text), "{text}");
        }
    }

    #[test]
    fn ref_names_are_checked_as_in_git() {
        for name in ["main", "release/1.2", "v1.2.3", "a@b", "x-y_z", "feature/ü", "refs/heads/a"]
        {
            assert_eq!(explain_invalid_ref(name), None, "{name}");
        }
        for name in [
            "", "@", "a b", "a\tb", "a..b", "a~1", "HEAD^", "a:b", "a?", "a*", "a[b", "a\\b", "/a",
            "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "a@{1}", "-a", " main",
            "\u{7f}",
        ] {
            assert!(explain_invalid_ref(name).is_some(), "{name}");
        }
    }
}
