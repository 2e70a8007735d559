//! What `explain` adds to a run: it narrows it, looks a little further, and answers.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt};

use super::plan::MAX_ROUNDS;
use super::target_suggestions::{ambiguous, unknown};
use super::{ConfigRepo, Forge, Options, Planned, RunError, Services};
use crate::decide::{Decisions, SloQuery};
use crate::domain::{CommitSha, GitRef, RepoUrl};
use crate::inventory::{Found, Inventory, TargetIx, find_all};
use crate::plan::{Plan, Reason, Settings, TargetFilter, branch_of};
use crate::ports::ForgeReader;
use crate::report::{AsOf, Explanation, FoundTarget, Overview, PlanReport, WhatIf, briefs};
use crate::snapshot::{Lookup, Snapshot};
use crate::what_if::{Assumption, Forecast, Limits, Stop, Stops, World, compare, forecast};

/// What is asked of a run.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// The target as it was named.
    pub target: String,
    /// Assumptions as they were written.
    pub assume: Vec<String>,
    /// Was a time asked about?
    pub at_given_time: bool,
}

/// A question whose target was found, or several of them.
pub struct Questioned<'a> {
    question: &'a Question,
    /// Where they are in the inventory of the run; never empty.
    targets: Vec<TargetIx>,
}

/// The answer to a question.
pub enum Answered {
    /// Everything about the one target.
    One(Box<Explanation>),
    /// One line for each of several.
    Several(Overview),
}

/// What a run came to.
struct Facts<'a> {
    repo: &'a ConfigRepo,
    planned: &'a Planned,
    report: &'a PlanReport,
    settings: &'a Settings,
}

impl Question {
    /// Finds the targets, and narrows config repo and options to what the question is about: the targets with those
    /// whose merge requests may stand in their way, what an assumption moves, and all that these wait for. Nothing else
    /// has to be observed.
    ///
    /// # Errors
    /// When there is no such target, several although something is assumed, or not one publisher of an assumption.
    pub fn focus(
        &self,
        options: &mut Options,
        repo: &mut ConfigRepo,
    ) -> Result<Questioned<'_>, RunError> {
        let inventory = &repo.inventory;
        let filter = &options.settings.filter;
        let candidates: BTreeSet<TargetIx> = inventory
            .subscribers()
            .filter(|(_, target)| filter.includes(target))
            .map(|(index, _)| index)
            .collect();
        let targets = match find_all(inventory, &candidates, &self.target) {
            Found::One(target) => vec![target],
            Found::Several(several) if self.assume.is_empty() => several,
            Found::Several(several) => {
                let error = ambiguous(inventory, &self.target, &several);
                let message = format!("--assume needs one target: {}", error.message);
                return Err(RunError { message, ..error });
            }
            Found::Unknown(alike) => {
                return Err(unknown(repo, options.digest, &self.target, &alike));
            }
        };
        let assumed = self.assume.iter().map(|text| Assumption::publisher(text, inventory));
        let assumed: Vec<TargetIx> =
            assumed.collect::<Result<_, _>>().map_err(|error| bad_assumption(&error))?;
        let moved = assumed.iter().flat_map(|&index| crate::what_if::sharing_ref(inventory, index));
        let mut about = inventory.downstream(moved);
        about.extend(targets.iter().flat_map(|&target| inventory.in_same_file(target)));
        let uids: BTreeSet<_> =
            targets.iter().map(|&target| inventory.targets[target].uid.clone()).collect();
        let only = inventory.only(&inventory.upstream(about));
        let files = only.files();
        let in_files = |file: &String| files.contains(file);
        repo.bundle.problems.retain(|problem| problem.file.as_ref().is_some_and(in_files));
        let targets = only.targets.iter().map(|target| target.uid.clone()).collect();
        options.settings.filter = TargetFilter { only: Some(targets), ..TargetFilter::default() };
        repo.inventory = only;
        let subscribers = repo.inventory.subscribers();
        let targets: Vec<TargetIx> = subscribers
            .filter(|(_, target)| uids.contains(&target.uid))
            .map(|(index, _)| index)
            .collect();
        if targets.len() != uids.len() {
            return Err(RunError::internal("a target was lost"));
        }
        Ok(Questioned { question: self, targets })
    }
}

