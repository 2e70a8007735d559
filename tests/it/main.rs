//! All integration tests in one binary: it links once.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod architecture;
mod clients;
mod conformance;
mod e2e;
mod git;
mod lifecycle;
mod rule_tables;
mod slo;
mod state;
mod work;
mod yaml_properties;

#[path = "../../examples/demo/shop.rs"]
mod shop;
