//! Decisions on a world that is not: what follows if a publisher had deployed
//! another commit, and when.
//!
//! [`World`] is a copy of inventory and facts that assumptions and promotions
//! change; [`forecast()`] follows it in time by deciding again and again with the
//! very gates of a run; [`compare()`] tells two forecasts apart. Nobody is asked:
//! an SLO value that is not in the facts is named in [`Forecast::slo_queries`].

mod assumption;
mod compare;
mod forecast;
mod world;

pub use assumption::{Assumption, AssumptionError};
pub use compare::{Change, Comparison, compare};
pub use forecast::{Forecast, Limits, Move, Stay, Stop, Stops, Waited, forecast};
pub use world::{World, sharing_ref};
