//! From the inventory to a snapshot: every distinct fact is asked for once,
//! concurrently, and a look-up that fails concerns only the targets that need it.
//!
//! Observing never writes. [`ports`] are the doors to the outside.

mod deadline;
mod facts;
mod forge;
pub mod ports;
mod progress;
mod questions;

pub use deadline::Deadline;
pub use facts::{Limits, Observer};
pub use forge::{ForgeFactsError, OpenRequests, observe_needs, observe_requests};
pub use progress::{NoProgress, Progress};
