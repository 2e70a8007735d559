//! The config repo of a run, read.

use std::collections::BTreeSet;

use crate::app_interface::{
    Bundle, CODE_OWNERS_PATHS, CodeOwners, FileTree, LoadOptions, MAX_CODE_OWNERS_BYTES, RootFile,
    TreeError, load_with,
};
use crate::domain::{Problem, ProblemCode, UidDigest, error_chain};
use crate::inventory::{Inventory, build};
use crate::plan::ReviewersFrom;

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
    /// Where reviewers are declared: users and CODEOWNERS are read only for them.
    pub reviewers: ReviewersFrom,
}

impl ConfigRepo {
    /// Reads all datafiles of a tree. A datafile that cannot be used is a problem of the bundle.
    ///
    /// # Errors
    /// When the tree has no `data` folder, or cannot be read.
    pub fn read(tree: &dyn FileTree, options: &ReadOptions) -> Result<Self, TreeError> {
        let users = options.reviewers == ReviewersFrom::Owners;
        let mut bundle = load_with(tree, LoadOptions { texts: options.texts, users })?;
        if options.reviewers == ReviewersFrom::CodeOwners {
            match read_code_owners(tree) {
                Ok(owners) => bundle.code_owners = Some(owners),
                Err(problem) => bundle.problems.push(*problem),
            }
        }
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

/// The first CODEOWNERS that is there.
///
/// # Errors
/// Why there is none that can be used. It never ends the run.
fn read_code_owners(tree: &dyn FileTree) -> Result<CodeOwners, Box<Problem>> {
    let unusable = |path: &str, reason: &str| {
        let message = format!("{path} cannot be used, so nobody is asked to review: {reason}");
        Box::new(Problem::new(ProblemCode::CodeOwnersUnusable, message))
    };
    for path in CODE_OWNERS_PATHS {
        let bytes = match tree.root_file(path, MAX_CODE_OWNERS_BYTES) {
            Ok(None) => continue,
            Ok(Some(RootFile::Bytes(bytes))) => bytes,
            Ok(Some(RootFile::TooLarge(size))) => {
                let reason = format!("it has {size} bytes; the limit is {MAX_CODE_OWNERS_BYTES}");
                return Err(unusable(path, &reason));
            }
            Err(error) => return Err(unusable(path, &error_chain(&error))),
        };
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| unusable(path, "it is not UTF-8 text"))?;
        return CodeOwners::parse(&text).map_err(|reason| unusable(path, &reason));
    }
    let message = "there is no CODEOWNERS in the config repo, so nobody is asked to review";
    Err(Box::new(Problem::new(ProblemCode::CodeOwnersUnusable, message)))
}
