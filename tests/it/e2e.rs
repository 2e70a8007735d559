//! The real binary against the stand-ins, from the outside: what it writes, prints, and how it ends.

mod answerless;
mod broken_parts;
mod closing;
mod explain;
mod failures;
mod first_run;
mod inspect;
mod narrowing;
mod options;
mod plan_command;
mod replay;
mod requests;
mod resume;
mod second_run;
mod state_export;
mod support;
mod texts;
