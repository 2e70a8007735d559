//! From arguments and environment to what a run needs, with every default resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::args::{FilterArgs, NodeArgs, OutputArgs, RunArgs, SourceArgs, WhatIfArgs};
use super::exit::{Exit, Fatal};
use super::gitlab_config::{gitlab, gitlab_address, host_of};
use super::network::http_config;
use super::pipeline::Mode;
use super::secrets::redactor;
use super::source::Opening;
use super::values::Toggle;
use crate::clients::credentials::{Credentials, CredentialsError};
use crate::clients::gitlab::{JobProject, Token};
use crate::clients::http::{HttpClient, HttpConfig};
use crate::clients::state::S3Settings;
use crate::domain::{Shard, UidDigest, quoted};
use crate::plan::{Settings, TargetFilter};
use crate::ports::Deadline;
use crate::run::{Options, Question, ReadOptions};

/// What a run needs. Has no `Debug`, as it holds tokens.
pub struct Config {
    /// Write, or plan only.
    pub mode: Mode,
    /// Where the config repo is.
    pub source: Source,
    /// Where things are kept between runs.
    pub cache_dir: Option<PathBuf>,
    /// The branch, if it was named.
    pub target_branch: Option<String>,
    /// Which digest makes uids.
    pub digest: UidDigest,
    /// GitLab, if it is known well enough to be asked.
    pub gitlab: Option<GitLabConfig>,
    /// GitHub's REST address and token.
    pub github: (String, Option<SecretString>),
    /// File that names tokens for other hosts, with the environment that holds them.
    pub credentials_file: Option<PathBuf>,
    /// Environment variables, for tokens that the credentials file names.
    pub environment: BTreeMap<String, String>,
    /// Where deployment records are.
    pub state: Option<(String, S3Settings)>,
    /// Requests under way at once, per service.
    pub concurrency: usize,
    /// The time that all lookups have together.
    pub deadline: Duration,
    /// What all requests have in common.
    pub http: HttpConfig,
    /// Which subscribers the run is about.
    pub filter: TargetFilter,
    /// Labels of merge requests.
    pub labels: BTreeSet<String>,
    /// Text at the end of descriptions.
    pub description_footer: Option<String>,
    /// Open, close?
    pub allow: (bool, bool),
    /// Opened per run at most.
    pub max_new: usize,
    /// Writes that start a pipeline, per minute at most.
    pub pipelines_per_minute: usize,
    /// What is printed and written.
    pub output: OutputArgs,
    /// Decide as of this time.
    pub at: Option<DateTime<Utc>>,
    /// Hosts of GitLab and GitHub.
    pub forges: BTreeSet<String>,
    /// Decide offline from these facts.
    pub snapshot: Option<PathBuf>,
    /// Page of the pipeline that this is.
    pub pipeline_url: Option<String>,
    /// Where metrics are pushed to; may hold a password.
    pub pushgateway_url: Option<SecretString>,
    /// Which of the jobs that share the work this is, from 1.
    pub node: String,
    /// What `explain` is asked.
    pub question: Option<Question>,
    /// Ask what the token may do, also where nothing is written?
    pub asks_rights: bool,
    /// Datafiles whose bytes are kept, by their bytes.
    pub keep: Option<fn(&[u8]) -> bool>,
}

/// GitLab as it was configured.
pub struct GitLabConfig {
    /// Its address.
    pub url: String,
    /// The token, if there is one.
    pub token: Option<Token>,
    /// The project that the job is in, if this is a job.
    pub job: Option<JobProject>,
    /// Path or id of the config repo's project, if it is known.
    pub project: Option<String>,
    /// Whose requests are the bot's.
    pub bot_user: Option<String>,
    /// Earlier users of the bot.
    pub former_bot_users: Vec<String>,
    /// Users of other bots.
    pub other_bots: Vec<String>,
}

/// Where the config repo is.
#[derive(Debug, Clone)]
pub enum Source {
    /// To clone; without the credentials that may have stood in it.
    Url(String),
    /// A checkout, or any folder with `data/`.
    Path(PathBuf),
}