fn bad_assumption(error: &dyn std::error::Error) -> RunError {
    RunError::usage(format!("--assume: {error}")).hint(
        "write it like --assume 'deployed=CHANNEL/PUBLISHER@COMMIT', with the publisher's uid or \
         any unambiguous part of saas-file/resource-template/cluster/namespace",
    )
}

impl Questioned<'_> {
    /// The answer from recorded facts.
    ///
    /// # Errors
    /// When an assumption cannot be read.
    pub fn answer_offline(
        &self,
        options: &Options,
        repo: &ConfigRepo,
        planned: &Planned,
        report: &PlanReport,
        snapshot: &Snapshot,
    ) -> Result<Answered, RunError> {
        let facts = Facts { repo, planned, report, settings: &options.settings };
        let as_of = if self.question.at_given_time { AsOf::Given } else { AsOf::Recorded };
        let [target] = self.targets.as_slice() else {
            return Ok(self.overview(&facts, snapshot, as_of));
        };
        let forecasts = Forecasts::new(self.question, &facts, snapshot)?;
        Ok(Answered::One(forecasts.explain(*target, &facts, snapshot, as_of)?.into()))
    }

    fn overview(&self, facts: &Facts<'_>, snapshot: &Snapshot, as_of: AsOf) -> Answered {
        let found = facts.found(self.targets[0], snapshot, as_of);
        Answered::Several(Overview::new(&found, &self.question.target, &self.targets))
    }

    /// The answer, after a look at what only people want to know (pipelines, words of commits,
    /// earlier merge requests) and at the SLO values that forecasts lacked. Those values stay out of the
    /// run's snapshot: nothing was decided on them.
    ///
    /// # Errors
    /// When an assumption cannot be read.
    pub async fn answer(
        &self,
        options: &Options,
        services: &Services<'_>,
        repo: &ConfigRepo,
        (planned, report): (&Planned, &PlanReport),
        snapshot: &mut Snapshot,
    ) -> Result<Answered, RunError> {
        let facts = Facts { repo, planned, report, settings: &options.settings };
        let as_of = if self.question.at_given_time { AsOf::Given } else { AsOf::Now };
        let [target] = *self.targets.as_slice() else {
            return Ok(self.overview(&facts, snapshot, as_of));
        };
        if let Some(forge) = &services.forge {
            // What people only want to know ends no run.
            let deadline = &options.deadline;
            let reader = forge.reader.within(deadline);
            deadline.bound(facts.look_up_pipelines(target, &*reader, snapshot)).await;
            deadline.bound(facts.look_up_earlier(target, forge, &*reader, snapshot)).await;
        }
        facts.look_up_commits(target, options, services, snapshot).await;
        let observer = services.observer(options, None);
        let mut further = snapshot.clone();
        let mut forecasts = Forecasts::new(self.question, &facts, &further)?;
        for _ in 0..MAX_ROUNDS {
            let queries = forecasts.slo_queries();
            if queries.is_empty() {
                break;
            }
            observer.slo_values(&queries, &mut further).await;
            forecasts = Forecasts::new(self.question, &facts, &further)?;
        }
        Ok(Answered::One(forecasts.explain(target, &facts, snapshot, as_of)?.into()))
    }
}

