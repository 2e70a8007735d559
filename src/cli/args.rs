//! The commands and their own arguments. `--help` prints their doc comments.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::help;
use super::init_args::InitArgs;
use super::preflight_args::PreflightArgs;
use super::record_args::RecordArgs;
use super::shadow_args::ShadowArgs;
use super::shared_args::{FilterArgs, FindingsOutputArgs, NodeArgs, RunArgs, SourceArgs};
use super::values::{Toggle, path};

/// GitOps promotion bot: promotes saas targets by merge request
///
/// Each run reads the config repo, looks up commits, deployment records, SLO values and open merge
/// requests, decides which promotions are due, and opens, updates and closes its own merge requests.
/// It holds no state, so running it again is always safe.
///
/// Tokens come from the environment only: SAPM_GITLAB_TOKEN (config repo, and code on that GitLab;
/// without it all commands but apply use CI_JOB_TOKEN in a job), SAPM_GITHUB_TOKEN (code on GitHub),
/// and those that the file in SAPM_CREDENTIALS_FILE names for other hosts.
#[derive(Debug, Parser)]
#[command(name = "sapm", version, max_term_width = 100, after_long_help = help::SAPM)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the scheduled job: observe, decide, plan, write, report
    ///
    /// `--format json` prints version 1 of the plan format, with the outcome of each merge request.
    #[command(after_long_help = help::APPLY)]
    Apply(ApplyArgs),
    /// Shows what `apply` would do; writes nothing
    ///
    /// `--format json` prints version 1 of the plan format.
    #[command(after_long_help = help::PLAN)]
    Plan(PlanArgs),
    /// Explains why a target is or is not promoted, what to do about it, and what comes next
    ///
    /// Looks up only what the answer depends on: the target, targets whose merge requests may stand
    /// in its way, and all that these wait for. `--format json` prints version 1 of the explanation
    /// format, or of the overview format for several targets (docs/explain.md). The report files are
    /// those of a run about these targets.
    #[command(after_long_help = help::EXPLAIN)]
    Explain(ExplainArgs),
    /// Reports errors in the config repo with file, line and a fix; makes no lookups
    ///
    /// Prints every problem that would stop a promotion, like a compiler. `--format json` has the same
    /// with line, column and end. The report files are for GitLab's merge request page. The exit code
    /// is 5 if there is an error, and 0 if there are only warnings. docs/problems.md explains every
    /// code.
    #[command(after_long_help = help::VALIDATE)]
    Validate(ValidateArgs),
    /// Draws channels, publishers and subscribers as a graph; makes no lookups
    #[command(after_long_help = help::GRAPH)]
    Graph(GraphArgs),
    /// Lays out a small config repo to start with, in an empty or new folder
    ///
    /// One app with stage and production: stage follows a branch, and production is promoted to what has
    /// run in stage long enough. The files are valid, have comments, and include the pipeline. Nothing is
    /// looked up or overwritten. docs/config-repo.md explains the format.
    #[command(after_long_help = help::INIT)]
    Init(InitArgs),
    /// Is it safe to cut over from the old promoter? Prints GO or NO-GO; writes nothing
    ///
    /// Plans as `plan` does, looks for the old promoter's merge requests and signs of life, and checks
    /// rights, labels, queue, records and what the first run would do. Each check has its evidence and
    /// says what to do. The exit code is 0 for GO, 10 for NO-GO, and 5 if no check fails but the
    /// outcome of one is not known. docs/cut-over.md has the whole way.
    #[command(after_long_help = help::PREFLIGHT)]
    Preflight(PreflightArgs),
    /// Compares what the old promoter does with what this one would do; writes its ledger only
    ///
    /// Decides as `plan` does, reads what the old promoter opened, merged and exported, and adds both to
    /// a ledger (--shadow-dir). Then it matches the moves of both sides, and finds reasons for differences
    /// from evidence. The exit code is 0 if nothing is unexplained, 10 if something is, and 5 if too much
    /// was not observed. docs/cut-over.md lists classes and reasons.
    #[command(after_long_help = help::SHADOW)]
    Shadow(ShadowArgs),
    /// Reports a deployment: writes the records that promotions wait for
    ///
    /// For deployment pipelines other than openshift-saas-deploy. Writes one record for each channel
    /// that a target publishes to, and reads it again. A report that says nothing new writes nothing.
    /// A success stays on record (`has_succeeded_once`) when a later deployment of the commit fails.
    /// All targets are checked before anything is written. The exit code is 4 if no record could be
    /// written, and 5 if only some could. docs/report-deployments.md has recipes for GitLab CI, Argo CD,
    /// Flux and Terraform.
    #[command(after_long_help = help::RECORD)]
    Record(RecordArgs),
    /// Prints the script that completes commands, options and targets in a shell
    #[command(after_long_help = help::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Writes the manual page of each command to a folder
    #[command(after_long_help = help::MAN)]
    Man(ManArgs),
    /// Prints what may come in place of a word. The scripts of `completions` call it
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
}

