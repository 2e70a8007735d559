//! The arguments of `shadow`; their doc comments are the manual that `--help` prints.

use std::path::PathBuf;

use clap::Args;

use super::preflight_args::{OldArgs, PastArgs};
use super::shared_args::RunArgs;
use super::values::path;

/// Arguments of `shadow`.
#[derive(Debug, Args)]
pub struct ShadowArgs {
    #[command(flatten)]
    pub shadow: ComparisonArgs,

    #[command(flatten)]
    pub run: RunArgs,

    #[command(flatten)]
    pub past: PastArgs,
}

/// How both sides are compared.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cut-over")]
pub struct ComparisonArgs {
    #[command(flatten)]
    pub old: OldArgs,

    /// Folder that keeps the ledger between runs. Without it, only the present is compared
    #[arg(long, env = "SAPM_SHADOW_DIR", value_name = "DIR", value_parser = path())]
    pub shadow_dir: Option<PathBuf>,

    /// YAML file with differences that a person explains: a list of target, class, until, reason
    #[arg(long, env = "SAPM_KNOWN_DIFFERENCES", value_name = "FILE", value_parser = path())]
    pub known: Option<PathBuf>,

    /// What the old promoter is narrowed to: env=NAME or app=NAME. Repeatable
    #[arg(long, value_name = "KEY=NAME")]
    pub old_narrowing: Vec<String>,

    /// Make the report from the ledger, without network
    #[arg(long)]
    pub report_only: bool,

    /// With --report-only: compare the ledger's own decisions with themselves. All of them must be the same
    #[arg(long, requires = "report_only")]
    pub calibrate: bool,
}
