//! The field's words as types: no file formats, no I/O, no clock.

pub mod check_in;
mod digest;
mod git;
mod help;
mod identity;
mod names;
mod problem;
pub mod schedule;
mod share;
mod slo_keys;
mod span;

pub use digest::sha256_hex;
pub use git::{CommitSha, RepoUrl, is_commit_sha};
pub use identity::{TargetIdentity, TargetUid, UidDigest};
pub use names::{MAX_NAME_BYTES, MAX_URL_BYTES, check_length, excerpt};
pub use problem::{Problem, Related, Severity};
pub use share::{Share, ShareError};
pub use slo_keys::SloKeys;
pub use span::span;
