//! The terms of the domain as types: no file formats, no I/O, no clock.

pub mod check_in;
mod counts;
mod digest;
mod error_chain;
mod git;
mod identity;
mod ids;
mod merge_method;
mod names;
mod person;
mod problem;
mod problem_code;
mod repo_path;
mod repository;
mod shard;
mod slo_keys;
mod span;
mod spelling;
mod text;

pub use counts::{and_more, count, mr_numbers, name_first};
pub use digest::{hex, sha256_hex};
pub use error_chain::error_chain;
pub use git::{
    CommitSha, GitRef, NULL_COMMIT, explain_invalid_ref, is_commit_sha, no_commit, short_ref,
};
pub use identity::{TargetIdentity, TargetUid, UidDigest};
pub use ids::{MrIid, UserId};
pub use merge_method::MergeMethod;
pub use names::{MAX_NAME_BYTES, MAX_URL_BYTES, check_length, dot_segment, excerpt};
pub use person::Person;
pub use problem::{Problem, Related, Severity};
pub use problem_code::ProblemCode;
pub use repo_path::RepoPath;
pub use repository::{RepoId, RepoUrl, mask_userinfo, without_userinfo};
pub use shard::{Shard, ShardError};
pub use slo_keys::SloKeys;
pub use span::span;
pub use spelling::{likeness, likest, near, near_paths};
pub use text::{
    is_plain, is_printable, printable, printable_except, quoted, to_json, write_json,
    write_json_by_entry,
};
