//! Config repos of any size in the shape of app-interface, with commits, deployment records and open merge requests
//! to go with them.
//!
//! Everything is a function of a [`Size`] and a seed: [`Estate::generate`] makes the files and says what a run has
//! to find out ([`Needs`]); [`Estate::fill`] puts it all on running fakes.

// Test support: a panic with a line number is the wanted reaction to a broken fixture.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod child;
mod due;
mod estate;
mod files;
mod others;
mod service;
mod stages;
mod world;

pub use child::wait;
pub use due::Due;
pub use estate::{Estate, Needs, Size, Urls};
pub use service::{Host, Service, State};
pub use stages::Stages;
pub use world::{BUCKET, Filled, PROJECT, TOKEN};
