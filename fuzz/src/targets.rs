//! The targets: parsers and their properties.

use std::time::Duration;

use chrono::{DateTime, Utc};
use croniter::Schedule;
use jsonpath_ng::{Document, Expression};
use sapm::app_interface::{CodeOwners, HashEdit, TargetEdit};
use sapm::clients::{git, gitlab};
use sapm::domain::check_in::parse_check_in;
use sapm::domain::{RepoPath, RepoUrl};
use sapm::plan::Trailers;
use sapm::snapshot::Snapshot;
use serde_json::Value;
use yaml11::{AliasMode, Kind, Limits as YamlLimits, NodeRef, Tree};

use crate::cost::Limits;
use crate::whole;

/// A fuzz target.
pub struct Target {
    /// Name, as `scripts/fuzz` takes it.
    pub name: &'static str,
    /// The limits of one input.
    pub limits: Limits,
    /// Runs the input; panics if something is wrong.
    pub run: fn(&[u8]),
}

const fn target(name: &'static str, run: fn(&[u8]), millis: u64, megabytes: usize) -> Target {
    let limits = Limits { cpu: Duration::from_millis(millis), bytes: megabytes << 20 };
    Target { name, limits, run }
}

/// All targets. Times are for the instrumented build on a busy machine.
pub const TARGETS: &[Target] = &[
    target("yaml", yaml_edits, 2_000, 64),
    target("jsonpath", jsonpath, 3_000, 96),
    target("pattern", pattern, 3_000, 96),
    target("schedule", schedule, 500, 16),
    target("check_in", check_in, 100, 4),
    target("url", url, 100, 4),
    target("git_refs", git_refs, 200, 16),
    target("trailers", trailers, 200, 16),
    target("code_owners", code_owners, 500, 32),
    target("gitlab", gitlab_answers, 200, 16),
    target("snapshot", snapshot, 1_000, 64),
    target("run", whole::run_whole, 4_000, 256),
];

/// The target with a name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}

fn limits() -> YamlLimits {
    YamlLimits::default()
}

/// Maximum number of mappings of a document that are edited.
const EDITED: usize = 6;

/// Parses a document, edits what looks like a target, parses it again. The byte after the last NUL selects the
/// edit.
fn yaml_edits(input: &[u8]) {
    let (bytes, choice) = match input.iter().rposition(|byte| *byte == 0) {
        Some(at) => (&input[..at], input.get(at + 1).copied().unwrap_or_default()),
        None => (input, 0),
    };
    let Ok(tree) = Tree::parse(bytes, &limits()) else { return };
    let json = tree.root().to_json();
    let sniffed = sapm::app_interface::sniff_schema(bytes);
    if let (sapm::app_interface::Sniff::None, Some(schema)) = (&sniffed, json.get("$schema")) {
        assert!(!schema.is_string(), "a file with {schema} would not be looked at");
    }
    let mut found = Vec::new();
    mappings(tree.root(), 0, &mut found);
    let changes: Vec<Vec<TargetEdit>> =
        found.into_iter().map(|node| vec![edit(node, choice)]).collect();
    let alone: Vec<_> = changes.iter().map(|change| yaml11::patch(&tree, change)).collect();
    assert_eq!(yaml11::try_each(&tree, &changes), alone, "tried together and alone");
    for (change, patch) in changes.iter().zip(alone) {
        let Ok(patch) = patch else { continue };
        let new_text = patch.apply(tree.text());
        let new = Tree::parse(
            new_text.as_bytes(),
            &YamlLimits { bytes: usize::MAX, depth: 1_000, nodes: u64::MAX },
        );
        let new = new.unwrap_or_else(|error| panic!("an edited text cannot be read: {error}"));
        yaml11::verify(&tree, &new, change).unwrap_or_else(|error| panic!("{error}"));
        let by_lines = yaml11::Patch::between(tree.text(), &new_text);
        assert_eq!(by_lines.apply(tree.text()), new_text);
    }
}

/// Mappings that have the keys of a target, also through aliases.
fn mappings<'a>(node: NodeRef<'a>, depth: usize, found: &mut Vec<NodeRef<'a>>) {
    if found.len() >= EDITED || depth > 12 {
        return;
    }
    match node.kind() {
        Kind::Scalar => {}
        Kind::Sequence => node.items().take(20).for_each(|item| mappings(item, depth + 1, found)),
        Kind::Mapping => {
            if node.get("ref").is_some() || node.get("promotion").is_some() {
                found.push(node);
            }
            node.entries().take(20).for_each(|(_, value)| mappings(value, depth + 1, found));
        }
    }
}

const REFS: [&str; 4] =
    ["5a9b5a9b5a9b5a9b5a9b5a9b5a9b5a9b5a9b5a9b", "12345e7", "a b: #c", "é\u{85}\n"];

fn edit(target: NodeRef<'_>, choice: u8) -> TargetEdit {
    let hash = |channel: &str| HashEdit {
        channel: channel.to_owned(),
        parent_saas: "saas-rbac".to_owned(),
        target_config_hash: "17312311e1845896".to_owned(),
    };
    TargetEdit {
        target: target.id(),
        new_ref: (target.get("ref").is_some() && choice & 1 == 0)
            .then(|| REFS[usize::from(choice >> 4 & 3)].to_owned()),
        ref_mode: if choice & 2 == 0 { AliasMode::InPlace } else { AliasMode::OwnValue },
        hashes: match choice >> 2 & 3 {
            0 => Vec::new(),
            1 => vec![hash("a: b")],
            _ => vec![hash("rbac-stage"), hash("other")],
        },
    }
}

