//! All integration tests in one binary, so that it links only once.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod architecture;
mod check_live;
mod ci_templates;
mod clients;
mod config_page;
mod conflicts;
mod conformance;
mod datafiles;
mod e2e;
mod editor;
mod git;
mod graph;
mod init;
mod install;
mod lifecycle;
mod many_refs;
mod names;
mod optional;
mod outputs;
mod page;
mod pictures;
mod recipes;
mod record;
mod reference;
mod schemas;
mod screens;
mod security;
mod slo;
mod small_world;
mod spellings;
mod state;
mod tables;
mod up_to_date;
mod validate;
mod what_if;
mod work;
mod yaml;

#[path = "../../examples/demo/history.rs"]
mod history;
#[path = "../../examples/demo/shop.rs"]
mod shop;
