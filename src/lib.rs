//! A GitOps promotion bot: it works out from the real world alone which saas
//! targets are due for promotion, and keeps one merge request for each.
//!
//! ```text
//! clone -> load -> inventory -> observe -> decide -> plan -> apply -> report
//! ```
//!
//! | module | what it is | may know |
//! | --- | --- | --- |
//! | [`domain`] | the field's words as types | nothing |
//! | [`app_interface`] | the config repo's files, typed and resolved: a `Bundle`; edits of targets | `domain` |
//! | [`inventory`] | targets, channels, publishers, subscribers, edit sites | the above |
//! | [`snapshot`] | the facts of a run, as data | `domain` |
//! | [`decide`] | every gate with its evidence, a decision for each subscriber | the above |
//! | [`what_if`] | decisions on a world that is not: assumed deployments, and what follows in time | the above |
//! | [`plan`] | the desired merge requests against the open ones | the above |
//! | [`validate`] | what the files alone tell to be wrong, with its place | the above |
//! | [`observe`] | asks for the facts, through ports | the above |
//! | [`graph`] | who publishes to whom, laid out and drawn | `domain` |
//! | [`apply`] | carries a plan out, through ports | the above |
//! | [`report`] | renders all of it | the above |
//! | [`clients`] | what stands behind the ports: GitLab, GitHub, git, S3, Prometheus | everything |
//! | [`cli`] | arguments, environment, clock, exit codes | everything |
//!
//! `domain`, `inventory`, `decide`, `what_if`, `plan`, `graph` and `validate` are pure functions of data: they
//! name no runtime, network, clock, environment or file system. A test reads
//! the `use` lines and holds them to it.

pub mod app_interface;
pub mod apply;
pub mod cli;
pub mod clients;
pub mod decide;
pub mod domain;
pub mod graph;
pub mod inventory;
pub mod observe;
pub mod plan;
pub mod report;
pub mod snapshot;
pub mod validate;
pub mod what_if;
