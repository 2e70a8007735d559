//! Carries out a plan: idempotent, and resumable by running again.
//!
//! A plan leaves nothing to choose; what is checked here is only whether the
//! world still is what it was planned on. One refused write never stops the others.

mod causes;
mod executor;
mod expected;
mod outcome;
mod recheck;
mod refusals;
mod schedule;

pub use outcome::{MergeRequestOutcome, Outcomes, Verdict};
pub use schedule::{Bounds, WRITES_AT_ONCE, apply};
