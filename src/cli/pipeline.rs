//! The run: clone, load, inventory, observe, decide, plan, apply, export.

use std::collections::BTreeSet;

use chrono::{DateTime, SubsecRound, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::asked::{Asked, Facts};
use super::branches::BranchDoor;
use super::config::{Config, host_of};
use super::doors::{Doors, GitLabDoor};
use super::exit::{Exit, Fatal};
use super::narrowing::check_narrowing;
use super::observing::{observe_all, state_failed};
use super::planning::{decide_on, plan_for, plan_with_needs};
use super::progress::{StandardError, waiting_for};
use super::secrets::redactor;
use super::signals::Interruption;
use super::source::{Loaded, Opening, load_config_repo};
use super::stopwatch::Stopwatch;
use crate::apply::{Outcomes, apply};
use crate::clients::pushgateway::{GroupingKey, push};
use crate::decide::Decisions;
use crate::domain::{Problem, Share};
use crate::observe::ports::StateError;
use crate::plan::{Narrowing, Plan, Scope, Wishes};
use crate::report::{
    EXPORT_KEY, Explanation, PlanReport, problems_of, publisher_data, pushed_metrics,
};
use crate::snapshot::Snapshot;

/// Write, or plan only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Merge requests are opened, refreshed and closed.
    Apply,
    /// Nothing is written: no writer is ever made.
    Plan,
}

/// What a run found and did.
pub struct Run {
    /// The plan, with outcomes if it was applied.
    pub report: PlanReport,
    /// The facts, as far as they were found.
    pub snapshot: Option<Snapshot>,
    /// What the run itself takes; still running, as reports are yet to be written.
    pub stopwatch: Stopwatch,
    /// Why it ended early, if it did.
    pub fatal: Option<Fatal>,
    /// No open requests were looked at.
    pub without_gitlab: bool,
    /// The answer, if something was asked.
    pub explanation: Option<Explanation>,
}

/// Runs to the end, or to the first failure of a service as a whole.
///
/// A run that a signal ends writes nothing more: neither the state export nor metrics to a Pushgateway.
pub async fn run(config: &Config, interruption: &Interruption) -> Run {
    let now = config.at.unwrap_or_else(Utc::now).trunc_subsecs(0);
    let mut known = Known { snapshot: None, stopwatch: Stopwatch::start(), doors: None };
    let ended = stages(config, now, interruption, &mut known).await;
    let Ended { report, without_gitlab, explanation, fatal } = ended.unwrap_or_else(|fatal| {
        let fatal = fatal.redacted(redactor());
        let mut report = PlanReport::of_problems(now, vec![problem_of(&fatal)]);
        report.pipeline_url = config.pipeline_url.clone();
        Ended { report, without_gitlab: false, explanation: None, fatal: Some(fatal) }
    });
    let Known { snapshot, mut stopwatch, doors } = known;
    stopwatch.ended(doors.as_ref(), fatal.is_some());
    let mut run = Run { report, explanation, snapshot, stopwatch, fatal, without_gitlab };
    let ended_by_signal = run.fatal.as_ref().is_some_and(Fatal::is_signal);
    if let (Mode::Apply, Some(address), false) =
        (config.mode, config.pushgateway_url.as_ref(), ended_by_signal)
    {
        push_metrics(config, address, &mut run).await;
        run.stopwatch.lap("export");
    }
    run
}

fn problem_of(fatal: &Fatal) -> Problem {
    let message = fatal.message.clone();
    let mut problem = if fatal.is_signal() {
        Problem::error("run_interrupted", message)
    } else {
        Problem::error("run_failed", message)
    };
    problem.help.clone_from(&fatal.hint);
    problem
}

/// What the stages come to.
struct Ended {
    report: PlanReport,
    without_gitlab: bool,
    explanation: Option<Explanation>,
    fatal: Option<Fatal>,
}

