//! JUnit for GitLab's test report: a failed case for each error, a skipped one for each warning.
//!
//! GitLab identifies failures by the name of the case, so the name contains no line number. The
//! source location is in the attribute `file`, which GitLab links, and in the text. A case that always
//! passes keeps the report from being empty.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::text::problem_text;
use super::{FindingsReport, place};
use crate::domain::{RepoPath, printable};
use crate::report::Paint;

/// The problems as a JUnit document.
pub fn findings_junit(report: &FindingsReport) -> String {
    let mut suite = TestSuite::new("sapm validate");
    let mut read = TestCase::new("the config repo can be read", TestCaseStatus::success());
    read.set_classname("validate");
    suite.add_test_case(read);
    for problem in &report.problems {
        let mut status = if problem.is_error() {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        } else {
            TestCaseStatus::skipped()
        };
        status.set_type(problem.code.as_str());
        let file = problem.file.as_deref();
        let at =
            file.map(|file| place(file, problem.line, problem.column) + ": ").unwrap_or_default();
        status.set_message(printable(&format!("{at}{}", problem.message)));
        let excerpt = problem_text(problem, &report.lines, Paint::Plain);
        status.set_description(excerpt);
        let named =
            file.map(|file| format!("{}: ", RepoPath::of_datafile(file))).unwrap_or_default();
        let name = printable(&format!("{named}{}", problem.message));
        let mut case = TestCase::new(name, status);
        case.set_classname(problem.code.as_str());
        if let Some(file) = file {
            case.extra
                .insert("file".into(), printable(RepoPath::of_datafile(file).as_str()).into());
        }
        suite.add_test_case(case);
    }
    let mut junit = Report::new("saas-auto-promotions-manager");
    junit.add_test_suite(suite);
    junit.to_string().unwrap_or_default()
}