/// Environment variables; an empty one is as unset, and blanks and line ends around a value do not count.
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

/// A setting without the blanks and line ends around it, which a variable of a project easily has.
pub(super) fn given(value: Option<&String>) -> Option<String> {
    value.map(|value| value.trim()).filter(|value| !value.is_empty()).map(str::to_owned)
}

impl Source {
    /// Where the config repo is, or what is missing.
    ///
    /// # Errors
    /// When nothing names it.
    pub fn resolve(args: &SourceArgs, environment: &Environment<'_>) -> Result<Self, Fatal> {
        let text = given(args.app_interface.as_ref()).or_else(|| {
            let folder = environment.get("CI_PROJECT_DIR")?;
            PathBuf::from(&folder).join("data").is_dir().then_some(folder)
        });
        let Some(text) = text else {
            return Err(Fatal::new(Exit::Usage, "the config repo is not known")
                .hint("set --app-interface (SAPM_APP_INTERFACE) to a git URL or a path"));
        };
        if text.contains("://") {
            return Ok(Self::Url(text));
        }
        if text.contains('@') && text.contains(':') && !PathBuf::from(&text).exists() {
            return Err(Fatal::new(Exit::Usage, "the config repo cannot be cloned over ssh")
                .hint("use its https:// URL with SAPM_GITLAB_TOKEN"));
        }
        Ok(Self::Path(PathBuf::from(text)))
    }
}

impl TargetFilter {
    /// From the arguments; an empty name is as none.
    pub(super) fn of(args: &FilterArgs) -> Self {
        Self {
            environment: given(args.env_name.as_ref()),
            app: given(args.app_name.as_ref()),
            saas_file: given(args.saas_file_name.as_ref()),
            share: None,
            only: None,
        }
    }
}

/// What a command adds to the arguments that all runs share.
pub struct CommandArgs<'a> {
    /// The shared arguments.
    pub run: &'a RunArgs,
    /// One job of several, where the command can be shared.
    pub node: Option<&'a NodeArgs>,
    /// Another time, or offline.
    pub what_if: Option<&'a WhatIfArgs>,
    /// `apply --dry-run`.
    pub dry_run: bool,
    /// `apply` was given what only `plan` and `explain` take.
    pub refused: Option<&'static str>,
    /// What `explain` is asked.
    pub question: Option<Question>,
}

impl Config {
    /// How to open the config repo; `other` are credentials for its host, if it is not GitLab's.
    pub fn opening(&self, other: Option<crate::clients::git::Credentials>) -> Opening {
        let gitlab = self.gitlab.as_ref();
        Opening {
            source: self.source.clone(),
            cache_dir: self.cache_dir.clone(),
            branch: self.target_branch.clone(),
            gitlab: gitlab.and_then(|gitlab| Some((gitlab.url.clone(), gitlab.token.clone()?))),
            other,
            mode: self.mode,
            read: ReadOptions { digest: self.digest, forges: self.forges.clone(), texts: false },
            http: HttpClient::with_redactor(self.http.clone(), redactor().clone()),
            keep: self.keep,
        }
    }

