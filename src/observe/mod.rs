//! Builds a snapshot for the inventory. Each distinct fact is fetched once,
//! concurrently. A failed lookup affects only the targets that need it.
//!
//! Nothing here writes.

mod comparisons;
mod facts;
mod forge;
mod memory;
mod people;
mod questions;

pub use comparisons::observe_comparisons;
pub use facts::{Limits, Observer};
pub use forge::{ForgeFactsError, OpenMergeRequests, observe_missing, observe_open};
pub use memory::Memory;
pub use people::observe_people;
