//! The arguments; their doc comments are the manual that `--help` prints.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::values::{Toggle, at_least_one, concurrency, duration, number, path, trimmed};

/// GitOps promotion bot: works out from the real world which saas targets are
/// due, and keeps one merge request for each.
///
/// It reads the config repo, asks for the commits of moving refs, the
/// deployment records, SLO values and open merge requests, decides, and makes
/// the merge requests as they should be. It holds no state: running it again
/// is always safe.
///
/// Tokens come from the environment only: SAPM_GITLAB_TOKEN (config repo and
/// code repos on that GitLab; without it all but apply use CI_JOB_TOKEN in a
/// job), SAPM_GITHUB_TOKEN (code repos on GitHub), and
/// those that the file in SAPM_CREDENTIALS_FILE names for other hosts.
#[derive(Debug, Parser)]
#[command(name = "sapm", version, max_term_width = 100, after_long_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0   done; holds and deferred requests are ordinary results
  1   internal error
  2   usage or configuration: unknown flag, missing token or state
  3   the config repo cannot be used at all: no data/
  4   GitLab or the state bucket failed as a whole; nothing was written
  5   done, but for the targets that the problems name
  10  plan --detailed-exitcode with changes pending
  130 Ctrl-C (SIGINT) ended the run; its reports are written
  143 SIGTERM ended the run; its reports are written";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The scheduled job: observe, decide, plan, write, report.
    ///
    /// `--format json` is version 1 of the plan format, with what became of each merge request.
    Apply(ApplyArgs),
    /// What `apply` would do; writes nothing.
    ///
    /// `--format json` is version 1 of the plan format.
    Plan(PlanArgs),
    /// Why a target is or is not promoted: the answer, every gate with its evidence, what to do
    /// about it, and what comes next.
    ///
    /// Observes only what the answer rests on: the target, those whose merge
    /// requests may stand in its way, and all that these wait for. `--format json`
    /// is version 1 of the explanation format (docs/explain.md); the report files
    /// are those of a run about these targets.
    Explain(ExplainArgs),
    /// What is wrong in the config repo and would stop a promotion; asks nobody.
    ///
    /// Prints every problem with its line and what to do, like a compiler; `--format json` has the
    /// same with line, column and end. The report files are for GitLab's merge request page. Exit
    /// code 5 if there is an error, 0 if there are warnings only. docs/problems.md explains every
    /// code.
    Validate(ValidateArgs),
    /// Channels, publishers and subscribers as a graph; asks nobody.
    Graph(GraphArgs),
}

