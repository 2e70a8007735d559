//! `sapm validate`: what is wrong in the config repo, without asking anybody.

use std::collections::BTreeMap;

use chrono::{SubsecRound, Utc};

use super::args::{Format, ValidateArgs};
use super::config::{Environment, Source};
use super::exit::{Exit, Fatal};
use super::job::gitlab_access;
use super::output::print;
use super::pipeline::Mode;
use super::source::{Opening, load_config_repo};
use crate::decide::decide;
use crate::domain::{Problem, UidDigest};
use crate::report::{Paint, PlanReport, code_quality, junit, markdown, problems_of, terminal};
use crate::snapshot::Snapshot;

/// Problems that only say that nobody was asked.
const OF_FACTS: [&str; 3] = ["commit_lookup_failed", "slo_lookup_failed", "record_lookup_failed"];

/// Reads the config repo and prints its problems.
///
/// # Errors
/// When the config repo cannot be read at all.
pub fn run(args: &ValidateArgs, environment: &BTreeMap<String, String>) -> Result<Exit, Fatal> {
    let variables = Environment(environment);
    let source = Source::resolve(&args.source, &variables)?;
    let loaded = load_config_repo(&Opening {
        source,
        branch: args.source.target_branch.clone().filter(|branch| !branch.is_empty()),
        gitlab: gitlab_access(&variables),
        other: None,
        mode: Mode::Plan,
        digest: UidDigest::default(),
    })?;
    let now = Utc::now().trunc_subsecs(0);
    let decisions = decide(&loaded.inventory, &Snapshot::new(now), &|_| true);
    let mut problems = problems_of(
        &loaded.bundle,
        &loaded.inventory,
        &decisions,
        &crate::plan::Plan::default(),
        None,
    );
    problems.retain(|problem| !OF_FACTS.contains(&problem.code.as_str()));
    let failed = problems.iter().any(Problem::is_error);
    let report = PlanReport::of_problems(now, problems);
    print(&match args.output.format {
        Format::Json => report.to_json(),
        Format::Markdown => markdown(&report),
        Format::Text => terminal(&report, Paint::Plain),
    })?;
    if let Some(folder) = args.output.report_dir.as_ref().filter(|dir| !dir.as_os_str().is_empty())
    {
        let write = |name: &str, text: String| {
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(folder.join(name), text))
                .map_err(|error| {
                    Fatal::new(
                        Exit::Internal,
                        format!("cannot write {name} to {}: {error}", folder.display()),
                    )
                })
        };
        write("gl-code-quality-report.json", code_quality(&report))?;
        write("junit.xml", junit(&report))?;
    }
    Ok(if failed { Exit::DoneWithProblems } else { Exit::Done })
}
