//! Tests of the fakes themselves, over their real protocols.

#![allow(clippy::unwrap_used)] // A panic with a line number is what a failed test is.

mod commits;
mod merge_requests;
mod services;
mod support;
