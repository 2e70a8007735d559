//! `sapm shadow`: what the old promoter does beside what this one would do. It plans as `plan` does, and writes its ledger only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::config::{CommandArgs, Config};
use super::exit::{Exit, Fatal};
use super::logging::{Sink, colours};
use super::output::{check_folder, check_writable, print, write_files};
use super::pipeline::{Known as KnownOfRun, Mode, Ready, prepare};
use super::preflight::{Clock, MachineClock, names};
use super::preflight_args::{OldArg, OldArgs};
use super::progress::StandardError;
use super::secrets::redactor;
use super::shadow_args::{ComparisonArgs, ShadowArgs};
use super::shared_args::Format;
use super::signals::Interruption;
use super::stopwatch::Stopwatch;
use crate::old_promoter::{OldKind, Shapes, UserShapes};
use crate::plan::{ReviewersFrom, TargetFilter};
use crate::report::{
    DayReport, DayVerdict, Paint, ShadowReport, shadow_junit, shadow_markdown, shadow_metrics,
    shadow_text,
};
use crate::shadow::{
    CompareOptions, Known, Ledger, Observed, OldNarrowing, Sources, compare, compare_present,
    observe,
};

/// Largest file of a ledger that is read, in bytes.
const MAX_LEDGER: u64 = 256 << 20;
/// Days whose files are read.
const MAX_DAYS: usize = 400;
/// How long after its end a day is closed: what began in it can be told by then.
const CLOSED_AFTER: TimeDelta = TimeDelta::hours(2);
/// Files of the folder.
const LEDGER: &str = "ledger.json";
const DAYS: &str = "day";

/// What a comparison came to.
pub struct Answer {
    /// The comparison.
    pub report: ShadowReport,
    /// The ledger with this run; `None` without a folder for it.
    pub ledger: Option<Ledger>,
    /// What this run observed; `None` if it made a report only.
    pub observed: Option<Observed>,
}

/// Observes, compares, prints, and says how it ended.
///
/// # Errors
/// With the exit codes of `plan`; 2 also for a ledger of another project.
pub fn run(args: &ShadowArgs, environment: &BTreeMap<String, String>) -> Result<Exit, Fatal> {
    check_writable(&args.run.output)?;
    check_folder(args.shadow.shadow_dir.as_deref())?;
    let interruption = Interruption::listen()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Fatal::new(Exit::Internal, format!("cannot start: {error}")))?;
    let asking = async {
        let work = answer(args, environment, &MachineClock);
        interruption.or_ended("before it had compared anything", work).await
    };
    let answer = runtime.block_on(asking);
    // A clone that a signal ended is not waited for.
    runtime.shutdown_background();
    let answer = answer.map_err(|fatal| fatal.redacted(redactor()))?;
    save(args, &answer)?;
    write_reports(args, &answer.report)?;
    print(&printed(args, environment, &answer.report))?;
    Ok(exit_of(&answer.report))
}

/// The exit code of a comparison: by today and the day before, as what began late yesterday is told today.
pub fn exit_of(report: &ShadowReport) -> Exit {
    let mut latest = report.days.iter().rev().take(2);
    let is_red = latest.any(|day| day.verdict == DayVerdict::Red)
        || (report.since.is_none()
            && (report.unexplained().next().is_some() || !report.facts.is_empty()));
    match report.verdict {
        _ if is_red => Exit::ChangesPending,
        Some(DayVerdict::Incomplete) => Exit::DoneWithProblems,
        _ => Exit::Done,
    }
}