/// Where everything is.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub source: SourceArgs,

    /// GitLab's address [default: CI_SERVER_URL]
    #[arg(long, env = "SAPM_GITLAB_URL", value_name = "URL", help_heading = "Services")]
    pub gitlab_url: Option<String>,

    /// Path or id of the config repo's project [default: from the git URL, else CI_PROJECT_PATH]
    #[arg(long, env = "SAPM_GITLAB_PROJECT", value_name = "PROJECT", help_heading = "Services")]
    pub gitlab_project: Option<String>,

    /// GitHub's REST address; a path in it is kept
    #[arg(
        long,
        env = "SAPM_GITHUB_URL",
        value_name = "URL",
        default_value = "https://api.github.com",
        value_parser = trimmed,
        help_heading = "Services"
    )]
    pub github_url: String,

    /// Whose requests and commits are the bot's [default: the token's user; a job's own token does
    /// not say whose it is]
    #[arg(long, env = "SAPM_BOT_USER", value_name = "USER", help_heading = "Services")]
    pub bot_user: Option<String>,

    /// Earlier user of the bot, before its token was made anew: what it opened, closed and commented counts as the
    /// bot's; repeat it, or separate by commas in the variable
    #[arg(
        long = "former-bot-user",
        env = "SAPM_FORMER_BOT_USERS",
        value_name = "USER",
        value_delimiter = ',',
        help_heading = "Services"
    )]
    pub former_bot_users: Vec<String>,

    /// Deployment records and the state export: s3://BUCKET[/PREFIX] or file:///DIR
    ///
    /// Credentials for S3 the AWS SDK's usual way: environment, web identity
    /// (GitLab id_tokens), profile; AWS_ENDPOINT_URL_S3 for other stores.
    /// Without it APP_INTERFACE_STATE_BUCKET, …_REGION, …_ACCESS_KEY_ID and
    /// …_SECRET_ACCESS_KEY are taken.
    #[arg(long, env = "SAPM_STATE", value_name = "URL", help_heading = "Services")]
    pub state: Option<String>,

    /// Requests under way at once, per service
    #[arg(long, env = "SAPM_CONCURRENCY", value_name = "N", default_value_t = 32, value_parser = concurrency, help_heading = "Services")]
    pub concurrency: usize,

    /// Longest time for looking facts up: open merge requests, commits, deployment records and SLO
    /// values together. What is not known by then concerns its targets only; without the list of
    /// open merge requests the run ends. Like 10m, 90s or 1h
    #[arg(long, env = "SAPM_DEADLINE", value_name = "TIME", default_value = "10m", value_parser = duration, help_heading = "Services")]
    pub deadline: Duration,

    #[command(flatten)]
    pub network: NetworkArgs,

    #[command(flatten)]
    pub narrowing: NarrowingArgs,

    /// Label of the merge requests; repeat it, or separate by commas in the variable
    #[arg(
        long = "label",
        env = "SAPM_LABELS",
        value_name = "LABEL",
        value_delimiter = ',',
        default_values_t = ["SAPM".to_owned(), "bot/approved: progressive-delivery".to_owned()],
        help_heading = "Merge requests"
    )]
    pub labels: Vec<String>,

    /// Open new merge requests?
    #[arg(long, env = "SAPM_ALLOW_OPENING", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", help_heading = "Merge requests")]
    pub allow_opening: Toggle,

    /// Close merge requests that are no longer wanted?
    #[arg(long, env = "SAPM_ALLOW_CLOSING", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", help_heading = "Merge requests")]
    pub allow_closing: Toggle,

    /// Merge requests opened in one run (of several jobs: by each) at most; the longest promotable
    /// come first
    #[arg(
        long,
        env = "SAPM_MAX_NEW_MERGE_REQUESTS",
        value_name = "N",
        default_value_t = 25,
        value_parser = number,
        help_heading = "Merge requests"
    )]
    pub max_new_merge_requests: usize,

    /// Pipelines that `apply` starts in a minute (several jobs: together) at most, by opening merge
    /// requests and pushing to them
    ///
    /// GitLab silently starts no pipeline above the limit of a user, which GitLab.com has at 2,000 a
    /// minute, and other instances at what their administrators set, or nowhere.
    #[arg(
        long,
        env = "SAPM_PIPELINES_PER_MINUTE",
        value_name = "N",
        default_value_t = 300,
        value_parser = at_least_one,
        help_heading = "Merge requests"
    )]
    pub pipelines_per_minute: usize,

    /// Make uids with sha256, as deployers in FIPS mode do [default: USED_FOR_SECURITY]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Config repo")]
    pub fips: Option<Toggle>,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// Where the config repo is.
#[derive(Debug, Clone, Args)]
pub struct SourceArgs {
    /// The config repo: a git URL to clone, or the path of a checkout (any folder with data/)
    /// [default: CI_PROJECT_DIR in a job of that repo]
    #[arg(long, env = "SAPM_APP_INTERFACE", value_name = "URL|PATH", help_heading = "Config repo")]
    pub app_interface: Option<String>,

    /// Branch that is read, and that merge requests go to [default: the project's default branch]
    #[arg(long, env = "SAPM_TARGET_BRANCH", value_name = "BRANCH", help_heading = "Config repo")]
    pub target_branch: Option<String>,

    /// Where the clone, and what GitHub said of commits, is kept between jobs
    #[arg(long, env = "SAPM_CACHE_DIR", value_name = "DIR", help_heading = "Config repo", value_parser = path())]
    pub cache_dir: Option<PathBuf>,
}

impl SourceArgs {
    /// Where things are kept between runs; an empty path is as none.
    pub fn cache_dir(&self) -> Option<PathBuf> {
        self.cache_dir.clone().filter(|dir| !dir.as_os_str().is_empty())
    }
}

/// Where requests may go.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Services")]
pub struct NetworkArgs {
    /// Hosts that datafiles may name although they are at a special address; repeat it, or separate
    /// by commas
    ///
    /// A repository or a Prometheus of a datafile is never asked for at loopback,
    /// link-local, unspecified, multicast and reserved addresses and at the
    /// metadata services of clouds, neither by a name nor by a redirect, unless
    /// its host is listed here or is that of --gitlab-url or --github-url. An
    /// entry is a name or an IP address, with or without a port.
    #[arg(
        long = "allowed-hosts",
        env = "SAPM_ALLOWED_HOSTS",
        value_name = "HOST",
        value_delimiter = ','
    )]
    pub allowed_hosts: Vec<String>,
}

/// Which subscribers a run is about; publishers are never narrowed away.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Narrowing")]
pub struct NarrowingArgs {
    /// Only subscribers in this environment
    #[arg(long, env = "SAPM_ENV_NAME", value_name = "NAME")]
    pub env_name: Option<String>,

    /// Only subscribers of this app
    #[arg(long, env = "SAPM_APP_NAME", value_name = "NAME")]
    pub app_name: Option<String>,

