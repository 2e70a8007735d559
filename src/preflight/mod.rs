//! Is it safe to cut over from the old promoter? Looks up what a run does not, judges it, and never writes.
//!
//! [`surroundings`] asks once for what stays as it is. [`look`] asks for the old promoter's signs of life, again and again
//! while the answer is waited for. [`assess`] is a pure function of both: each of `checks` is one question with its own
//! evidence and advice.

mod assess;
mod checks;
mod context;
mod history;
mod look;
mod old_requests;
mod queue_config;
mod records;
mod relation;
mod surroundings;
mod wait;

pub use assess::assess;
pub use checks::{UNACCEPTABLE, is_check};
pub use context::{Context, PreflightOptions, TokenFacts};
pub use look::{ExportLook, Look, look};
pub use queue_config::{QueueConfig, is_kept};
pub use surroundings::{Surroundings, surroundings};
pub use wait::{Clock, Doors, run};
