//! The arguments of `record`; their doc comments are the manual that `--help` prints.

use clap::Args;

use super::shared_args::{Format, SourceArgs};
use super::values::Toggle;

/// Arguments of `record`.
#[derive(Debug, Args)]
pub struct RecordArgs {
    /// Targets that were deployed, as for `explain`: uid, `saas-file/resource-template/cluster/namespace`, or any
    /// unambiguous part. Name them in full in a pipeline: a part may fit more targets tomorrow
    #[arg(value_name = "TARGET", required = true)]
    pub targets: Vec<String>,

    #[command(flatten)]
    pub report: ReportArgs,

    #[command(flatten)]
    pub source: SourceArgs,

    /// Compute uids with SHA-256, as deployers in FIPS mode do [default: USED_FOR_SECURITY]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Config repo")]
    pub fips: Option<Toggle>,

    /// Where deployment records and the state export are: s3://BUCKET[/PREFIX] or file:///DIR
    ///
    /// Credentials for S3 are found the AWS SDK's usual way: environment, web identity (GitLab's
    /// id_tokens), profile. AWS_ENDPOINT_URL_S3 names another store. Without this option
    /// APP_INTERFACE_STATE_BUCKET, …_REGION, …_ACCESS_KEY_ID and …_SECRET_ACCESS_KEY are used.
    #[arg(long, env = "SAPM_STATE", value_name = "URL", help_heading = "Services")]
    pub state: Option<String>,

    /// Format of standard output; logs go to standard error
    #[arg(long, env = "SAPM_FORMAT", value_enum, value_name = "FORMAT", default_value_t = Format::Text, help_heading = "Output")]
    pub format: Format,

    /// Show the records, and write nothing
    #[arg(long, env = "SAPM_DRY_RUN", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", help_heading = "Output")]
    pub dry_run: Toggle,
}

/// What is reported.
#[derive(Debug, Args)]
#[command(next_help_heading = "Deployment")]
pub struct ReportArgs {
    /// Commit of the code repository that was deployed: 40 lower-case hex digits
    ///
    /// There is no default. In a pipeline of the code repository it is "$CI_COMMIT_SHA"; in a pipeline of a config or
    /// deployment repo, CI_COMMIT_SHA is a commit of that repo, and a record of it would never be found.
    #[arg(long, env = "SAPM_COMMIT", value_name = "SHA")]
    pub commit: Option<String>,

    /// The deployment succeeded
    #[arg(long, required_unless_present = "failed", conflicts_with = "failed")]
    pub succeeded: bool,

    /// The deployment failed
    #[arg(long)]
    pub failed: bool,

    /// Page of the job that deployed; `--url=` for none [default: CI_JOB_URL]
    #[arg(long, env = "SAPM_DEPLOYMENT_URL", value_name = "JOB")]
    pub url: Option<String>,

    /// Digest of the target's configuration [default: computed from the config repo]
    ///
    /// `redeployOnPublisherConfigChange` compares it. The default covers the parameters of environment, saas file,
    /// resource template and target, and the template's url and path (docs/report-deployments.md). It differs from the
    /// digest of openshift-saas-deploy, so do not let both report deployments of one target.
    #[arg(long, env = "SAPM_CONFIG_HASH", value_name = "HASH")]
    pub config_hash: Option<String>,

    /// When it was deployed (RFC 3339), not in the future [default: now]
    ///
    /// The soak time begins then. A repeated report keeps the time of the first one.
    #[arg(long, env = "SAPM_DEPLOYED_AT", value_name = "TIME")]
    pub at: Option<String>,
}
