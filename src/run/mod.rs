//! A run: observe, decide and plan over ports, and report.
//!
//! [`live`] looks the facts up, [`replay`] takes recorded ones; both decide and plan in the same way. Who calls them
//! opens the services, reads the config repo ([`ConfigRepo`]), carries the plan out ([`crate::apply`]) and shows
//! the report. No run holds any state: all that it knows is in the [`Snapshot`].

mod compare;
mod config_repo;
mod error;
mod explain;
mod filter_check;
mod observe;
mod plan;
mod publishers;
mod report;
mod target_suggestions;

use std::time::Duration;

use crate::decide::Decisions;
use crate::domain::UidDigest;
use crate::plan::{MergeTexts, Plan, Scope, Settings, TargetFilter};
use crate::ports::{BranchReader, Commits, Deadline, ForgeReader, Progress, SloSource, StateStore};
use crate::snapshot::{ConfigRepoFacts, Snapshot};

pub use compare::Base;
pub use config_repo::{ConfigRepo, ReadOptions};
pub use error::{RunError, RunErrorKind};
pub use explain::{Answered, Question, Questioned, advise};
pub use filter_check::check_filter;
pub use observe::state_failed;
pub use plan::decide_on;
pub use publishers::find_publishers;
pub use report::export;

/// What is wanted of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is wanted of the plan.
    pub settings: Settings,
    /// Which digest makes the uids of targets.
    pub digest: UidDigest,
    /// Lookups under way at once for each service.
    pub concurrency: usize,
    /// The time that all lookups have together.
    pub deadline: Deadline,
}

impl Options {
    /// For a run that looks nothing up.
    pub fn offline(settings: Settings) -> Self {
        let deadline = Deadline::new(Duration::ZERO);
        Self { settings, digest: UidDigest::default(), concurrency: 1, deadline }
    }
}

/// The services that a run reads.
pub struct Services<'a> {
    /// Commits of moving refs.
    pub commits: &'a dyn Commits,
    /// Deployment records and the state export.
    pub state: &'a dyn StateStore,
    /// SLO values.
    pub slos: &'a dyn SloSource,
    /// The config repo's project; `None`: no merge request counts as open.
    pub forge: Option<Forge<'a>>,
    /// Git's merge.
    pub merger: &'a dyn MergeTexts,
    /// Shows how far the run is.
    pub progress: &'a dyn Progress,
}

/// The config repo's project on GitLab.
pub struct Forge<'a> {
    /// Its merge requests.
    pub reader: &'a dyn ForgeReader,
    /// Its branches.
    pub branches: &'a dyn BranchReader,
    /// Which project it is, and where its target branch is.
    pub repo: ConfigRepoFacts,
    /// May the run go on as if nothing was open, when GitLab does not show the lists? So for a job's own token, which
    /// older GitLabs do not let read them; nothing can be written with it.
    pub optional: bool,
}

/// Measures the stages of a run.
pub trait Watch {
    /// A stage has ended.
    fn lap(&mut self, stage: &'static str);
}

/// Measures nothing.
impl Watch for () {
    fn lap(&mut self, _stage: &'static str) {}
}

/// What a run comes to before it writes.
pub struct Planned {
    /// What it is about.
    pub scope: Scope,
    /// The decisions on the targets in scope.
    pub decisions: Decisions,
    /// What is to be written.
    pub plan: Plan,
}

/// Looks the facts up, decides and plans. The facts are put into `snapshot`, also those of a run that fails.
///
/// # Errors
/// When GitLab or the state fails as a whole.
pub async fn live(
    options: &Options,
    services: &Services<'_>,
    repo: &ConfigRepo,
    snapshot: &mut Snapshot,
    watch: &mut dyn Watch,
) -> Result<Planned, RunError> {
    let scope = observe::observe(options, services, repo, snapshot).await?;
    watch.lap("observe");
    let planned = plan::decide_and_plan(options, services, repo, scope, snapshot).await;
    watch.lap("plan");
    planned
}

/// Decides and plans on recorded facts. A run that shared the work is replayed as the same node.
pub fn replay(
    options: &Options,
    merger: &dyn MergeTexts,
    repo: &ConfigRepo,
    snapshot: &Snapshot,
) -> Planned {
    let given = &options.settings.filter;
    let filter = TargetFilter { share: given.share.or(snapshot.share), ..given.clone() };
    let scope = Scope::new(&filter, &repo.inventory, snapshot);
    let decisions = decide_on(&scope, repo, snapshot);
    let plan = plan::plan(options, merger, repo, (&scope, &decisions), snapshot);
    Planned { scope, decisions, plan }
}