/// Puts into a report what there is to do about each of its targets, in the same words as `explain`.
pub fn advise(
    options: &Options,
    repo: &ConfigRepo,
    planned: &Planned,
    report: &mut PlanReport,
    snapshot: &Snapshot,
    as_of: AsOf,
) {
    let facts = Facts { repo, planned, report, settings: &options.settings };
    let targets: Vec<TargetIx> = planned.decisions.subscribers.keys().copied().collect();
    let Some(first) = targets.first() else { return };
    let mut briefs = briefs(&facts.found(*first, snapshot, as_of), targets.iter().copied());
    for subscriber in &mut report.subscribers {
        let brief = briefs.remove(&subscriber.target.uid);
        subscriber.advice = brief.map(|brief| brief.advice).unwrap_or_default();
    }
}

impl Facts<'_> {
    fn found<'f>(
        &'f self,
        target: TargetIx,
        snapshot: &'f Snapshot,
        as_of: AsOf,
    ) -> FoundTarget<'f> {
        FoundTarget {
            inventory: &self.repo.inventory,
            bundle: &self.repo.bundle,
            snapshot,
            decisions: &self.planned.decisions,
            report: self.report,
            settings: self.settings,
            target,
            as_of,
        }
    }

    /// The one thing that lists do not tell: how the pipelines of the open merge requests stand.
    async fn look_up_pipelines(
        &self,
        target: TargetIx,
        reader: &dyn ForgeReader,
        snapshot: &mut Snapshot,
    ) {
        let uid = &self.repo.inventory.targets[target].uid;
        let about = self.report.merge_requests.iter().filter(|r| r.targets.contains(uid));
        for iid in about.filter_map(|mr| mr.iid) {
            let Some(known) = snapshot.merge_requests.get_mut(&iid) else { continue };
            match reader.mr(iid).await {
                Ok(mr) => known.pipeline = mr.pipeline,
                Err(failure) => {
                    tracing::warn!("the pipeline of {iid} is not known: {}", failure.error);
                }
            }
        }
    }

    /// The target's merge requests that are over, where none is open and planning did not ask.
    async fn look_up_earlier(
        &self,
        target: TargetIx,
        forge: &Forge<'_>,
        reader: &dyn ForgeReader,
        snapshot: &mut Snapshot,
    ) {
        let inventory = &self.repo.inventory;
        let uid = &inventory.targets[target].uid;
        let mut about = self.report.merge_requests.iter().filter(|r| r.targets.contains(uid));
        let decisions = &self.planned.decisions;
        let names = (self.settings.branches.of_new(), forge.repo.target_branch.as_str());
        let Some(branch) = branch_of(inventory, decisions, names, target) else {
            return;
        };
        if about.any(|r| r.iid.is_some()) || snapshot.past_merge_requests.contains_key(&branch) {
            return;
        }
        match reader.past_merge_requests(&branch, &forge.repo.bot_ids()).await {
            Ok((past, _)) => {
                snapshot.past_merge_requests.insert(branch, Lookup::Found(past));
            }
            Err(failure) => {
                tracing::debug!(
                    "earlier merge requests of {branch} are not known: {}",
                    failure.error
                );
            }
        }
    }

    /// Date and subject of the commits that publishers are pinned to: nothing is decided on them,
    /// so one that cannot be looked up is no problem.
    async fn look_up_commits(
        &self,
        target: TargetIx,
        options: &Options,
        services: &Services<'_>,
        snapshot: &mut Snapshot,
    ) {
        let inventory = &self.repo.inventory;
        let channels = &inventory.targets[target].promotion.subscribe;
        let publishers = channels.iter().flat_map(|channel| inventory.publishers_of(channel));
        let commits = services.commits;
        let pinned: BTreeSet<(&RepoUrl, &str)> = publishers
            .filter_map(|(_, publisher)| match &publisher.git_ref {
                Ok(GitRef::Pinned(commit)) => Some((&publisher.repo_url, commit.as_str())),
                _ => None,
            })
            .filter(|(url, _)| commits.knows_commits(url))
            .collect();
        let answers: Vec<_> = stream::iter(pinned)
            .map(|(url, sha)| async move {
                (url, sha, options.deadline.bound(commits.commit(url, sha)).await)
            })
            .buffer_unordered(options.concurrency.max(1))
            .collect()
            .await;
        for (url, sha, answer) in answers {
            match answer {
                Some(Ok(fact)) if fact.sha.as_str() == sha => {
                    let key = Snapshot::commit_key(url, sha);
                    snapshot.commits.insert(key, Lookup::Found(fact));
                }
                Some(Err(failure)) => {
                    tracing::debug!("words of {sha} are not known: {}", failure.error);
                }
                Some(Ok(_)) | None => {}
            }
        }
    }
}

