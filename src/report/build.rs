//! Converts the results of the stages to the public format.

use std::sync::Arc;

use super::model::{
    BatchReport, DeploymentReport, FileReport, MergeRequestReport, PlanReport, PublisherReport,
    RepoReport, SubscriberReport, TargetReport, VERSION,
};
use crate::app_interface::Bundle;
use crate::apply::Outcomes;
use crate::decide::{Decisions, Deployment, SubscriberDecision};
use crate::domain::{CommitSha, Problem};
use crate::inventory::{Inventory, Target, TargetIx};
use crate::plan::{Plan, PlannedMergeRequest, Scope, compare_url};
use crate::snapshot::Snapshot;

impl PlanReport {
    /// Builds the report from the results of the stages.
    pub fn new(
        inventory: &Inventory,
        snapshot: &Snapshot,
        decisions: &Decisions,
        plan: &Plan,
        outcomes: Option<&Outcomes>,
        scope: &Scope,
        problems: Vec<Problem>,
    ) -> Self {
        let config_repo = snapshot.config_repo.as_ref().map(|repo| RepoReport {
            web_url: repo.web_url.clone(),
            target_branch: repo.target_branch.clone(),
            commit: repo.base_commit.clone(),
        });
        let gitlab_host = config_repo.as_ref().and_then(RepoReport::host).map(str::to_owned);
        let publishers = inventory
            .targets
            .indexed()
            .filter(|(index, _)| scope.looks_at(*index))
            .map(|(index, target)| build_publisher(target, snapshot, decisions, index))
            .collect();
        let subscribers = decisions
            .subscribers
            .values()
            .map(|decision| (&inventory.targets[decision.target], decision))
            .filter(|(target, _)| scope.filter().includes(target))
            .map(|(target, decision)| build_subscriber(target, decision, gitlab_host.as_deref()))
            .collect();
        let mut merge_requests: Vec<_> = plan
            .merge_requests
            .iter()
            .map(|planned| build_merge_request(planned, outcomes))
            .collect();
        merge_requests.sort_by(|a, b| (&a.branch, a.iid).cmp(&(&b.branch, b.iid)));
        Self {
            version: VERSION,
            observed_at: snapshot.observed_at,
            share: scope.filter().share,
            config_repo,
            pipeline_url: None,
            settings: None,
            publishers,
            subscribers,
            merge_requests,
            problems,
        }
    }
}

/// All problems of a run, sorted: errors first, then by file and source location, without duplicates.
pub fn problems_of(
    bundle: &Bundle,
    inventory: &Inventory,
    decisions: &Decisions,
    plan: &Plan,
    outcomes: Option<&Outcomes>,
) -> Vec<Problem> {
    let applied = outcomes.map(|outcomes| outcomes.problems.as_slice()).unwrap_or_default();
    let mut problems: Vec<Problem> =
        [&bundle.problems, &inventory.problems, &decisions.problems, &plan.problems]
            .into_iter()
            .flatten()
            .chain(applied)
            .cloned()
            .collect();
    Problem::put_in_order(&mut problems);
    problems
}

fn build_target(target: &Target) -> TargetReport {
    TargetReport {
        uid: target.uid.clone(),
        app: target.app.name.clone(),
        saas_file: target.saas_file.clone(),
        file: target.file.clone(),
        line: target.used_at.line,
        resource_template: target.resource_template.clone(),
        target: target.name.clone(),
        cluster: target.namespace.cluster.name.clone(),
        namespace: target.namespace.name.clone(),
    }
}

fn build_publisher(
    target: &Target,
    snapshot: &Snapshot,
    decisions: &Decisions,
    index: TargetIx,
) -> PublisherReport {
    let state = decisions.publishers.get(index.position());
    let fact = target.git_ref.as_ref().ok().and_then(|git_ref| {
        let found =
            snapshot.commits.get(&Snapshot::commit_key(&target.repo_url, git_ref.as_str()))?;
        found.as_result().ok()
    });
    let deployment = |deployment: &Deployment| DeploymentReport {
        state: deployment.state,
        target_config_hash: deployment.target_config_hash.clone(),
        check_in: deployment.check_in,
        reason: deployment.reason.clone(),
    };
    PublisherReport {
        target: build_target(target),
        repo_url: target.repo_url.to_string(),
        git_ref: target.git_ref.as_ref().ok().map(ToString::to_string),
        commit_sha: state.and_then(|state| state.commit.clone().ok()),
        error: state.and_then(|state| state.commit.as_ref().err().map(|e| e.error.clone())),
        channels: target.promotion.publish.clone(),
        deployments: state
            .map(|state| {
                state
                    .deployments
                    .iter()
                    .map(|(channel, d)| (channel.clone(), deployment(d)))
                    .collect()
            })
            .unwrap_or_default(),
        committed_at: fact.and_then(|fact| fact.committed_at),
        subject: fact.and_then(|fact| fact.subject.clone()),
        redeploy: target.promotion.redeploy_on_publisher_config_change,
        unread: state.map(|state| state.unread.keys().cloned().collect()).unwrap_or_default(),
    }
}

fn build_subscriber(
    target: &Target,
    decision: &SubscriberDecision,
    gitlab_host: Option<&str>,
) -> SubscriberReport {
    let current = target.current_ref();
    let compare = |candidate: &CommitSha| {
        compare_url(&target.repo_url, current, candidate.as_str(), gitlab_host)
    };
    SubscriberReport {
        target: build_target(target),
        namespace_file: target.namespace.path.clone(),
        environment: target.namespace.environment.clone(),
        channels: target.promotion.subscribe.clone(),
        repo_url: target.repo_url.to_string(),
        edit_file: target.declared_at.file.clone(),
        edit_line: target.declared_at.line,
        compare_url: decision
            .candidate
            .as_ref()
            .filter(|c| c.as_str() != current)
            .and_then(compare),
        current_ref: current.to_owned(),
        desired_ref: decision.desired_ref.clone(),
        candidate: decision.candidate.clone(),
        desired_hashes: decision.desired_hashes.clone(),
        decision: decision.outcome(),
        held_by: decision.held_by(),
        gates: Arc::clone(&decision.gates),
        errors: decision.errors().to_vec(),
        promotable_since: decision.promotable_since,
        advice: Vec::new(),
    }
}

fn build_merge_request(
    planned: &PlannedMergeRequest,
    outcomes: Option<&Outcomes>,
) -> MergeRequestReport {
    let outcome =
        outcomes.and_then(|outcomes| outcomes.merge_requests.get(&planned.branch)).cloned();
    MergeRequestReport {
        action: planned.action,
        reason_code: planned.reason_code,
        reason: planned.reason.clone(),
        branch: planned.branch.clone(),
        iid: planned.iid.or(outcome.as_ref().and_then(|outcome| outcome.iid)),
        web_url: planned
            .web_url
            .clone()
            .or_else(|| outcome.as_ref().and_then(|outcome| outcome.web_url.clone())),
        title: planned.title.clone(),
        labels: planned.labels.clone(),
        reviewers: planned.reviewers.clone(),
        targets: planned.targets.clone(),
        files: planned
            .files
            .iter()
            .map(|file| FileReport {
                path: file.path.clone(),
                content: file.content.clone(),
                diff: file.diff.clone(),
            })
            .collect(),
        opened_at: planned.opened_at,
        persons_draft: planned.persons_draft,
        promotable_since: planned.promotable_since,
        batch: planned.batch.as_ref().map(BatchReport::from),
        writes: planned.steps.len(),
        outcome,
    }
}
