//! The run: clone, load, inventory, observe, decide, plan, apply, export.

use std::time::Instant;

use chrono::{DateTime, SubsecRound, Utc};

use super::config::Config;
use super::doors::{Doors, GitLabDoor};
use super::exit::{Exit, Fatal};
use super::progress::StandardError;
use super::source::{Loaded, load_config_repo};
use crate::apply::{Outcomes, apply};
use crate::clients::git;
use crate::decide::{Decisions, decide_part};
use crate::domain::{Problem, Share};
use crate::observe::ports::StateError;
use crate::observe::{Limits, Observer, observe_needs, observe_requests};
use crate::plan::{self, Merge, MergeTexts, Narrowing, Plan, Scope, Settings};
use crate::report::{EXPORT_KEY, Measured, PlanReport, problems_of, publisher_data};
use crate::snapshot::{ConfigRepoFacts, Snapshot};

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
    /// What the run itself took.
    pub measured: Measured,
    /// Why it ended early, if it did.
    pub fatal: Option<Fatal>,
    /// No open requests were looked at.
    pub without_gitlab: bool,
}

/// Planning asks for facts and is done again: this often at most, so that no
/// answer of a service can keep it from ending.
const ROUNDS: usize = 50;

/// Runs to the end, or to the first failure of a service as a whole.
pub async fn run(config: &Config) -> Run {
    let now = config.at.unwrap_or_else(Utc::now).trunc_subsecs(0);
    let mut stopwatch = Stopwatch::start();
    let mut snapshot = None;
    let mut doors = None;
    match stages(config, now, &mut snapshot, &mut stopwatch, &mut doors).await {
        Ok((report, without_gitlab)) => Run {
            report,
            snapshot,
            measured: stopwatch.measured(doors.as_ref()),
            fatal: None,
            without_gitlab,
        },
        Err(fatal) => {
            let problem = Problem::error("run_failed", fatal.message.clone());
            let mut report = PlanReport::of_problems(now, vec![problem]);
            report.pipeline_url = config.pipeline_url.clone();
            Run {
                report,
                snapshot,
                measured: stopwatch.measured(doors.as_ref()),
                fatal: Some(fatal),
                without_gitlab: false,
            }
        }
    }
}

