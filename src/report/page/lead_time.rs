//! How long a commit takes from its deployment upstream to a merge request, as
//! far as the records and the requests tell.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::super::model::{PublisherReport, RequestReport, SubscriberReport};
use super::data::seconds;
use crate::decide::{DeploymentState, Outcome};
use crate::plan::Action;

/// Times of the promotion that is under way, in seconds since 1970; all
/// `None` where none is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct LeadTime {
    /// When the last of its publishers had deployed the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployed: Option<i64>,
    /// When every gate passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promotable: Option<i64>,
    /// When the merge request was opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened: Option<i64>,
}

/// The times of a subscriber whose promotion is due or held, once its publishers are at one commit.
pub(super) fn lead_time<'a>(
    subscriber: &SubscriberReport,
    follows: impl Iterator<Item = (&'a str, &'a PublisherReport)>,
    request: Option<&RequestReport>,
    observed_at: DateTime<Utc>,
) -> LeadTime {
    let under_way = matches!(subscriber.decision, Outcome::Promote | Outcome::Hold);
    if !under_way || subscriber.candidate.is_none() {
        return LeadTime::default();
    }
    let mut deployed = None;
    for (channel, publisher) in follows {
        let deployment = publisher.deployments.get(channel);
        match deployment.filter(|deployment| deployment.state == DeploymentState::Success) {
            Some(deployment) => deployed = deployed.max(deployment.check_in),
            // Not deployed everywhere: the wait has not begun.
            None => return LeadTime::default(),
        }
    }
    let request = request.filter(|request| request.action != Action::Close);
    LeadTime {
        deployed: seconds(deployed),
        promotable: seconds(request.and_then(|request| request.promotable_since)),
        opened: request.and_then(|request| opened(request, observed_at)),
    }
}

fn opened(request: &RequestReport, observed_at: DateTime<Utc>) -> Option<i64> {
    let created = request.action == Action::Create && request.iid.is_some();
    let now = created.then_some(observed_at);
    seconds(request.opened_at.or(now))
}
