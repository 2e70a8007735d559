//! Gate 1: every publisher of every channel has deployed its current commit successfully.

use serde_json::json;

use super::{Context, Gate, GateName};
use crate::decide::publishers::DeploymentState;

pub(in crate::decide) fn evaluate(context: &Context<'_>) -> Gate {
    let mut waiting = Vec::new();
    let mut evidence = Vec::new();
    for followed in &context.followed {
        let deployment = followed.deployment();
        let commit = followed.commit().map(ToString::to_string);
        let label = followed.publisher.label();
        let short = followed.commit().map_or("an unknown commit", |commit| commit.short());
        let channel = followed.channel;
        match deployment.map(|deployment| (deployment.state, &deployment.reason)) {
            Some((DeploymentState::Success, _)) => {}
            Some((DeploymentState::Failed, _)) => {
                waiting.push(format!("the deployment of {short} to {label} failed"));
            }
            Some((DeploymentState::Invalid, reason)) => waiting.push(format!(
                "the record of {short} on {label} for channel {channel} is not usable: {}",
                reason.as_deref().unwrap_or("of unknown shape")
            )),
            Some((DeploymentState::Missing, _)) => {
                waiting.push(format!("{short} is not deployed to {label} yet (channel {channel})"))
            }
            None => waiting.push(match &followed.state.commit {
                // The cause is the decision's error: it is said there.
                Err(_) => format!("the commit of {label} is not known"),
                Ok(_) => {
                    format!("the record of {label} for channel {channel} could not be read")
                }
            }),
        }
        evidence.push(json!({
            "channel": channel,
            "publisher": followed.publisher.uid,
            "label": label,
            "ref": followed.publisher.git_ref.as_deref().ok(),
            "commit_sha": commit,
            "state": deployment.map(|deployment| deployment.state),
            "check_in": deployment.and_then(|deployment| deployment.check_in),
        }));
    }
    let evidence = json!({"deployments": evidence});
    if context.followed.is_empty() {
        return Gate::not_applicable(GateName::Deployment, "no publisher is followed", evidence);
    }
    match waiting.as_slice() {
        [] => Gate::pass(GateName::Deployment, "deployed by every publisher", evidence),
        [reason] => Gate::hold(GateName::Deployment, reason.clone(), evidence),
        [first, rest @ ..] => {
            Gate::hold(GateName::Deployment, format!("{first} (and {} more)", rest.len()), evidence)
        }
    }
}
