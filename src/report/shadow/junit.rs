//! A comparison for GitLab's test report: a case for each unexplained move, and one for the day.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::model::{DayVerdict, ShadowReport};
use super::text::{day_line, detail_lines};
use crate::domain::{printable, short_ref};

/// Unexplained moves, and facts that differ, as failures.
pub fn shadow_junit(report: &ShadowReport) -> String {
    let mut junit = Report::new("sapm shadow");
    let mut suite = TestSuite::new("shadow");
    if let Some(day) = report.days.last() {
        let mut status = match day.verdict {
            DayVerdict::Green | DayVerdict::Quiet => TestCaseStatus::success(),
            DayVerdict::Incomplete => TestCaseStatus::skipped(),
            DayVerdict::Red => TestCaseStatus::non_success(NonSuccessKind::Failure),
        };
        if !matches!(day.verdict, DayVerdict::Green | DayVerdict::Quiet) {
            status.set_message(printable(&day_line(day)));
        }
        suite.add_test_case(TestCase::new("day", status));
    }
    let failure = |name: String, message: String| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(printable(&message));
        let mut case = TestCase::new(printable(&name), status);
        case.set_classname("shadow");
        case
    };
    for one in report.unexplained() {
        let name = format!("{}: {} to {}", one.class.words(), one.label, short_ref(&one.git_ref));
        suite.add_test_case(failure(name, detail_lines(one).join("; ")));
    }
    for fact in &report.facts {
        let message = format!("theirs {}, ours {}", fact.theirs, fact.ours);
        suite.add_test_case(failure(format!("facts differ: {}", fact.publisher), message));
    }
    junit.add_test_suite(suite);
    junit.to_string().unwrap_or_default()
}
