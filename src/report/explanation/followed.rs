//! The publishers that a target follows.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::Found;
use crate::app_interface::TargetField;
use crate::decide::{DeploymentState, Gate, Outcome, record_key, state_key};
use crate::domain::{CommitSha, RepoPath, TargetUid};
use crate::inventory::{Target, TargetIx};
use crate::plan::forge_pages;
use crate::snapshot::Snapshot;

/// A (channel, publisher) pair that the target follows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FollowedReport {
    /// The channel.
    pub channel: String,
    /// Uid of the publisher.
    pub uid: TargetUid,
    /// The publisher's label.
    pub label: String,
    /// Its saas file, cluster and namespace, for people.
    pub deployed_by: String,
    /// The datafile (`data/…`) that its saas file names as `pipelinesProvider`, where its
    /// deployments run.
    pub pipelines_provider: Option<String>,
    /// Where it is declared: `data/…:LINE`.
    pub declared_at: String,
    /// Where its ref is: `data/…:LINE`.
    pub ref_at: String,
    /// Its code repository.
    pub repo_url: String,
    /// The ref that is deployed.
    #[serde(rename = "ref")]
    pub git_ref: Option<String>,
    /// Its commit, if known.
    pub commit_sha: Option<CommitSha>,
    /// The commit's page, if the forge is known.
    pub commit_url: Option<String>,
    /// When the commit was made, if the API returned it.
    pub committed_at: Option<DateTime<Utc>>,
    /// First line of the commit message, if the API returned it.
    pub subject: Option<String>,
    /// Result of its deployment; null if the record could not be read.
    pub state: Option<DeploymentState>,
    /// When it was deployed.
    pub check_in: Option<DateTime<Utc>>,
    /// Why the commit or the record is not known or not usable.
    pub reason: Option<String>,
    /// Key of the deployment record in the bucket.
    pub record_key: Option<String>,
    /// The decision on it, if `sapm` promotes it too.
    pub decision: Option<Outcome>,
    /// The gate that holds it, if any.
    pub held_by: Option<Gate>,
}

/// All publishers that a target follows, in the order of its channels.
pub(super) fn followed(found: &Found<'_>, target: &Target) -> Vec<FollowedReport> {
    let channels = target.promotion.subscribe.iter();
    channels
        .flat_map(|channel| {
            found
                .inventory
                .publishers_of(channel)
                .map(move |(index, publisher)| build_pair(found, channel, index, publisher))
        })
        .collect()
}

fn build_pair(
    found: &Found<'_>,
    channel: &str,
    index: TargetIx,
    publisher: &Target,
) -> FollowedReport {
    let state = found.decisions.publishers.get(index.position());
    let commit = state.and_then(|state| state.commit.as_ref().ok()).cloned();
    let deployment = state.and_then(|state| state.deployments.get(channel));
    let failure = state.and_then(|state| {
        state.commit.as_ref().err().or_else(|| state.unread.get(channel)).map(|f| f.error.clone())
    });
    let git_ref = publisher.git_ref.as_ref().ok().map(ToString::to_string);
    let fact = git_ref.as_ref().and_then(|git_ref| {
        let key = Snapshot::commit_key(&publisher.repo_url, git_ref);
        found.snapshot.commits.get(&key)?.as_result().ok()
    });
    let decision = found.decisions.subscribers.get(&index);
    let pages = forge_pages(&publisher.repo_url, found.gitlab_host());
    FollowedReport {
        channel: channel.to_owned(),
        uid: publisher.uid.clone(),
        label: publisher.label(),
        deployed_by: format!(
            "saas file {}, cluster {}, namespace {}",
            publisher.saas_file, publisher.namespace.cluster.name, publisher.namespace.name
        ),
        pipelines_provider: find_pipelines_provider(publisher),
        declared_at: found.field(publisher, TargetField::Target),
        ref_at: found.field(publisher, TargetField::Ref),
        repo_url: publisher.repo_url.to_string(),
        commit_url: commit
            .as_ref()
            .zip(pages)
            .map(|(commit, pages)| format!("{pages}/commit/{commit}")),
        committed_at: fact.and_then(|fact| fact.committed_at),
        subject: fact.and_then(|fact| fact.subject.clone()),
        state: deployment.map(|deployment| deployment.state),
        check_in: deployment.and_then(|deployment| deployment.check_in),
        reason: failure.or_else(|| deployment.and_then(|deployment| deployment.reason.clone())),
        record_key: commit
            .as_ref()
            .map(|commit| state_key(&record_key(channel, &publisher.uid, commit))),
        commit_sha: commit,
        git_ref,
        decision: decision.map(|decision| decision.outcome()),
        held_by: decision.and_then(|decision| decision.held_by()),
    }
}

/// The datafile that configures where the target's deployments run.
fn find_pipelines_provider(target: &Target) -> Option<String> {
    Some(RepoPath::of_datafile(target.pipelines_provider.as_deref()?).to_string())
}
