//! What the old promoter does beside what `sapm` would do: recorded over days, compared, and explained from evidence.
//!
//! Each run [`observe`]s both sides and adds them to the [`Ledger`], the only thing that is ever written. [`compare()`] is a
//! pure function of the ledger: it matches moves, gives them a class, looks for reasons, and judges the days.
//!
//! A *move* is a target with the values that it is to get.

mod classify;
mod compare;
mod days;
mod known;
mod ledger;
mod moves;
mod observation;
mod reasons;
mod record;
mod traits;

pub use compare::{CompareOptions, compare, compare_present};
pub use known::{Known, KnownError, MAX_KNOWN_DAYS};
pub use ledger::{Ledger, LedgerError, OldFacts, OldMove, OldState};
pub use observation::{Observed, Sources, Watched, observe};
pub use traits::{Mark, OldNarrowing, Traits};
