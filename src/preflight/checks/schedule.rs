//! Is there a pipeline schedule, and is it on or off as the phase wants it?

use serde_json::json;

use super::{Facts, Finding, some};
use crate::ports::PipelineSchedule;
use crate::report::Phase;

/// Process modes of the resource group that let the newest job go.
const NEWEST: [&str; 2] = ["newest_first", "newest_ready_first"];

pub(super) fn check(facts: &Facts<'_>) -> Finding {
    let schedules = match &facts.around.schedules {
        Ok(schedules) => schedules,
        Err(failure) => return Finding::not_known("pipeline schedules", failure),
    };
    let branch = facts.context.target_branch();
    let ours: Vec<_> = schedules.iter().filter(|one| one.git_ref == branch).collect();
    let mode = facts.around.process_mode.as_ref().ok().and_then(Option::as_deref);
    let evidence = json!({
        "schedules": ours.iter().map(|one| json!({
            "id": one.id, "description": one.description, "active": one.active, "owner": one.owner,
            "owner_state": one.owner_state, "last_status": one.last_status,
        })).collect::<Vec<_>>(),
        "process_mode": mode,
    });
    let finding = judge(facts.phase(), branch, &ours);
    let finding = if finding.outcome == crate::report::CheckOutcome::Pass {
        mode_doubt(mode).unwrap_or(finding)
    } else {
        finding
    };
    finding.evidence(evidence)
}

fn judge(phase: Phase, branch: &str, ours: &[&PipelineSchedule]) -> Finding {
    const STEP: &str = "docs/set-up.md, step 5";
    if ours.is_empty() {
        let summary = format!("no pipeline schedule runs on {branch}");
        let finding = match phase {
            Phase::Prepare => Finding::warn(summary),
            Phase::Go | Phase::After => Finding::fail(summary),
        };
        return finding.advice(format!("make one that is not active yet: {STEP}"));
    }
    let blocked = |one: &&&PipelineSchedule| one.owner_state.as_deref() == Some("blocked");
    if let Some(one) = ours.iter().find(blocked) {
        let owner = one.owner.as_deref().unwrap_or_default();
        return Finding::fail(format!("the owner of the schedule, @{owner}, is blocked"))
            .advice("let somebody who may run pipelines take it over");
    }
    let active: Vec<_> = ours.iter().filter(|one| one.active).collect();
    let named = some(active.iter().map(|one| format!("`{}`", one.description)));
    match (phase, active.as_slice()) {
        (Phase::Prepare, _) => Finding::pass("there is a pipeline schedule"),
        (Phase::Go, []) => Finding::pass("the pipeline schedule is there, and off"),
        (Phase::Go, _) => Finding::warn(format!("a pipeline schedule is active: {named}")).advice(
            "if it runs sapm apply, it may have run already: switch it off until the gate is green",
        ),
        (Phase::After, []) => {
            Finding::fail("no pipeline schedule is active").advice("switch the schedule on")
        }
        (Phase::After, active) => {
            let failed = |one: &&&&PipelineSchedule| one.last_status.as_deref() == Some("failed");
            match active.iter().find(failed) {
                Some(one) => {
                    Finding::fail(format!("the last pipeline of `{}` failed", one.description))
                        .advice("look at its job sapm-apply")
                }
                None => Finding::pass(
                    "the pipeline schedule is active, and its last pipeline did not fail",
                ),
            }
        }
    }
}

/// Waiting jobs should give way to the newest.
fn mode_doubt(mode: Option<&str>) -> Option<Finding> {
    let mode = mode?;
    (!NEWEST.contains(&mode)).then(|| {
        Finding::warn(format!("the resource group sapm-1 lets waiting jobs go in the order {mode}"))
            .advice("set its process_mode to newest_ready_first: docs/set-up.md, Settings")
    })
}
