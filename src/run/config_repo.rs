//! The config repo of a run, read.

use std::collections::BTreeSet;

use crate::app_interface::{Bundle, FileTree, TreeError, load, load_with_texts};
use crate::domain::UidDigest;
use crate::inventory::{Inventory, build};

/// Datafiles and the targets that they describe.
pub struct ConfigRepo {
    /// The datafiles.
    pub bundle: Bundle,
    /// The targets.
    pub inventory: Inventory,
}

/// How a config repo is read.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Which digest makes the uids of targets.
    pub digest: UidDigest,
    /// Hosts of GitLab and GitHub, which ignore the letter case of paths.
    pub forges: BTreeSet<String>,
    /// Keep the texts of all datafiles, to show excerpts of them?
    pub texts: bool,
}

impl ConfigRepo {
    /// Reads all datafiles of a tree. A datafile that cannot be used is a problem of the bundle.
    ///
    /// # Errors
    /// When the tree has no `data` folder, or cannot be read.
    pub fn read(tree: &dyn FileTree, options: &ReadOptions) -> Result<Self, TreeError> {
        let mut bundle = if options.texts { load_with_texts(tree)? } else { load(tree)? };
        bundle.know_forges(&options.forges);
        let inventory = build(&bundle, options.digest);
        // Large, and the selectors are expanded now.
        bundle.selector_document = None;
        tracing::info!(
            files = bundle.counts.files,
            parsed = bundle.counts.parsed,
            saas_files = bundle.saas_files.len(),
            publishers = inventory.targets.len(),
            subscribers = inventory.subscribers.len(),
            "config repo read"
        );
        Ok(Self { bundle, inventory })
    }
}
