//! The real binary against the stand-ins, from the outside: what it writes, prints, and how it ends.

mod answerless;
mod broken_parts;
mod closing;
mod counts;
mod duplicates;
mod explain;
mod explain_names;
mod explain_words;
mod failures;
mod first_run;
mod forgery;
mod inspect;
mod metrics;
mod narrowing;
mod options;
mod permissions;
mod plan_command;
mod replay;
mod requests;
mod resume;
mod second_run;
mod service_faults;
mod shares;
mod signals;
mod state_export;
pub mod support;
mod texts;
