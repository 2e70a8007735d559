//! The report of a run, and the state export that follows from it.

use std::collections::BTreeSet;

use super::{ConfigRepo, Options, Planned};
use crate::apply::Outcomes;
use crate::domain::{Problem, ProblemCode};
use crate::ports::{Progress, StateStore, waiting_for};
use crate::report::{EXPORT_KEY, PlanReport, problems_of, publisher_data};
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

/// Writes the state export if its bytes differ from those that are there.
pub async fn export(
    state: &dyn StateStore,
    progress: &dyn Progress,
    there: Option<Vec<u8>>,
    report: &mut PlanReport,
) {
    let bytes = publisher_data(report).into_bytes();
    if there.as_ref() == Some(&bytes) {
        return;
    }
    let written =
        waiting_for(progress, "writing the state export", state.put(EXPORT_KEY, bytes)).await;
    if let Err(error) = written {
        let message = format!("the state export could not be written: {error}");
        report.problems.push(
            Problem::new(ProblemCode::ExportFailed, message)
                .at(EXPORT_KEY)
                .help("check that the bucket may be written to; the next run writes it again"),
        );
    }
}
