//! The config repo of a run, read.

use std::collections::BTreeSet;

use crate::app_interface::{
    Bundle, CODE_OWNERS_PATHS, CodeOwners, FileTree, LoadOptions, MAX_CODE_OWNERS_BYTES,
    ParsedFiles, RootFile, TreeError, load_with,
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
    /// Keep the texts and trees of all datafiles, to show excerpts of them?
    pub texts: bool,
    /// Where reviewers are declared: users and CODEOWNERS are read only for them.
    pub reviewers: ReviewersFrom,
}

impl ReadOptions {
    fn load_options(&self) -> LoadOptions {
        LoadOptions { texts: self.texts, users: self.reviewers == ReviewersFrom::Owners }
    }
}

impl ConfigRepo {
    /// Reads all datafiles of a tree. A datafile that cannot be used is a problem of the bundle.
    ///
    /// # Errors
    /// When the tree has no `data` folder, or cannot be read.
    pub fn read(tree: &dyn FileTree, options: &ReadOptions) -> Result<Self, TreeError> {
        Self::read_with(tree, options, &mut ParsedFiles::disabled())
    }

    /// Like [`read`](Self::read), but parses only the datafiles that are not among `parsed`, and adds them.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_with(
        tree: &dyn FileTree,
        options: &ReadOptions,
        parsed: &mut ParsedFiles,
    ) -> Result<Self, TreeError> {
        let mut bundle = load_with(tree, options.load_options(), parsed)?;
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
        if !options.texts {
            bundle.forget_trees();
        }
        tracing::info!(
            files = bundle.counts.files,
            parsed = bundle.counts.parsed,
            known = bundle.counts.known,
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
