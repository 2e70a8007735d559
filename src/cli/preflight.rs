//! `sapm preflight`: is it safe to cut over from the old promoter? It plans as `plan` does, asks for more, and never writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::clients::ConfigProject;
use super::config::{CommandArgs, Config};
use super::exit::{Exit, Fatal};
use super::logging::{Sink, colours};
use super::output::{check_writable, print, write_files};
use super::pipeline::{Known, Mode, Ready, build_problem, prepare};
use super::preflight_args::{PhaseArg, PreflightArgs};
use super::progress::StandardError;
use super::secrets::redactor;
use super::shadow::{read_days, read_ledger, shapes};
use super::shared_args::Format;
use super::signals::Interruption;
use super::stopwatch::Stopwatch;
use crate::domain::quoted;
use crate::plan::ReviewersFrom;
pub use crate::preflight::Clock;
use crate::preflight::{
    self, Context, PreflightOptions, PreflightServices, QueueConfig, TokenFacts, UNACCEPTABLE,
    is_check,
};
use crate::report::{
    DayReport, Paint, Phase, PlanReport, PreflightReport, Verdict, preflight_junit,
    preflight_markdown, preflight_text,
};
use crate::shadow::{CompareOptions, compare};
use crate::snapshot::Snapshot;

/// What a preflight came to.
pub struct Answer {
    /// The answer.
    pub report: PreflightReport,
    /// The plan that it rests on.
    pub plan: PlanReport,
    /// The facts of the plan.
    pub snapshot: Snapshot,
}

/// The machine's clock.
pub(super) struct MachineClock;

#[async_trait]
impl Clock for MachineClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// Runs a preflight, prints it, and says how it ended.
///
/// # Errors
/// With the exit codes of `plan`, when there is no plan to judge.
pub fn run(args: &PreflightArgs, environment: &BTreeMap<String, String>) -> Result<Exit, Fatal> {
    check_writable(&args.run.output)?;
    let options = options(args, environment)?;
    let interruption = Interruption::listen()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fatal::new(Exit::Internal, format!("cannot start: {error}")))?;
    let asking = async {
        let work = run_preflight(args, &options, environment, &MachineClock);
        interruption.or_ended("before it had an answer", work).await
    };
    let answer = runtime.block_on(asking);
    // A clone that a signal ended is not waited for.
    runtime.shutdown_background();
    match answer {
        Ok(answer) => {
            write(args, &answer.report, Some((&answer.plan, &answer.snapshot)))?;
            print(&printed(args, environment, &answer.report))?;
            Ok(exit_of(&answer.report))
        }
        Err(fatal) => {
            let fatal = fatal.redacted(redactor());
            let now = Utc::now().trunc_subsecs(0);
            let problems = vec![build_problem(&fatal)];
            write(args, &PreflightReport::of_problems(now, options.phase, problems), None)?;
            Err(fatal)
        }
    }
}

/// The exit code of an answer.
pub fn exit_of(report: &PreflightReport) -> Exit {
    match report.verdict {
        Verdict::Go => Exit::Done,
        Verdict::NoGo => Exit::ChangesPending,
        Verdict::NotKnown => Exit::DoneWithProblems,
    }
}

/// Runs a preflight with any environment and by any clock.
///
/// # Errors
/// With exit code 2 (options), or those of `plan`.
pub async fn answer(
    args: &PreflightArgs,
    environment: &BTreeMap<String, String>,
    clock: &dyn Clock,
) -> Result<Answer, Fatal> {
    let options = options(args, environment)?;
    run_preflight(args, &options, environment, clock).await
}

async fn run_preflight(
    args: &PreflightArgs,
    options: &PreflightOptions,
    environment: &BTreeMap<String, String>,
    clock: &dyn Clock,
) -> Result<Answer, Fatal> {
    let mut config = config(args, environment)?;
    // Clients look up until the end of the waiting.
    config.deadline += options.wait;
    let progress = StandardError::default();
    let mut known = Known {
        snapshot: None,
        stopwatch: Stopwatch::start(),
        clients: None,
        progress: StandardError::default(),
        difference: None,
    };
    let now = clock.now().trunc_subsecs(0);
    let Ready { loaded, options: run, gitlab, planned, .. } =
        prepare(&config, now, &mut known).await?;
    let Known { snapshot: Some(snapshot), clients: Some(clients), .. } = known else {
        return Err(Fatal::new(Exit::Internal, "a plan was made without facts"));
    };
    let Some(gitlab) = gitlab else {
        return Err(Fatal::new(Exit::Usage, "preflight asks GitLab, which is not known").hint(
            "set --gitlab-url (SAPM_GITLAB_URL), --gitlab-project (SAPM_GITLAB_PROJECT) and SAPM_GITLAB_TOKEN",
        ));
    };
    let plan = planned.report(&run, &loaded.repo, &snapshot, None);
    let context = Context {
        options,
        settings: &run.settings,
        repo: &loaded.repo,
        planned: &planned,
        report: &plan,
        snapshot: &snapshot,
        token: token_facts(&gitlab),
        queue: QueueConfig::read(&loaded.kept, &gitlab.reader.project().path),
        shadow_days: shadow_days(args, &gitlab.reader.project().path, now)?,
    };
    let services = PreflightServices {
        reader: &gitlab.reader,
        state: &*clients.state,
        clock,
        progress: &progress,
    };
    let report = preflight::run(&context, &services).await;
    Ok(Answer { report, plan, snapshot })
}

