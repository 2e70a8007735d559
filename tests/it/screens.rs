//! The summary on terminals of all sizes, for a few targets and for thousands.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use sapm::decide::{Gate, Outcome, decide};
use sapm::domain::{MrIid, Problem, ProblemCode};
use sapm::plan::{Action, Plan, Scope};
use sapm::report::{Paint, PlanReport, Screen, summary};
use sapm::snapshot::Snapshot;

use crate::page::small::open_mr;
use crate::small_world::{Spec, at, commit, deploy, read};

/// Apps with this many targets each behind one stage: every fifth is up to date, the others are
/// due, or held by soak, schedule or a missing deployment.
fn report(apps: usize, targets: usize, name: &str) -> PlanReport {
    let spec = |app: usize, number: usize| Spec {
        namespace: format!("{name}-{app}-{number}"),
        git_ref: commit(if number % 5 == 4 { '2' } else { '1' }),
        subscribe: vec![format!("{}-{app}", if number % 5 == 3 { "other" } else { "stage" })],
        soak_days: if number % 5 == 1 { 30 } else { 0 },
        schedule: if number % 5 == 2 { "0 4 1 1 *".to_owned() } else { String::new() },
        ..Spec::default()
    };
    let stage = |app: usize, name: &str| Spec {
        namespace: format!("{name}-{app}"),
        git_ref: commit('2'),
        publish: vec![format!("{name}-{app}")],
        ..Spec::default()
    };
    let app = |app: usize| {
        let specs = [stage(app, "stage"), stage(app, "other")];
        let specs = specs.into_iter().chain((0..targets - app % 3).map(|n| spec(app, n)));
        (format!("app{app}"), specs.collect())
    };
    let (bundle, inventory) = read(&(0..apps).map(app).collect::<BTreeMap<_, _>>());
    let mut snapshot = Snapshot::new(at("2026-08-20T10:00:00Z"));
    for (index, target) in inventory.targets.indexed() {
        if target.promotion.publish.iter().any(|channel| channel.starts_with("stage")) {
            let time = snapshot.observed_at - TimeDelta::days(1);
            deploy(&inventory, &mut snapshot, index, time);
        }
    }
    let decisions = decide(&inventory, &snapshot, &bundle, &|_| true);
    let problems = decisions.problems.clone();
    let everything = Scope::default();
    PlanReport::new(
        &inventory,
        &snapshot,
        &decisions,
        &Plan::default(),
        None,
        &everything,
        problems,
    )
}

fn on(size: (usize, usize)) -> Screen {
    let rest = "full report: --report-dir DIR".to_owned();
    Screen { size: Some(size), rest, ..Screen::endless(Paint::Plain) }
}

#[test]
fn five_thousand_targets_fit_any_screen() {
    let report = report(50, 101, "ns");
    assert_eq!(report.subscribers.len(), 5001);
    for size in [(80, 24), (200, 60), (40, 20), (10, 15)] {
        let text = summary(&report, &on(size));
        assert!(text.lines().count() < size.1, "{size:?}: {} lines", text.lines().count());
        let listed = text.lines().take_while(|line| !line.starts_with("Summary"));
        for line in listed.filter(|line| line.starts_with("    ") && size.0 > 20) {
            assert!(line.chars().count() <= size.0, "{size:?}: {line}");
        }
    }
    insta::assert_snapshot!("narrow", summary(&report, &on((80, 24))));
    insta::assert_snapshot!("wide", summary(&report, &on((160, 50))));
}

