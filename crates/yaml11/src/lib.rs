#![doc = include_str!("../README.md")]

mod batch;
mod build;
mod decode;
mod edit;
mod error;
mod float;
mod insert;
mod keys;
mod merge;
mod node;
mod number;
mod patch;
mod path;
mod quote;
mod rewrite;
mod scalar;
mod splice;
mod stored;
mod style;
mod tag;
mod tree;
mod usages;
mod value;

pub use batch::try_each;
pub use edit::{AliasMode, Edit, Editor, edit, patch, rereads, verify, wrong_kind};
pub use error::{EditError, ParseError, Position, Warning};
pub use insert::Entry;
pub use node::NodeRef;
pub use patch::Patch;
pub use path::{NodePath, Step};
pub use quote::{Context, Quoting, reads_as_text, write_scalar};
pub use scalar::{Scalar, resolve_plain};
pub use splice::Splice;
pub use tree::{Kind, Limits, NodeId, Style, Tree};
pub use usages::{ValueSite, Via};
pub use value::Value;

#[cfg(test)]
mod tree_tests;
