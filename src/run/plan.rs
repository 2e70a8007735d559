//! Deciding and planning, with as many lookups as planning asks for.

use super::{ConfigRepo, Options, Planned, RunError, Services};
use crate::decide::{self, Decisions, SloQuery, decide_part};
use crate::inventory::Target;
use crate::observe::{FollowUps, Limits};
use crate::plan::{self, DesiredStates, MergeTexts, MissingFacts, Plan, Scope, Settings};
use crate::ports::waiting_for;
use crate::snapshot::Snapshot;

/// Planning asks for facts and is done again: this often at most, so that no
/// answer of a service can keep it from ending.
pub(super) const MAX_ROUNDS: usize = 50;

/// The SLO values that it takes to decide on everybody in scope.
pub(super) fn slo_queries(scope: &Scope, repo: &ConfigRepo, snapshot: &Snapshot) -> Vec<SloQuery> {
    let wanted = |target: &Target| !target.slos.is_empty() && scope.decides(target);
    decide::slo_queries(&repo.inventory, snapshot, &wanted)
}

/// Decides on everybody in scope.
pub fn decide_on(scope: &Scope, repo: &ConfigRepo, snapshot: &Snapshot) -> Decisions {
    let wanted = |target: &Target| scope.decides(target);
    let reported = |publisher| scope.reports(publisher);
    decide_part(&repo.inventory, snapshot, &repo.bundle, &wanted, &reported)
}

/// Plans once, taking facts that are missing as if there was nothing.
pub(super) fn plan(
    options: &Options,
    merger: &dyn MergeTexts,
    repo: &ConfigRepo,
    (scope, decisions): (&Scope, &Decisions),
    snapshot: &Snapshot,
) -> Plan {
    let desired_states = DesiredStates::of(&repo.inventory, &repo.bundle, decisions);
    plan_desired_states(options, merger, repo, (scope, decisions, &desired_states), snapshot).0
}

fn plan_desired_states(
    options: &Options,
    merger: &dyn MergeTexts,
    ConfigRepo { inventory, bundle }: &ConfigRepo,
    (scope, decisions, desired_states): (&Scope, &Decisions, &DesiredStates<'_>),
    snapshot: &Snapshot,
) -> (Plan, MissingFacts) {
    let settings = Settings { filter: scope.filter().clone(), ..options.settings.clone() };
    plan::plan(inventory, bundle, decisions, desired_states, snapshot, &settings, merger)
}

/// Decides and plans, looks up what planning missed, and plans again.
///
/// # Errors
/// When it does not come to an end.
pub(super) async fn decide_and_plan(
    options: &Options,
    services: &Services<'_>,
    repo: &ConfigRepo,
    scope: Scope,
    snapshot: &mut Snapshot,
) -> Result<Planned, RunError> {
    let decisions = decide_on(&scope, repo, snapshot);
    let desired_states = DesiredStates::of(&repo.inventory, &repo.bundle, &decisions);
    let plan = |snapshot: &Snapshot| {
        let desired = (&scope, &decisions, &desired_states);
        plan_desired_states(options, services.merger, repo, desired, snapshot)
    };
    let (mut planned, mut missing) = plan(snapshot);
    if let Some(forge) = &services.forge {
        let bots = forge.repo.bot_ids();
        let deadline = options.deadline.for_follow_ups();
        let reader = forge.reader.within(&deadline);
        let follow_ups = FollowUps {
            forge: &*reader,
            branches: forge.branches,
            commits: services.commits,
            bots: &bots,
            digest: options.digest,
            limits: Limits { concurrency: options.concurrency, deadline },
        };
        let mut rounds = 0;
        while !missing.is_empty() {
            if rounds == MAX_ROUNDS {
                // A plan on facts that are still missing is not to be applied.
                return Err(RunError::internal("planning did not come to an end"));
            }
            rounds += 1;
            let stage = if missing.comparisons.is_empty() && missing.people.is_empty() {
                "fetching earlier merge requests and branch contents from GitLab"
            } else {
                "comparing commits of the code, and looking up reviewers"
            };
            let fetched = follow_ups.fetch(&missing, snapshot);
            waiting_for(services.progress, stage, fetched).await;
            (planned, missing) = plan(snapshot);
        }
    }
    Ok(Planned { scope, decisions, plan: planned })
}