/// What is kept whatever becomes of the run.
struct Known {
    snapshot: Option<Snapshot>,
    stopwatch: Stopwatch,
    doors: Option<Doors>,
}

/// What a run comes to before it writes.
struct Ready<'a> {
    loaded: Loaded,
    asked: Option<Asked<'a>>,
    gitlab: Option<GitLabDoor>,
    exported: Option<Vec<u8>>,
    scope: Scope,
    decisions: Decisions,
    plan: Plan,
}

async fn stages(
    config: &Config,
    now: DateTime<Utc>,
    interruption: &Interruption,
    known: &mut Known,
) -> Result<Ended, Fatal> {
    const UNWRITTEN: &str = "before it wrote anything";
    if let Some(path) = &config.snapshot {
        return interruption.or_ended(UNWRITTEN, offline(config, path, known)).await;
    }
    let ready = interruption.or_ended(UNWRITTEN, prepare(config, now, known)).await?;
    carry_out(config, ready, interruption, known).await
}

/// Decides and plans on recorded facts.
async fn offline(
    config: &Config,
    path: &std::path::Path,
    known: &mut Known,
) -> Result<Ended, Fatal> {
    let stopwatch = &mut known.stopwatch;
    let mut snapshot = read_snapshot(path)?;
    snapshot.observed_at = config.at.unwrap_or(snapshot.observed_at);
    let mut opening = config.opening(None);
    // As it was when the facts were recorded.
    opening.forges.extend(snapshot.config_repo.iter().map(|repo| host_of(&repo.web_url)));
    let mut loaded = blocking(move || load_config_repo(&opening)).await?;
    stopwatch.lap("load");
    check_narrowing(&config.narrowing, &loaded, config.digest)?;
    let asked = Asked::of(config, &mut loaded)?;
    let without_gitlab = snapshot.config_repo.is_none();
    let share = config.narrowing.share.or(snapshot.share);
    let narrowing = Narrowing { share, ..narrowing(config, &loaded) };
    let scope = Scope::new(&narrowing, &loaded.inventory, &snapshot);
    let decisions = decide_on(&scope, &loaded, &snapshot);
    let wishes = &Wishes::of(&loaded.inventory, &loaded.bundle, &decisions);
    let plan = plan_for(config, &scope, &loaded, &snapshot, &decisions, wishes);
    stopwatch.lap("plan");
    stopwatch.files(&loaded);
    let report = report(config, &scope, &loaded, &snapshot, &decisions, &plan, None);
    let explanation = asked.map(|asked| {
        let facts = Facts { loaded: &loaded, decisions: &decisions, plan: &plan, report: &report };
        asked.offline(&facts, &snapshot)
    });
    let explanation = explanation.transpose()?;
    known.snapshot = Some(snapshot);
    Ok(Ended { report, without_gitlab, explanation, fatal: None })
}

