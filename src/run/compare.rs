//! What a change of the config repo does to the decisions: the same facts, decided on before and after it.

use std::collections::BTreeMap;

use super::plan::{decide_on, slo_queries};
use super::{ConfigRepo, Options, Planned, RunError, Services, state_failed};
use crate::domain::CommitSha;
use crate::plan::{Plan, Scope};
use crate::report::{DifferenceReport, PlanReport, problems_of};
use crate::snapshot::Snapshot;

/// The config repo before a change.
pub struct Base {
    /// As it was named: a branch, a tag or a commit.
    pub name: String,
    /// The commit that this is.
    pub commit: CommitSha,
    /// Its datafiles and targets.
    pub repo: ConfigRepo,
}

impl Base {
    /// The difference, with the recorded facts of both.
    pub fn compare_offline(
        &self,
        (repo, planned): (&ConfigRepo, &Planned),
        snapshot: &Snapshot,
    ) -> DifferenceReport {
        self.difference((repo, planned), snapshot, snapshot)
    }

    /// Looks up what only the state before depends on, and returns the difference. Services that remember
    /// ([`crate::observe::Memory`]) are not asked twice. The snapshot gets the facts of both, so that it can be
    /// replayed; where they contradict each other, those after the change.
    ///
    /// # Errors
    /// When the state fails as a whole.
    pub async fn compare(
        &self,
        options: &Options,
        services: &Services<'_>,
        (repo, planned): (&ConfigRepo, &Planned),
        snapshot: &mut Snapshot,
    ) -> Result<DifferenceReport, RunError> {
        let inventory = &self.repo.inventory;
        let mut facts = snapshot.clone();
        let scope = Scope::new(planned.scope.filter(), inventory, &facts);
        let observer = services.observer(options, scope.publishers());
        let observed = observer.commits_and_records(inventory, &mut facts).await;
        observed.map_err(|error| state_failed(&error))?;
        let queries = slo_queries(&scope, &self.repo, &facts);
        observer.slo_values(&queries, &mut facts).await;
        let difference = self.difference((repo, planned), snapshot, &facts);
        complete(&mut snapshot.commits, facts.commits);
        complete(&mut snapshot.deployment_records, facts.deployment_records);
        complete(&mut snapshot.deployment_record_errors, facts.deployment_record_errors);
        complete(&mut snapshot.slo_values, facts.slo_values);
        Ok(difference)
    }

    fn difference(
        &self,
        (repo, planned): (&ConfigRepo, &Planned),
        snapshot: &Snapshot,
        facts_before: &Snapshot,
    ) -> DifferenceReport {
        let scope = Scope::new(planned.scope.filter(), &self.repo.inventory, facts_before);
        let before = decisions_on(&self.repo, &scope, facts_before);
        let after = decisions_on(repo, &planned.scope, snapshot);
        DifferenceReport::new(&before, &after, self.name.clone(), self.commit.clone())
    }
}

/// Adds the entries that are missing.
fn complete<V>(known: &mut BTreeMap<String, V>, more: BTreeMap<String, V>) {
    for (key, value) in more {
        known.entry(key).or_insert(value);
    }
}

/// The decisions on a config repo as a report, without merge requests.
fn decisions_on(repo: &ConfigRepo, scope: &Scope, snapshot: &Snapshot) -> PlanReport {
    let ConfigRepo { bundle, inventory } = repo;
    let decisions = decide_on(scope, repo, snapshot);
    let plan = Plan::default();
    let problems = problems_of(bundle, inventory, &decisions, &plan, None);
    PlanReport::new(inventory, snapshot, &decisions, &plan, None, scope, problems)
}
