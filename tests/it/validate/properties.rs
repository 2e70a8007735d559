//! Properties: source locations are correct, every problem that stops a run is found, and size
//! is no obstacle.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use sapm::app_interface::{Bundle, DirectoryTree, load_with_texts};
use sapm::decide::{Decisions, EditChecker, decide, suppose_promoted};
use sapm::domain::{CommitSha, Problem, Severity, UidDigest};
use sapm::inventory::{Inventory, TargetIx, build};
use sapm::plan::branch::PREFIX;
use sapm::plan::branch_of;
use sapm::snapshot::Snapshot;
use sapm::validate::{Findings, validate};
use yaml11::{Kind, Limits, NodePath, Tree};

use super::repo::*;
use crate::small_world::AnyEdit;

fn loaded(folder: &Path) -> Option<(Bundle, Inventory)> {
    let bundle = load_with_texts(&DirectoryTree::new(folder)).ok()?;
    let inventory = build(&bundle, UidDigest::default());
    Some((bundle, inventory))
}

/// Checks that every location contains what its YAML path names, and that its line is kept unchanged.
#[track_caller]
fn assert_places(repo: &Repo, findings: &Findings) {
    for problem in &findings.problems {
        let Some(file) = &problem.file else { continue };
        let text = &repo.0[file.trim_start_matches('/')];
        let line = problem.line.unwrap_or_else(|| panic!("no line: {problem:?}"));
        let there = text.lines().nth(line as usize - 1).unwrap();
        assert_eq!(findings.lines[&(file.clone(), line)], there, "{problem:?}");
        if problem.code.as_str() == "unreadable_datafile" {
            continue;
        }
        let tree = Tree::parse(text.as_bytes(), &Limits::default()).unwrap();
        let path = NodePath::parse(problem.path.as_deref().unwrap()).unwrap();
        let node = tree.at_path(&path).unwrap_or_else(|| panic!("{path} is not there"));
        let position = node.position();
        assert_eq!((problem.line, problem.column), (Some(position.line), Some(position.column)));
        let marked: String = there
            .chars()
            .skip(position.column as usize - 1)
            .take((problem.end_column.unwrap() - position.column) as usize)
            .collect();
        let dash = node.kind() == Kind::Sequence && marked.starts_with('-');
        // A mapping whose last value is empty ends with its last key; the colon is not part of it.
        let whole = there.trim_end().trim_end_matches(':').ends_with(marked.trim_end_matches(':'));
        let marks_it = text[node.span()].starts_with(&marked) || (dash && whole);
        assert!(marks_it, "{marked:?} of {problem:?}");
        assert!(!marked.is_empty() || text[node.span()].trim().is_empty(), "{problem:?}");
    }
}

/// Replaces or removes a part of a file.
fn broken(seeds: &[(usize, usize, usize, &str)]) -> Repo {
    let mut repo = Repo::good();
    for (file, from, length, with) in seeds {
        let index = file % repo.0.len();
        let text = repo.0.values_mut().nth(index).unwrap();
        let characters: Vec<char> = text.chars().collect();
        let from = from % (characters.len() + 1);
        let to = (from + length).min(characters.len());
        let mut new: String = characters[..from].iter().collect();
        new.push_str(with);
        new.extend(&characters[to..]);
        *text = new;
    }
    repo
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn source_locations_are_correct(seeds in prop::collection::vec(
        (0_usize..10, 0_usize..2000, 0_usize..30, prop::sample::select(vec![
            "", " ", "x", "é", "\t", "''", "[", "- ", "ref: a b\n", "auto: maybe\n", "&a ", "*a",
            "  schedule: x\n", "\n", "{}", "/gone", "api-canary", "production", "# c\n",
        ])), 1..4))
    {
        let repo = broken(&seeds);
        assert_places(&repo, &repo.findings());
        // Rendering accepts everything, and is deterministic.
        let (once, twice) = (repo.report(), repo.report());
        prop_assert_eq!(once.to_json(), twice.to_json());
        sapm::report::findings_text(&once, sapm::report::Paint::Colours);
        sapm::report::findings_junit(&once);
    }
}

/// A list whose first item is a mapping with an empty value, found by the property test.
#[test]
fn a_list_with_an_empty_value_ends_at_its_last_key() {
    let repo = broken(&[(7, 1536, 10, "- ")]);
    assert_places(&repo, &repo.findings());
}

/// Tries each target alone, in a config repo where no other is promoted.
fn tried_one_by_one(
    bundle: &Bundle,
    inventory: &Inventory,
    all: &Decisions,
) -> Vec<(TargetIx, String)> {
    let branch = |member: TargetIx| branch_of(inventory, all, (PREFIX, "main"), member);
    let places: BTreeSet<_> = all.subscribers.keys().map(|&member| branch(member)).collect();
    let mut said = Vec::new();
    for place in places {
        let mut decisions = Decisions::default();
        for (&member, decision) in &all.subscribers {
            if branch(member) == place {
                decisions.subscribers.insert(member, decision.clone());
            }
        }
        said.extend(bundle.find_unsafe(inventory, &decisions));
    }
    said.sort();
    said
}

