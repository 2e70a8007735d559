//! `sapm record`: a deployment pipeline reports that it deployed a commit.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;

use super::config::{Environment, digest, given};
use super::exit::{Exit, Fatal};
use super::job::{forges, gitlab_access};
use super::logging::{Sink, colours};
use super::network::plain_client;
use super::output::print;
use super::pipeline::Mode;
use super::record_args::{RecordArgs, ReportArgs};
use super::secrets::redactor;
use super::shared_args::Format;
use super::signals::Interruption;
use super::source::{Opening, Source, load_config_repo};
use super::state_config::parse_state;
use crate::clients::http::{HttpClient, Service};
use crate::clients::state;
use crate::decide::{record_key, state_key};
use crate::domain::{GitRef, UidDigest, dot_segment, quoted};
use crate::ports::{Deadline, StateError};
use crate::record::{
    DeploymentReport, PlannedRecord, config_hash, parse_commit, parse_config_hash, parse_job_url,
    parse_time, read_records, write_records,
};
use crate::report::{Paint, RecordAction, RecordReport, record_markdown, record_text};
use crate::run::{ConfigRepo, ReadOptions, find_publishers};

/// Requests to the state at once.
const CONCURRENCY: usize = 8;

/// The time that all requests to the state have together.
const DEADLINE: Duration = Duration::from_secs(5 * 60);

/// Checks the report, finds its targets, and writes their records.
///
/// # Errors
/// With exit code 2 for a report that no run would use, 3 or 4 as `plan`. Nothing was written then.
pub fn run(args: &RecordArgs, environment: &BTreeMap<String, String>) -> Result<Exit, Fatal> {
    let variables = Environment(environment);
    let report = read_report(&args.report, &variables)?;
    let (location, settings) = parse_state(args.state.as_ref(), &variables)?;
    let digest = digest(args.fips, &variables)?;
    let http = plain_client(&variables)?;
    let interruption = Interruption::listen()?;
    let repo = load(args, &variables, digest, http.clone())?;
    let planned = plan_records(args, &repo, digest, &report)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fatal::new(Exit::Internal, format!("cannot start: {error}")))?;
    let dry_run = args.dry_run.or(false);
    let work = async {
        let service = http.service(Service::S3, CONCURRENCY).until(Deadline::new(DEADLINE));
        let state = state::from_location(&location, settings, service)
            .await
            .map_err(|error| Fatal::new(Exit::Usage, error.to_string()))?;
        let reading = async { read_records(&*state, planned).await.map_err(|e| state_failed(&e)) };
        let read = interruption.or_ended("before it wrote anything", reading).await?;
        let stopped = || interruption.token().is_cancelled();
        let outcomes = write_records(&*state, &report, read, dry_run, &stopped).await;
        let shown = (state.location(), dry_run);
        Ok::<_, Fatal>(RecordReport::new(&repo.inventory, shown, &report, outcomes))
    };
    let written = runtime.block_on(work)?;
    runtime.shutdown_background();
    print(&render(args.format, environment, &written))?;
    finish(&written, &interruption)
}

fn load(
    args: &RecordArgs,
    variables: &Environment<'_>,
    digest: UidDigest,
    http: HttpClient,
) -> Result<ConfigRepo, Fatal> {
    let loaded = load_config_repo(&Opening {
        source: Source::resolve(&args.source, variables)?,
        branch: given(args.source.target_branch.as_ref()),
        cache_dir: args.source.cache_dir(),
        gitlab: gitlab_access(variables),
        other: None,
        mode: Mode::Plan,
        read: ReadOptions { digest, forges: forges(variables), ..ReadOptions::default() },
        http,
        keep: None,
    })?;
    Ok(loaded.repo)
}

fn state_failed(error: &StateError) -> Fatal {
    Fatal::new(Exit::ServiceFailed, format!("nothing was written: {error}"))
        .hint("check what the message names; --state (SAPM_STATE) says which bucket it is")
}

