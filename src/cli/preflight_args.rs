//! The arguments of `preflight`; their doc comments are the manual that `--help` prints.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::shared_args::RunArgs;
use super::values::{Toggle, duration, path};

/// Arguments of `preflight`.
#[derive(Debug, Args)]
pub struct PreflightArgs {
    #[command(flatten)]
    pub cut_over: CutOverArgs,

    #[command(flatten)]
    pub run: RunArgs,

    #[command(flatten)]
    pub past: PastArgs,
}

/// Options about another time, known to commands about the present only to be refused with a reason.
#[derive(Debug, Args)]
pub struct PastArgs {
    #[arg(long, env = "SAPM_AT", hide = true)]
    at: Option<String>,

    #[arg(long, env = "SAPM_SNAPSHOT", hide = true, value_parser = path())]
    snapshot: Option<PathBuf>,
}

impl PastArgs {
    /// The option that was given.
    pub fn given(&self) -> Option<&'static str> {
        let is_given = |text: &str| !text.trim().is_empty();
        let snapshot = self.snapshot.as_ref().map(|path| path.to_string_lossy());
        if self.at.as_deref().is_some_and(is_given) {
            return Some("--at (SAPM_AT)");
        }
        snapshot.is_some_and(|path| is_given(&path)).then_some("--snapshot (SAPM_SNAPSHOT)")
    }
}

/// What is asked about the cut-over.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cut-over")]
pub struct CutOverArgs {
    /// When in the cut-over the question is asked
    #[arg(long, env = "SAPM_PHASE", value_enum, value_name = "PHASE", default_value_t = PhaseArg::Go)]
    pub phase: PhaseArg,

    #[command(flatten)]
    pub old: OldArgs,

    /// How long the old promoter must have shown no sign of life
    #[arg(long, env = "SAPM_QUIET", value_name = "TIME", default_value = "30m", value_parser = span)]
    pub quiet: Duration,

    /// Look again each minute, for this long at most, until no check of the group `old` fails
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = span)]
    pub wait: Duration,

    /// Longest time that the merge queue may need for what the first runs open
    #[arg(long, value_name = "TIME", default_value = "4h", value_parser = span)]
    pub max_drain: Duration,

    /// Take on a check that fails or is not known: CHECK=REASON. Repeat the flag, or write one a line in the variable
    #[arg(long, env = "SAPM_ACCEPT", value_name = "CHECK=REASON", value_delimiter = '\n')]
    pub accept: Vec<String>,

    /// Folder with the ledger of `sapm shadow`
    #[arg(long, env = "SAPM_SHADOW_DIR", value_name = "DIR", value_parser = path())]
    pub shadow_dir: Option<PathBuf>,

    /// Days in a row that `sapm shadow` must have found green; a quiet one counts for half
    #[arg(long, env = "SAPM_REQUIRE_GREEN", value_name = "DAYS", default_value_t = 0)]
    pub require_green: u32,

    /// Count warnings as failures
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    pub strict: Toggle,
}

/// Which old promoter it is about.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cut-over")]
pub struct OldArgs {
    /// Which old promoter to look for; `none` for config repos that never had one
    #[arg(long, env = "SAPM_OLD_PROMOTER", value_enum, value_name = "WHICH", default_value_t = OldArg::Auto)]
    pub old: OldArg,

    /// User of the old promoter [default: the authors of what is found]. Repeat the flag, or separate names by commas
    #[arg(long = "old-user", env = "SAPM_OLD_USERS", value_name = "USER", value_delimiter = ',')]
    pub old_users: Vec<String>,

    /// Pattern of the source branches of another old promoter. Repeatable
    #[arg(long = "old-branch", value_name = "REGEX")]
    pub old_branches: Vec<String>,

    /// Label of the merge requests of another old promoter. Repeatable
    #[arg(long = "old-label", value_name = "LABEL")]
    pub old_labels: Vec<String>,

    /// Pattern of the titles of another old promoter. Repeatable
    #[arg(long = "old-title", value_name = "REGEX")]
    pub old_titles: Vec<String>,
}

/// When in the cut-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PhaseArg {
    /// The old promoter runs: is what must be ready ready?
    Prepare,
    /// Right before the schedule is switched on.
    Go,
    /// The new promoter runs: is all well?
    After,
}

/// Which old promoter to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OldArg {
    /// Both.
    Auto,
    /// The integration saas-auto-promotions-manager of qontract-reconcile.
    Sapm,
    /// The event-driven promoter that came before it.
    V1,
    /// None.
    None,
}

/// A span of time that may be nothing.
fn span(text: &str) -> Result<Duration, String> {
    let digits = text.trim().trim_end_matches(['s', 'm', 'h']).trim();
    if !digits.is_empty() && digits.bytes().all(|digit| digit == b'0') {
        return Ok(Duration::ZERO);
    }
    duration(text)
}
