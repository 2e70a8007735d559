//! A preflight as Markdown, with the announcement to copy.

use std::fmt::Write as _;

use super::model::{CheckOutcome, PreflightReport};
use super::shown::{
    LISTED, about, advice_words, age, counts, outcome_word, relations, state_of, verdict_word, whom,
};
use crate::domain::printable;
use crate::report::markdown::cell;
use crate::report::text::utc;

/// Verdict, checks, open merge requests of the old promoter, announcement.
pub fn preflight_markdown(report: &PreflightReport) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# Cut-over from {}: {}\n", whom(report), verdict_word(report.verdict));
    let _ = writeln!(
        out,
        "{} {}, {}.\n",
        cell(&about(report)),
        utc(report.observed_at),
        counts(report)
    );
    let _ = writeln!(out, "| check | outcome | finding | what to do |\n| --- | --- | --- | --- |");
    for check in &report.checks {
        let mut finding = cell(&check.summary);
        if let Some(reason) = &check.accepted_reason {
            let _ = write!(finding, " accepted: {}", cell(reason));
        }
        let _ = writeln!(
            out,
            "| `{}` | {} | {finding} | {} |",
            check.id,
            outcome_word(check.outcome),
            cell(check.advice.as_deref().unwrap_or_default())
        );
    }
    write_old_merge_requests(&mut out, report);
    write_problems(&mut out, report);
    write_announcement(&mut out, report);
    out
}

fn write_old_merge_requests(out: &mut String, report: &PreflightReport) {
    if report.old_requests.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## Open merge requests of the old promoter\n");
    let _ = writeln!(out, "| merge request | whose | title | age | state | targets | what to do |");
    let _ = writeln!(out, "| --- | --- | --- | --- | --- | --- | --- |");
    for old in report.old_requests.iter().take(LISTED) {
        // An address that cannot end its brackets; the text is no reference of GitLab's, so nobody is notified.
        let url = printable(&old.url).replace(['<', '>', ' ', '|'], "");
        let _ = writeln!(
            out,
            "| [`!{}`](<{url}>) | {} | {} | {} | {} | {} | {} |",
            old.iid.number(),
            old.kind.name(),
            cell(&old.title),
            age(old.created_at, report.observed_at),
            cell(&state_of(old)),
            relations(old),
            cell(&advice_words(old)),
        );
    }
    if report.old_requests.len() > LISTED {
        let more = report.old_requests.len() - LISTED;
        let _ = writeln!(out, "\nAnd {more} more: see `preflight.json`.");
    }
}

fn write_problems(out: &mut String, report: &PreflightReport) {
    let errors: Vec<_> = report.problems.iter().filter(|problem| problem.is_error()).collect();
    if errors.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## Problems of the plan\n");
    for problem in errors {
        let _ = writeln!(out, "* {}", cell(&problem.message));
    }
}

/// What tenants have to know, to copy.
fn write_announcement(out: &mut String, report: &PreflightReport) {
    let _ = writeln!(out, "\n## Announcement\n");
    let _ = writeln!(
        out,
        "Promotions of this config repo move to a new promoter. Its merge requests have one promotion each, \
         titles that begin with `[AutoPromoterV2]`, and branches that begin with `auto-promoter-v2/`. While the old \
         promoter is switched off and its merge requests end, no new promotion is opened. None is lost: the new \
         promoter works out from the deployments what is missing, and opens it in its first runs."
    );
    if let Some(run) = &report.first_run
        && run.create > 0
    {
        let window = run.drain_seconds.map(|seconds| {
            format!(" The queue needs about {:.1} hours for them.", seconds as f64 / 3600.0)
        });
        let noun = if run.create == 1 { "merge request" } else { "merge requests" };
        let _ = writeln!(
            out,
            "\nThe first runs open {} {noun}.{}",
            run.create,
            window.unwrap_or_default()
        );
    }
    if report.count(CheckOutcome::Fail) == 0 && report.differences.is_empty() {
        return;
    }
    if report.differences.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nWhat changes for these targets:\n");
    let _ = writeln!(out, "| app | difference | targets |\n| --- | --- | --- |");
    for difference in &report.differences {
        let targets: Vec<String> = difference.targets.iter().map(|target| cell(target)).collect();
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            cell(&difference.app),
            difference_words(difference.code),
            targets.join(" ")
        );
    }
}

fn difference_words(code: &str) -> &'static str {
    match code {
        "twin_rewritten" => {
            "Each target moves by its own gates. So far targets of one file, namespace and channels moved together."
        }
        "hash_skips_gates" => {
            "Changed config hashes wait for soak time, schedule, SLOs and blocked versions like commits do."
        }
        "blocked_spelling" => "Blocked versions count however the repository's address is spelled.",
        _ => "Decided otherwise on purpose.",
    }
}