/// Observes and compares, with any environment and by any clock; writes nothing.
///
/// # Errors
/// As [`run`].
pub async fn answer(
    args: &ShadowArgs,
    environment: &BTreeMap<String, String>,
    clock: &dyn Clock,
) -> Result<Answer, Fatal> {
    let usage = |message: &str| Fatal::new(Exit::Usage, message);
    if let Some(flag) = args.past.given() {
        return Err(usage(&format!("shadow does not take {flag}: it is about now")));
    }
    let asked = &args.shadow;
    let folder = asked.shadow_dir.as_deref().filter(|dir| *dir != Path::new(""));
    let mut options = options(asked, folder)?;
    options.narrowed_to = TargetFilter::from_args(&args.run.filter).named();
    let now = clock.now().trunc_subsecs(0);
    if asked.report_only {
        let folder =
            folder.ok_or_else(|| usage("--report-only needs --shadow-dir (SAPM_SHADOW_DIR)"))?;
        let ledger = read_ledger(folder, None)?;
        let ledger = ledger.ok_or_else(|| usage("there is no ledger in --shadow-dir yet"))?;
        let compared = if asked.calibrate { &ledger.against_itself() } else { &ledger };
        let report = compare(compared, now, &options);
        return Ok(Answer { report, ledger: Some(ledger), observed: None });
    }
    compare_now(args, environment, now, (folder, &options)).await
}

/// Observes, adds that to the ledger, and compares.
async fn compare_now(
    args: &ShadowArgs,
    environment: &BTreeMap<String, String>,
    now: DateTime<Utc>,
    (folder, options): (Option<&Path>, &CompareOptions),
) -> Result<Answer, Fatal> {
    let shapes = shapes(&args.shadow.old)?;
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
    config.compares_commits = false;
    config.reviewers = ReviewersFrom::None;
    let mut known = KnownOfRun {
        snapshot: None,
        stopwatch: Stopwatch::start(),
        clients: None,
        progress: StandardError::default(),
        difference: None,
    };
    let Ready { loaded, options: run, gitlab, planned, .. } =
        prepare(&config, now, &mut known).await?;
    let (Some(snapshot), Some(clients)) = (&known.snapshot, &known.clients) else {
        return Err(Fatal::new(Exit::Internal, "a plan was made without facts"));
    };
    let gitlab = gitlab.ok_or_else(|| {
        Fatal::new(Exit::Usage, "shadow asks GitLab, which is not known")
            .hint("set --gitlab-project (SAPM_GITLAB_PROJECT) and SAPM_GITLAB_TOKEN")
    })?;
    let project = gitlab.reader.project().path.clone();
    let plan = planned.report(&run, &loaded.repo, snapshot, None);
    let sources = Sources {
        reader: &gitlab.reader,
        state: &*clients.state,
        repo: &loaded.repo,
        report: &plan,
        shapes: &shapes,
        digest: run.digest,
    };
    let before = folder.map(|folder| read_ledger(folder, Some(&project))).transpose()?.flatten();
    let mut ledger = before.unwrap_or_else(|| Ledger::new(&project, now));
    let failed = |failure: crate::snapshot::Failure| Fatal::new(Exit::ServiceFailed, failure.error);
    let observed = observe(&sources, &ledger).await.map_err(failed)?;
    if folder.is_none() {
        let report = compare_present(&observed, &project, options);
        return Ok(Answer { report, ledger: None, observed: Some(observed) });
    }
    ledger.record(&observed);
    let report = compare(&ledger, now, options);
    Ok(Answer { report, ledger: Some(ledger), observed: Some(observed) })
}

/// Writes ledger and closed days, each whole or not at all.
///
/// # Errors
/// When one cannot be written.
pub fn save(args: &ShadowArgs, answer: &Answer) -> Result<(), Fatal> {
    let folder = args.shadow.shadow_dir.as_deref().filter(|dir| *dir != Path::new(""));
    let Some((folder, ledger)) = folder.zip(answer.ledger.as_ref()) else { return Ok(()) };
    if args.shadow.report_only {
        return Ok(());
    }
    let now = answer.report.observed_at;
    for day in &answer.report.days {
        let end = day.date.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::days(1);
        let (days, name) = (folder.join(DAYS), format!("{}.json", day.date));
        if now >= end + CLOSED_AFTER && !days.join(&name).exists() {
            write_files(&days, &[(name.as_str(), &|| crate::domain::to_json(day))])?;
        }
    }
    write_files(folder, &[(LEDGER, &|| ledger.to_json())])
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Fatal {
    Fatal::new(Exit::Usage, format!("{} cannot be used: {error}", path.display()))
        .hint("name another folder in --shadow-dir (SAPM_SHADOW_DIR), or remove the file: the comparison then begins anew")
}

/// The ledger in a folder, if there is one.
///
/// # Errors
/// With exit code 2, when it is none, or another project's.
pub(super) fn read_ledger(folder: &Path, project: Option<&str>) -> Result<Option<Ledger>, Fatal> {
    let path = folder.join(LEDGER);
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Ok(data) if data.len() > MAX_LEDGER => {
            return Err(unusable(&path, &format!("it has {} bytes", data.len())));
        }
        _ => {}
    }
    let bytes = std::fs::read(&path).map_err(|error| unusable(&path, &error))?;
    Ledger::from_json(&bytes, project).map(Some).map_err(|error| unusable(&path, &error))
}

