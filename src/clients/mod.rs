//! Implementations of the ports: one folder per service.

mod code_history;
pub mod credentials;
pub mod git;
pub mod github;
pub mod gitlab;
mod graphql;
pub mod http;
pub mod parsed_cache;
pub mod prometheus;
pub mod pushgateway;
mod replace;
pub mod state;