/// Loads, observes, decides and plans: all that comes before the first write.
async fn prepare<'a>(
    config: &'a Config,
    now: DateTime<Utc>,
    known: &mut Known,
) -> Result<Ready<'a>, Fatal> {
    let stopwatch = &mut known.stopwatch;
    let doors = known.doors.insert(Doors::open(config).await?);
    let credentials = doors.credentials_for_source(config);
    let opening = Opening { http: doors.http().clone(), ..config.opening(credentials) };
    let (loaded, gitlab, probe) = tokio::join!(
        waiting_for("reading the config repo", blocking(move || load_config_repo(&opening))),
        waiting_for("asking GitLab for project and rights", doors.connect_gitlab(config)),
        waiting_for("asking for the state export", doors.state.get(EXPORT_KEY)),
    );
    // Said first: what a token lacks for writing is also why a clone is refused.
    if let (Mode::Apply, Ok(Some(gitlab))) = (config.mode, &gitlab) {
        gitlab.check_may_write(probe.as_ref().err())?;
    }
    let mut loaded = loaded?;
    check_narrowing(&config.narrowing, &loaded, config.digest)?;
    let asked = Asked::of(config, &mut loaded)?;
    let gitlab = gitlab?;
    let exported = match probe {
        Ok(exported) => exported,
        // Not being allowed to read the export says nothing about the records.
        Err(StateError::Key(error) | StateError::Shared(error)) => {
            tracing::info!("the state export cannot be read: {error}");
            None
        }
        Err(whole @ StateError::Whole(_)) => return Err(state_failed(&whole)),
    };
    stopwatch.lap("load");
    stopwatch.files(&loaded);
    let gitlab = match gitlab {
        Some(gitlab) => Some(gitlab),
        None => {
            let gitlab = doors.connect_origin(config, &loaded).await?;
            if let (Mode::Apply, Some(gitlab)) = (config.mode, &gitlab) {
                gitlab.check_may_write(None)?;
            }
            gitlab
        }
    };
    if gitlab.is_none() && config.mode == Mode::Apply {
        return Err(Fatal::new(Exit::Usage, "the config repo's project on GitLab is not known")
            .hint("set --gitlab-project (SAPM_GITLAB_PROJECT)"));
    }
    let snapshot = known.snapshot.insert(Snapshot::new(now));
    snapshot.share = config.narrowing.share;
    let branches = gitlab.as_ref().map(|gitlab| BranchDoor::new(config, doors, &loaded, gitlab));
    let readers = gitlab.as_ref().zip(branches.as_ref());
    let scope = observe_all(config, doors, &loaded, readers, snapshot).await?;
    stopwatch.lap("observe");
    let readers = (readers, &doors.deadline);
    let (decisions, plan) = plan_with_needs(config, &scope, &loaded, readers, snapshot).await?;
    drop(branches);
    loaded.close_repository();
    stopwatch.lap("plan");
    Ok(Ready { loaded, asked, gitlab, exported, scope, decisions, plan })
}

/// Writes, if it is to, and reports.
async fn carry_out(
    config: &Config,
    ready: Ready<'_>,
    interruption: &Interruption,
    known: &mut Known,
) -> Result<Ended, Fatal> {
    let Ready { loaded, asked, gitlab, exported, scope, decisions, plan } = ready;
    let Known { snapshot: Some(snapshot), stopwatch, doors: Some(doors) } = known else {
        return Err(Fatal::new(Exit::Internal, "a plan was made without facts"));
    };
    let mut outcomes = None;
    if let (Mode::Apply, Some(gitlab)) = (config.mode, &gitlab) {
        let writer = gitlab.writer(config.narrowing.share);
        let bounds = (interruption.token(), &doors.deadline);
        let progress = StandardError::default();
        outcomes = Some(apply(&plan, &gitlab.reader, &writer, bounds, &progress).await);
        stopwatch.lap("apply");
    }
    let mut report =
        report(config, &scope, &loaded, snapshot, &decisions, &plan, outcomes.as_ref());
    stopwatch.lap("report");
    let fatal = interruption.token().is_cancelled().then(|| interruption.fatal("while it wrote"));
    report.problems.extend(fatal.iter().map(problem_of));
    // The first node looks at all publishers, and writes the export for all nodes.
    let exports = config.narrowing.share.is_none_or(Share::is_first);
    if config.mode == Mode::Apply && exports && fatal.is_none() {
        export(doors, exported, &mut report).await;
        stopwatch.lap("export");
    }
    let today = Utc::now().date_naive();
    let warnings = gitlab.iter().flat_map(|gitlab| gitlab.warnings(today));
    report.problems.extend(warnings.filter(|problem| scope.reports_problem(problem)));
    let explanation = match asked {
        None => None,
        Some(asked) => {
            let facts =
                Facts { loaded: &loaded, decisions: &decisions, plan: &plan, report: &report };
            let gitlab = gitlab.as_ref();
            let answer = asked.observing(config, doors, gitlab, &facts, snapshot);
            let answer = waiting_for("asking for what explains it", answer);
            Some(interruption.or_ended("before it had an answer", answer).await?)
        }
    };
    let without_gitlab = snapshot.config_repo.is_none();
    // Freeing thousands of targets takes time, which the reports need not wait for.
    tokio::task::spawn_blocking(move || drop((loaded, decisions, plan)));
    Ok(Ended { report, without_gitlab, explanation, fatal })
}

