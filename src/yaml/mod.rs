//! The config repo's YAML: reading it as `PyYAML` does, and changing single values in its text.
//!
//! Datafiles are YAML 1.1 as `PyYAML`'s and ruamel's safe loaders read it: `yes` is a boolean, `1e3` a text, `0777`
//! an octal number, and merge keys count. [`Tree`] is such a document with the place of every node in the text, so
//! that [`edit()`] can replace the bytes of a value and leave everything else as it stands.
//!
//! Everything here is pure: no files, no clock, no environment.

mod build;
mod decode;
mod each;
mod edit;
mod error;
mod float;
mod insert;
mod keys;
mod look;
mod merge;
mod node;
mod number;
mod patch;
mod path;
mod quote;
mod rewrite;
mod scalar;
mod site;
mod sniff;
mod splice;
mod tag;
mod tree;
mod value;

pub use each::try_each;
#[cfg(test)]
pub(crate) use edit::REREAD;
pub use edit::{HashEdit, RefMode, TargetEdit, edit, patch, verify};
pub use error::{EditError, ParseError, Position, Warning};
pub use node::NodeRef;
pub use patch::Patch;
pub use path::{NodePath, Step};
pub use quote::{Context, Quoting, reads_as_text, write_scalar};
pub use scalar::{Scalar, resolve_plain};
pub use site::{RefSite, Via};
pub use sniff::{Sniff, sniff_schema};
pub use tree::{Kind, Limits, NodeId, Style, Tree};

#[cfg(test)]
mod each_tests;
#[cfg(test)]
mod edit_tests;
#[cfg(test)]
mod tree_tests;