/// The days that were closed; a file that cannot be read is made anew.
///
/// # Errors
/// When the folder cannot be read.
pub(super) fn read_days(folder: &Path) -> Result<Vec<DayReport>, Fatal> {
    let folder = folder.join(DAYS);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unusable(&folder, &error)),
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let newest = paths.into_iter().rev().take(MAX_DAYS);
    Ok(newest
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .filter_map(|path| serde_json::from_slice(&std::fs::read(path).ok()?).ok())
        .collect())
}

/// Which shapes to look for.
pub(super) fn shapes(asked: &OldArgs) -> Result<Shapes, Fatal> {
    let named = UserShapes {
        branches: asked.old_branches.clone(),
        labels: asked.old_labels.clone(),
        titles: asked.old_titles.clone(),
    };
    Shapes::new(kinds(asked.old), named).map_err(|error| Fatal::new(Exit::Usage, error.to_string()))
}

fn kinds(old: OldArg) -> Vec<OldKind> {
    match old {
        OldArg::Auto => vec![OldKind::Sapm, OldKind::V1],
        OldArg::Sapm => vec![OldKind::Sapm],
        OldArg::V1 => vec![OldKind::V1],
        OldArg::None => Vec::new(),
    }
}

fn options(asked: &ComparisonArgs, folder: Option<&Path>) -> Result<CompareOptions, Fatal> {
    let mut narrowing = OldNarrowing::default();
    for text in &asked.old_narrowing {
        match text.split_once('=') {
            Some(("env", name)) => narrowing.environment = Some(name.to_owned()),
            Some(("app", name)) => narrowing.app = Some(name.to_owned()),
            _ => {
                let message = "--old-narrowing wants env=NAME or app=NAME";
                return Err(Fatal::new(Exit::Usage, message));
            }
        }
    }
    let known = match asked.known.as_deref().filter(|path| *path != Path::new("")) {
        None => Known::default(),
        Some(path) => {
            let wrong = |error: String| {
                Fatal::new(Exit::Usage, format!("--known {}: {error}", path.display())).hint(
                    "write a list of entries with target, class, until (2026-03-31) and reason",
                )
            };
            let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
            Known::from_yaml(&text).map_err(|error| wrong(error.to_string()))?
        }
    };
    Ok(CompareOptions {
        old_users: names(&asked.old.old_users),
        kinds: kinds(asked.old.old).into_iter().collect::<BTreeSet<_>>(),
        old_narrowing: narrowing,
        narrowed_to: None,
        known,
        closed_days: folder.map(read_days).transpose()?.unwrap_or_default(),
    })
}

fn write_reports(args: &ShadowArgs, report: &ShadowReport) -> Result<(), Fatal> {
    let folder = args.run.output.report_dir.as_deref().filter(|dir| *dir != Path::new(""));
    let Some(folder) = folder else { return Ok(()) };
    let files: [(&str, &dyn Fn() -> String); 4] = [
        ("shadow.json", &|| report.to_json()),
        ("shadow.md", &|| shadow_markdown(report)),
        ("junit.xml", &|| shadow_junit(report)),
        ("metrics.txt", &|| shadow_metrics(report)),
    ];
    write_files(folder, &files)
}

fn printed(
    args: &ShadowArgs,
    environment: &BTreeMap<String, String>,
    report: &ShadowReport,
) -> String {
    match args.run.output.format {
        Format::Json => report.to_json(),
        Format::Markdown => shadow_markdown(report),
        Format::Text => {
            let colours = colours(environment, Sink::detect(&std::io::stdout()));
            shadow_text(report, if colours { Paint::Colours } else { Paint::Plain })
        }
    }
}
