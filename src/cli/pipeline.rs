//! Runs with real services: opens them, writes, and reports.

use chrono::{DateTime, SubsecRound, Utc};

use super::branches::ConfigBranches;
use super::clients::{Clients, ConfigProject};
use super::compare::{load_base, write_note};
use super::config::Config;
use super::exit::{Exit, Fatal};
use super::gitlab_config::host_of;
use super::progress::StandardError;
use super::push::push_metrics;
use super::secrets::redactor;
use super::signals::Interruption;
use super::source::{Loaded, Opening, load_config_repo};
use super::stopwatch::Stopwatch;
use crate::apply::{Bounds, WRITES_AT_ONCE, apply};
use crate::clients::git::GitMerge;
use crate::domain::{Problem, ProblemCode};
use crate::observe::Memory;
use crate::plan::TargetFilter;
use crate::ports::{Deadline, Progress, StateError, waiting_for};
use crate::report::{AsOf, DifferenceReport, EXPORT_KEY, PlanReport};
use crate::run::{
    self, Answered, Forge, Options, Planned, Questioned, Services, Watch, advise, check_filter,
    export, state_failed,
};
use crate::snapshot::{ConfigRepoFacts, Snapshot};

/// Write, or only plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Opens, updates and closes merge requests.
    Apply,
    /// Writes nothing: no writer is ever created.
    Plan,
}

/// The results of a run.
pub struct Run {
    /// The plan, with outcomes if it was applied.
    pub report: PlanReport,
    /// The facts that were found.
    pub snapshot: Option<Snapshot>,
    /// Measurements of the run. Still running, because reports are written later.
    pub stopwatch: Stopwatch,
    /// Why it ended early, if it did.
    pub fatal: Option<Fatal>,
    /// The open merge requests were not looked up.
    pub without_gitlab: bool,
    /// The explanation, if one was requested.
    pub explanation: Option<Answered>,
    /// The difference, if one was requested.
    pub difference: Option<DifferenceReport>,
}

impl Run {
    /// Are changes pending? With a difference: does the change make one?
    pub fn has_changes(&self) -> bool {
        self.difference.as_ref().map_or(self.report.has_changes(), |one| !one.is_empty())
    }
}

/// Runs to the end, or to the first failure of a whole service.
///
/// A run that a signal ends writes nothing more, neither the state export nor metrics to a Pushgateway.
pub async fn run(config: &Config, interruption: &Interruption) -> Run {
    let now = Utc::now().trunc_subsecs(0);
    let mut known = Known {
        snapshot: None,
        stopwatch: Stopwatch::start(),
        clients: None,
        progress: StandardError::default(),
        difference: None,
    };
    let ended = run_stages(config, now, interruption, &mut known).await;
    let Ended { report, without_gitlab, explanation, fatal } = ended.unwrap_or_else(|fatal| {
        let fatal = fatal.redacted(redactor());
        let mut report = PlanReport::of_problems(now, vec![build_problem(&fatal)]);
        report.pipeline_url = config.pipeline_url.clone();
        Ended { report, without_gitlab: false, explanation: None, fatal: Some(fatal) }
    });
    let Known { snapshot, mut stopwatch, clients, difference, .. } = known;
    if let (Some(clients), Some(snapshot), Some(difference), None) =
        (&clients, &snapshot, &difference, &fatal)
    {
        write_note(config, clients, snapshot, difference).await;
    }
    stopwatch.ended(clients.as_ref(), fatal.is_some());
    let mut run =
        Run { report, explanation, snapshot, stopwatch, fatal, without_gitlab, difference };
    let ended_by_signal = run.fatal.as_ref().is_some_and(Fatal::is_signal);
    if let (Mode::Apply, Some(address), false) =
        (config.mode, config.pushgateway_url.as_ref(), ended_by_signal)
    {
        push_metrics(config, address, &mut run).await;
        run.stopwatch.lap("export");
    }
    run
}

