//! The config repo: its datafiles and the references between them.
//!
//! `tree` lists the files (`walk` finds them, on disk and in commits), `fields` reads typed values with their source
//! locations, `saas` and `resources` are the typed datafiles (`*_reader` reads them), and `load` turns a tree into a
//! [`Bundle`]: every `$ref` is resolved and every SLO expression that a target uses is rendered (`template`). A problem
//! is recorded with its source location and does not end the run.

mod batch;
mod bundle;
mod code_owners;
mod fields;
mod known_keys;
mod links;
mod load;
mod parameters;
mod parsed_files;
mod people;
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
pub use code_owners::{
    CODE_OWNERS_PATHS, CodeOwners, MAX_CODE_OWNERS_BYTES, MAX_CODE_OWNERS_LINES, PathOwners,
};
pub use fields::FieldError;
pub use known_keys::datafile_schemas;
pub use load::{LoadOptions, load, load_with, load_with_texts};
pub use parameters::{DeploymentConfig, Parameter, deployment_config};
pub use parsed_files::{BlobId, ParsedFiles};
pub use people::Approvers;
pub use resources::{App, Cluster, CodeComponent, Namespace, Slo, SloDocument, SloNamespace};
pub use saas::{
    CurrentHash, FieldLines, Promotion, ResourceTemplate, SaasFile, Selector, SourceLocation,
    TargetDeclaration, TargetField, Where,
};
pub use selectable::SELECTOR_DOCUMENT;
pub use sniff::{Sniff, sniff_schema};
pub use target_edit::{HashEdit, TargetEdit};
pub use tree::{DirectoryTree, FileTree, RootFile, TreeError, is_datafile};
pub use walk::Entry;
