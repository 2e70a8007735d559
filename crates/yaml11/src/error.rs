//! Errors of documents and edits, with their positions.

use crate::path::NodePath;
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// A position in the text, as in editors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A problem that does not prevent reading: a duplicate key, of which the last one counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Position of the later key.
    pub position: Position,
    /// The YAML path of the key.
    pub path: NodePath,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key {} is duplicate; the last one counts", self.path)
    }
}

/// Why a document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The file is larger than [`crate::Limits::bytes`].
    #[error("the file has {size} bytes; the limit is {limit}")]
    TooLarge {
        /// Size of the file.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// The file is UTF-16 or UTF-32.
    #[error("the file is not in UTF-8 but in UTF-16 or UTF-32")]
    Utf16,
    /// Bytes that are not UTF-8.
    #[error("{at}: the byte 0x{byte:02x} is not valid UTF-8")]
    NotUtf8 {
        /// Where.
        at: Position,
        /// The first byte that does not fit.
        byte: u8,
    },
    /// Not YAML.
    #[error("{at}: {message}")]
    Syntax {
        /// Where.
        at: Position,
        /// The parser's message.
        message: String,
    },
    /// A second document in the file, even an empty one.
    #[error("{at}: a second document begins here; a file may have only one")]
    SeveralDocuments {
        /// Start of the second document.
        at: Position,
    },
    /// A tag that a safe loader does not know, for example `!vault`.
    #[error("{at}: unknown tag {tag}")]
    UnknownTag {
        /// Where.
        at: Position,
        /// The tag as written.
        tag: String,
    },
    /// A value that does not match its tag, for example `!!int abc`.
    #[error("{at}: the value does not match its tag {tag}")]
    TagMismatch {
        /// Where.
        at: Position,
        /// The tag as written.
        tag: String,
    },
    /// A number that is too long to be meant as one.
    #[error("{at}: a number of {digits} digits")]
    LongNumber {
        /// Where.
        at: Position,
        /// Its length.
        digits: usize,
    },
    /// `<<` with something that is neither a mapping nor a list of mappings.
    #[error("{at}: a merge key needs a mapping or a list of mappings")]
    BadMerge {
        /// Where.
        at: Position,
    },
    /// A list or a mapping as a key.
    #[error("{at}: a list or a mapping cannot be a key")]
    BadKey {
        /// Where.
        at: Position,
    },
    /// An alias inside the node that it refers to.
    #[error("{at}: an alias of a node that contains it")]
    RecursiveAlias {
        /// Where.
        at: Position,
    },
    /// More levels than [`crate::Limits::depth`], with aliases resolved.
    #[error("{at}: more than {limit} levels deep")]
    TooDeep {
        /// Where.
        at: Position,
        /// The limit.
        limit: usize,
    },
    /// More nodes than [`crate::Limits::nodes`], with aliases expanded.
    #[error("{at}: more than {limit} values with aliases expanded")]
    TooManyNodes {
        /// Where.
        at: Position,
        /// The limit.
        limit: u64,
    },
}

impl ParseError {
    /// The position, if there is one.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::TooLarge { .. } | Self::Utf16 => None,
            Self::NotUtf8 { at, .. }
            | Self::Syntax { at, .. }
            | Self::SeveralDocuments { at }
            | Self::UnknownTag { at, .. }
            | Self::TagMismatch { at, .. }
            | Self::LongNumber { at, .. }
            | Self::BadMerge { at }
            | Self::BadKey { at }
            | Self::RecursiveAlias { at }
            | Self::TooDeep { at, .. }
            | Self::TooManyNodes { at, .. } => Some(*at),
        }
    }
}

/// Why a value cannot be changed in the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EditError {
    /// A node is of the wrong kind.
    #[error("{at}: {what} is not {wanted}")]
    WrongKind {
        /// Where.
        at: Position,
        /// The node, e.g. `promotion`.
        what: String,
        /// The expected kind.
        wanted: &'static str,
    },
    /// A required key is missing.
    #[error("{at}: there is no {what}")]
    Missing {
        /// Start of the mapping without the key.
        at: Position,
        /// The key.
        what: &'static str,
    },
    /// A duplicate key on the path to the value.
    #[error("{at}: the key {path} is duplicate")]
    DuplicateKey {
        /// Position of the later key.
        at: Position,
        /// The key.
        path: NodePath,
    },
    /// The value is shared with another location, which must not change.
    #[error("{at}: the value is shared with {path}, which must not change")]
    Shared {
        /// Position of the value.
        at: Position,
        /// The other location.
        path: NodePath,
    },
    /// The value's tag does not match the new value.
    #[error("{at}: the tag of {what} does not match the new value")]
    Tagged {
        /// Where.
        at: Position,
        /// What was to be changed.
        what: String,
    },
    /// Two edits set different values in one location.
    #[error("{at}: two different values for {what}")]
    Conflict {
        /// Where.
        at: Position,
        /// What was to be changed.
        what: String,
    },
    /// More locations than the limit share the value.
    #[error("{at}: too many places share this value")]
    TooManyUsers {
        /// Where.
        at: Position,
    },
    /// An unsupported notation, such as a block text with a comment in its header.
    #[error("{at}: unsupported notation of {what}: {why}")]
    Notation {
        /// Where.
        at: Position,
        /// What was to be changed.
        what: String,
        /// The reason.
        why: &'static str,
    },
    /// Too many other edits of the file failed, so this one was not tried.
    #[error(
        "{at}: not tried, as too many other edits of this file failed: make those possible first"
    )]
    NotTried {
        /// Where the node is.
        at: Position,
    },
    /// The new text does not parse as it should.
    #[error("{at}: the edit would not have the intended result: {why} at {path}")]
    Verification {
        /// Position of the value in the old text.
        at: Position,
        /// The first location that differs.
        path: NodePath,
        /// The difference.
        why: String,
    },
}

impl EditError {
    /// The position in the old text.
    pub fn position(&self) -> Position {
        match self {
            Self::WrongKind { at, .. }
            | Self::Missing { at, .. }
            | Self::DuplicateKey { at, .. }
            | Self::Shared { at, .. }
            | Self::Tagged { at, .. }
            | Self::Conflict { at, .. }
            | Self::TooManyUsers { at }
            | Self::NotTried { at }
            | Self::Notation { at, .. }
            | Self::Verification { at, .. } => *at,
        }
    }
}
