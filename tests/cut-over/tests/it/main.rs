//! `sapm preflight` and `sapm shadow` on fakes: the acceptance scenarios by number, and how it is written.

// A panic with a line number is the wanted reaction.
#![allow(clippy::unwrap_used)]

mod ledger;
mod old;
mod ours;
mod outputs;
mod plan;
mod queue;
mod reference;
mod rights;
mod shadow;
mod state;