/// What a run that ended early reports.
pub(super) fn build_problem(fatal: &Fatal) -> Problem {
    let message = fatal.message.clone();
    let mut problem = if fatal.is_signal() {
        Problem::new(ProblemCode::RunInterrupted, message)
    } else {
        Problem::new(ProblemCode::RunFailed, message)
    };
    problem.help.clone_from(&fatal.hint);
    problem
}

/// The results of the stages.
struct Ended {
    report: PlanReport,
    without_gitlab: bool,
    explanation: Option<Answered>,
    fatal: Option<Fatal>,
}

/// What is kept however the run ends.
pub(super) struct Known {
    pub(super) snapshot: Option<Snapshot>,
    pub(super) stopwatch: Stopwatch,
    pub(super) clients: Option<Clients>,
    pub(super) progress: StandardError,
    pub(super) difference: Option<DifferenceReport>,
}

/// The results before writing.
pub(super) struct Ready<'a> {
    pub(super) loaded: Loaded,
    pub(super) options: Options,
    questioned: Option<Questioned<'a>>,
    pub(super) gitlab: Option<ConfigProject>,
    branches: Option<ConfigBranches>,
    facts: Option<ConfigRepoFacts>,
    exported: Option<Vec<u8>>,
    pub(super) planned: Planned,
}

async fn run_stages(
    config: &Config,
    now: DateTime<Utc>,
    interruption: &Interruption,
    known: &mut Known,
) -> Result<Ended, Fatal> {
    const UNWRITTEN: &str = "before it wrote anything";
    if let Some(path) = &config.snapshot {
        return interruption.or_ended(UNWRITTEN, replay(config, path, known)).await;
    }
    let at = config.decide_at(now)?;
    let ready = interruption.or_ended(UNWRITTEN, prepare(config, at, known)).await?;
    carry_out(config, ready, interruption, known).await
}

/// Decides and plans from recorded facts.
async fn replay(
    config: &Config,
    path: &std::path::Path,
    known: &mut Known,
) -> Result<Ended, Fatal> {
    let stopwatch = &mut known.stopwatch;
    let mut snapshot = read_snapshot(path)?;
    snapshot.observed_at = config.decide_at(snapshot.observed_at)?;
    let mut opening = config.opening(None);
    // As at the time of recording.
    opening.read.forges.extend(snapshot.config_repo.iter().map(|repo| host_of(&repo.web_url)));
    let base = load_base(config)?;
    let loaded = blocking(move || load_config_repo(&opening)).await?;
    warn_of_other_commit(&loaded, &snapshot);
    let mut repo = loaded.repo;
    stopwatch.lap("load");
    check_filter(&config.filter, &repo, config.digest)?;
    let mut options = config.run_options(Deadline::new(config.deadline));
    let question = config.question.as_ref();
    let questioned =
        question.map(|question| question.focus(&mut options, &mut repo)).transpose()?;
    let planned = run::replay(&options, &GitMerge, &repo, &snapshot);
    stopwatch.lap("plan");
    stopwatch.files(&repo);
    known.difference = base.map(|base| base.compare_offline((&repo, &planned), &snapshot));
    let mut report = planned.report(&options, &repo, &snapshot, None);
    if config.output.has_folder() {
        let as_of = if config.at.is_some() { AsOf::Given } else { AsOf::Recorded };
        advise(&options, &repo, &planned, &mut report, &snapshot, as_of);
    }
    let explanation = questioned
        .map(|questioned| questioned.answer_offline(&options, &repo, &planned, &report, &snapshot));
    let explanation = explanation.transpose()?;
    let without_gitlab = snapshot.config_repo.is_none();
    known.snapshot = Some(snapshot);
    Ok(Ended { report, without_gitlab, explanation, fatal: None })
}

/// The facts fit the files of one commit only.
fn warn_of_other_commit(loaded: &Loaded, snapshot: &Snapshot) {
    let recorded = snapshot.config_repo.as_ref().map(|repo| &repo.base_commit);
    if let (Some(commit), Some(recorded)) = (&loaded.commit, recorded)
        && commit != recorded
    {
        tracing::warn!(
            "the checkout is at {}, but the facts were recorded at {}: the result mixes both. To see what that run saw, \
             check out {recorded}",
            commit.short(),
            recorded.short()
        );
    }
}

