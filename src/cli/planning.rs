//! Deciding and planning, with real merges by git and as many looks at GitLab as planning asks for.

use super::branches::BranchDoor;
use super::config::Config;
use super::doors::GitLabDoor;
use super::exit::{Exit, Fatal};
use super::progress::waiting_for;
use super::source::Loaded;
use crate::clients::git;
use crate::decide::{self, Decisions, SloQuery, decide_part};
use crate::inventory::Target;
use crate::observe::{Deadline, Limits, observe_needs};
use crate::plan::{self, Merge, MergeTexts, Plan, Scope, Settings, Wishes};
use crate::snapshot::Snapshot;

/// Planning asks for facts and is done again: this often at most, so that no
/// answer of a service can keep it from ending.
pub const ROUNDS: usize = 50;

/// The SLO values that it takes to decide on everybody in scope.
pub fn slo_queries(scope: &Scope, loaded: &Loaded, snapshot: &Snapshot) -> Vec<SloQuery> {
    let wanted = |target: &Target| !target.slos.is_empty() && scope.decides(target);
    decide::slo_queries(&loaded.inventory, snapshot, &wanted)
}

/// Decides on everybody in scope.
pub fn decide_on(scope: &Scope, loaded: &Loaded, snapshot: &Snapshot) -> Decisions {
    let Loaded { inventory, bundle, .. } = loaded;
    let wanted = |target: &Target| scope.decides(target);
    decide_part(inventory, snapshot, bundle, &wanted, &|publisher| scope.reports(publisher))
}

/// Plans on these decisions.
pub fn plan_for(
    config: &Config,
    scope: &Scope,
    loaded: &Loaded,
    snapshot: &Snapshot,
    decisions: &Decisions,
    wishes: &Wishes<'_>,
) -> Plan {
    let settings = Settings {
        target_branch: config.target_branch.clone().unwrap_or_else(|| "master".to_owned()),
        labels: config.labels.clone(),
        allow_opening: config.allow.0,
        allow_closing: config.allow.1,
        max_new_merge_requests: config.max_new,
        narrowing: scope.narrowing().clone(),
        pipeline_url: config.pipeline_url.clone(),
        gitlab_host: config.gitlab.as_ref().and_then(|gitlab| {
            let url = url::Url::parse(&gitlab.url).ok()?;
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            Some(format!("{}{port}", url.host_str()?))
        }),
    };
    let Loaded { inventory, bundle, .. } = loaded;
    plan::plan(inventory, bundle, decisions, wishes, snapshot, &settings, &GitMerge)
}

/// Plans, looks up what planning missed, and plans again.
///
/// # Errors
/// When it does not come to an end.
pub async fn plan_with_needs(
    config: &Config,
    scope: &Scope,
    loaded: &Loaded,
    (gitlab, deadline): (Option<(&GitLabDoor, &BranchDoor)>, &Deadline),
    snapshot: &mut Snapshot,
) -> Result<(Decisions, Plan), Fatal> {
    let decisions = decide_on(scope, loaded, snapshot);
    let wishes = Wishes::of(&loaded.inventory, &loaded.bundle, &decisions);
    let mut plan = plan_for(config, scope, loaded, snapshot, &decisions, &wishes);
    if let Some((gitlab, branches)) = gitlab {
        let whose = (gitlab.reader.bot().id, config.digest);
        let deadline = deadline.for_follow_ups();
        let reader = gitlab.reader.until(&deadline);
        let limits = Limits { concurrency: config.concurrency, deadline };
        for _ in 0..ROUNDS {
            if plan.needs.is_empty() {
                break;
            }
            let asked = observe_needs(&reader, branches, &plan.needs, whose, &limits, snapshot);
            waiting_for("asking GitLab for earlier merge requests and contents of branches", asked)
                .await;
            plan = plan_for(config, scope, loaded, snapshot, &decisions, &wishes);
        }
        if !plan.needs.is_empty() {
            // A plan on facts that are still missing is not to be applied.
            return Err(Fatal::new(Exit::Internal, "planning did not come to an end"));
        }
    }
    Ok((decisions, plan))
}

struct GitMerge;

impl MergeTexts for GitMerge {
    fn merge(&self, base: &str, ours: &str, theirs: &str) -> Merge {
        match git::merge_texts(base, ours, theirs) {
            Ok(git::Merge::Clean(text)) => Merge::Clean(text),
            Ok(git::Merge::Conflict) => Merge::Conflict,
            Err(error) => {
                // Nothing is let through that could not be tried.
                tracing::warn!("a merge could not be tried: {error}");
                Merge::Conflict
            }
        }
    }
}
