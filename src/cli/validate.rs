//! `sapm validate`: reports errors in the config repo without lookups.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::Utc;

use super::args::ValidateArgs;
use super::config::Environment;
use super::exit::{Exit, Fatal};
use super::job::{forges, gitlab_access};
use super::logging::{Sink, colours};
use super::network::plain_client;
use super::output::{check_folder, print, write_files};
use super::pipeline::Mode;
use super::shared_args::Format;
use super::source::{Opening, Source, load_config_repo};
use crate::report::{
    FindingsReport, Paint, code_quality, findings_junit, findings_markdown, findings_text,
};
use crate::run::ReadOptions;
use crate::validate::validate;

/// Reads the config repo and prints its problems.
///
/// # Errors
/// When the config repo cannot be read at all.
pub fn run(args: &ValidateArgs, environment: &BTreeMap<String, String>) -> Result<Exit, Fatal> {
    let variables = Environment(environment);
    check_folder(args.output.report_dir.as_deref())?;
    let source = Source::resolve(&args.source, &variables)?;
    let repo = load_config_repo(&Opening {
        source,
        branch: args.source.target_branch.clone().filter(|branch| !branch.is_empty()),
        cache_dir: args.source.cache_dir(),
        gitlab: gitlab_access(&variables),
        other: None,
        mode: Mode::Plan,
        read: ReadOptions { forges: forges(&variables), texts: true, ..ReadOptions::default() },
        http: plain_client(&variables)?,
        keep: None,
    })?
    .repo;
    let findings = validate(&repo.bundle, &repo.inventory, Utc::now());
    let report = FindingsReport::new(findings, repo.bundle.counts);
    let colours = colours(environment, Sink::detect(&std::io::stdout()));
    let paint = if colours { Paint::Colours } else { Paint::Plain };
    print(&match args.output.format {
        Format::Json => report.to_json(),
        Format::Markdown => findings_markdown(&report),
        Format::Text => findings_text(&report, paint),
    })?;
    if let Some(folder) = args.output.report_dir.as_deref().filter(|dir| *dir != Path::new("")) {
        let files: [(&str, &dyn Fn() -> String); 3] = [
            ("validate.json", &|| report.to_json()),
            ("junit.xml", &|| findings_junit(&report)),
            ("gl-code-quality-report.json", &|| code_quality(&report.problems)),
        ];
        write_files(folder, &files)?;
    }
    Ok(if report.errors > 0 { Exit::DoneWithProblems } else { Exit::Done })
}
