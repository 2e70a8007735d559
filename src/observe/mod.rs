//! Builds a snapshot for the inventory. Each distinct fact is fetched once,
//! concurrently. A failed lookup affects only the targets that need it.
//!
//! Nothing here writes.

mod facts;
mod forge;
mod memory;
mod missing;
mod questions;

pub use facts::{Limits, Observer};
pub use forge::{ForgeFactsError, OpenMergeRequests, observe_open};
pub use memory::Memory;
pub use missing::FollowUps;
