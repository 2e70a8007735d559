//! The cut-over from the promoters before `sapm`: a config repo on the fakes with apps that are promoted from stage to
//! production, the clock, and calls of `sapm preflight` in this process.

// Test support: a panic with a line number is the wanted reaction to a broken fixture.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod apply;
mod asking;
mod lab;
mod world;

pub use asking::{Asked, TestClock};
pub use lab::{EVENING, Lab, Shadowed};
pub use world::{BOT, BUCKET, EXPORT, NOW, OLD_BOT, PROJECT, TOKEN, World, sha};