/// Checks everything that the report says itself.
fn read_report(args: &ReportArgs, variables: &Environment<'_>) -> Result<DeploymentReport, Fatal> {
    let wrong = |option: &str, error: String, hint: &str| {
        Fatal::new(Exit::Usage, format!("{option}: {error}")).hint(hint)
    };
    let now = Utc::now();
    let Some(commit) = given(args.commit.as_ref()) else {
        return Err(Fatal::new(Exit::Usage, "the commit that was deployed is not known").hint(
            "set --commit (SAPM_COMMIT), in a pipeline of the code repository to \"$CI_COMMIT_SHA\"",
        ));
    };
    let commit = parse_commit(&commit).map_err(|error| {
        wrong("--commit (SAPM_COMMIT)", error, "`git rev-parse REF` prints the full id of a commit")
    })?;
    let at = given(args.at.as_ref()).map_or(Ok(now), |text| parse_time(&text, now));
    let at = at.map_err(|error| {
        wrong("--at (SAPM_DEPLOYED_AT)", error, "write it like 2026-08-20T10:15:30Z")
    })?;
    // An explicit empty flag is no URL; an empty variable counts as unset.
    let url = args.url.clone().or_else(|| variables.get("CI_JOB_URL"));
    let url = url.filter(|url| !url.trim().is_empty());
    let url = url.map(|url| parse_job_url(url.trim())).transpose().map_err(|error| {
        wrong(
            "--url (SAPM_DEPLOYMENT_URL)",
            error,
            "set it to the page of the job, or to nothing: --url=",
        )
    })?;
    Ok(DeploymentReport { commit, success: args.succeeded, url, at, now })
}

/// The records of all targets, one for each channel that a target publishes to. (A channel that nobody subscribes to
/// yet has one as well, for its first subscriber.)
fn plan_records(
    args: &RecordArgs,
    repo: &ConfigRepo,
    digest: UidDigest,
    report: &DeploymentReport,
) -> Result<Vec<PlannedRecord>, Fatal> {
    let given_hash = args.report.config_hash.as_deref().map(parse_config_hash).transpose();
    let given_hash = given_hash.map_err(|error| {
        Fatal::new(Exit::Usage, format!("--config-hash (SAPM_CONFIG_HASH): {error}"))
            .hint("leave it out: sapm computes one from the config repo")
    })?;
    let mut planned = Vec::new();
    for index in find_publishers(repo, digest, &args.targets)? {
        let target = &repo.inventory.targets[index];
        let computed = || config_hash(&repo.bundle, target);
        let hash = given_hash.clone().map_or_else(computed, Ok).map_err(|error| {
            Fatal::new(Exit::Usage, format!("{} has no config hash: {error}", target.label()))
                .hint("correct that file, or set --config-hash (SAPM_CONFIG_HASH)")
        })?;
        if let Ok(GitRef::Pinned(pinned)) = &target.git_ref
            && *pinned != report.commit
        {
            tracing::warn!(
                "{} is pinned to {}: until its ref is {}, no run reads this record",
                target.label(),
                pinned.short(),
                report.commit.short()
            );
        }
        for channel in &target.promotion.publish {
            if let Some(part) = dot_segment(channel) {
                let message = format!(
                    "{} publishes to the channel {}, whose name cannot be part of a key: {} can refer \
                     to another object",
                    target.label(),
                    quoted(channel),
                    quoted(part)
                );
                return Err(Fatal::new(Exit::Usage, message).hint("rename the channel"));
            }
            planned.push(PlannedRecord {
                target: index,
                saas_file: target.saas_file.clone(),
                channel: channel.clone(),
                key: state_key(&record_key(channel, &target.uid, &report.commit)),
                config_hash: hash.clone(),
            });
        }
    }
    check_secrets(report, &planned)?;
    Ok(planned)
}

/// Everybody who may read the bucket sees records, and so do reports.
fn check_secrets(report: &DeploymentReport, planned: &[PlannedRecord]) -> Result<(), Fatal> {
    let hashes = planned.iter().map(|record| ("--config-hash", record.config_hash.as_str()));
    let own = report.url.iter().map(|url| ("--url", url.as_str())).chain(hashes);
    for (option, text) in own {
        if redactor().redact(text) != text {
            let message = format!("{option} contains a secret of this job, which records must not");
            return Err(Fatal::new(Exit::Usage, message).hint("leave it out"));
        }
    }
    Ok(())
}

fn render(format: Format, environment: &BTreeMap<String, String>, report: &RecordReport) -> String {
    match format {
        Format::Json => report.to_json(),
        Format::Markdown => record_markdown(report),
        Format::Text => {
            let colours = colours(environment, Sink::detect(&std::io::stdout()));
            record_text(report, if colours { Paint::Colours } else { Paint::Plain })
        }
    }
}

/// The exit code: 4 if nothing was written, 5 if a part was.
fn finish(report: &RecordReport, interruption: &Interruption) -> Result<Exit, Fatal> {
    let failed = report.count(RecordAction::Failed);
    if failed == 0 {
        return Ok(Exit::Done);
    }
    if interruption.token().is_cancelled() {
        return Err(interruption.fatal("before it had written all records"));
    }
    let all = report.records.len();
    let first = report.records.iter().find_map(|record| record.error.as_deref());
    let message = format!("{failed} of {all} records failed: {}", first.unwrap_or_default());
    let exit = if failed == all { Exit::ServiceFailed } else { Exit::DoneWithProblems };
    Err(Fatal::new(exit, message).hint("run it again: what is written already stays as it is"))
}