/// Loads, observes, decides and plans: everything before the first write.
pub(super) async fn prepare<'a>(
    config: &'a Config,
    now: DateTime<Utc>,
    known: &mut Known,
) -> Result<Ready<'a>, Fatal> {
    let Known { snapshot, stopwatch, clients, progress, difference } = known;
    let base = load_base(config)?;
    let clients = clients.insert(Clients::open(config).await?);
    let (mut loaded, gitlab, exported) = open_all(config, clients, progress).await?;
    let mut options = config.run_options(clients.deadline.clone());
    let question = config.question.as_ref();
    let questioned =
        question.map(|question| question.focus(&mut options, &mut loaded.repo)).transpose()?;
    stopwatch.lap("load");
    stopwatch.files(&loaded.repo);
    let gitlab = match gitlab {
        Some(gitlab) => Some(gitlab),
        None => connect_origin(config, clients, &loaded).await?,
    };
    clients.warn_without_github_token(config, &loaded.repo);
    let snapshot = snapshot.insert(Snapshot::new(now));
    let branches =
        gitlab.as_ref().map(|gitlab| ConfigBranches::new(config, clients, &loaded, gitlab));
    let facts = match &gitlab {
        Some(gitlab) => Some(gitlab.facts(config, &loaded).await?),
        None => None,
    };
    let services =
        clients.services(forge(gitlab.as_ref(), branches.as_ref(), facts.as_ref()), progress);
    let memory = Memory::new(services.commits, services.state, services.slos);
    let services = match &base {
        Some(_) => Services { commits: &memory, state: &memory, slos: &memory, ..services },
        None => services,
    };
    let planned = run::live(&options, &services, &loaded.repo, snapshot, stopwatch).await?;
    if let Some(base) = &base {
        let both = (&loaded.repo, &planned);
        *difference = Some(base.compare(&options, &services, both, snapshot).await?);
    }
    clients.commits.save_cache(options.settings.filter == TargetFilter::default());
    loaded.close_repository();
    Ok(Ready { loaded, options, questioned, gitlab, branches, facts, exported, planned })
}

/// Opens the config repo, its project on GitLab and the state export concurrently.
async fn open_all(
    config: &Config,
    clients: &Clients,
    progress: &dyn Progress,
) -> Result<(Loaded, Option<ConfigProject>, Option<Vec<u8>>), Fatal> {
    let credentials = clients.credentials_for_source(config);
    let opening = Opening { http: clients.http().clone(), ..config.opening(credentials) };
    let loading = blocking(move || load_config_repo(&opening));
    let (loaded, gitlab, exported) = tokio::join!(
        waiting_for(progress, "reading the config repo", loading),
        waiting_for(
            progress,
            "fetching project and rights from GitLab",
            clients.connect_gitlab(config)
        ),
        waiting_for(progress, "fetching the state export", clients.state.get(EXPORT_KEY)),
    );
    // GitLab's error comes first: missing rights of the token may also be why the clone failed.
    if let (Mode::Apply, Ok(Some(gitlab))) = (config.mode, &gitlab) {
        gitlab.check_may_write(exported.as_ref().err())?;
    }
    let loaded = loaded?;
    check_filter(&config.filter, &loaded.repo, config.digest)?;
    let gitlab = gitlab?;
    let exported = match exported {
        Ok(exported) => exported,
        // Without permission to read the export, the records may still be readable.
        Err(StateError::Key(error) | StateError::Shared(error)) => {
            tracing::info!("the state export cannot be read: {error}");
            None
        }
        Err(whole @ StateError::Whole(_)) => return Err(state_failed(&whole).into()),
    };
    Ok((loaded, gitlab, exported))
}