/// Everything: seven gates, six actions, two severities.
fn crowded() -> PlanReport {
    let mut report = report(50, 101, "ns");
    let gates = Gate::ALL;
    let held = report.subscribers.iter_mut().filter(|subscriber| subscriber.held_by.is_some());
    for (subscriber, gate) in held.zip(gates.into_iter().cycle()) {
        subscriber.held_by = Some(gate);
    }
    report.subscribers[0].decision = Outcome::Error;
    report.subscribers[0].errors = vec!["the commit is not known".to_owned()];
    let actions =
        [Action::Create, Action::Update, Action::Hold, Action::Close, Action::Keep, Action::Defer];
    for (at, action) in actions.into_iter().cycle().take(60).enumerate() {
        let mut request = open_mr(Vec::new(), "2026-08-19T10:00:00Z");
        (request.action, request.iid) = (action, Some(MrIid(at as u64)));
        report.merge_requests.push(request);
    }
    for at in 0..30 {
        let message = format!("problem {at}");
        report.problems.push(match at % 2 {
            0 => Problem::new(ProblemCode::UnusableRecord, message),
            _ => Problem::new(ProblemCode::UnreadableCheckIn, message),
        });
    }
    report
}

#[test]
fn merge_requests_and_problems_fit_as_well() {
    let report = crowded();
    for size in [(80, 24), (120, 40), (200, 60), (40, 20), (20, 12), (10, 15)] {
        let text = summary(&report, &on(size));
        assert!(text.lines().count() < size.1, "{size:?}: {}\n{text}", text.lines().count());
        for line in text.lines() {
            assert!(line.chars().count() <= size.0, "{size:?}: {line}");
        }
    }
    insta::assert_snapshot!("crowded_80x24", summary(&report, &on((80, 24))));
    insta::assert_snapshot!("crowded_120x40", summary(&report, &on((120, 40))));
}

#[test]
fn a_few_targets_are_shown_in_full_where_there_is_room() {
    let report = report(1, 5, "ns");
    let endless = summary(&report, &Screen::endless(Paint::Plain));
    assert_eq!(summary(&report, &on((200, 40))), endless);
    assert!(!endless.contains("more") && !endless.contains('\u{1b}'));
}

#[test]
fn sections_fold_in_a_job_log() {
    let job = |group_lines| Screen {
        sections_at: Some(1_787_220_000),
        group_lines,
        rest: "full report: report/report.md".to_owned(),
        ..Screen::endless(Paint::Colours)
    };
    let visible = |text: String| text.replace('\u{1b}', "\\e").replace('\r', "\\r");
    insta::assert_snapshot!(visible(summary(&report(1, 5, "ns"), &job(200))), @r"
    \e[0Ksection_start:1787220000:sapm_targets\r\e[0K\e[1mTargets\e[0m (4)
      \e[32mpromote \e[0m saas-app0/api/prod01/ns-0-0 11111111 -> 22222222: every gate passes
      \e[33mhold    \e[0m saas-app0/api/prod01/ns-0-1 [soak]: soaked for 1.0 of 30 days; reached at 2026-09-18 10:00:00 UTC
      \e[33mhold    \e[0m saas-app0/api/prod01/ns-0-2 [schedule]: outside the schedule `0 4 1 1 *`; opens at 2027-01-01 04:00 UTC
      \e[33mhold    \e[0m saas-app0/api/prod01/ns-0-3 [deployment]: 22222222 is not deployed to saas-app0/api/prod01/other-0 yet (channel other-0)
    \e[0Ksection_end:1787220000:sapm_targets\r\e[0K
    \e[1mSummary\e[0m 5 targets: 1 promote, 3 hold, 0 error, 1 up to date
            merge requests: nothing to do; problems: 0 errors, 0 warnings
    ");
    let text = visible(summary(&report(50, 101, "ns"), &job(3)));
    insta::assert_snapshot!("job_log_of_many", text);
    let marks = |what: &str| text.matches(what).count();
    assert_eq!(marks("section_start:"), marks("section_end:"));
}

#[test]
fn names_cannot_inject_terminal_codes() {
    let name = "evil\u{1b}[31m\u{9b}2J\r\u{1b}[0Ksection_end:1:sapm_targets\r\u{202e}";
    let report = report(1, 5, name);
    assert!(report.subscribers.len() == 5, "the name is read: {:?}", report.problems);
    assert!(summary(&report, &Screen::endless(Paint::Plain)).contains("evil"));
    for screen in [Screen::endless(Paint::Plain), on((80, 10))] {
        let text = summary(&report, &screen);
        let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(bad), "{text:?}");
    }
}
