//! The config repo: its files, what they say, and how they refer to each other.
//!
//! `tree` gives the files (found by `walk`, here and in commits), `fields` reads typed values with their places, `saas`
//! and `resources` are the datafiles in the field's words (`*_reader` reads them), and `load` turns a tree into a
//! [`Bundle`]: everything typed, every `$ref` resolved, every SLO expression that a target uses rendered (`template`),
//! and every problem collected with its place instead of ending the run.

mod batch;
mod bundle;
mod fields;
mod known_keys;
mod links;
mod load;
mod resolve;
mod resource_reader;
mod resources;
mod saas;
mod saas_reader;
mod selectable;
mod slo_documents;
mod sniff;
mod target_edit;
mod template;
mod tree;
pub mod walk;

pub use bundle::{Bundle, LoadCounts};
pub use fields::FieldError;
pub use load::{load, load_with_texts};
pub use resources::{App, Cluster, CodeComponent, Namespace, Slo, SloDocument, SloNamespace};
pub use saas::{
    CurrentHash, Promotion, ResourceTemplate, SaasFile, Selector, SourceLocation,
    TargetDeclaration, Where,
};
pub use selectable::SELECTOR_DOCUMENT;
pub use sniff::{Sniff, sniff_schema};
pub use target_edit::{HashEdit, TargetEdit};
pub use tree::{DirectoryTree, FileTree, TreeError, is_datafile};
pub use walk::Entry;
