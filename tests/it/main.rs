//! All integration tests in one binary: it links once.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod architecture;
mod clients;
mod conformance;
mod e2e;
mod git;
mod lifecycle;
mod rule_tables;
mod screens;
mod slo;
mod small_world;
mod state;
mod what_if;
mod yaml_properties;

#[path = "../../examples/demo/shop.rs"]
mod shop;
