//! From what was seen to the answer: all checks, and the verdict that follows from them.

use std::collections::BTreeSet;

use super::checks::{CHECKS, Facts, differences, first_run, old_users};
use super::context::Context;
use super::observation::Observation;
use super::surroundings::Surroundings;
use crate::old_promoter::OldKind;
use crate::report::{Check, CheckOutcome, OldPromoter, PreflightReport, Verdict};

/// Judges. Nothing is looked up.
pub fn assess(context: &Context<'_>, around: &Surroundings, seen: &Observation) -> PreflightReport {
    let facts = Facts::new(context, around, seen);
    let checks: Vec<Check> = CHECKS
        .iter()
        .map(|spec| {
            let finding = (spec.check)(&facts);
            accept(context, finding.into_check(spec))
        })
        .collect();
    let repo = context.snapshot.config_repo.as_ref();
    let problems = context.report.problems.clone();
    let mut report = PreflightReport::of_problems(seen.at, context.options.phase, problems);
    report.verdict = verdict(&checks, context.options.strict);
    report.project = repo.map(|repo| repo.project_path.clone());
    report.commit = repo.map(|repo| repo.base_commit.clone());
    report.narrowed_to = context.settings.filter.named();
    report.old = OldPromoter { kinds: kinds(context, seen), users: old_users(&facts) };
    report.old_requests = seen.old_merge_requests.clone();
    report.first_run = Some(first_run(&facts));
    report.differences = differences(context);
    report.checks = checks;
    report
}

/// The promoters of which anything was found.
fn kinds(context: &Context<'_>, seen: &Observation) -> BTreeSet<OldKind> {
    let open = seen.old_merge_requests.iter().map(|old| old.kind);
    let closed = seen.closed_old(context).map(|(_, kind)| kind);
    let branches = seen.branches.iter().flatten();
    let by_branch = branches.filter_map(|(name, _)| context.options.shapes.kind_of_branch(name));
    let export = seen.export.as_ref().is_ok_and(|export| export.modified_at.is_some());
    let sapm = (export && context.options.shapes.has(OldKind::Sapm)).then_some(OldKind::Sapm);
    let named = open.chain(closed).chain(by_branch).filter(|kind| *kind != OldKind::Other);
    named.chain(sapm).collect()
}

/// A person takes on what fails or is not known.
fn accept(context: &Context<'_>, mut check: Check) -> Check {
    let reason = context.options.accept.get(check.id);
    let is_open = matches!(check.outcome, CheckOutcome::Fail | CheckOutcome::NotKnown);
    if let Some(reason) = reason.filter(|_| is_open) {
        check.outcome = CheckOutcome::Accepted;
        check.accepted_reason = Some(reason.clone());
    }
    check
}

fn verdict(checks: &[Check], strict: bool) -> Verdict {
    let has = |outcome| checks.iter().any(|check| check.outcome == outcome);
    if has(CheckOutcome::Fail) || (strict && has(CheckOutcome::Warn)) {
        Verdict::NoGo
    } else if has(CheckOutcome::NotKnown) {
        Verdict::NotKnown
    } else {
        Verdict::Go
    }
}
