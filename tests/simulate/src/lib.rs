//! Days of a config repo's merge queue, simulated in seconds.
//!
//! The bot is the real one: it observes, plans and writes through its ports, which lead to the project of `tests/forge`
//! without HTTP in between. Simulated are the clock, releases, pipelines, people's merge requests, and what merges: a
//! [`Queue`]. A [`Policy`] says how the bot is set up. See `docs/merge-queues.md`, and `scripts/simulate`.

// As in other test support: a panic with a line number is the wanted reaction to a broken fixture.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod bot;
mod day;
mod estate;
mod load;
mod ports;
mod queue;
mod reference;
mod stats;

pub use bot::{Kind, Policy};
pub use day::{Outcome, simulate};
pub use load::Load;
pub use queue::Queue;
pub use stats::{Range, quantile};
