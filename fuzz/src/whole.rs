//! From the files of a config repo to the reports.
//!
//! The input is a bundle of files: a line `=== PATH` before each, and the snapshot as a file without a path.

use std::collections::BTreeMap;

use sapm::clients::git::GitMerge;
use sapm::plan::Settings;
use sapm::report::{self, PlanReport};
use sapm::run::{self, ConfigRepo, Options, ReadOptions};
use sapm::snapshot::Snapshot;
use sapm::validate::validate;
use yaml11::{Limits, Tree};

/// Precedes each file of an input.
pub(crate) const MARK: &str = "=== ";

fn files(text: &str) -> BTreeMap<&str, &str> {
    let mut files = BTreeMap::new();
    for part in text.split(MARK).skip(1) {
        let (path, text) = part.split_once('\n').unwrap_or((part, ""));
        files.insert(path, text);
    }
    files
}

pub(crate) fn run_whole(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut files = files(text);
    let facts =
        files.remove("").unwrap_or(r#"{"version": 1, "observed_at": "2026-08-20T10:15:30Z"}"#);
    let Ok(snapshot) = Snapshot::from_json(facts.as_bytes()) else { return };
    let read = ReadOptions { texts: true, ..ReadOptions::default() };
    let Ok(repo) = ConfigRepo::read(&files, &read) else { return };
    let findings = validate(&repo.bundle, &repo.inventory, snapshot.observed_at);
    let settings = Settings {
        target_branch: "main".to_owned(),
        labels: ["bot".to_owned()].into(),
        max_new_merge_requests: 5,
        ..Settings::default()
    };
    let options = Options::offline(settings);
    let planned = run::replay(&options, &GitMerge, &repo, &snapshot);
    for file in planned.plan.merge_requests.iter().flat_map(|request| &request.files) {
        let limits = Limits { bytes: usize::MAX, depth: 1_000, nodes: u64::MAX };
        let read = Tree::parse(file.content.as_bytes(), &limits);
        assert!(read.is_ok(), "{} would not be readable: {:?}", file.path, read.err());
        assert!(!file.diff.is_empty());
    }
    let report = planned.report(&options, &repo, &snapshot, None);
    render(&report);
    let positions = findings.problems.iter().filter_map(|problem| problem.line);
    assert!(positions.into_iter().all(|line| line > 0), "lines count from 1");
}

/// Checks that every form of the report is well-formed.
fn render(report: &PlanReport) {
    let json = report.to_json();
    let read: Result<serde_json::Value, _> = serde_json::from_str(&json);
    assert!(read.is_ok(), "plan.json is no JSON: {read:?}");
    assert!(!report::markdown(report).is_empty());
    let _ = (report::junit(report), report::page(report), report::dotenv(report, None, 0));
}
