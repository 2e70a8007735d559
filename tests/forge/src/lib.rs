//! Fakes on loopback for GitLab, GitHub, S3, Prometheus and a plain git host: real protocols over one shared
//! state, for tests, the demo and benchmarks.
//!
//! [`Forge`] starts all of them on free ports and stops them when it is dropped. It derefs to [`World`], the handle
//! with which a test acts as people: they push, merge, close, rebase and approve while the program under test runs.
//! Faults are data ([`Fault`]), and every request is logged ([`Entry`]).
//!
//! The handlers name the page of GitLab's API documentation for their route. Wording of errors and the order of
//! checks are not documented: they follow GitLab's public source as far as known, and were not compared
//! to a live GitLab. Where nothing is known, the fake is stricter. It is GitLab 18.5 by default; older and
//! newer versions are [`Settings`] ([`Settings::of`]).

// Test support: a panic with a line number is the right reaction to a broken fixture. GitLab itself uses the
// machine's clock.
#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod builder;
mod echo;
mod fault;
mod git;
mod github;
mod github_graphql;
mod gitlab;
mod graphql;
mod history;
mod http;
mod log;
pub mod old_bots;
mod prometheus;
mod s3;
mod server;
mod settings;
mod shared;
mod state;
mod world;

pub use builder::{Builder, Forge};
pub use echo::Echo;
pub use fault::{Fault, FaultKind, Hook, RequestInfo};
pub use gitlab::extras::Schedule;
pub use gitlab::model::{
    LabelEvent, Mention, MergeRequest, MrState, Note, Pipeline, QuickAction, Reference, StateEvent,
    Version,
};
pub use log::{Entry, Service};
pub use prometheus::PromAnswer;
pub use settings::{GraphQl, ListStatus, Settings, Version as GitLabVersion};
pub use state::{Access, CommitInfo, MergeMethod, Token, User, Visibility};
pub use world::{Checkpoint, ProjectHandle, World};
