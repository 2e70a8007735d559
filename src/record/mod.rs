//! Deployment records, from what a deployment pipeline reports.
//!
//! `input` reads the report, `config_hash` digests a target's effective configuration, `deployment` says which record
//! follows from a report and the record before it: pure functions. `write` compares with the state and writes.

mod config_hash;
mod deployment;
mod input;
mod write;

pub use config_hash::{config_digest, config_hash};
pub use deployment::{DeploymentRecord, DeploymentReport};
pub use input::{parse_commit, parse_config_hash, parse_job_url, parse_time};
pub use write::{
    MAX_CONFLICTS, PlannedRecord, RecordOutcome, Written, read_records, write_records,
};
