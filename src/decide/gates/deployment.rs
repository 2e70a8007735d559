//! Gate 1: every publisher of every channel has deployed its current commit successfully.

use super::{Context, DeploymentEvidence, Evidence, Gate, GateResult};
use crate::decide::publishers::DeploymentState;

pub(in crate::decide) fn evaluate(context: &Context<'_>) -> GateResult {
    let mut waiting = Vec::new();
    let mut deployments = Vec::new();
    for followed in &context.followed {
        let deployment = followed.deployment();
        let label = followed.publisher.label();
        let short = followed.commit().map_or("an unknown commit", |commit| commit.short());
        let channel = followed.channel;
        match deployment.map(|deployment| (deployment.state, &deployment.reason)) {
            Some((DeploymentState::Success, _)) => continue,
            Some((DeploymentState::Failed, _)) => {
                waiting.push(format!("the deployment of {short} to {label} failed"));
            }
            Some((DeploymentState::Invalid, reason)) => waiting.push(format!(
                "the record of {short} on {label} for channel {channel} is not usable: {}",
                reason.as_deref().unwrap_or("unknown format")
            )),
            Some((DeploymentState::Missing, _)) => {
                waiting.push(format!("{short} is not deployed to {label} yet (channel {channel})"))
            }
            None => waiting.push(match &followed.state.commit {
                // The decision's error has the cause.
                Err(_) => format!("the commit of {label} is not known"),
                Ok(_) => {
                    format!("the record of {label} for channel {channel} could not be read")
                }
            }),
        }
        deployments.push(DeploymentEvidence {
            channel: channel.to_owned(),
            publisher: followed.publisher.uid.clone(),
            state: deployment.map(|deployment| deployment.state),
        });
    }
    let evidence = Evidence::Deployments { deployments };
    if context.followed.is_empty() {
        return GateResult::not_applicable(Gate::Deployment, "there is no publisher", evidence);
    }
    match waiting.as_slice() {
        [] => GateResult::pass(Gate::Deployment, "deployed by every publisher", evidence),
        [reason] => GateResult::blocked(Gate::Deployment, reason.clone(), evidence),
        [first, rest @ ..] => GateResult::blocked(
            Gate::Deployment,
            format!("{first} (and {} more)", rest.len()),
            evidence,
        ),
    }
}
