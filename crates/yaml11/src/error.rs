//! What can be wrong with a document or an edit, and where.

use crate::path::NodePath;
use std::fmt;
use thiserror::Error;

/// A place in the text, as editors count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// Something that a document is read in spite of: a duplicate key, of which the last one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where the later of the two stands.
    pub position: Position,
    /// The YAML path of the key.
    pub path: NodePath,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key {} is there more than once, the last one counts", self.path)
    }
}

/// Why a document can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// The file is larger than [`crate::Limits::bytes`].
    #[error("the file has {size} bytes, more than the {limit} that are read")]
    TooLarge {
        /// Size of the file.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// The file is UTF-16 or UTF-32.
    #[error("the file is not in UTF-8 but in UTF-16 or UTF-32")]
    Utf16,
    /// Bytes that are no UTF-8.
    #[error("{at}: the byte 0x{byte:02x} is not valid UTF-8")]
    NotUtf8 {
        /// Where.
        at: Position,
        /// The first byte that does not fit.
        byte: u8,
    },
    /// It is no YAML.
    #[error("{at}: {message}")]
    Syntax {
        /// Where.
        at: Position,
        /// What the parser says.
        message: String,
    },
    /// A second document in the file, be it an empty one.
    #[error("{at}: a second document begins here, a datafile has one")]
    SeveralDocuments {
        /// Where the second one begins.
        at: Position,
    },
    /// A tag that a safe loader does not know, as `!vault`.
    #[error("{at}: the tag {tag} is not known")]
    UnknownTag {
        /// Where.
        at: Position,
        /// The tag as written.
        tag: String,
    },
    /// A value that does not fit its tag, as `!!int abc`.
    #[error("{at}: the value does not fit its tag {tag}")]
    TagMismatch {
        /// Where.
        at: Position,
        /// The tag as written.
        tag: String,
    },
    /// A number that nobody means as one.
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
    #[error("{at}: a list or a mapping can't be a key")]
    BadKey {
        /// Where.
        at: Position,
    },
    /// An alias inside of the node that it stands for.
    #[error("{at}: an alias of the node that it is part of")]
    RecursiveAlias {
        /// Where.
        at: Position,
    },
    /// More levels than [`crate::Limits::depth`], aliases followed.
    #[error("{at}: more than {limit} levels deep")]
    TooDeep {
        /// Where.
        at: Position,
        /// The limit.
        limit: usize,
    },
    /// More nodes than [`crate::Limits::nodes`], each alias counted as what it stands for.
    #[error("{at}: more than {limit} values, aliases expanded")]
    TooManyNodes {
        /// Where.
        at: Position,
        /// The limit.
        limit: u64,
    },
}

impl ParseError {
    /// The place, where there is one.
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

/// Why a value can't be changed in the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EditError {
    /// A node is not what it has to be.
    #[error("{at}: {what} is not {wanted}")]
    WrongKind {
        /// Where.
        at: Position,
        /// What was looked at, e.g. `promotion`.
        what: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// Something that has to be there is not.
    #[error("{at}: there is no {what}")]
    Missing {
        /// Where the mapping begins that should have it.
        at: Position,
        /// The key.
        what: &'static str,
    },
    /// A duplicate key on the way to the value.
    #[error("{at}: the key {path} is there more than once")]
    DuplicateKey {
        /// Where the later of the two stands.
        at: Position,
        /// The key.
        path: NodePath,
    },
    /// The value stands for another place as well, which is not to change.
    #[error("{at}: the value is also that of {path}, which is not to change")]
    Shared {
        /// Where the value stands.
        at: Position,
        /// The other place.
        path: NodePath,
    },
    /// The value has a tag that does not suit the new one.
    #[error("{at}: the tag of {what} does not suit the new value")]
    Tagged {
        /// Where.
        at: Position,
        /// What was to be changed.
        what: String,
    },
    /// Two edits want different values at one place.
    #[error("{at}: two different values are wanted for {what}")]
    Conflict {
        /// Where.
        at: Position,
        /// What was to be changed.
        what: String,
    },
    /// More places than can be looked at reach the value.
    #[error("{at}: too many places share this value")]
    TooManyUsers {
        /// Where.
        at: Position,
    },
    /// A notation that is not changed, such as a block text with a comment in its head.
    #[error("{at}: {what} is written in a way that is not edited: {why}")]
    Notation {
        /// Where.
        at: Position,
        /// What was to be changed.
        what: String,
        /// What stands in the way.
        why: &'static str,
    },
    /// So many other edits of the file failed that this one was not tried any more.
    #[error(
        "{at}: not tried, as too many other edits of this file failed: make those possible first"
    )]
    NotTried {
        /// Where the node is.
        at: Position,
    },
    /// The new text does not read as it should.
    #[error("{at}: the change would not read as it should: {why} at {path}")]
    Verification {
        /// Where the value is in the old text.
        at: Position,
        /// The first place that differs.
        path: NodePath,
        /// How.
        why: String,
    },
}

impl EditError {
    /// The place in the old text.
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
