//! Decides what is due, what blocks it, and why: a pure function of inventory
//! and snapshot.
//!
//! Every gate is evaluated for every subscriber and gives its evidence. Each
//! gate is one file in `gates`. The first that blocks, in the order of
//! [`Gate`], holds the promotion. A decision is complete: an
//! [`EditChecker`] has tried every promotion on the files.

mod decision;
mod due;
mod edits;
pub mod gates;
mod publishers;
mod records;
mod shared_causes;
mod sites;
mod suppose;

pub use decision::{
    Decision, Decisions, Outcome, SloQuery, SubscriberDecision, decide, decide_part, followed,
    slo_queries,
};
pub use edits::EditChecker;
pub use gates::{DeploymentEvidence, Evidence, Gate, GateOutcome, GateResult, SloEvidence};
pub use publishers::{Deployment, DeploymentState, PublisherState};
pub use records::{record_key, record_outcome, state_key};
pub use suppose::suppose_promoted;
