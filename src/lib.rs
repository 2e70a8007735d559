//! A GitOps promotion bot: it works out from the real world alone which saas
//! targets are due for promotion, and keeps one merge request for each.
//!
//! ```text
//! clone -> load -> inventory -> observe -> decide -> plan -> apply -> report
//! ```
//!
//! Each module uses only modules above it in this table; a test reads the order here.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`domain`] | the field's words as types |
//! | [`snapshot`] | the facts of a run, as data |
//! | [`graph`] | who publishes to whom, laid out and drawn |
//! | [`app_interface`] | the config repo's files, typed and resolved: a `Bundle`; edits of targets |
//! | [`init`] | lays out a small config repo to start with |
//! | [`inventory`] | targets, channels, publishers, subscribers, edit sites |
//! | [`decide`] | every gate with its evidence, a decision for each subscriber |
//! | [`what_if`] | decisions on a world that is not: assumed deployments, and what follows in time |
//! | [`validate`] | what the files alone tell to be wrong, with its place |
//! | [`ports`] | what a run needs from the outside, as traits |
//! | [`plan`] | the desired merge requests against the open ones |
//! | [`old_promoter`] | how merge requests of the promoters before this one look, and what they move |
//! | [`observe`] | looks the facts up, through ports |
//! | [`apply`] | carries a plan out, through ports |
//! | [`record`] | deployment records, from what a deployment pipeline reports |
//! | [`report`] | renders all of it |
//! | [`run`] | one run: observe, decide, plan, report |
//! | [`preflight`] | is it safe to cut over from the promoter before this one? |
//! | [`shadow`] | what that promoter does beside what this one would do, over days |
//! | [`clients`] | what stands behind the ports: GitLab, GitHub, git, S3, Prometheus |
//! | [`cli`] | arguments, environment, clock, exit codes; nothing is decided here |
//!
//! `domain`, `inventory`, `decide`, `what_if`, `plan`, `old_promoter`, `graph` and `validate` are pure functions of data:
//! they name no runtime, network, clock, environment or file system. A test reads
//! the `use` lines and holds them to it.

pub mod app_interface;
pub mod apply;
pub mod cli;
pub mod clients;
pub mod decide;
pub mod domain;
pub mod graph;
pub mod init;
pub mod inventory;
pub mod observe;
pub mod old_promoter;
pub mod plan;
pub mod ports;
pub mod preflight;
pub mod record;
pub mod report;
pub mod run;
pub mod shadow;
pub mod snapshot;
pub mod validate;
pub mod what_if;
