//! Config repos of any size in the shape of app-interface, with commits, deployment records and open merge requests
//! to go with them.
//!
//! Everything is a function of a [`Size`] and a seed: [`Estate::generate`] creates the files and lists what a run has
//! to fetch ([`Needs`]); [`Estate::fill`] puts everything on running fakes.

// Test support: a panic with a line number is the right reaction to a broken fixture.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod child;
mod due;
mod estate;
mod files;
mod others;
mod pushed;
mod service;
mod stages;
mod world;

pub use child::wait;
pub use due::Due;
pub use estate::{Estate, Needs, Size, Urls};
pub use pushed::Pushed;
pub use service::{Host, Service, State};
pub use stages::Stages;
pub use world::{BUCKET, Filled, PROJECT, TOKEN};
