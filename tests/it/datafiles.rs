//! The JSON Schemas of the datafiles: the committed files, and that they accept what the program reads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use sapm::app_interface::{DirectoryTree, datafile_schemas, load_with_texts};
use sapm::domain::UidDigest;
use sapm::inventory::build;
use sapm::validate::validate;
use serde_json::Value;
use yaml11::{Limits, Tree};

use crate::e2e::support::files_below;
use crate::validate::repo::{APP, Repo, SAAS, SLO, TARGET};

/// If set, the test writes the schemas instead of comparing them.
const WRITE: &str = "SAPM_WRITE_SCHEMAS";

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The validators by `$schema` of the files.
static VALIDATORS: LazyLock<BTreeMap<String, Validator>> = LazyLock::new(|| {
    let validator = |(_, schema): (String, Value)| {
        let kind = schema["properties"]["$schema"]["const"].as_str().unwrap().to_owned();
        (kind, jsonschema::draft7::new(&schema).expect("a schema"))
    };
    datafile_schemas().into_iter().map(validator).collect()
});

/// The errors of a datafile; `None` if it is of another kind or not readable.
pub fn errors(bytes: &[u8]) -> Option<Vec<String>> {
    let tree = Tree::parse(bytes, &Limits::default()).ok()?;
    let value = tree.root().to_json();
    let validator = VALIDATORS.get(value["$schema"].as_str()?)?;
    let text =
        |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    Some(validator.iter_errors(&value).map(text).collect())
}

#[test]
fn committed_schemas_match_the_tables() {
    let folder = project("docs/schemas/datafiles");
    let write = std::env::var_os(WRITE).is_some();
    if write {
        std::fs::create_dir_all(&folder).unwrap();
    }
    for (name, schema) in datafile_schemas() {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let path = folder.join(&name);
        if write {
            std::fs::write(&path, text).unwrap();
        } else {
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(committed == text, "{} is old: scripts/generate writes it", path.display());
        }
    }
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(
        files,
        datafile_schemas().len(),
        "each file in docs/schemas/datafiles is one of them"
    );
}

/// Config repos of this project.
fn config_repos() -> Vec<PathBuf> {
    let mut repos =
        vec![project("examples/demo/config-repo"), project("tests/field/slo-two-prometheus")];
    let cases = std::fs::read_dir(project("tests/conformance/cases")).unwrap();
    repos.extend(cases.map(|case| case.unwrap().path()));
    repos
}

#[test]
fn schemas_accept_every_file_that_validate_accepts() {
    let mut checked: BTreeMap<String, usize> = BTreeMap::new();
    for repo in config_repos() {
        let bundle = load_with_texts(&DirectoryTree::new(&repo)).unwrap();
        let inventory = build(&bundle, UidDigest::default());
        let findings = validate(&bundle, &inventory, "2026-08-20T10:00:00Z".parse().unwrap());
        let has_error = |path: &str| {
            let mut all = findings.problems.iter().filter(|problem| problem.is_error());
            all.any(|problem| problem.file.as_deref() == Some(path))
        };
        for file in files_below(&repo.join("data")) {
            let path = format!("/{}", file.strip_prefix(repo.join("data")).unwrap().display());
            let bytes = std::fs::read(&file).unwrap();
            if let Some(found) = errors(&bytes).filter(|_| !has_error(&path)) {
                assert_eq!(found, Vec::<String>::new(), "{}", file.display());
                *checked
                    .entry(path.rsplit('/').nth(1).unwrap_or_default().to_owned())
                    .or_default() += 1;
            }
        }
    }
    assert!(checked.values().sum::<usize>() > 1000, "{checked:?}");
}

/// What the schema of a file of the good repo finds after an edit.
fn edited(file: &str, from: &str, to: &str) -> (Vec<String>, Vec<String>) {
    let repo = Repo::good().edit(file, from, to);
    let keys = repo.findings().problems.into_iter().filter(|p| p.code.as_str() == "misspelt_key");
    let text = &repo.0[file];
    (errors(text.as_bytes()).expect("a datafile"), keys.map(|p| p.message).collect())
}

#[test]
fn validate_and_schemas_find_the_same_misspelt_keys() {
    for (file, from, to) in [
        (SAAS, "soakDays: 2", "soakDay: 2"),
        (SAAS, "soakDays: 2", "soak_days: 2"),
        (SAAS, "      schedule:", "      Schedule:"),
        (SAAS, "    slos:\n", "    slo:\n"),
        (SAAS, "  - name: production\n", "  - name: production\n    soakDays: 3\n"),
        (TARGET, "  auto: true\n", "  auto: true\n  disable: no\n"),
        (TARGET, "  auto: true\n", "  atuo: true\n"),
        (APP, "  blockedVersions:\n", "  blockedVersion:\n"),
        (
            SLO,
            "  SLOParameters: {window: 28d}\n",
            "  SLOParameters: {window: 28d}\n  SLOTargets: 1\n",
        ),
    ] {
        let (by_schema, by_validate) = edited(file, from, to);
        assert!(
            !by_schema.is_empty() && !by_validate.is_empty(),
            "{to}: {by_schema:?} {by_validate:?}"
        );
    }
    // Keys of other programs.
    for to in [
        "  - name: production\n    parameters: {soakDay: 1}\n",
        "  - name: production\n    image: {}\n    x: 1\n",
    ] {
        assert_eq!(edited(SAAS, "  - name: production\n", to), (vec![], vec![]), "{to}");
    }
}

#[test]
fn values_of_another_type_and_missing_keys_are_found() {
    for (file, from, to) in [
        (SAAS, "soakDays: 2", "soakDays: two"),
        (SAAS, "soakDays: 2", "soakDays: -1"),
        (TARGET, "  auto: true\n", "  auto: maybe\n"),
        (SLO, "  SLOParameters: {window: 28d}\n", "  SLOParameters: 1\n"),
        (TARGET, "promotion:\n", "namespaceSelector: {jsonPathSelectors: {}}\npromotion:\n"),
    ] {
        assert!(!edited(file, from, to).0.is_empty(), "{to}");
    }
}

/// One typing mistake.
fn misspell(name: &str, at: usize, mistake: u8, letter: char) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let at = at % letters.len();
    match mistake {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letter),
        2 => letters[at] = letter,
        3 if at > 0 => letters.swap(at - 1, at),
        _ => return name.to_ascii_uppercase(),
    }
    letters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn one_typing_mistake_is_found_by_both(
        key in prop::sample::select(vec!["auto", "publish", "subscribe", "soakDays", "schedule", "promotion_data", "redeployOnPublisherConfigChange"]),
        at in 0..40usize,
        mistake in 0..5u8,
        letter in prop::char::range('a', 'z'),
    ) {
        let wrong = misspell(key, at, mistake, letter);
        let text = format!("promotion:\n  {wrong}: null\n");
        let (by_schema, by_validate) = edited(TARGET, "promotion:\n", &text);
        prop_assert_eq!(by_schema.is_empty(), by_validate.is_empty(), "{}: {:?} {:?}", wrong, by_schema, by_validate);
        prop_assert_eq!(by_schema.is_empty(), wrong == key, "{}", wrong);
    }
}