proptest! {
    #[test]
    fn trying_all_edits_together_equals_trying_each(seeds in prop::collection::vec(
        (0_usize..3, 0_usize..2000, 0_usize..12, prop::sample::select(vec![
            "", "ref: b\n    ", "&a ", "*a", "!!int ", "{}", "|\n", "# c\n", "- ", "    <<: *a\n",
            "  promotion: &a\n", "promotion_data: []\n", "\n", "'", "x: *a\n",
        ])), 1..5))
    {
        let mut repo = Repo::good();
        for (file, from, length, with) in seeds {
            let text = repo.0.get_mut([SAAS, OTHER, TARGET][file]).unwrap();
            let from = from % (text.len() + 1);
            text.replace_range(from..(from + length).min(text.len()), with);
        }
        let bundle = load_with_texts(&repo).unwrap();
        let inventory = build(&bundle, UidDigest::default());
        let commit = CommitSha::parse(&"5a".repeat(20)).unwrap();
        let all = suppose_promoted(&inventory, &AnyEdit, &commit, "5a5a");
        let one_by_one = tried_one_by_one(&bundle, &inventory, &all);
        let mut at_once = bundle.find_unsafe(&inventory, &all);
        at_once.sort();
        prop_assert_eq!(at_once, one_by_one);
    }
}

/// Codes for facts that were not fetched.
const OF_FACTS: [&str; 3] = ["commit_lookup_failed", "slo_lookup_failed", "record_lookup_failed"];

#[test]
fn validate_finds_every_file_problem_of_a_run() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/cases");
    let key = |problem: &Problem| (problem.severity, problem.code, problem.file.clone());
    let (mut looked_at, mut seen) = (0, BTreeSet::new());
    let mut folders: Vec<_> =
        std::fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in folders {
        let Some((bundle, inventory)) = loaded(&folder) else { continue };
        let now = "2026-08-20T10:00:00Z".parse().unwrap();
        let decisions = decide(&inventory, &Snapshot::new(now), &bundle, &|_| true);
        let found = validate(&bundle, &inventory, now);
        let found: BTreeSet<_> = found.problems.iter().map(key).collect();
        for problem in decisions.problems.iter().chain(&bundle.problems).chain(&inventory.problems)
        {
            if !OF_FACTS.contains(&problem.code.as_str()) {
                seen.insert(problem.code);
                let (severity, code, file) = key(problem);
                // `validate` may report it with a higher severity.
                let louder = (Severity::Error.min(severity), code, file);
                let said = found.contains(&key(problem)) || found.contains(&louder);
                assert!(said, "{}: {problem:?}", folder.display());
            }
        }
        looked_at += 1;
    }
    assert!(looked_at > 100, "{looked_at} cases");
    for code in ["channel_without_publisher", "invalid_schedule", "other_repository"] {
        assert!(seen.iter().any(|seen| seen.as_str() == code), "no case has {code}");
    }
}

#[test]
fn ten_thousand_broken_files() {
    let mut repo = Repo::good();
    // Without the selectors: each would be evaluated against all namespaces.
    let (head, rest) = repo.0[OTHER].split_once("  - name: everywhere").unwrap();
    let (_, tail) = rest.split_once("    ref: ").unwrap();
    let namespace = "  - namespace: {$ref: /services/shop/namespaces/prod.yml}";
    let other = format!(
        "{}{namespace}\n    ref: {tail}",
        head.replace("  - $ref: /services/shop/target.yml\n", "")
    );
    for number in 0..5_000 {
        let text = other
            .replace("saas-other", &format!("saas-{number}"))
            .replace("[api-stage]", &format!("[api-{number}-stage]"));
        repo.0.insert(format!("services/many/{number}.yml"), text);
        let namespace = repo.0[STAGE].replace("shop-stage", &format!("shop-{number}"));
        repo.0.insert(format!("services/many/namespaces/{number}.yml"), namespace);
    }
    // A cycle of all of them.
    for number in 0..1_000 {
        let next = (number + 1) % 1_000;
        let file = format!("services/many/{number}.yml");
        let promotion = format!("[c{number}], publish: [c{next}]");
        let text = repo.0[&file].replace(&format!("[api-{number}-stage]"), &promotion);
        repo.0.insert(file, text);
    }
    let report = repo.report();
    let count = |code: &str| report.problems.iter().filter(|p| p.code.as_str() == code).count();
    assert_eq!(count("channel_without_publisher"), 4_000);
    assert_eq!(count("promotion_cycle"), 1);
    assert!(sapm::report::findings_text(&report, sapm::report::Paint::Plain).len() > 1_000_000);
}
