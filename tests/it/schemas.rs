//! The JSON Schemas of the public formats: the committed files, and the program's output.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jsonschema::Validator;
use sapm::report::schemas;
use serde_json::Value;

use crate::e2e::support::{CANARY, World};
use crate::outputs::{files_called, outputs};

/// If set, the test writes the schemas instead of comparing them.
const WRITE: &str = "SAPM_WRITE_SCHEMAS";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schemas")
}

fn validators() -> BTreeMap<&'static str, Validator> {
    let validator = |schema: &Value| jsonschema::draft202012::new(schema).expect("a schema");
    schemas().iter().map(|(name, schema)| (*name, validator(schema.as_value()))).collect()
}

#[track_caller]
fn assert_follows(validator: &Validator, text: &str) {
    let value: Value = serde_json::from_str(text).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .take(5)
        .collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn committed_schemas_match_the_types() {
    let write = std::env::var_os(WRITE).is_some();
    if write {
        std::fs::create_dir_all(folder()).unwrap();
    }
    for (name, schema) in schemas() {
        let text = serde_json::to_string_pretty(schema.as_value()).unwrap() + "\n";
        let path = folder().join(name);
        if write {
            std::fs::write(&path, text).unwrap();
        } else {
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(committed == text, "docs/schemas/{name} is old: scripts/generate writes it");
        }
    }
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file()).count();
    assert_eq!(files, schemas().len(), "each file in docs/schemas is one of them");
}

#[test]
fn outputs_with_any_names_match_their_schemas() {
    let validators = validators();
    let files = [
        ("plan.json", "plan-v1.json"),
        ("snapshot.json", "snapshot-v1.json"),
        ("explanation.json", "explanation-v1.json"),
        ("overview.json", "overview-v1.json"),
        ("validate.json", "findings-v1.json"),
        ("record.json", "record-v1.json"),
    ];
    let outputs = outputs(&files_called(|place| format!("name{place}")));
    for (file, schema) in files {
        let written: Vec<&String> =
            outputs.iter().filter(|(name, ..)| name == file).map(|(.., text)| text).collect();
        assert!(!written.is_empty(), "{file}");
        written.into_iter().for_each(|text| assert_follows(&validators[schema], text));
    }
}

#[test]
fn reports_of_runs_match_their_schemas() {
    let validators = validators();
    let world = World::start();
    // The first run opens merge requests; the second one finds them open.
    for run in ["first", "second"] {
        let folder = world.path(run);
        world.sapm("apply").arg("--report-dir").arg(&folder).expect(0);
        for (file, schema) in [("plan.json", "plan-v1.json"), ("snapshot.json", "snapshot-v1.json")]
        {
            let text = std::fs::read_to_string(folder.join(file)).unwrap();
            assert_follows(&validators[schema], &text);
        }
    }
    let explained = world.sapm("explain").args([CANARY, "--format", "json"]).expect(0);
    assert_follows(&validators["explanation-v1.json"], &explained.out);
    let several = world.sapm("explain").args(["catalog", "--format", "json"]).expect(0);
    assert_follows(&validators["overview-v1.json"], &several.out);
    let base = world.project().tip("main").unwrap();
    world.edit(crate::e2e::support::ORDERS_FILE, "soakDays: 7", "soakDays: 1");
    let compared = world.sapm("plan").env("SAPM_APP_INTERFACE", world.checkout());
    let compared = compared.args(["--compare-to", &base, "--format", "json"]).expect(0);
    assert_follows(&validators["difference-v1.json"], &compared.out);
    let preflight = world.sapm("preflight").args(["--format", "json"]).run();
    assert_follows(&validators["preflight-v1.json"], &preflight.out);
}

#[test]
fn a_schema_violation_is_detected() {
    let plan = &validators()["plan-v1.json"];
    assert!(!plan.is_valid(&serde_json::json!({ "version": 1 })));
}