/// The subscribers that the run is about: those of the question, or as it was narrowed.
pub fn narrowing(config: &Config, loaded: &Loaded) -> Narrowing {
    match &loaded.only {
        Some(only) => Narrowing { only: Some(only.clone()), ..Narrowing::default() },
        None => config.narrowing.clone(),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fatal> + Send + 'static,
) -> Result<T, Fatal> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Fatal::new(Exit::Internal, format!("reading the config repo failed: {error}")))
    })
}

/// Reads recorded facts.
///
/// # Errors
/// When the file is no snapshot.
pub fn read_snapshot(path: &std::path::Path) -> Result<Snapshot, Fatal> {
    let unusable = |error: String| {
        Fatal::new(Exit::Usage, format!("the snapshot {} cannot be used: {error}", path.display()))
    };
    let bytes = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    Snapshot::from_json(&bytes).map_err(|error| unusable(error.to_string()))
}

fn report(
    config: &Config,
    scope: &Scope,
    loaded: &Loaded,
    snapshot: &Snapshot,
    decisions: &Decisions,
    plan: &Plan,
    outcomes: Option<&Outcomes>,
) -> PlanReport {
    let mut problems = problems_of(&loaded.bundle, &loaded.inventory, decisions, plan, outcomes);
    let of_config_repo: BTreeSet<&Problem> =
        loaded.bundle.problems.iter().chain(&loaded.inventory.problems).collect();
    problems.retain(|problem| scope.reports_problem(problem) || !of_config_repo.contains(problem));
    problems.iter_mut().for_each(Problem::help_as_usual);
    let mut report =
        PlanReport::new(&loaded.inventory, snapshot, decisions, plan, outcomes, scope, problems);
    report.pipeline_url = config.pipeline_url.clone();
    report
}

/// Writes the state export if its bytes differ.
async fn export(doors: &Doors, exported: Option<Vec<u8>>, report: &mut PlanReport) {
    let bytes = publisher_data(report).into_bytes();
    if exported.as_ref() == Some(&bytes) {
        return;
    }
    let written = waiting_for("writing the state export", doors.state.put(EXPORT_KEY, bytes)).await;
    if let Err(error) = written {
        let message = format!("the state export could not be written: {error}");
        report.problems.push(
            Problem::error("export_failed", message)
                .at(EXPORT_KEY)
                .help("check that the bucket may be written to; the next run writes it again"),
        );
    }
}

/// Pushes the metrics of the run; that they cannot be pushed is a warning.
async fn push_metrics(config: &Config, address: &SecretString, run: &mut Run) {
    let configured = config.gitlab.as_ref().and_then(|gitlab| gitlab.project.clone());
    let facts = run.snapshot.as_ref().and_then(|snapshot| snapshot.config_repo.as_ref());
    let key = GroupingKey {
        project: configured.or_else(|| facts.map(|facts| facts.project_path.clone())),
        scope: config.narrowing.named(),
        node: config.node.clone(),
    };
    let text = pushed_metrics(&run.report, run.stopwatch.measured());
    // A file that cannot be read has ended the run already.
    let credentials = config.credentials().unwrap_or_default();
    let http = (config.http.clone(), redactor().clone());
    if let Err(error) = push(http, address.expose_secret(), &key, &credentials, text).await {
        let message = format!("the metrics could not be pushed: {error}");
        tracing::warn!("{message}");
        run.report.problems.push(
            Problem::warning("metrics_not_pushed", message)
                .help("check SAPM_PUSHGATEWAY_URL; the run itself is not affected"),
        );
    }
}
