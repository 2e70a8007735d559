//! What `explain` adds to a run: it narrows it, looks a little further, and answers.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt};

use super::config::Config;
use super::doors::{Doors, GitLabDoor};
use super::exit::Fatal;
use super::explain::{Forecasts, Question, focus};
use super::observing::observer;
use super::planning::ROUNDS;
use super::progress::StandardError;
use super::source::Loaded;
use crate::decide::Decisions;
use crate::domain::RepoUrl;
use crate::observe::Deadline;
use crate::observe::ports::{Commits, ForgeReader};
use crate::plan::{Plan, branch_of};
use crate::report::{AsOf, Explanation, PlanReport};
use crate::snapshot::{Lookup, Snapshot};

/// A question, with its target found in what was loaded.
pub struct Asked<'a> {
    question: &'a Question,
    target: usize,
    /// Was a time asked about?
    at: bool,
    /// How many requests a run opens at most.
    max_new: usize,
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
        let target = focus(config, question, loaded)?;
        Ok(Some(Self { question, target, at: config.at.is_some(), max_new: config.max_new }))
    }

    /// The answer from what is there.
    ///
    /// # Errors
    /// With exit code 2, when an assumption cannot be read.
    pub fn offline(&self, facts: &Facts<'_>, snapshot: &Snapshot) -> Result<Explanation, Fatal> {
        let as_of = if self.at { AsOf::Given } else { AsOf::Recorded };
        self.forecasts(facts, snapshot)?.explain(
            self.target,
            facts,
            snapshot,
            (as_of, self.max_new),
        )
    }

    /// The answer, after a look at what only people want to know (pipelines, words of commits,
    /// earlier requests) and at the SLO values that forecasts lacked. Those values stay out of the
    /// run's snapshot: nothing was decided on them.
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
            let within = &doors.deadline;
            // What people only want to know ends no run.
            within.bound(self.pipelines((gitlab, within), facts, snapshot)).await;
            within.bound(self.earlier_requests((gitlab, within), facts, snapshot)).await;
        }
        self.commits(config, doors, facts, snapshot).await;
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
        let as_of = if self.at { AsOf::Given } else { AsOf::Now };
        forecasts.explain(self.target, facts, snapshot, (as_of, self.max_new))
    }

    fn forecasts(&self, facts: &Facts<'_>, snapshot: &Snapshot) -> Result<Forecasts, Fatal> {
        Forecasts::new(self.question, facts, snapshot)
    }

    /// The one thing that lists do not tell: how the pipelines of the open requests stand.
    async fn pipelines(
        &self,
        (gitlab, deadline): (&GitLabDoor, &Deadline),
        facts: &Facts<'_>,
        snapshot: &mut Snapshot,
    ) {
        let reader = gitlab.reader.until(deadline);
        let uid = &facts.loaded.inventory.targets[self.target].uid;
        let about = facts.report.merge_requests.iter().filter(|r| r.targets.contains(uid));
        for iid in about.filter_map(|request| request.iid) {
            let Some(known) = snapshot.merge_requests.get_mut(&iid) else { continue };
            match reader.request(iid).await {
                Ok(request) => known.pipeline = request.pipeline,
                Err(failure) => {
                    tracing::warn!("the pipeline of !{iid} is not known: {}", failure.error);
                }
            }
        }
    }

    /// The target's requests that are over, where none is open and planning did not ask.
    async fn earlier_requests(
        &self,
        (gitlab, deadline): (&GitLabDoor, &Deadline),
        facts: &Facts<'_>,
        snapshot: &mut Snapshot,
    ) {
        let inventory = &facts.loaded.inventory;
        let uid = &inventory.targets[self.target].uid;
        let mut about = facts.report.merge_requests.iter().filter(|r| r.targets.contains(uid));
        let Some(repo) = &snapshot.config_repo else { return };
        let branch = branch_of(inventory, facts.decisions, &repo.target_branch, self.target);
        let Some(branch) = branch else { return };
        if about.any(|r| r.iid.is_some()) || snapshot.past_merge_requests.contains_key(&branch) {
            return;
        }
        match gitlab.reader.until(deadline).past_requests(&branch, repo.bot.id).await {
            Ok((past, _)) => {
                snapshot.past_merge_requests.insert(branch, Lookup::Found(past));
            }
            Err(failure) => {
                tracing::debug!("earlier requests of {branch} are not known: {}", failure.error);
            }
        }
    }

    /// Date and subject of the commits that publishers are pinned to: nothing is decided on them,
    /// so one that cannot be looked up is no problem.
    async fn commits(
        &self,
        config: &Config,
        doors: &Doors,
        facts: &Facts<'_>,
        snapshot: &mut Snapshot,
    ) {
        let inventory = &facts.loaded.inventory;
        let channels = &inventory.targets[self.target].promotion.subscribe;
        let publishers = channels.iter().flat_map(|channel| inventory.publishers_of(channel));
        let pinned: BTreeSet<(&RepoUrl, &String)> = publishers
            .filter_map(|(_, publisher)| {
                Some((&publisher.repo_url, publisher.git_ref.as_ref().ok()?))
            })
            .filter(|(url, git_ref)| {
                crate::domain::is_commit_sha(git_ref) && doors.commits.knows_commits(url)
            })
            .collect();
        let answers: Vec<_> = stream::iter(pinned)
            .map(|(url, sha)| async move {
                (url, sha, doors.deadline.bound(doors.commits.commit(url, sha)).await)
            })
            .buffer_unordered(config.concurrency.max(1))
            .collect()
            .await;
        for (url, sha, answer) in answers {
            let Some(answer) = answer else { continue };
            match answer {
                Ok(fact) if fact.sha.as_str() == sha => {
                    let key = Snapshot::commit_key(url, sha);
                    snapshot.commits.insert(key, Lookup::Found(fact));
                }
                Ok(_) => {}
                Err(failure) => {
                    tracing::debug!("words of {sha} are not known: {}", failure.error);
                }
            }
        }
    }
}
