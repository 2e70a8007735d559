//! JUnit for GitLab's test report: a case per target, failed if the target is in error, and a failed case per error.
//! Promotions that people keep from being opened are skipped cases.
//!
//! As in the report of `validate`, names contain no line number.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::findings::place;
use super::model::PlanReport;
use crate::decide::Outcome;
use crate::domain::{Problem, RepoPath, printable};

/// Problems and failures as a JUnit document.
pub fn junit(report: &PlanReport) -> String {
    let mut junit = Report::new("saas-auto-promotions-manager");
    let mut targets = TestSuite::new("targets");
    for subscriber in &report.subscribers {
        let mut status = TestCaseStatus::success();
        if subscriber.decision == Outcome::Error {
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(printable(&subscriber.reason()));
        }
        let mut case = TestCase::new(printable(&subscriber.target.label()), status);
        case.set_classname(printable(&subscriber.target.app));
        targets.add_test_case(case);
    }
    junit.add_test_suite(targets);
    let mut problems = TestSuite::new("problems");
    let shown = |problem: &&Problem| problem.is_error() || problem.code.suppresses_promotion();
    for problem in report.problems.iter().filter(shown) {
        let mut status = if problem.is_error() {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        } else {
            TestCaseStatus::skipped()
        };
        let file = problem.file.as_deref();
        let at = file.map(|file| place(file, problem.line, problem.column) + ": ");
        status.set_message(printable(&(at.unwrap_or_default() + &problem.message)));
        let named = file.map(|file| RepoPath::of_datafile(file).to_string()).unwrap_or_default();
        let path = problem.path.as_deref().unwrap_or_default();
        let name = printable(&format!("{}: {named} {path}", problem.code));
        let mut case = TestCase::new(name, status);
        case.set_classname("problems");
        problems.add_test_case(case);
    }
    junit.add_test_suite(problems);
    junit.to_string().unwrap_or_default()
}
