//! Files that point to other files: symbolic links and git-lfs pointers.

use std::collections::BTreeMap;

use super::saas::{TargetDeclaration, Where};
use crate::domain::{Problem, ProblemCode};

/// First bytes of a git-lfs pointer.
const LFS_POINTERS: [&[u8]; 2] =
    [b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/"];

/// Is this a git-lfs pointer?
pub(super) fn is_lfs_pointer(bytes: &[u8]) -> bool {
    LFS_POINTERS.iter().any(|begin| bytes.starts_with(begin))
}

pub(super) fn lfs_problem(path: &str) -> Problem {
    let message = "this is only a git-lfs pointer: the file is stored elsewhere and is not read";
    Problem::new(ProblemCode::LfsPointer, message).in_file(path)
}

/// Symbolic links by path, with the files that they point to.
#[derive(Default)]
pub(super) struct Links(pub(super) BTreeMap<String, String>);

impl Links {
    /// Replaces the path of a link by the path of its file.
    pub(super) fn follow(&self, path: &mut String) {
        if let Some(file) = self.0.get(path) {
            path.clone_from(file);
        }
    }

    /// Does the same for every path in a target.
    pub(super) fn follow_target(&self, target: &mut TargetDeclaration) {
        if let Where::Namespace(path) = &mut target.location {
            self.follow(path);
        }
        target.slos.iter_mut().for_each(|path| self.follow(path));
    }
}
