//! Decides on a hypothetical world: what follows if a publisher had deployed
//! another commit, and when.
//!
//! [`World`] is a copy of inventory and facts that assumptions and promotions
//! change. [`forecast()`] simulates it by deciding repeatedly with the same
//! gates as a run. [`compare()`] compares two forecasts. Nothing here makes network calls:
//! [`Forecast::slo_queries`] lists SLO values that the facts lack.

mod assumption;
mod compare;
mod forecast;
mod world;

pub use assumption::{Assumption, AssumptionError};
pub use compare::{Change, Comparison, compare};
pub use forecast::{Forecast, Limits, Move, Stay, Stop, Stops, Waited, forecast};
pub use world::{World, sharing_ref};