async fn stages(
    config: &Config,
    now: DateTime<Utc>,
    snapshot_out: &mut Option<Snapshot>,
    stopwatch: &mut Stopwatch,
    doors_out: &mut Option<Doors>,
) -> Result<(PlanReport, bool), Fatal> {
    if let Some(path) = &config.snapshot {
        let mut snapshot = read_snapshot(path)?;
        snapshot.observed_at = config.at.unwrap_or(snapshot.observed_at);
        let opening = config.opening(None);
        let loaded = blocking(move || load_config_repo(&opening)).await?;
        stopwatch.lap("load");
        let without_gitlab = snapshot.config_repo.is_none();
        let share = config.narrowing.share.or(snapshot.share);
        let narrowing = Narrowing { share, ..config.narrowing.clone() };
        let scope = Scope::new(&narrowing, &loaded.inventory, &snapshot);
        let decisions = decide_on(&scope, &loaded, &snapshot);
        let plan = plan_for(config, &scope, &loaded, &snapshot, &decisions);
        stopwatch.lap("plan");
        stopwatch.files(&loaded);
        let report = report(config, &scope, &loaded, &snapshot, &decisions, &plan, None);
        *snapshot_out = Some(snapshot);
        return Ok((report, without_gitlab));
    }
    let doors = doors_out.insert(Doors::open(config).await?);
    let opening = config.opening(doors.credentials_for_source(config));
    let (loaded, gitlab, probe) = tokio::join!(
        blocking(move || load_config_repo(&opening)),
        doors.connect_gitlab(config),
        doors.state.get(EXPORT_KEY),
    );
    // Said first: what a token lacks for writing is also why a clone is refused.
    if let (Mode::Apply, Ok(Some(gitlab))) = (config.mode, &gitlab) {
        gitlab.check_may_write(probe.as_ref().err())?;
    }
    let loaded = loaded?;
    let gitlab = gitlab?;
    let exported = match probe {
        Ok(exported) => exported,
        // Not being allowed to read the export says nothing about the records.
        Err(StateError::Key(error)) => {
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
    let snapshot = snapshot_out.insert(Snapshot::new(now));
    snapshot.share = config.narrowing.share;
    let scope = observe_all(config, doors, &loaded, gitlab.as_ref(), snapshot).await?;
    stopwatch.lap("observe");
    let (decisions, plan) =
        plan_with_needs(config, &scope, &loaded, gitlab.as_ref(), snapshot).await?;
    stopwatch.lap("plan");
    let mut outcomes = None;
    if let (Mode::Apply, Some(gitlab)) = (config.mode, &gitlab) {
        let writer = gitlab.writer(config.narrowing.share);
        outcomes = Some(apply(&plan, &gitlab.reader, &writer).await);
        stopwatch.lap("apply");
    }
    let mut report =
        report(config, &scope, &loaded, snapshot, &decisions, &plan, outcomes.as_ref());
    // The first node looks at all publishers, and writes the export for all nodes.
    let exports = config.narrowing.share.is_none_or(Share::is_first);
    if config.mode == Mode::Apply && exports {
        export(doors, exported, &mut report).await;
        stopwatch.lap("export");
    }
    let expiry = gitlab.as_ref().and_then(|gitlab| gitlab.expiry(Utc::now().date_naive()));
    report.problems.extend(expiry.filter(|problem| scope.reports_problem(problem)));
    Ok((report, snapshot.config_repo.is_none()))
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

fn state_failed(error: &StateError) -> Fatal {
    Fatal::new(Exit::ServiceFailed, format!("the deployment records cannot be read: {error}"))
        .hint("check --state (SAPM_STATE), its credentials and region")
}

async fn observe_all(
    config: &Config,
    doors: &Doors,
    loaded: &Loaded,
    gitlab: Option<&GitLabDoor>,
    snapshot: &mut Snapshot,
) -> Result<Scope, Fatal> {
    if let Some(gitlab) = gitlab {
        let facts = config_repo_facts(config, loaded, gitlab).await?;
        match observe_requests(&gitlab.reader, facts, snapshot).await {
            Ok(()) => {}
            Err(error) if gitlab.reader.has_job_token() => tracing::warn!(
                "this GitLab does not let a job's own token (CI_JOB_TOKEN) read merge requests and branches; \
                 set SAPM_GITLAB_TOKEN (scope read_api) to look at them: {error}"
            ),
            Err(error) => {
                let fatal = Fatal::new(Exit::ServiceFailed, error.to_string());
                let hint =
                    "is GitLab at --gitlab-url (SAPM_GITLAB_URL) well? Running again is safe";
                return Err(fatal.hint(hint));
            }
        }
    }
    let moving = loaded.inventory.targets.iter().filter(|target| {
        target.git_ref.as_ref().is_ok_and(|git_ref| !crate::domain::is_commit_sha(git_ref))
    });
    if config.github.1.is_none()
        && moving.map(|t| &t.repo_url).any(|url| doors.commits.is_github(url))
    {
        tracing::warn!(
            "SAPM_GITHUB_TOKEN is not set: without it GitHub's rate limit is 60 requests an hour"
        );
    }
    let scope = Scope::new(&config.narrowing, &loaded.inventory, snapshot);
    let progress = StandardError::default();
    let observer = Observer {
        commits: &doors.commits,
        state: &*doors.state,
        slos: &doors.slos,
        publishers: scope.publishers(),
        limits: Limits { concurrency: config.concurrency },
        progress: &progress,
    };
    observer.commits(&loaded.inventory, snapshot).await;
    observer.records(&loaded.inventory, snapshot).await.map_err(|error| state_failed(&error))?;
    let decisions = decide_on(&scope, loaded, snapshot);
    observer.slo_values(&decisions.slo_queries, snapshot).await;
    Ok(scope)
}

async fn config_repo_facts(
    config: &Config,
    loaded: &Loaded,
    gitlab: &GitLabDoor,
) -> Result<ConfigRepoFacts, Fatal> {
    let project = gitlab.reader.project();
    let target_branch = config
        .target_branch
        .clone()
        .or_else(|| loaded.branch.clone())
        .unwrap_or_else(|| project.target_branch.clone());
    let base_commit = match (&loaded.commit, &project.target_tip) {
        (Some(commit), tip) => {
            if config.mode == Mode::Apply && loaded.branch.is_none() && tip.as_ref() != Some(commit)
            {
                gitlab.check_on_branch(commit, &target_branch).await?;
            }
            commit.clone()
        }
        (None, Some(tip)) => tip.clone(),
        (None, None) => {
            return Err(Fatal::new(
                Exit::ServiceFailed,
                format!("the tip of {target_branch} could not be read from GitLab"),
            ));
        }
    };
    Ok(ConfigRepoFacts {
        project_id: project.id,
        project_path: project.path.clone(),
        web_url: project.web_url.clone(),
        target_branch,
        base_commit,
        bot: gitlab.reader.bot().clone(),
    })
}

fn decide_on(scope: &Scope, loaded: &Loaded, snapshot: &Snapshot) -> Decisions {
    let mut decisions =
        decide_part(&loaded.inventory, snapshot, &|target| scope.decides(target), &|publisher| {
            scope.reports(publisher)
        });
    plan::check_edits(&loaded.inventory, &loaded.bundle, &mut decisions);
    decisions
}

fn plan_for(
    config: &Config,
    scope: &Scope,
    loaded: &Loaded,
    snapshot: &Snapshot,
    decisions: &Decisions,
) -> Plan {
    let settings = Settings {
        target_branch: config.target_branch.clone().unwrap_or_else(|| "master".to_owned()),
        labels: config.labels.clone(),
        allow_opening: config.allow.0,
        allow_closing: config.allow.1,
        max_new_merge_requests: config.max_new,
        narrowing: scope.narrowing().clone(),
        pipeline_url: config.pipeline_url.clone(),
        gitlab_host: config.gitlab.as_ref().and_then(|gitlab| {
            let url = url::Url::parse(&gitlab.url).ok()?;
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            Some(format!("{}{port}", url.host_str()?))
        }),
    };
    plan::plan(&loaded.inventory, &loaded.bundle, decisions, snapshot, &settings, &GitMerge)
}

/// Plans, looks up what planning missed, and plans again.
async fn plan_with_needs(
    config: &Config,
    scope: &Scope,
    loaded: &Loaded,
    gitlab: Option<&GitLabDoor>,
    snapshot: &mut Snapshot,
) -> Result<(Decisions, Plan), Fatal> {
    let decisions = decide_on(scope, loaded, snapshot);
    let mut plan = plan_for(config, scope, loaded, snapshot, &decisions);
    if let Some(gitlab) = gitlab {
        for _ in 0..ROUNDS {
            if plan.needs.is_empty() {
                break;
            }
            let bot = gitlab.reader.bot().id;
            observe_needs(&gitlab.reader, &plan.needs, bot, config.concurrency, snapshot).await;
            plan = plan_for(config, scope, loaded, snapshot, &decisions);
        }
        if !plan.needs.is_empty() {
            // A plan on facts that are still missing is not to be applied.
            return Err(Fatal::new(Exit::Internal, "planning did not come to an end"));
        }
    }
    Ok((decisions, plan))
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
    let of_config_repo = [&loaded.bundle.problems, &loaded.inventory.problems];
    problems.retain(|problem| {
        scope.reports_problem(problem) || !of_config_repo.iter().any(|all| all.contains(problem))
    });
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
    if let Err(error) = doors.state.put(EXPORT_KEY, bytes).await {
        let message = format!("the state export could not be written: {error}");
        report.problems.push(Problem::error("export_failed", message).at(EXPORT_KEY));
    }
}

struct GitMerge;

impl MergeTexts for GitMerge {
    fn merge(&self, base: &str, ours: &str, theirs: &str) -> Merge {
        match git::merge_texts(base, ours, theirs) {
            Ok(git::Merge::Clean(text)) => Merge::Clean(text),
            Ok(git::Merge::Conflict) => Merge::Conflict,
            Err(error) => {
                // Nothing is let through that could not be tried.
                tracing::warn!("a merge could not be tried: {error}");
                Merge::Conflict
            }
        }
    }
}

struct Stopwatch {
    last: Instant,
    measured: Measured,
}

impl Stopwatch {
    fn start() -> Self {
        Self { last: Instant::now(), measured: Measured::default() }
    }

    fn lap(&mut self, stage: &'static str) {
        let now = Instant::now();
        self.measured.stages.push((stage, (now - self.last).as_secs_f64()));
        self.last = now;
    }

    fn files(&mut self, loaded: &Loaded) {
        self.measured.files = (loaded.bundle.counts.files, loaded.bundle.counts.parsed);
    }

    fn measured(mut self, doors: Option<&Doors>) -> Measured {
        if let Some(doors) = doors {
            self.measured.traffic = doors.traffic();
        }
        self.measured
    }
}
