//! Resolves arguments and environment, with all defaults, to the configuration of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::args::WhatIfArgs;
use super::compare::Comparison;
use super::exit::{Exit, Fatal};
use super::gitlab_config::{gitlab, gitlab_address, host_of};
use super::network::http_config;
use super::pipeline::Mode;
use super::project_rule_args::ProjectRules;
use super::report_link::report_url;
use super::secrets::redactor;
use super::shared_args::{FilterArgs, NodeArgs, OutputArgs, RunArgs};
use super::source::{Opening, Source};
use super::state_config::parse_state;
use super::values::{AT_HINT, At, Toggle};
use crate::clients::credentials::{Credentials, CredentialsError};
use crate::clients::gitlab::{JobProject, Token};
use crate::clients::http::{HttpClient, HttpConfig};
use crate::clients::state::S3Settings;
use crate::domain::{Shard, UidDigest};
use crate::plan::{BatchBy, ReviewersFrom, Settings, TargetFilter};
use crate::ports::Deadline;
use crate::run::{Options, Question, ReadOptions};

/// The configuration of a run. Has no `Debug`, because it contains tokens.
pub struct Config {
    /// Write, or only plan.
    pub mode: Mode,
    /// Where to read the config repo.
    pub source: Source,
    /// The cache folder.
    pub cache_dir: Option<PathBuf>,
    /// The branch, if configured.
    pub target_branch: Option<String>,
    /// The digest for uids.
    pub digest: UidDigest,
    /// GitLab, if its URL and a token are known.
    pub gitlab: Option<GitLabConfig>,
    /// GitHub's REST URL and token.
    pub github: (String, Option<SecretString>),
    /// The credentials file with tokens for other hosts.
    pub credentials_file: Option<PathBuf>,
    /// Environment variables, for the tokens that the credentials file refers to.
    pub environment: BTreeMap<String, String>,
    /// The location of deployment records.
    pub state: Option<(String, S3Settings)>,
    /// Concurrent requests per service.
    pub concurrency: usize,
    /// The time limit for all lookups together.
    pub deadline: Duration,
    /// Settings of the shared HTTP client.
    pub http: HttpConfig,
    /// The target filter.
    pub filter: TargetFilter,
    /// Labels of merge requests.
    pub labels: BTreeSet<String>,
    /// Text at the end of descriptions.
    pub description_footer: Option<String>,
    /// What the project's rules ask of branches, titles and commits.
    pub project_rules: ProjectRules,
    /// May it open and close merge requests?
    pub allow: (bool, bool),
    /// Maximum merge requests opened per run.
    pub max_new: usize,
    /// What may go into one merge request, and how many promotions.
    pub batch: (BatchBy, usize),
    /// Where reviewers of new merge requests are declared.
    pub reviewers: ReviewersFrom,
    /// Maximum writes per minute that start a pipeline.
    pub pipelines_per_minute: usize,
    /// Output of the run.
    pub output: OutputArgs,
    /// Decide as of this time.
    pub at: Option<At>,
    /// Hosts that are a GitLab or a GitHub.
    pub forges: BTreeSet<String>,
    /// Decide offline from these facts.
    pub snapshot: Option<PathBuf>,
    /// Page of the pipeline of this job.
    pub pipeline_url: Option<String>,
    /// The Pushgateway's URL, which may contain a password.
    pub pushgateway_url: Option<SecretString>,
    /// The node of this parallel job, from 1.
    pub node: String,
    /// The question of `explain`.
    pub question: Option<Question>,
    /// The difference that `plan` is to show.
    pub comparison: Option<Comparison>,
    /// Ask what the token may do, also where nothing is written?
    pub asks_rights: bool,
    /// Look up the commits that descriptions tell of?
    pub compares_commits: bool,
    /// Datafiles whose bytes are kept, by their bytes.
    pub keep: Option<fn(&[u8]) -> bool>,
}

/// The configured GitLab.
pub struct GitLabConfig {
    /// Its URL.
    pub url: String,
    /// The token, if there is one.
    pub token: Option<Token>,
    /// The project that the job runs in, if this is a job.
    pub job: Option<JobProject>,
    /// Path or id of the config repo's project, if known.
    pub project: Option<String>,
    /// The user whose merge requests are the bot's.
    pub bot_user: Option<String>,
    /// Earlier users of the bot.
    pub former_bot_users: Vec<String>,
    /// Users of other bots.
    pub other_bots: Vec<String>,
}

/// Environment variables. An empty one counts as unset, and blanks and line ends around a value are ignored.
pub struct Environment<'a>(pub &'a BTreeMap<String, String>);

impl Environment<'_> {
    /// The value of a variable.
    pub fn get(&self, key: &str) -> Option<String> {
        given(self.0.get(key))
    }

    /// The value of a variable that holds a secret.
    pub fn secret(&self, key: &str) -> Option<SecretString> {
        self.get(key).map(SecretString::from)
    }
}

/// A setting without blanks and line ends around it, which are a common mistake in CI variables.
pub(super) fn given(value: Option<&String>) -> Option<String> {
    value.map(|value| value.trim()).filter(|value| !value.is_empty()).map(str::to_owned)
}

