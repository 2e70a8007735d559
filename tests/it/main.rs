//! All integration tests in one binary: it links once.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod architecture;
mod clients;
mod conformance;
mod e2e;
mod git;
mod graph;
mod lifecycle;
mod page;
mod slo;
mod state;
mod tables;
mod yaml;

#[path = "../../examples/demo/shop.rs"]
mod shop;
