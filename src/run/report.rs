//! The report of a run, and the state export that follows from it.

use std::collections::BTreeSet;

use super::{ConfigRepo, Options, Planned};
use crate::apply::Outcomes;
use crate::domain::{Problem, ProblemCode};
use crate::inventory::Inventory;
use crate::ports::{Progress, StateError, StateStore, StoredObject, Updated, update, waiting_for};
use crate::report::{EXPORT_KEY, PlanReport, add_publisher_data, problems_of, publisher_data};
use crate::snapshot::Snapshot;

impl Planned {
    /// The public form of what the run found and, if it was applied, did.
    pub fn report(
        &self,
        options: &Options,
        ConfigRepo { bundle, inventory }: &ConfigRepo,
        snapshot: &Snapshot,
        outcomes: Option<&Outcomes>,
    ) -> PlanReport {
        let Self { scope, decisions, plan } = self;
        let mut problems = problems_of(bundle, inventory, decisions, plan, outcomes);
        let of_config_repo: BTreeSet<&Problem> =
            bundle.problems.iter().chain(&inventory.problems).collect();
        problems
            .retain(|problem| scope.reports_problem(problem) || !of_config_repo.contains(problem));
        for problem in &mut problems {
            bundle.locate(problem);
            problem.help_as_usual();
        }
        Problem::put_in_order(&mut problems);
        let mut report =
            PlanReport::new(inventory, snapshot, decisions, plan, outcomes, scope, problems);
        report.pipeline_url.clone_from(&options.settings.pipeline_url);
        report.settings = Some((&options.settings).into());
        report
    }
}

/// How often a node of several starts again from what another one exported in between. Each node exports once in a run,
/// so this takes as many at the same moment.
const MAX_CONFLICTS: usize = 50;

/// Writes the state export if its bytes differ from those that are there.
pub async fn export(
    state: &dyn StateStore,
    progress: &dyn Progress,
    there: Option<Vec<u8>>,
    inventory: &Inventory,
    report: &mut PlanReport,
) {
    let stage = "writing the state export";
    let written = match report.share {
        None => {
            let bytes = publisher_data(report).into_bytes();
            if there.as_ref() == Some(&bytes) {
                return;
            }
            waiting_for(progress, stage, state.put(EXPORT_KEY, bytes)).await
        }
        Some(share) => {
            let add =
                |there: &[u8]| add_publisher_data(report, share, inventory, there).into_bytes();
            if there.is_some_and(|there| add(&there) == there) {
                return;
            }
            waiting_for(progress, stage, add_to_export(state, &add)).await
        }
    };
    if let Err(error) = written {
        let message = format!("the state export could not be written: {error}");
        report.problems.push(
            Problem::new(ProblemCode::ExportFailed, message)
                .at(EXPORT_KEY)
                .help("check that the bucket may be written to; the next run writes it again"),
        );
    }
}

/// Adds a node's part to the export. Other nodes may do so at the same moment: whoever comes second starts from what the
/// first one wrote.
async fn add_to_export(
    state: &dyn StateStore,
    add: &(dyn Fn(&[u8]) -> Vec<u8> + Sync),
) -> Result<(), StateError> {
    let follow = |old: Option<&StoredObject>| {
        let there = old.map_or(&[][..], |old| &old.bytes);
        let bytes = add(there);
        (bytes != there).then_some(bytes)
    };
    let old = state.get_to_replace(EXPORT_KEY).await?;
    match update(state, EXPORT_KEY, old, MAX_CONFLICTS, follow).await? {
        Updated::Written(_) | Updated::Unchanged => Ok(()),
        Updated::Contended => Err(StateError::Key(
            "another job changed it each time before it could be written".to_owned(),
        )),
    }
}