impl TargetFilter {
    /// Takes the filter from the arguments. An empty name counts as none.
    pub(super) fn from_args(args: &FilterArgs) -> Self {
        Self {
            environment: given(args.env_name.as_ref()),
            app: given(args.app_name.as_ref()),
            saas_file: given(args.saas_file_name.as_ref()),
            share: None,
            only: None,
        }
    }
}

/// The arguments of a command, in addition to those that all runs share.
pub struct CommandArgs<'a> {
    /// The shared arguments.
    pub run: &'a RunArgs,
    /// The node of parallel jobs, if the command supports them.
    pub node: Option<&'a NodeArgs>,
    /// Another time, or offline.
    pub what_if: Option<&'a WhatIfArgs>,
    /// `apply --dry-run`.
    pub dry_run: bool,
    /// The flag of `plan` and `explain` that `apply` was given.
    pub refused: Option<&'static str>,
    /// The question of `explain`.
    pub question: Option<Question>,
    /// What `plan` is to compare with, and the merge request that gets a note.
    pub compare_to: Option<(String, Option<u64>)>,
}

impl Config {
    /// How to open the config repo. `other` are credentials for its host, if it is not GitLab.
    pub fn opening(&self, other: Option<crate::clients::git::Credentials>) -> Opening {
        let gitlab = self.gitlab.as_ref();
        Opening {
            source: self.source.clone(),
            cache_dir: self.cache_dir.clone(),
            branch: self.target_branch.clone(),
            gitlab: gitlab.and_then(|gitlab| Some((gitlab.url.clone(), gitlab.token.clone()?))),
            other,
            mode: self.mode,
            read: ReadOptions {
                digest: self.digest,
                forges: self.forges.clone(),
                reviewers: self.asked_reviewers(),
                ..ReadOptions::default()
            },
            http: HttpClient::with_redactor(self.http.clone(), redactor().clone()),
            keep: self.keep,
        }
    }

    /// The time of the decisions, for facts observed then.
    ///
    /// # Errors
    /// When it is beyond the calendar.
    pub fn decide_at(&self, observed_at: DateTime<Utc>) -> Result<DateTime<Utc>, Fatal> {
        let at = self.at.map_or(Some(observed_at), |at| at.resolve(observed_at));
        at.ok_or_else(|| Fatal::new(Exit::Usage, "--at is beyond the calendar").hint(AT_HINT))
    }

    /// The options of the run. The services share `deadline`.
    pub fn run_options(&self, deadline: Deadline) -> Options {
        let settings = Settings {
            target_branch: self.target_branch.clone().unwrap_or_else(|| "master".to_owned()),
            branches: self.project_rules.branches.clone(),
            texts: self.project_rules.texts.clone(),
            labels: self.labels.clone(),
            allow_opening: self.allow.0,
            allow_closing: self.allow.1,
            max_new_merge_requests: self.max_new,
            batch_by: self.batch.0,
            batch_size: self.batch.1,
            description_footer: self.description_footer.clone(),
            filter: self.filter.clone(),
            pipeline_url: self.pipeline_url.clone(),
            report_url: report_url(
                self.output.report_dir.as_deref(),
                &Environment(&self.environment),
            ),
            compares_commits: self.compares_commits && self.question.is_none(),
            reviewers: self.asked_reviewers(),
            gitlab_host: self.gitlab.as_ref().and_then(|gitlab| {
                let url = url::Url::parse(&gitlab.url).ok()?;
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                Some(format!("{}{port}", url.host_str()?))
            }),
        };
        Options { settings, digest: self.digest, concurrency: self.concurrency, deadline }
    }

    /// Where reviewers are declared. `explain` asks nobody.
    fn asked_reviewers(&self) -> ReviewersFrom {
        if self.question.is_some() { ReviewersFrom::None } else { self.reviewers }
    }