    /// What is wanted of the run; `deadline` is the one that the services share.
    pub fn run_options(&self, deadline: Deadline) -> Options {
        let settings = Settings {
            target_branch: self.target_branch.clone().unwrap_or_else(|| "master".to_owned()),
            labels: self.labels.clone(),
            allow_opening: self.allow.0,
            allow_closing: self.allow.1,
            max_new_merge_requests: self.max_new,
            description_footer: self.description_footer.clone(),
            filter: self.filter.clone(),
            pipeline_url: self.pipeline_url.clone(),
            gitlab_host: self.gitlab.as_ref().and_then(|gitlab| {
                let url = url::Url::parse(&gitlab.url).ok()?;
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                Some(format!("{}{port}", url.host_str()?))
            }),
        };
        Options { settings, digest: self.digest, concurrency: self.concurrency, deadline }
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
                "--snapshot touches no network, so the config repo cannot be cloned",
            )
            .hint("set --app-interface to a checkout of the commit that was recorded"));
        }
        let server = gitlab_address(run.gitlab_url.as_ref(), &environment);
        let forges = server.iter().chain([&run.github_url]).map(|url| host_of(url)).collect();
        let gitlab = if offline { None } else { gitlab(run, &environment, &source, mode)? };
        let source_url = if let Source::Url(url) = &source { url.as_str() } else { "" };
        let gitlab_url = gitlab.as_ref().map_or("", |gitlab| &gitlab.url);
        let services = [source_url, gitlab_url, &run.github_url];
        let http = http_config(&environment, &run.network.allowed_hosts, &services)?;
        let state = if offline { None } else { Some(state(run, &environment)?) };
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
            filter: TargetFilter { share: share(args.node)?, ..TargetFilter::of(&run.filter) },
            labels: run
                .labels
                .iter()
                .map(|l| l.trim().to_owned())
                .filter(|l| !l.is_empty())
                .collect(),
            allow: (run.allow_opening.or(true), run.allow_closing.or(true)),
            max_new: run.max_new_merge_requests,
            description_footer: given(run.description_footer.as_ref()),
            pipelines_per_minute: run.pipelines_per_minute,
            output: run.output.clone(),
            at: at(args.what_if)?,
            snapshot,
            question: args.question,
            pipeline_url: environment
                .get("CI_JOB_URL")
                .or_else(|| environment.get("CI_PIPELINE_URL")),
            pushgateway_url: environment.secret("SAPM_PUSHGATEWAY_URL"),
            node: environment.get("CI_NODE_INDEX").unwrap_or_else(|| "1".to_owned()),
            asks_rights: false,
            keep: None,
        })
    }
}

/// The share of this job; `None` when it is the only one.
fn share(node: Option<&NodeArgs>) -> Result<Option<Shard>, Fatal> {
    let missing = |flag: &str, other: &str| {
        Fatal::new(Exit::Usage, format!("{other} is given without {flag}")).hint(
            "set both (GitLab does in a job with `parallel`), or both to 1 to do all the work",
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
                "check --node-index (CI_NODE_INDEX) and --node-total (CI_NODE_TOTAL); both 1 do all the work",
            )),
        },
    }
}

fn at(what_if: Option<&WhatIfArgs>) -> Result<Option<DateTime<Utc>>, Fatal> {
    let Some(text) = what_if.and_then(|what_if| given(what_if.at.as_ref())) else {
        return Ok(None);
    };
    match DateTime::parse_from_rfc3339(&text) {
        Ok(time) => Ok(Some(time.with_timezone(&Utc))),
        Err(error) => {
            Err(Fatal::new(Exit::Usage, format!("--at {} is no time: {error}", quoted(&text)))
                .hint("write it like 2026-08-20T10:15:30Z"))
        }
    }
}

/// Which digest makes uids.
///
/// # Errors
/// When the variable is no boolean.
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

fn state(run: &RunArgs, environment: &Environment<'_>) -> Result<(String, S3Settings), Fatal> {
    let mut settings = S3Settings::default();
    if let Some(state) = given(run.state.as_ref()) {
        return Ok((state, settings));
    }
    let Some(bucket) = environment.get("APP_INTERFACE_STATE_BUCKET") else {
        return Err(Fatal::new(Exit::Usage, "it is not known where the deployment records are")
            .hint("set --state (SAPM_STATE) to s3://BUCKET[/PREFIX] or file:///DIR"));
    };
    settings.region = environment.get("APP_INTERFACE_STATE_BUCKET_REGION");
    settings.endpoint = environment.get("AWS_ENDPOINT_URL_S3");
    settings.access_key = environment
        .get("APP_INTERFACE_STATE_BUCKET_ACCESS_KEY_ID")
        .zip(environment.secret("APP_INTERFACE_STATE_BUCKET_SECRET_ACCESS_KEY"));
    Ok((format!("s3://{bucket}"), settings))
}
