//! Arguments that several commands share: sources, services, merge requests, filters and outputs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::project_rule_args::ProjectRuleArgs;
use super::values::{
    Toggle, at_least_one, batch_size, concurrency, duration, number, path, trimmed,
};
use crate::plan::{BatchBy, ReviewersFrom};

/// Services and settings of a run.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub source: SourceArgs,

    /// GitLab's URL [default: CI_SERVER_URL]
    #[arg(long, env = "SAPM_GITLAB_URL", value_name = "URL", help_heading = "Services")]
    pub gitlab_url: Option<String>,

    /// Path or id of the config repo's project [default: from the git URL, else CI_PROJECT_PATH]
    #[arg(long, env = "SAPM_GITLAB_PROJECT", value_name = "PROJECT", help_heading = "Services")]
    pub gitlab_project: Option<String>,

    /// GitHub's REST URL, with its path if it has one
    #[arg(
        long,
        env = "SAPM_GITHUB_URL",
        value_name = "URL",
        default_value = "https://api.github.com",
        value_parser = trimmed,
        help_heading = "Services"
    )]
    pub github_url: String,

    /// User whose merge requests are the bot's [default: the token's user; required with a job token,
    /// which does not reveal its user]
    #[arg(long, env = "SAPM_BOT_USER", value_name = "USER", help_heading = "Services")]
    pub bot_user: Option<String>,

    /// Earlier user of the bot, from before its token was replaced. What that user opened, closed and
    /// commented counts as the bot's. Repeat the flag, or separate names by commas; at most 10
    #[arg(
        long = "former-bot-user",
        env = "SAPM_FORMER_BOT_USERS",
        value_name = "USER",
        value_delimiter = ',',
        help_heading = "Services"
    )]
    pub former_bot_users: Vec<String>,

    /// User of another bot, e.g. of the promoter that sapm replaces. If this user closes or reverts a merge request
    /// of sapm, that is not a person's rejection. Repeat the flag, or separate names by commas; at most 10
    #[arg(
        long = "other-bot",
        env = "SAPM_OTHER_BOTS",
        value_name = "USER",
        value_delimiter = ',',
        help_heading = "Services"
    )]
    pub other_bots: Vec<String>,

    /// Where deployment records and the state export are: s3://BUCKET[/PREFIX] or file:///DIR
    ///
    /// Credentials for S3 are found the AWS SDK's usual way: environment, web identity (GitLab's
    /// id_tokens), profile. AWS_ENDPOINT_URL_S3 names another store. Without this option
    /// APP_INTERFACE_STATE_BUCKET, …_REGION, …_ACCESS_KEY_ID and …_SECRET_ACCESS_KEY are used.
    #[arg(long, env = "SAPM_STATE", value_name = "URL", help_heading = "Services")]
    pub state: Option<String>,

    /// Maximum concurrent requests per service; a single Prometheus or git host gets at most half of them
    #[arg(long, env = "SAPM_CONCURRENCY", value_name = "N", default_value_t = 32, value_parser = concurrency, help_heading = "Services")]
    pub concurrency: usize,

    /// Maximum time for all lookups together, like 10m, 90s or 1h. A lookup that misses it affects
    /// only its targets. Without the list of open merge requests, the run fails
    #[arg(long, env = "SAPM_DEADLINE", value_name = "TIME", default_value = "10m", value_parser = duration, help_heading = "Services")]
    pub deadline: Duration,

    #[command(flatten)]
    pub network: NetworkArgs,

    #[command(flatten)]
    pub filter: FilterArgs,

    /// Label of the merge requests, including open ones. Repeat the flag, or separate labels by commas in the
    /// variable
    ///
    /// A label that a person removes stays off until the merge request gets new content. Never use a label by which
    /// another bot recognises its own merge requests.
    #[arg(
        long = "label",
        env = "SAPM_LABELS",
        value_name = "LABEL",
        value_delimiter = ',',
        default_value = "AutoPromoterV2",
        help_heading = "Merge requests"
    )]
    pub labels: Vec<String>,

    /// Text at the end of every description, on separate lines, e.g. `/lgtm` for approver bots.
    /// Left out of drafts that a gate blocks
    #[arg(
        long,
        env = "SAPM_DESCRIPTION_FOOTER",
        value_name = "TEXT",
        help_heading = "Merge requests"
    )]
    pub description_footer: Option<String>,

    #[command(flatten)]
    pub project_rules: ProjectRuleArgs,

    /// Open new merge requests
    #[arg(long, env = "SAPM_ALLOW_OPENING", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", help_heading = "Merge requests")]
    pub allow_opening: Toggle,

    /// Close merge requests that are no longer needed
    #[arg(long, env = "SAPM_ALLOW_CLOSING", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "true", default_missing_value = "true", help_heading = "Merge requests")]
    pub allow_closing: Toggle,

    /// Maximum merge requests opened per run (per job with `parallel`). Targets that have been eligible
    /// longest go first
    #[arg(
        long,
        env = "SAPM_MAX_NEW_MERGE_REQUESTS",
        value_name = "N",
        default_value_t = 25,
        value_parser = number,
        help_heading = "Merge requests"
    )]
    pub max_new_merge_requests: usize,

    /// What may go into one merge request: the promotion of one place in a file, those of one app, or all
    ///
    /// A merge queue takes a merge request in one turn, whatever is in it. `app` is for projects where owners approve,
    /// `all` for those where a label does. An open merge request takes in what becomes due until it could be merged, and
    /// is halved if its pipeline fails. Changing this closes no merge request.
    #[arg(
        long,
        env = "SAPM_BATCH_BY",
        value_name = "SCOPE",
        value_enum,
        default_value_t = BatchScope::None,
        help_heading = "Merge requests"
    )]
    pub batch_by: BatchScope,

    /// Who is asked to review a new merge request, at most three users: nobody, owners by the datafiles, or by CODEOWNERS
    ///
    /// `owners`: users (`/access/user-1.yml`) with `tag_on_merge_requests: true` whose roles may change the saas file, the
    /// target file or the app, then the `serviceOwners` of the app. `codeowners`: owners of the changed files in the config
    /// repo's CODEOWNERS. Of more than three, each promotion begins at another one. Reviewers are set when a merge request
    /// is opened, and never again. The token must be able to look up users, and email addresses must be public.
    #[arg(
        long,
        env = "SAPM_REVIEWERS",
        value_name = "WHO",
        value_enum,
        default_value_t = ReviewersArg::None,
        help_heading = "Merge requests"
    )]
    pub reviewers: ReviewersArg,

    /// Maximum promotions in one merge request, 1 to 50
    #[arg(
        long,
        env = "SAPM_BATCH_SIZE",
        value_name = "N",
        default_value_t = 10,
        value_parser = batch_size,
        help_heading = "Merge requests"
    )]
    pub batch_size: usize,

    /// Maximum pipelines that `apply` starts per minute (all jobs together) by opening and updating
    /// merge requests
    ///
    /// Above its limit per user, GitLab silently starts no pipelines. The limit is 2,000 a minute
    /// on GitLab.com. Elsewhere an administrator sets it, or there is none.
    #[arg(
        long,
        env = "SAPM_PIPELINES_PER_MINUTE",
        value_name = "N",
        default_value_t = 300,
        value_parser = at_least_one,
        help_heading = "Merge requests"
    )]
    pub pipelines_per_minute: usize,

    /// Compute uids with SHA-256, as deployers in FIPS mode do [default: USED_FOR_SECURITY]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Config repo")]
    pub fips: Option<Toggle>,

    #[command(flatten)]
    pub output: OutputArgs,
}

