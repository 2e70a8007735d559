//! Paths of files in the config repo.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The folder of the config repo that holds all datafiles.
const DATA: &str = "data";

/// A path from the root of the config repo, without a leading slash: `data/services/shop/saas.yml`.
///
/// Datafiles refer to each other by the path below `data`, with a leading slash.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct RepoPath(String);

impl RepoPath {
    /// Takes a path as stored, e.g. in a commit's trailer.
    pub fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// The path of a datafile: `/services/shop/saas.yml` is at `data/services/shop/saas.yml`.
    pub fn of_datafile(datafile: &str) -> Self {
        Self(format!("{DATA}{datafile}"))
    }

    /// The path as used in `$ref`s; `None` outside the folder `data`.
    pub fn datafile(&self) -> Option<&str> {
        self.0.strip_prefix(DATA).filter(|path| path.starts_with('/'))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
