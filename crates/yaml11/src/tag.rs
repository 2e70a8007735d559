//! The tags that a safe loader knows.

use serde::{Deserialize, Serialize};

/// A tag of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Tag {
    /// None.
    None,
    /// `!`: read the text as if it were plain, quotes or not.
    NonSpecific,
    Str,
    Int,
    Float,
    Bool,
    Null,
    Binary,
    Timestamp,
    Merge,
    /// `!!seq`, `!!omap`, `!!pairs`.
    Seq,
    /// `!!map`, `!!set`.
    Map,
}

impl Tag {
    /// Converts the parser's tag; `None` if a safe loader has no constructor for it.
    pub(crate) fn from_parser(tag: &granit_parser::Tag) -> Option<Self> {
        if tag.parts() == ("", "!") || tag.parts() == ("!", "") {
            return Some(Self::NonSpecific);
        }
        Some(match &*tag.suffix_in_namespace("tag:yaml.org,2002:")? {
            "str" => Self::Str,
            "int" => Self::Int,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "null" => Self::Null,
            "binary" => Self::Binary,
            "timestamp" => Self::Timestamp,
            "merge" => Self::Merge,
            "seq" | "omap" | "pairs" => Self::Seq,
            "map" | "set" => Self::Map,
            _ => return None,
        })
    }

    /// Is it a tag for lists?
    pub(crate) fn suits_sequence(self) -> bool {
        matches!(self, Self::None | Self::NonSpecific | Self::Seq)
    }

    /// Is it a tag for mappings?
    pub(crate) fn suits_mapping(self) -> bool {
        matches!(self, Self::None | Self::NonSpecific | Self::Map)
    }

    /// Is it a tag for scalars?
    pub(crate) fn suits_scalar(self) -> bool {
        !matches!(self, Self::Seq | Self::Map)
    }
}