/// The config repo.
#[derive(Debug, Clone, Args)]
pub struct SourceArgs {
    /// Config repo: a git URL to clone, or the path of a checkout (any folder with data/) [default:
    /// CI_PROJECT_DIR in a job of that repo]
    #[arg(long, env = "SAPM_APP_INTERFACE", value_name = "URL|PATH", help_heading = "Config repo")]
    pub app_interface: Option<String>,

    /// Branch that is read, and the target of the merge requests [default: the project's default branch]
    #[arg(long, env = "SAPM_TARGET_BRANCH", value_name = "BRANCH", help_heading = "Config repo")]
    pub target_branch: Option<String>,

    /// Folder that keeps the clone, parsed datafiles and GitHub's answers between jobs
    #[arg(long, env = "SAPM_CACHE_DIR", value_name = "DIR", help_heading = "Config repo", value_parser = path())]
    pub cache_dir: Option<PathBuf>,
}

impl SourceArgs {
    /// The cache folder. An empty path counts as none.
    pub fn cache_dir(&self) -> Option<PathBuf> {
        self.cache_dir.clone().filter(|dir| !dir.as_os_str().is_empty())
    }
}

/// Restrictions on network requests.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Services")]
pub struct NetworkArgs {
    /// Hosts at special addresses that datafiles may name. Repeat the flag, or separate hosts by commas
    ///
    /// `sapm` never contacts a repository or a Prometheus of a datafile at loopback, link-local,
    /// unspecified, multicast and reserved addresses or at the metadata services of clouds, neither
    /// by name nor by redirect. Hosts listed here, and those of --gitlab-url and --github-url, are
    /// allowed. An entry is a name or an IP address, with or without a port.
    #[arg(
        long = "allowed-hosts",
        env = "SAPM_ALLOWED_HOSTS",
        value_name = "HOST",
        value_delimiter = ','
    )]
    pub allowed_hosts: Vec<String>,
}

