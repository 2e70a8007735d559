//! A report's targets as members of a graph.

use std::collections::BTreeMap;

use super::model::{PlanReport, PublisherReport, SubscriberReport, TargetReport};
use super::text::outcome_word;
use crate::decide::{DeploymentState, Outcome};
use crate::graph::{Member, State};

/// All targets, in the order of `report.publishers`, with their state if
/// the report has facts.
pub fn members(report: &PlanReport, with_states: bool) -> Vec<Member> {
    let mut subscribers: BTreeMap<&str, &SubscriberReport> =
        report.subscribers.iter().map(|s| (s.target.uid.as_str(), s)).collect();
    report
        .publishers
        .iter()
        .map(|publisher| {
            // Of two targets with one uid the first is the subscriber.
            let subscriber = subscribers.remove(publisher.target.uid.as_str());
            let mut member = build_member(&publisher.target);
            member.subscribes = subscriber.map(|s| s.channels.clone()).unwrap_or_default();
            member.publishes = publisher
                .channels
                .iter()
                .map(|channel| {
                    let state = if with_states {
                        find_deployment_state(publisher, channel)
                    } else {
                        State::Plain
                    };
                    (channel.clone(), state)
                })
                .collect();
            if with_states {
                (member.state, member.status) = find_state(publisher, subscriber);
            }
            member
        })
        .collect()
}

fn build_member(target: &TargetReport) -> Member {
    let name = target.target.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
    Member {
        uid: target.uid.to_string(),
        label: target.label(),
        title: format!("{}/{}{name}", target.saas_file, target.resource_template),
        place: format!("{}/{}", target.cluster, target.namespace),
        ..Member::default()
    }
}

fn find_deployment_state(publisher: &PublisherReport, channel: &str) -> State {
    match publisher.deployments.get(channel).map(|deployment| deployment.state) {
        Some(DeploymentState::Success) => State::Deployed,
        Some(DeploymentState::Failed) => State::Failed,
        Some(DeploymentState::Missing | DeploymentState::Invalid) => State::Missing,
        None if publisher.unread.contains(channel) => State::Error,
        None => State::Plain,
    }
}

/// The state of a subscriber from its decision, of another target from its deployments.
fn find_state(
    publisher: &PublisherReport,
    subscriber: Option<&SubscriberReport>,
) -> (State, String) {
    if let Some(subscriber) = subscriber {
        let words = match subscriber.held_by {
            Some(gate) => format!("held by {}", gate.as_str()),
            None => outcome_word(subscriber.decision).to_owned(),
        };
        let state = match subscriber.decision {
            Outcome::Promote => State::Promote,
            Outcome::Hold => State::Hold,
            Outcome::Error => State::Error,
            Outcome::UpToDate => State::UpToDate,
        };
        return (state, words);
    }
    let Some(commit) = &publisher.commit_sha else {
        return (State::Error, "commit not known".to_owned());
    };
    let commit = commit.short();
    let has = |wanted: &[DeploymentState]| {
        publisher.deployments.values().any(|deployment| wanted.contains(&deployment.state))
    };
    if has(&[DeploymentState::Failed]) {
        (State::Failed, format!("{commit} failed"))
    } else if has(&[DeploymentState::Missing, DeploymentState::Invalid]) {
        (State::Missing, format!("{commit} not deployed yet"))
    } else if !publisher.unread.is_empty() {
        (State::Error, format!("{commit}: record not read"))
    } else if publisher.deployments.is_empty() {
        (State::Plain, format!("at {commit}"))
    } else {
        (State::Deployed, format!("{commit} deployed"))
    }
}
