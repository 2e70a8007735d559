//! From the inventory to a snapshot: every distinct fact is asked for once,
//! concurrently, and a lookup that fails concerns only the targets that need it.
//!
//! Observing never writes.

mod facts;
mod forge;
mod questions;

pub use facts::{Limits, Observer};
pub use forge::{ForgeFactsError, OpenMergeRequests, observe_missing, observe_open};