/// Decides for another time, or offline.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What if")]
pub struct WhatIfArgs {
    /// Decide as of this time instead of now: RFC 3339, a date (midnight UTC), or from now +7d, +36h or +90m
    #[arg(long, env = "SAPM_AT", value_name = "TIME")]
    pub at: Option<String>,

    /// Decide from recorded facts, without network requests
    #[arg(long, env = "SAPM_SNAPSHOT", value_name = "FILE", value_parser = path())]
    pub snapshot: Option<PathBuf>,
}

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    #[command(flatten)]
    pub run: RunArgs,

    #[command(flatten)]
    pub node: NodeArgs,

    /// Plan only: write nothing
    #[arg(long, env = "SAPM_DRY_RUN", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    pub dry_run: Toggle,

    // Defined here only to be rejected with a reason.
    #[arg(long, env = "SAPM_AT", hide = true)]
    pub at: Option<String>,

    #[arg(long, env = "SAPM_SNAPSHOT", hide = true, value_parser = path())]
    pub snapshot: Option<PathBuf>,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub run: RunArgs,

    #[command(flatten)]
    pub what_if: WhatIfArgs,

    #[command(flatten)]
    pub node: NodeArgs,

    /// Exit with code 10 when changes are pending, or with --compare-to when there is a difference
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Show the difference that the checkout makes to the decisions on this branch, tag or commit of it, e.g. the base
    /// of a merge request
    ///
    /// Both are decided on the same facts, at the same time. The report folder also gets difference.json and
    /// difference.md; the other files are about the checkout.
    #[arg(long, value_name = "REF", help_heading = "Difference")]
    pub compare_to: Option<String>,

    /// Write the difference as one note on the merge request with this number, and update it in place. Needs a token in
    /// SAPM_NOTE_TOKEN (scope api, role Reporter), which writes nothing else
    #[arg(long, value_name = "IID", requires = "compare_to", help_heading = "Difference")]
    pub note_on: Option<u64>,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Target: its uid, `saas-file/resource-template/cluster/namespace`, or any part of that; or an app. A name that
    /// fits several targets is answered with one line for each
    #[arg(value_name = "TARGET")]
    pub target: String,

    /// What if: `deployed=CHANNEL/PUBLISHER@COMMIT` or `failed=CHANNEL/PUBLISHER@COMMIT`, repeatable
    ///
    /// Assumes that the publisher is at this commit, and that its deployment on all its channels has just
    /// succeeded (or failed). Name PUBLISHER as you name TARGET, or leave it out where the channel has
    /// one publisher. The first digits of a COMMIT that the run knows are enough. The answer says when
    /// the target gets the commit and what else moves, provided that every merge request is merged and
    /// deployed as soon as it is due.
    #[arg(long, value_name = "WHAT", help_heading = "What if")]
    pub assume: Vec<String>,

    #[command(flatten)]
    pub run: RunArgs,

    #[command(flatten)]
    pub what_if: WhatIfArgs,
}

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    #[command(flatten)]
    pub source: SourceArgs,

    #[command(flatten)]
    pub output: FindingsOutputArgs,
}

/// Arguments of `graph`.
#[derive(Debug, Args)]
pub struct GraphArgs {
    #[command(flatten)]
    pub source: SourceArgs,

    #[command(flatten)]
    pub filter: FilterArgs,

    /// Only this channel, with its publishers and subscribers; other filters are ignored
    #[arg(long, value_name = "NAME", conflicts_with = "target", help_heading = "Filters")]
    pub channel: Option<String>,

    /// Only this target and its neighbourhood: its uid,
    /// `saas-file/resource-template/cluster/namespace`, or any unambiguous part; other filters are
    /// ignored
    #[arg(long, value_name = "TARGET", help_heading = "Filters")]
    pub target: Option<String>,

    /// Number of channels to follow from the target, in both directions
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        requires = "target",
        help_heading = "Filters"
    )]
    pub neighbourhood: usize,

    /// Show the state that a run recorded with --save-snapshot, instead of the config repo alone
    #[arg(long, env = "SAPM_SNAPSHOT", value_name = "FILE", value_parser = path(), help_heading = "Output")]
    pub snapshot: Option<PathBuf>,

    /// Format of the graph
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid, value_name = "FORMAT", help_heading = "Output")]
    pub format: GraphFormat,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder for the pages, sapm.1 and so on; it is created if it is missing
    #[arg(value_name = "DIR", value_parser = path())]
    pub folder: PathBuf,
}

/// The line in a shell that is to be completed.
#[derive(Debug, Args)]
pub struct CompleteArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
    /// Which word, counted from 0
    pub index: usize,
    /// The words of the line, with the command
    #[arg(last = true)]
    pub words: Vec<OsString>,
}

/// A shell with completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// bash 3.2 or later
    Bash,
    /// zsh 5 or later
    Zsh,
    /// fish 3 or later
    Fish,
}

/// Format of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// For GitLab's and GitHub's Markdown.
    Mermaid,
    /// For Graphviz.
    Dot,
    /// A picture for browsers, light and dark.
    Svg,
}
