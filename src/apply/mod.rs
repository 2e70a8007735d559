//! Carries out a plan: idempotent, and resumable by running again.
//!
//! A plan leaves nothing to choose; what is checked here is only whether the
//! world still is what it was planned on. One refused write never stops the others.

mod executor;
mod expected;
mod outcome;
mod recheck;
mod refusals;

pub use executor::apply;
pub use outcome::{MergeRequestOutcome, Outcomes, Verdict};