/// What the ledger of `shadow` comes to by day; `None` without one.
fn shadow_days(
    args: &PreflightArgs,
    project: &str,
    now: DateTime<Utc>,
) -> Result<Option<Vec<DayReport>>, Fatal> {
    let folder = args.cut_over.shadow_dir.as_deref().filter(|dir| *dir != Path::new(""));
    let Some(folder) = folder else { return Ok(None) };
    let Some(ledger) = read_ledger(folder, Some(project))? else { return Ok(None) };
    let compared = CompareOptions { closed_days: read_days(folder)?, ..CompareOptions::default() };
    Ok(Some(compare(&ledger, now, &compared).days))
}

/// What is wanted of the plan.
fn config(args: &PreflightArgs, environment: &BTreeMap<String, String>) -> Result<Config, Fatal> {
    let command = CommandArgs {
        run: &args.run,
        node: None,
        what_if: None,
        dry_run: false,
        refused: None,
        question: None,
        compare_to: None,
    };
    let mut config = Config::resolve(command, environment, Mode::Plan)?;
    config.asks_rights = true;
    config.compares_commits = false;
    config.reviewers = ReviewersFrom::None;
    config.keep = Some(preflight::is_kept);
    Ok(config)
}

/// What GitLab said of the token.
fn token_facts(gitlab: &ConfigProject) -> TokenFacts {
    let (rights, project) = (gitlab.reader.rights(), gitlab.reader.project());
    let writes = rights.scopes.as_ref().is_none_or(|scopes| scopes.contains("api"));
    TokenFacts {
        missing: rights.missing(&project.path, &gitlab.reader.bot().username),
        is_of_a_reader: gitlab.reader.has_job_token() || (rights.other_user.is_some() && !writes),
        expires_at: rights.expires_at,
    }
}

fn options(
    args: &PreflightArgs,
    environment: &BTreeMap<String, String>,
) -> Result<PreflightOptions, Fatal> {
    let usage = |message: String| Fatal::new(Exit::Usage, message);
    if let Some(flag) = args.past.given() {
        return Err(usage(format!("preflight does not take {flag}: it is about now")));
    }
    let asked = &args.cut_over;
    let span = |time: Duration| TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
    Ok(PreflightOptions {
        phase: match asked.phase {
            PhaseArg::Prepare => Phase::Prepare,
            PhaseArg::Go => Phase::Go,
            PhaseArg::After => Phase::After,
        },
        shapes: shapes(&asked.old)?,
        old_users: names(&asked.old.old_users),
        quiet: span(asked.quiet),
        wait: asked.wait,
        max_drain: span(asked.max_drain),
        accept: accepted(&asked.accept)?,
        strict: asked.strict.or(false),
        require_green: asked.require_green,
        digest: super::config::digest(args.run.fips, &super::config::Environment(environment))?,
    })
}

/// Names of users, with or without `@`.
pub(super) fn names(given: &[String]) -> BTreeSet<String> {
    let names = given.iter().map(|name| name.trim().trim_start_matches('@'));
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// `CHECK=REASON`, each.
fn accepted(given: &[String]) -> Result<BTreeMap<String, String>, Fatal> {
    let usage = |message: String| Fatal::new(Exit::Usage, message);
    let mut accepted = BTreeMap::new();
    for text in given.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        let parts = text.split_once('=').map(|(id, reason)| (id.trim(), reason.trim()));
        let Some((id, reason)) = parts.filter(|(_, reason)| !reason.is_empty()) else {
            let message = format!("--accept {} is not CHECK=REASON", quoted(text));
            return Err(usage(message).hint("write who decided it and why, after the ="));
        };
        if !is_check(id) {
            return Err(usage(format!("--accept: there is no check {}", quoted(id))));
        }
        if UNACCEPTABLE.contains(&id) {
            return Err(usage(format!("--accept: nobody can take on {}", quoted(id)))
                .hint("without it there is no answer"));
        }
        accepted.insert(id.to_owned(), reason.to_owned());
    }
    Ok(accepted)
}

fn printed(
    args: &PreflightArgs,
    environment: &BTreeMap<String, String>,
    report: &PreflightReport,
) -> String {
    match args.run.output.format {
        Format::Json => report.to_json(),
        Format::Markdown => preflight_markdown(report),
        Format::Text => {
            let colours = colours(environment, Sink::detect(&std::io::stdout()));
            preflight_text(report, if colours { Paint::Colours } else { Paint::Plain })
        }
    }
}

/// Writes the report files, and the snapshot where it was asked for.
fn write(
    args: &PreflightArgs,
    report: &PreflightReport,
    plan: Option<(&PlanReport, &Snapshot)>,
) -> Result<(), Fatal> {
    let output = &args.run.output;
    let snapshot = output.save_snapshot.as_deref().filter(|path| *path != Path::new(""));
    if let Some((path, (_, snapshot))) = snapshot.zip(plan) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = if folder == Path::new("") { Path::new(".") } else { folder };
        write_files(folder, &[(&*name, &|| snapshot.to_json())])?;
    }
    let Some(folder) = output.report_dir.as_deref().filter(|dir| *dir != Path::new("")) else {
        return Ok(());
    };
    let files: [(&str, &dyn Fn() -> String); 3] = [
        ("preflight.json", &|| report.to_json()),
        ("preflight.md", &|| preflight_markdown(report)),
        ("junit.xml", &|| preflight_junit(report)),
    ];
    write_files(folder, &files)?;
    let Some((plan, snapshot)) = plan else { return Ok(()) };
    let files: [(&str, &dyn Fn() -> String); 2] =
        [("plan.json", &|| plan.to_json()), ("snapshot.json", &|| snapshot.to_json())];
    write_files(folder, &files)
}
