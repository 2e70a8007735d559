//! What `explain` adds to a run: it narrows it, looks a little further, and answers.

use super::config::Config;
use super::doors::{Doors, GitLabDoor};
use super::exit::Fatal;
use super::explain::{Forecasts, Question, focus};
use super::observing::observer;
use super::planning::ROUNDS;
use super::progress::StandardError;
use super::source::Loaded;
use crate::decide::Decisions;
use crate::observe::ports::ForgeReader;
use crate::plan::Plan;
use crate::report::{Explanation, PlanReport};
use crate::snapshot::Snapshot;

/// A question, with its target found in what was loaded.
pub struct Asked<'a> {
    question: &'a Question,
    target: usize,
}

/// What a run came to.
pub struct Facts<'a> {
    /// The config repo.
    pub loaded: &'a Loaded,
    /// The decisions.
    pub decisions: &'a Decisions,
    /// The plan.
    pub plan: &'a Plan,
    /// Its public form.
    pub report: &'a PlanReport,
}

impl<'a> Asked<'a> {
    /// The question of this run, if it has one; narrows what was loaded to it.
    ///
    /// # Errors
    /// With exit code 2, when it names nothing, or too much.
    pub fn of(config: &'a Config, loaded: &mut Loaded) -> Result<Option<Self>, Fatal> {
        let Some(question) = &config.question else { return Ok(None) };
        Ok(Some(Self { question, target: focus(config, question, loaded)? }))
    }

    /// The answer from what is there.
    ///
    /// # Errors
    /// With exit code 2, when an assumption cannot be read.
    pub fn offline(&self, facts: &Facts<'_>, snapshot: &Snapshot) -> Result<Explanation, Fatal> {
        self.forecasts(facts, snapshot)?.explain(self.target, facts, snapshot)
    }

    /// The answer, after a look at the pipelines of the target's requests and at the SLO values
    /// that forecasts lacked. Those stay out of the run's snapshot: nothing was decided on them.
    ///
    /// # Errors
    /// With exit code 2, when an assumption cannot be read.
    pub async fn observing(
        &self,
        config: &Config,
        doors: &Doors,
        gitlab: Option<&GitLabDoor>,
        facts: &Facts<'_>,
        snapshot: &mut Snapshot,
    ) -> Result<Explanation, Fatal> {
        if let Some(gitlab) = gitlab {
            self.pipelines(gitlab, facts, snapshot).await;
        }
        let progress = StandardError::default();
        let observer = observer(config, doors, None, &progress);
        let mut further = snapshot.clone();
        let mut forecasts = self.forecasts(facts, &further)?;
        for _ in 0..ROUNDS {
            let queries = forecasts.slo_queries();
            if queries.is_empty() {
                break;
            }
            observer.slo_values(&queries, &mut further).await;
            forecasts = self.forecasts(facts, &further)?;
        }
        forecasts.explain(self.target, facts, snapshot)
    }

    fn forecasts(&self, facts: &Facts<'_>, snapshot: &Snapshot) -> Result<Forecasts, Fatal> {
        Forecasts::new(self.question, facts, snapshot)
    }

    /// The one thing that lists do not tell: how the pipelines of the open requests stand.
    async fn pipelines(&self, gitlab: &GitLabDoor, facts: &Facts<'_>, snapshot: &mut Snapshot) {
        let uid = &facts.loaded.inventory.targets[self.target].uid;
        let about = facts.report.merge_requests.iter().filter(|r| r.targets.contains(uid));
        for iid in about.filter_map(|request| request.iid) {
            let Some(known) = snapshot.merge_requests.get_mut(&iid) else { continue };
            match gitlab.reader.request(iid).await {
                Ok(request) => known.pipeline = request.pipeline,
                Err(failure) => {
                    tracing::warn!("the pipeline of !{iid} is not known: {}", failure.error);
                }
            }
        }
    }
}
