//! Gate 6: the commit is not blocked by the app's code component for this repository.

use super::{Context, Evidence, Gate, GateResult};
use crate::domain::CommitSha;
use crate::inventory::Target;

pub(in crate::decide) fn evaluate(context: &Context<'_>) -> GateResult {
    let Some(commit) = context.candidate else {
        return GateResult::not_applicable(
            Gate::BlockedVersion,
            "there is no single commit to promote",
            Evidence::Nothing {},
        );
    };
    if is_blocked(context.subscriber, commit) {
        let reason = format!(
            "{} is in blockedVersions of app {} for {}",
            commit.short(),
            context.subscriber.app.name,
            context.subscriber.repo_url
        );
        GateResult::blocked(Gate::BlockedVersion, reason, Evidence::Nothing {})
    } else {
        GateResult::pass(
            Gate::BlockedVersion,
            format!("{} is not blocked", commit.short()),
            Evidence::Nothing {},
        )
    }
}

/// Is a commit blocked for a target? All code components with the target's URL count.
pub(crate) fn is_blocked(target: &Target, commit: &CommitSha) -> bool {
    target
        .app
        .code_components
        .iter()
        .filter(|component| component.url.is_same(&target.repo_url))
        .any(|component| {
            component.blocked_versions.iter().any(|version| version == commit.as_str())
        })
}