/// Connects to the project of the checkout's `origin`, if no option sets one.
async fn connect_origin(
    config: &Config,
    clients: &Clients,
    loaded: &Loaded,
) -> Result<Option<ConfigProject>, Fatal> {
    let gitlab = clients.connect_origin(config, loaded).await?;
    match (config.mode, &gitlab) {
        (Mode::Apply, Some(gitlab)) => gitlab.check_may_write(None)?,
        (Mode::Apply, None) => {
            return Err(Fatal::new(
                Exit::Usage,
                "the config repo's project on GitLab is not known",
            )
            .hint("set --gitlab-project (SAPM_GITLAB_PROJECT)"));
        }
        (Mode::Plan, _) => {}
    }
    Ok(gitlab)
}

fn forge<'a>(
    gitlab: Option<&'a ConfigProject>,
    branches: Option<&'a ConfigBranches>,
    facts: Option<&ConfigRepoFacts>,
) -> Option<Forge<'a>> {
    let (gitlab, branches, repo) = (gitlab?, branches?, facts?.clone());
    let optional = gitlab.reader.has_job_token();
    Some(Forge { reader: &gitlab.reader, branches, repo, optional })
}

/// Writes if requested, and reports.
async fn carry_out(
    config: &Config,
    ready: Ready<'_>,
    interruption: &Interruption,
    known: &mut Known,
) -> Result<Ended, Fatal> {
    let Ready { loaded, options, questioned, gitlab, branches, facts, exported, planned } = ready;
    let Known { snapshot: Some(snapshot), stopwatch, clients: Some(clients), progress, .. } = known
    else {
        return Err(Fatal::new(Exit::Internal, "there are no facts for the plan"));
    };
    let repo = loaded.repo;
    let mut outcomes = None;
    if let (Mode::Apply, Some(gitlab)) = (config.mode, &gitlab) {
        let writer = gitlab.writer(config);
        let (stop, deadline) = (interruption.token(), &clients.deadline);
        let bounds = Bounds { stop, deadline, at_once: WRITES_AT_ONCE.min(options.concurrency) };
        let plan = &planned.plan;
        outcomes = Some(apply(plan, &gitlab.reader, &writer, bounds, progress).await);
        stopwatch.lap("apply");
    }
    let mut report = planned.report(&options, &repo, snapshot, outcomes.as_ref());
    if config.output.has_folder() {
        let as_of = if config.at.is_some() { AsOf::Given } else { AsOf::Now };
        advise(&options, &repo, &planned, &mut report, snapshot, as_of);
    }
    stopwatch.lap("report");
    let fatal = interruption.token().is_cancelled().then(|| interruption.fatal("while it wrote"));
    report.problems.extend(fatal.iter().map(build_problem));
    if config.mode == Mode::Apply && fatal.is_none() {
        export(&*clients.state, progress, exported, &repo.inventory, &mut report).await;
        stopwatch.lap("export");
    }
    let today = Utc::now().date_naive();
    let warnings = gitlab.iter().flat_map(|gitlab| gitlab.warnings(today));
    report.problems.extend(warnings.filter(|problem| planned.scope.reports_problem(problem)));
    let explanation = match questioned {
        None => None,
        Some(questioned) => {
            let forge = forge(gitlab.as_ref(), branches.as_ref(), facts.as_ref());
            let services = clients.services(forge, progress);
            let results = (&planned, &report);
            let answer = questioned.answer(&options, &services, &repo, results, snapshot);
            let answer = waiting_for(progress, "fetching details for the explanation", answer);
            Some(
                interruption
                    .or_ended("before it had an answer", async { Ok(answer.await?) })
                    .await?,
            )
        }
    };
    let without_gitlab = snapshot.config_repo.is_none();
    // Freeing thousands of targets takes time. The reports need not wait for it.
    tokio::task::spawn_blocking(move || drop((repo, planned)));
    Ok(Ended { report, without_gitlab, explanation, fatal })
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
/// When the file is not a snapshot.
pub fn read_snapshot(path: &std::path::Path) -> Result<Snapshot, Fatal> {
    let unusable = |error: String| {
        Fatal::new(Exit::Usage, format!("the snapshot {} cannot be used: {error}", path.display()))
    };
    let bytes = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    Snapshot::from_json(&bytes).map_err(|error| unusable(error.to_string()))
}