/// The subscribers of a run. Publishers are never filtered out.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
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

/// One of several parallel jobs (`parallel: N`).
#[derive(Debug, Clone, Args)]
pub struct NodeArgs {
    /// Number of this job among --node-total parallel jobs, from 1
    ///
    /// GitLab sets both variables in a job with `parallel`. Each file of the config repo, with all
    /// targets that are edited in it, belongs to one job. Each job adds the publishers of its
    /// saas files to the state export.
    /// In a `parallel: matrix` for another purpose, set both to 1.
    #[arg(long, env = "CI_NODE_INDEX", value_name = "I", help_heading = "Parallel jobs")]
    pub node_index: Option<u32>,

    /// Number of parallel jobs
    #[arg(long, env = "CI_NODE_TOTAL", value_name = "N", help_heading = "Parallel jobs")]
    pub node_total: Option<u32>,
}

/// Output of a run.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Format of standard output; logs go to standard error
    #[arg(long, env = "SAPM_FORMAT", value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub format: Format,

    /// Folder for the report files: plan.json, snapshot.json, report.html, report.md, junit.xml,
    /// metrics.txt, gl-code-quality-report.json, counts.env
    #[arg(long, env = "SAPM_REPORT_DIR", value_name = "DIR", value_parser = path())]
    pub report_dir: Option<PathBuf>,

    /// File to save the facts of this run to, for --snapshot
    #[arg(long, env = "SAPM_SAVE_SNAPSHOT", value_name = "FILE", value_parser = path())]
    pub save_snapshot: Option<PathBuf>,
}

impl OutputArgs {
    /// Are report files wanted?
    pub fn has_folder(&self) -> bool {
        self.report_dir.as_ref().is_some_and(|folder| !folder.as_os_str().is_empty())
    }
}

/// Output of `validate`, which has no facts to record.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct FindingsOutputArgs {
    /// Format of standard output; logs go to standard error
    #[arg(long, env = "SAPM_FORMAT", value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub format: Format,

    /// Folder for the report files: validate.json, junit.xml, gl-code-quality-report.json
    #[arg(long, env = "SAPM_REPORT_DIR", value_name = "DIR", value_parser = path())]
    pub report_dir: Option<PathBuf>,
}

/// What may go into one merge request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BatchScope {
    /// The promotion of one place in a file
    None,
    /// Promotions of one app
    App,
    /// All promotions
    All,
}

impl From<BatchScope> for BatchBy {
    fn from(scope: BatchScope) -> Self {
        match scope {
            BatchScope::None => Self::None,
            BatchScope::App => Self::App,
            BatchScope::All => Self::All,
        }
    }
}

/// Where reviewers of new merge requests are declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReviewersArg {
    /// Nobody is asked
    None,
    /// Users of roles, and owners of apps
    Owners,
    /// Owners of files
    #[value(name = "codeowners")]
    CodeOwners,
}

impl From<ReviewersArg> for ReviewersFrom {
    fn from(from: ReviewersArg) -> Self {
        match from {
            ReviewersArg::None => Self::None,
            ReviewersArg::Owners => Self::Owners,
            ReviewersArg::CodeOwners => Self::CodeOwners,
        }
    }
}

/// Format of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: JSON, and nothing else.
    Json,
    /// For chats and issues.
    Markdown,
}
