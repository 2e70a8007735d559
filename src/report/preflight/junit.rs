//! A preflight for GitLab's test report: a case for each check.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::model::{Check, CheckOutcome, PreflightReport};
use super::shown::outcome_word;
use crate::domain::printable;

/// Failed checks are failures; warnings, and what is not known, are skipped with a text.
pub fn preflight_junit(report: &PreflightReport) -> String {
    let mut junit = Report::new("sapm preflight");
    let mut checks = TestSuite::new("preflight");
    for check in &report.checks {
        let mut status = match check.outcome {
            CheckOutcome::Pass => TestCaseStatus::success(),
            CheckOutcome::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
            _ => TestCaseStatus::skipped(),
        };
        if check.outcome != CheckOutcome::Pass {
            status.set_message(printable(&message(check)));
        }
        let mut case = TestCase::new(check.id, status);
        case.set_classname("preflight");
        checks.add_test_case(case);
    }
    let mut problems = TestSuite::new("problems");
    for problem in report.problems.iter().filter(|problem| problem.is_error()) {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(printable(&problem.message));
        problems.add_test_case(TestCase::new(problem.code.as_str(), status));
    }
    junit.add_test_suite(checks);
    if report.checks.is_empty() {
        junit.add_test_suite(problems);
    }
    junit.to_string().unwrap_or_default()
}

fn message(check: &Check) -> String {
    let advice = check.advice.as_ref().map(|advice| format!("; what to do: {advice}"));
    let reason = check.accepted_reason.as_ref().map(|reason| format!("; accepted: {reason}"));
    format!(
        "{}: {}{}{}",
        outcome_word(check.outcome),
        check.summary,
        reason.unwrap_or_default(),
        advice.unwrap_or_default()
    )
}
