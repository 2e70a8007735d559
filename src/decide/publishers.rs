//! The state of each publisher: its commit and its deployments.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::records;
use super::shared_causes::shared_cause;
use crate::domain::{CommitSha, GitRef, Problem, ProblemCode};
use crate::inventory::{Inventory, Target, TargetIx};
use crate::snapshot::{Failure, Lookup, Snapshot};

/// The result of deploying a publisher's commit, from its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeploymentState {
    /// The deployment succeeded.
    Success,
    /// The deployment failed.
    Failed,
    /// There is no record.
    Missing,
    /// The record is not usable. It blocks like a missing one.
    Invalid,
}

/// A publisher's deployment for one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// Its result.
    pub state: DeploymentState,
    /// Why the record is not usable, or could not be read.
    pub reason: Option<String>,
    /// Saas file in the record.
    pub saas_file: Option<String>,
    /// Digest of the effective deployment config.
    pub target_config_hash: Option<String>,
    /// When it was deployed.
    pub check_in: Option<DateTime<Utc>>,
    /// An http(s) URL: the page of the job or pipeline that deployed it, if the record has one.
    pub url: Option<String>,
}

impl Deployment {
    /// Is the record usable?
    pub fn is_usable(&self) -> bool {
        matches!(self.state, DeploymentState::Success | DeploymentState::Failed)
    }
}

/// The state of a publisher.
#[derive(Debug, Clone)]
pub struct PublisherState {
    /// Its current commit, or why it is not known.
    pub commit: Result<CommitSha, Failure>,
    /// By subscribed channel; empty if the commit is not known.
    pub deployments: BTreeMap<String, Deployment>,
    /// Channels whose record could not be read although the bucket answers.
    pub unread: BTreeMap<String, Failure>,
}

/// The states of all publishers in inventory order, and the problems found.
pub(super) fn states(
    inventory: &Inventory,
    snapshot: &Snapshot,
    reported: &dyn Fn(TargetIx) -> bool,
    all_problems: &mut Vec<Problem>,
) -> Vec<PublisherState> {
    let mut failed = BTreeSet::new();
    inventory
        .targets
        .indexed()
        .map(|(index, target)| {
            let mut unreported = Vec::new();
            let problems = if reported(index) { &mut *all_problems } else { &mut unreported };
            let commit = find_commit(target, snapshot);
            if let Err(failure) = &commit
                && reported(index)
            {
                report_commit(target, failure, &mut failed, problems);
            }
            let mut state =
                PublisherState { deployments: BTreeMap::new(), unread: BTreeMap::new(), commit };
            if let Ok(commit) = state.commit.clone() {
                for channel in &target.promotion.publish {
                    if inventory.subscribed.contains(channel) {
                        let reading = Reading { target, channel, commit: &commit, snapshot };
                        reading.read(&mut state, problems);
                    }
                }
            }
            state
        })
        .collect()
}

fn find_commit(target: &Target, snapshot: &Snapshot) -> Result<CommitSha, Failure> {
    let moving = match &target.git_ref {
        Ok(GitRef::Pinned(commit)) => return Ok(commit.clone()),
        Ok(GitRef::Moving(moving)) => moving,
        Err(error) => return Err(Failure::new(error.clone())),
    };
    match snapshot.commits.get(&Snapshot::commit_key(&target.repo_url, moving)) {
        Some(Lookup::Found(fact)) => Ok(fact.sha.clone()),
        Some(Lookup::Failed(failure)) => Err(failure.clone()),
        None => Err(Failure::new("the snapshot does not have this commit")),
    }
}

/// Reports each failed lookup once (`failed` has the earlier ones). For a shared cause, counts the target instead.
fn report_commit(
    target: &Target,
    failure: &Failure,
    failed: &mut BTreeSet<String>,
    problems: &mut Vec<Problem>,
) {
    let Ok(git_ref) = &target.git_ref else { return };
    if let Some(cause) = &failure.shared_cause {
        problems.push(shared_cause(cause, &target.uid));
        return;
    }
    let look_up = Snapshot::commit_key(&target.repo_url, git_ref.as_str());
    if failed.insert(look_up.clone()) {
        let message = format!(
            "the commit of ref {git_ref} in {} could not be looked up: {}",
            target.repo_url, failure.error
        );
        problems.push(locate_problem(
            target,
            &look_up,
            Problem::new(ProblemCode::CommitLookupFailed, message),
        ));
    }
}

/// A problem of something outside (`key`) that was looked up for this target.
fn locate_problem(target: &Target, key: &str, problem: Problem) -> Problem {
    let place = &target.declared_at;
    problem.in_file(&place.file).at(key).at_line(place.line, place.column)
}

/// The lookup of a publisher's record for its commit on a channel.
struct Reading<'a> {
    target: &'a Target,
    channel: &'a str,
    commit: &'a CommitSha,
    snapshot: &'a Snapshot,
}

impl Reading<'_> {
    fn read(&self, state: &mut PublisherState, problems: &mut Vec<Problem>) {
        let Self { target, channel, commit, snapshot } = *self;
        let key = records::record_key(channel, &target.uid, commit);
        if let Some(failure) = snapshot.deployment_record_errors.get(&key) {
            problems.push(report_record(target, &key, failure));
            state.unread.insert(channel.to_owned(), failure.clone());
            return;
        }
        let deployment = match snapshot.deployment_records.get(&key) {
            None => build_deployment(DeploymentState::Missing, None),
            Some(stored) => read_deployment(target, &key, stored, problems),
        };
        state.deployments.insert(channel.to_owned(), deployment);
    }
}

/// Reports each failed record once. For a shared cause, counts the target instead.
fn report_record(target: &Target, key: &str, failure: &Failure) -> Problem {
    match &failure.shared_cause {
        Some(cause) => shared_cause(cause, &target.uid),
        None => {
            let message =
                format!("the deployment record {key} could not be read: {}", failure.error);
            locate_problem(target, key, Problem::new(ProblemCode::RecordLookupFailed, message))
        }
    }
}

fn build_deployment(state: DeploymentState, reason: Option<String>) -> Deployment {
    Deployment {
        state,
        reason,
        saas_file: None,
        target_config_hash: None,
        check_in: None,
        url: None,
    }
}

fn read_deployment(
    target: &Target,
    key: &str,
    stored: &Value,
    problems: &mut Vec<Problem>,
) -> Deployment {
    match records::read(stored) {
        Err(reason) => {
            let message = format!("the deployment record {key} is not usable: {reason}");
            problems.push(locate_problem(
                target,
                key,
                Problem::new(ProblemCode::UnusableRecord, message),
            ));
            build_deployment(DeploymentState::Invalid, Some(reason))
        }
        Ok(record) => {
            if let Some(error) = record.check_in_error {
                let message = format!("{key}: {error}");
                problems.push(locate_problem(
                    target,
                    key,
                    Problem::new(ProblemCode::UnreadableCheckIn, message),
                ));
            }
            Deployment {
                state: if record.success {
                    DeploymentState::Success
                } else {
                    DeploymentState::Failed
                },
                reason: None,
                saas_file: Some(record.saas_file),
                target_config_hash: Some(record.target_config_hash),
                check_in: record.check_in,
                url: record.url,
            }
        }
    }
}
