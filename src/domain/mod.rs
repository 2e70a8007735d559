//! The field's words as types: no file formats, no I/O, no clock.

pub mod check_in;
mod git;
mod identity;
mod problem;
pub mod schedule;
mod share;

pub use git::{CommitSha, RepoUrl, is_commit_sha};
pub use identity::{TargetIdentity, TargetUid, UidDigest};
pub use problem::{Problem, Severity};
pub use share::{Share, ShareError};
