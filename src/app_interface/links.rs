//! Datafiles that stand for others: symbolic links, and what git-lfs leaves in place of a file.

use std::collections::BTreeMap;

use super::saas::{TargetDeclaration, Where};
use crate::domain::{Problem, ProblemCode};

/// How a file begins that git-lfs left as a pointer.
const LFS_POINTERS: [&[u8]; 2] =
    [b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/"];

/// Is it a pointer to a file that git-lfs keeps elsewhere?
pub(super) fn is_lfs_pointer(bytes: &[u8]) -> bool {
    LFS_POINTERS.iter().any(|begin| bytes.starts_with(begin))
}

pub(super) fn lfs_problem(path: &str) -> Problem {
    let message =
        "git-lfs keeps this file elsewhere: here is only a pointer, and the file is not read";
    Problem::new(ProblemCode::LfsPointer, message).in_file(path)
}

/// Symbolic links by path, and the files that they lead to.
#[derive(Default)]
pub(super) struct Links(pub(super) BTreeMap<String, String>);

impl Links {
    /// Puts the file in place of a link to it.
    pub(super) fn follow(&self, path: &mut String) {
        if let Some(file) = self.0.get(path) {
            path.clone_from(file);
        }
    }

    /// The same in all that a target refers to.
    pub(super) fn follow_target(&self, target: &mut TargetDeclaration) {
        if let Where::Namespace(path) = &mut target.location {
            self.follow(path);
        }
        target.slos.iter_mut().for_each(|path| self.follow(path));
    }
}