    /// Only subscribers of this saas file
    #[arg(long, env = "SAPM_SAAS_FILE_NAME", value_name = "NAME")]
    pub saas_file_name: Option<String>,
}

/// One job of several that share the work (`parallel: N`).
#[derive(Debug, Clone, Args)]
pub struct NodeArgs {
    /// Which of --node-total jobs this is, from 1: it takes its share of the targets
    ///
    /// GitLab sets both variables in a job with `parallel`. Each file of the
    /// config repo, with all targets that are edited in it, belongs to one job;
    /// the first one also writes the state export. In a `parallel: matrix` that
    /// is about something else set both to 1.
    #[arg(long, env = "CI_NODE_INDEX", value_name = "I", help_heading = "Sharing the work")]
    pub node_index: Option<u32>,

    /// How many jobs share the work
    #[arg(long, env = "CI_NODE_TOTAL", value_name = "N", help_heading = "Sharing the work")]
    pub node_total: Option<u32>,
}

/// What is printed and written.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// How standard output is written; logs go to standard error
    #[arg(long, env = "SAPM_FORMAT", value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub format: Format,

    /// Where the report files go: plan.json, snapshot.json, report.html, report.md, junit.xml,
    /// metrics.txt, gl-code-quality-report.json, counts.env
    #[arg(long, env = "SAPM_REPORT_DIR", value_name = "DIR", value_parser = path())]
    pub report_dir: Option<PathBuf>,

    /// Record this run's facts; replaying them gives the same decisions
    #[arg(long, env = "SAPM_SAVE_SNAPSHOT", value_name = "FILE", value_parser = path())]
    pub save_snapshot: Option<PathBuf>,
}

/// What `validate` prints and writes: it observes nothing that could be recorded.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct FindingsOutputArgs {
    /// How standard output is written; logs go to standard error
    #[arg(long, env = "SAPM_FORMAT", value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub format: Format,

    /// Where the report files go: validate.json, junit.xml, gl-code-quality-report.json
    #[arg(long, env = "SAPM_REPORT_DIR", value_name = "DIR", value_parser = path())]
    pub report_dir: Option<PathBuf>,
}

/// Deciding about another time, or offline.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "What if")]
pub struct WhatIfArgs {
    /// Decide as of this time (RFC 3339) instead of now
    #[arg(long, env = "SAPM_AT", value_name = "TIME")]
    pub at: Option<String>,

    /// Decide offline from recorded facts; touches no network
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

    /// Plan only: no writer is ever made
    #[arg(long, env = "SAPM_DRY_RUN", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    pub dry_run: Toggle,

    // Known here only to be refused with a reason.
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

    /// Exit with 10 when there is something to do
    #[arg(long)]
    pub detailed_exitcode: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The target: its uid, `saas-file/resource-template/cluster/namespace`, or any unambiguous part
    #[arg(value_name = "TARGET")]
    pub target: String,

    /// What if? `deployed=CHANNEL/PUBLISHER@COMMIT` or `failed=CHANNEL/PUBLISHER@COMMIT`, repeatable
    ///
    /// Assumes that the publisher is at this commit, and has just deployed it
    /// well (or failed to) on all its channels. PUBLISHER is named as TARGET
    /// is, and may be left out where the channel has one publisher; of a
    /// COMMIT that the run knows the first digits will do. The answer says
    /// when the target gets it, and what else moves, if every merge request is
    /// merged and deployed the moment that it is due.
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
    pub narrowing: NarrowingArgs,

    /// Only this channel, with its publishers and subscribers; other narrowing does not count
    #[arg(long, value_name = "NAME", conflicts_with = "target", help_heading = "Narrowing")]
    pub channel: Option<String>,

    /// Only this target and its neighbourhood: its uid,
    /// `saas-file/resource-template/cluster/namespace`, or any unambiguous part; other narrowing
    /// does not count
    #[arg(long, value_name = "TARGET", help_heading = "Narrowing")]
    pub target: Option<String>,

    /// How many channels away from the target is still shown, with and against the arrows
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        requires = "target",
        help_heading = "Narrowing"
    )]
    pub neighbourhood: usize,

    /// Show how things stood, by the facts that a run recorded with --save-snapshot; without it
    /// the graph shows what the config repo says
    #[arg(long, env = "SAPM_SNAPSHOT", value_name = "FILE", value_parser = path())]
    pub snapshot: Option<PathBuf>,

    /// How the graph is written
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid, value_name = "FORMAT")]
    pub format: GraphFormat,
}

/// How standard output is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: JSON, and nothing else.
    Json,
    /// For chats and issues.
    Markdown,
}

/// How a graph is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// For GitLab's and GitHub's Markdown.
    Mermaid,
    /// For Graphviz.
    Dot,
    /// A picture for browsers, light and dark.
    Svg,
}