/// The selector document of a conformance case.
fn selector_document() -> Value {
    let namespace = |name: &str, cluster: &str, environment: &str| {
        serde_json::json!({
            "name": name, "path": format!("/services/{name}.yml"),
            "labels": {"team": "rbac", "tier": null, "a-b": "1"},
            "cluster": {"name": cluster, "internal": false, "spec": {"region": "us-east-1"}},
            "environment": {"name": environment, "parameters": {"N": 3, "F": 1.5}},
            "app": {"name": "rbac", "serviceOwners": [{"name": "x", "email": "x@example.com"}]},
        })
    };
    serde_json::json!({"namespace": [
        namespace("rbac-stage", "crcs02ue1", "console-stage"),
        namespace("rbac-prod", "crcp01ue1", "console-production"),
        namespace("rbac-canary", "crcp01ue1", "console-production"),
    ]})
}

fn jsonpath(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let Ok(path) = Expression::parse(text) else { return };
    let document = Document::from(selector_document());
    // Results refer to the document. Only this test copies them, so it copies a few.
    let names = |path: &Expression| {
        path.select(&document).map(|found| {
            let copied = found.iter().take(100).map(|found| found.to_value());
            (found.len(), copied.collect::<Vec<Value>>())
        })
    };
    let (once, twice) = (names(&path), names(&path));
    assert_eq!(once.ok(), twice.ok(), "evaluated twice");
}

/// The input as a Python regular expression.
fn pattern(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    jsonpath(format!("namespace[?(@.cluster.name =~ \"{quoted}\")]").as_bytes());
    jsonpath(format!("namespace[?(@.name =~ \"{text}\")]").as_bytes());
    jsonpath(format!("namespace[*].name.`sub(/{text}/, x)`").as_bytes());
}

fn schedule(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let Ok(schedule) = Schedule::parse(text) else { return };
    let start: DateTime<Utc> = "2026-02-27T23:59:30Z".parse().unwrap();
    let mut at = start;
    for _ in 0..3 {
        let Some(next) = schedule.next_match(at) else { return };
        assert!(next >= at, "{text:?}: {next} is before {at}");
        assert!(schedule.matches(next), "{text:?} does not match {next}");
        let minute = chrono::TimeDelta::minutes(1);
        let mut between = at;
        for _ in 0..100 {
            if between >= next {
                break;
            }
            assert!(!schedule.matches(between), "{text:?} matches {between} before {next}");
            between += minute;
        }
        at = next + minute;
    }
}

fn check_in(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let Ok(time) = parse_check_in(text) else { return };
    let printed = time.format("%Y-%m-%d %H:%M:%S%.6f+00:00").to_string();
    if let Ok(again) = parse_check_in(&printed) {
        assert_eq!(again.timestamp_micros(), time.timestamp_micros(), "{text:?} is {printed}");
    }
}

fn url(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let (first, second) = text.split_once('\n').unwrap_or((text, text));
    let (a, b) = (RepoUrl::new(first), RepoUrl::new(second));
    assert!(a.is_same(&a), "{first:?} is itself");
    assert_eq!(a.is_same(&b), b.is_same(&a), "{first:?} and {second:?}");
    let shown = git::without_userinfo(first);
    assert_eq!(git::without_userinfo(&shown), shown, "{first:?}: the userinfo is gone after once");
}

fn git_refs(input: &[u8]) {
    git::read_any_refs(input);
}

fn trailers(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let Some(trailers) = Trailers::parse(text) else { return };
    let rendered = trailers.render();
    assert!(rendered.lines().all(|line| line.starts_with("Sapm-")), "{rendered:?}");
    assert_eq!(Trailers::parse(&rendered), Some(trailers), "{text:?} -> {rendered:?}");
}

/// The first line is a path, the rest is CODEOWNERS.
fn code_owners(input: &[u8]) {
    let Some((path, file)) = text(input).and_then(|text| text.split_once('\n')) else { return };
    let path = RepoPath::new(path);
    let Ok(owners) = CodeOwners::parse(file) else { return };
    let found = owners.owners_of(&path);
    // An exclusion only ever takes owners away.
    let Ok(fewer) = CodeOwners::parse(&format!("{file}\n!*\n")) else { return };
    let fewer = fewer.owners_of(&path);
    assert!(fewer.required.iter().all(|person| found.required.contains(person)), "{file:?}");
    assert!(fewer.optional.iter().all(|person| found.optional.contains(person)), "{file:?}");
}

fn gitlab_answers(input: &[u8]) {
    gitlab::read_any_answer(input);
}

fn snapshot(input: &[u8]) {
    let Ok(snapshot) = Snapshot::from_json(input) else { return };
    let json = snapshot.to_json();
    let again = Snapshot::from_json(json.as_bytes());
    let again = again.unwrap_or_else(|error| panic!("a snapshot cannot be read again: {error}"));
    assert_eq!(again.to_json(), json);
}
