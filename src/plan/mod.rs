//! The desired merge requests against the open ones: what is to be written,
//! with nothing left to choose.
//!
//! `desired` turns decisions into edited texts, one change for each edit site;
//! `adoption` lets open requests go on from the branch that they have;
//! `authorship` tells whose a branch is, by `verify`: what it declares is made again and compared;
//! `owners` tells which of several nodes looks after it, `branch_content` what it stands beside,
//! `claims` which targets it is about;
//! `lifecycle` compares the two and gives every request its action, whose writes
//! are in `actions`, `keeping` and `closing`; `openings` opens what is due and has no request, unless
//! `word` knows a person's against it; `conflicts` lets only such requests stand
//! beside each other as merge in any order, by the ranges of `diff`; `message` writes the texts for
//! people and `trailers` those for the bot itself. Planning again on the result
//! of a plan changes nothing.

mod actions;
mod adoption;
mod authorship;
pub mod branch;
mod branch_content;
mod claims;
mod closing;
mod conflicts;
mod desired;
mod diff;
mod keeping;
mod lifecycle;
mod markup;
mod message;
mod model;
mod openings;
mod other_target;
mod owners;
mod scope;
mod trailers;
mod verdict;
pub mod verify;
mod word;

pub use conflicts::{Merge, MergeTexts};
pub use desired::{Wishes, branch_of};
pub use lifecycle::plan;
pub use message::{CLOSED_BY_BOT_MARKER, compare_url, forge_pages, has_said};
pub use model::{
    Action, FileEdit, Narrowing, Needs, Plan, PlannedRequest, Reason, Seen, Settings, Step,
};
pub use scope::Scope;
#[doc(hidden)]
pub use trailers::Trailers;

#[cfg(test)]
mod desired_tests;
