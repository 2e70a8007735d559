//! Is it safe to cut over from the old promoter? Looks up what a run does not, judges it, and never writes.
//!
//! [`surroundings()`] looks up once what stays as it is. [`observe`] looks for the old promoter's signs of life, once a minute
//! while the answer is waited for. [`assess()`] is a pure function of both: each of `checks` is one question with its own
//! evidence and advice.

mod assess;
mod checks;
mod context;
mod earlier_values;
mod history;
mod observation;
mod old_merge_requests;
mod queue_config;
mod records;
mod relation;
mod surroundings;
mod wait;

pub use assess::assess;
pub use checks::{UNACCEPTABLE, is_check};
pub use context::{Context, PreflightOptions, TokenFacts};
pub use earlier_values::confirm_reverts;
pub use observation::{ExportFacts, Observation, observe};
pub use queue_config::{QueueConfig, is_kept};
pub use relation::moved_targets;
pub use surroundings::{Surroundings, surroundings};
pub use wait::{Clock, PreflightServices, run};