/// The forecasts of a question.
struct Forecasts {
    plain: Forecast,
    assumed: Option<(Vec<Assumption>, Forecast)>,
}

impl Forecasts {
    /// Follows the world as it is, and as it is assumed to be.
    fn new(question: &Question, facts: &Facts<'_>, snapshot: &Snapshot) -> Result<Self, RunError> {
        let ConfigRepo { bundle, inventory } = facts.repo;
        let stops = stops(inventory, &facts.planned.decisions, &facts.planned.plan);
        let from = snapshot.observed_at;
        let world = World::new(inventory, snapshot, bundle);
        let plain = forecast(world.clone(), from, &stops, Limits::default());
        if question.assume.is_empty() {
            return Ok(Self { plain, assumed: None });
        }
        let mut assumed = world;
        let mut assumptions = Vec::new();
        for text in &question.assume {
            let assumption = Assumption::parse(text, inventory, snapshot)
                .map_err(|error| bad_assumption(&error))?;
            assumed.assume(&assumption, from);
            assumptions.push(assumption);
        }
        let assumed = forecast(assumed, from, &stops, Limits::default());
        Ok(Self { plain, assumed: Some((assumptions, assumed)) })
    }

    /// SLO values that they lack, each once.
    fn slo_queries(&self) -> Vec<SloQuery> {
        let assumed = self.assumed.iter().flat_map(|(_, forecast)| &forecast.slo_queries);
        let all: BTreeSet<_> = self.plain.slo_queries.iter().chain(assumed).cloned().collect();
        all.into_iter().collect()
    }

    /// Brings everything together.
    fn explain(
        &self,
        target: TargetIx,
        facts: &Facts<'_>,
        snapshot: &Snapshot,
        as_of: AsOf,
    ) -> Result<Explanation, RunError> {
        let comparison = self.assumed.as_ref().map(|(_, forecast)| compare(&self.plain, forecast));
        let assumed = self.assumed.as_ref().zip(comparison.as_ref());
        let what_if = WhatIf {
            plain: &self.plain,
            assumed: assumed.map(|((assumptions, forecast), comparison)| {
                (assumptions.as_slice(), forecast, comparison)
            }),
        };
        Explanation::new(&facts.found(target, snapshot, as_of), &what_if)
            .ok_or_else(|| RunError::internal("the target is not in the report"))
    }
}

/// What people said against promotions: it stays their word in a forecast.
fn stops(inventory: &Inventory, decisions: &Decisions, plan: &Plan) -> Stops {
    let mut stops = Stops::new();
    for mr in &plan.merge_requests {
        let for_good = match mr.reason_code {
            Reason::HoldLabel | Reason::TakenOver | Reason::NotOurs => true,
            Reason::ClosedByPerson | Reason::RolledBack => false,
            _ => continue,
        };
        for (index, target) in inventory.subscribers() {
            if !mr.targets.contains(&target.uid) {
                continue;
            }
            let desired = decisions.subscribers.get(&index).map(|d| d.desired_ref.as_str());
            let commit = desired.and_then(CommitSha::parse).filter(|_| !for_good);
            if for_good || commit.is_some() {
                stops.insert(index, Stop { commit, reason: mr.reason.clone() });
            }
        }
    }
    stops
}