    /// Tokens for other hosts.
    ///
    /// # Errors
    /// When the credentials file cannot be used.
    pub fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let lookup = |name: &str| self.environment.get(name).filter(|v| !v.is_empty()).cloned();
        match &self.credentials_file {
            Some(path) => Credentials::load(path, lookup),
            None => Ok(Credentials::default()),
        }
    }

    /// Resolves every default.
    ///
    /// # Errors
    /// With exit code 2, and what to set.
    pub fn resolve(
        args: CommandArgs<'_>,
        variables: &BTreeMap<String, String>,
        mode: Mode,
    ) -> Result<Self, Fatal> {
        let environment = Environment(variables);
        let run = args.run;
        let mode = if args.dry_run { Mode::Plan } else { mode };
        if let Some(flag) = args.refused {
            return Err(Fatal::new(Exit::Usage, format!("apply does not take {flag}"))
                .hint("use `sapm plan` to decide about another time or from recorded facts"));
        }
        let source = Source::resolve(&run.source, &environment)?;
        let snapshot =
            args.what_if.and_then(|w| w.snapshot.clone()).filter(|p| !p.as_os_str().is_empty());
        let offline = snapshot.is_some();
        if let (true, Source::Url(url)) = (offline, &source)
            && !url.starts_with("file://")
        {
            return Err(Fatal::new(
                Exit::Usage,
                "--snapshot makes no network requests, so the config repo cannot be cloned",
            )
            .hint("set --app-interface to a checkout of the recorded commit"));
        }
        let server = gitlab_address(run.gitlab_url.as_ref(), &environment);
        let forges = server.iter().chain([&run.github_url]).map(|url| host_of(url)).collect();
        let gitlab = if offline { None } else { gitlab(run, &environment, &source, mode)? };
        let source_url = if let Source::Url(url) = &source { url.as_str() } else { "" };
        let gitlab_url = gitlab.as_ref().map_or("", |gitlab| &gitlab.url);
        let services = [source_url, gitlab_url, &run.github_url];
        let http = http_config(&environment, &run.network.allowed_hosts, &services)?;
        let state =
            if offline { None } else { Some(parse_state(run.state.as_ref(), &environment)?) };
        Ok(Self {
            mode,
            source,
            cache_dir: run.source.cache_dir(),
            target_branch: given(run.source.target_branch.as_ref()),
            digest: digest(run.fips, &environment)?,
            gitlab,
            github: (run.github_url.clone(), environment.secret("SAPM_GITHUB_TOKEN")),
            credentials_file: environment.get("SAPM_CREDENTIALS_FILE").map(PathBuf::from),
            environment: variables.clone(),
            state,
            forges,
            concurrency: run.concurrency,
            deadline: run.deadline,
            http,
            filter: TargetFilter {
                share: parse_shard(args.node)?,
                ..TargetFilter::from_args(&run.filter)
            },
            labels: run
                .labels
                .iter()
                .map(|l| l.trim().to_owned())
                .filter(|l| !l.is_empty())
                .collect(),
            project_rules: run
                .project_rules
                .resolve()
                .map_err(|message| Fatal::new(Exit::Usage, message))?,
            allow: (run.allow_opening.or(true), run.allow_closing.or(true)),
            max_new: run.max_new_merge_requests,
            batch: (run.batch_by.into(), run.batch_size),
            reviewers: run.reviewers.into(),
            description_footer: given(run.description_footer.as_ref()),
            pipelines_per_minute: run.pipelines_per_minute,
            output: run.output.clone(),
            at: parse_at(args.what_if)?,
            snapshot,
            question: args.question,
            comparison: Comparison::resolve(args.compare_to, &environment)?,
            pipeline_url: environment
                .get("CI_JOB_URL")
                .or_else(|| environment.get("CI_PIPELINE_URL")),
            pushgateway_url: environment.secret("SAPM_PUSHGATEWAY_URL"),
            node: environment.get("CI_NODE_INDEX").unwrap_or_else(|| "1".to_owned()),
            asks_rights: false,
            compares_commits: true,
            keep: None,
        })
    }
}

/// The shard of this job; `None` without parallel jobs.
fn parse_shard(node: Option<&NodeArgs>) -> Result<Option<Shard>, Fatal> {
    let missing = |flag: &str, other: &str| {
        Fatal::new(Exit::Usage, format!("{other} is given without {flag}")).hint(
            "set both (GitLab does in a job with `parallel`), or set both to 1 for a single job",
        )
    };
    match node.map(|node| (node.node_index, node.node_total)) {
        None | Some((None, None | Some(1))) => Ok(None),
        Some((None, Some(_))) => {
            Err(missing("--node-index (CI_NODE_INDEX)", "--node-total (CI_NODE_TOTAL)"))
        }
        Some((Some(_), None)) => {
            Err(missing("--node-total (CI_NODE_TOTAL)", "--node-index (CI_NODE_INDEX)"))
        }
        Some((Some(index), Some(total))) => match Shard::new(index, total) {
            Ok(share) => Ok((share.total() > 1).then_some(share)),
            Err(error) => Err(Fatal::new(Exit::Usage, error.to_string()).hint(
                "check --node-index (CI_NODE_INDEX) and --node-total (CI_NODE_TOTAL); for a \
                 single job, set both to 1",
            )),
        },
    }
}

fn parse_at(what_if: Option<&WhatIfArgs>) -> Result<Option<At>, Fatal> {
    let text = what_if.and_then(|what_if| given(what_if.at.as_ref()));
    let wrong = |error: String| Fatal::new(Exit::Usage, format!("--at {error}")).hint(AT_HINT);
    text.map(|text| text.parse()).transpose().map_err(wrong)
}

/// The digest for uids.
///
/// # Errors
/// When the variable is not a boolean.
pub fn digest(flag: Option<Toggle>, environment: &Environment<'_>) -> Result<UidDigest, Fatal> {
    let variable = match environment.get("USED_FOR_SECURITY") {
        None => false,
        Some(text) => text
            .parse::<Toggle>()
            .map_err(|error| Fatal::new(Exit::Usage, format!("USED_FOR_SECURITY: {error}")))?
            .or(false),
    };
    Ok(if flag.map_or(variable, |flag| flag.or(variable)) {
        UidDigest::FipsSha256
    } else {
        UidDigest::Blake2s
    })
}
