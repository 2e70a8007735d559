//! Lead times: from a commit's deployment upstream to a merge request and to the target's own
//! deployment, as far as the records and the merge requests show.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::super::model::{MergeRequestReport, PublisherReport, SubscriberReport};
use super::data::seconds;
use crate::decide::{DeploymentState, Outcome};
use crate::plan::Action;

/// Times of the current promotion, or of the last one if nothing is due, in seconds
/// since 1970; all `None` if neither is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
pub(super) struct LeadTime {
    /// When the last of its publishers had deployed the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployed: Option<i64>,
    /// When the last gate passed that depends only on time: deployed, soaked, and within the
    /// schedule. `None` while a gate blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promotable: Option<i64>,
    /// When the merge request was opened; before `deployed` if it was updated since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened: Option<i64>,
    /// Is the promotion done?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
    /// When the target itself had deployed the commit, if it is done and publishes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<i64>,
}

/// The times of a subscriber, if its publishers are at one commit. `own` is the subscriber as
/// a publisher.
pub(super) fn lead_time<'a>(
    subscriber: &SubscriberReport,
    own: Option<&PublisherReport>,
    follows: impl Iterator<Item = (&'a str, &'a PublisherReport)>,
    mr: Option<&MergeRequestReport>,
    observed_at: DateTime<Utc>,
) -> LeadTime {
    if subscriber.decision == Outcome::Error || subscriber.candidate.is_none() {
        return LeadTime::default();
    }
    let mut deployed = None;
    for (channel, publisher) in follows {
        let deployment = publisher.deployments.get(channel);
        match deployment.filter(|deployment| deployment.state == DeploymentState::Success) {
            Some(deployment) => deployed = deployed.max(deployment.check_in),
            // Not deployed everywhere, so the wait has not begun.
            None => return LeadTime::default(),
        }
    }
    let held = subscriber.decision == Outcome::Hold;
    let done = subscriber.decision == Outcome::UpToDate && deployed.is_some();
    let promotable = subscriber.promotable_since.filter(|at| !held && *at <= observed_at);
    let mr = mr.filter(|mr| mr.action != Action::Close);
    LeadTime {
        deployed: seconds(deployed),
        promotable: seconds(promotable),
        opened: mr.and_then(|mr| find_opening_time(mr, observed_at)),
        done,
        here: seconds(own.filter(|_| done).and_then(find_own_deployment)),
    }
}

fn find_opening_time(mr: &MergeRequestReport, observed_at: DateTime<Utc>) -> Option<i64> {
    let created = mr.action == Action::Create && mr.iid.is_some();
    let now = created.then_some(observed_at);
    seconds(mr.opened_at.or(now))
}

fn find_own_deployment(own: &PublisherReport) -> Option<DateTime<Utc>> {
    let successes = own.deployments.values().filter(|d| d.state == DeploymentState::Success);
    successes.filter_map(|deployment| deployment.check_in).min()
}
