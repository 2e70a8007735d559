//! What must hold for any report, and for any configuration.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use datafiles::{Datafiles, SaasFile, Target};
use proptest::prelude::*;
use sapm::app_interface::{DeploymentConfig, Parameter, load};
use sapm::decide::record_outcome;
use sapm::domain::check_in::{format_check_in, parse_check_in};
use sapm::domain::{CommitSha, UidDigest};
use sapm::inventory::build;
use sapm::record::{DeploymentReport, config_digest, config_hash};
use serde_json::{Value, json};

use crate::small_world::at;

/// A report `minutes` after the beginning.
fn report(success: bool, minutes: i64) -> DeploymentReport {
    let now = at("2026-08-20T10:00:00Z") + TimeDelta::minutes(minutes);
    let commit = CommitSha::parse(&"c".repeat(40)).unwrap();
    DeploymentReport { commit, success, url: None, at: now, now }
}

fn any_json() -> impl Strategy<Value = Value> {
    let flag =
        prop_oneof![Just(json!(true)), Just(json!(false)), Just(json!(null)), Just(json!("yes"))];
    let time = prop_oneof![
        Just(json!("2026-08-01 08:00:00+00:00")),
        Just(json!("2999-01-01 00:00:00+00:00")),
        Just(json!("yesterday")),
        Just(json!(7)),
        Just(json!(null)),
    ];
    let record =
        (flag.clone(), flag, time, any::<bool>()).prop_map(|(success, once, time, hash)| {
            let mut record =
                json!({"success": success, "has_succeeded_once": once, "check_in": time});
            if hash {
                record["target_config_hash"] = json!("0123456789abcdef");
                record["saas_file"] = json!("saas");
            }
            record
        });
    prop_oneof![4 => record, 1 => Just(json!(null)), 1 => Just(json!([1])), 1 => Just(json!("x"))]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any sequence of reports, on any record: each record is usable, says what was reported last, and remembers every
    /// success.
    #[test]
    fn every_record_is_usable_and_remembers_successes(
        first in any_json(),
        results in prop::collection::vec(any::<bool>(), 1..8),
    ) {
        let mut old = first;
        let was = |key: &str| old.get(key).and_then(Value::as_bool);
        let mut succeeded = was("has_succeeded_once").or(was("success")).unwrap_or(false);
        for (minutes, success) in results.into_iter().enumerate() {
            let report = report(success, minutes as i64);
            let record = report.record("saas-x", "abc", &old);
            let stored: Value = serde_json::from_slice(&record.to_bytes()).unwrap();
            succeeded |= success;
            prop_assert_eq!(record_outcome(&stored), Ok(success));
            prop_assert_eq!(&stored["has_succeeded_once"], succeeded);
            let time = parse_check_in(stored["check_in"].as_str().unwrap()).unwrap();
            prop_assert!(time <= report.now, "a time in the future adds no soak time");
            let earlier = old["check_in"].as_str().and_then(|text| parse_check_in(text).ok());
            let kept = earlier.filter(|time| old["success"] == success && *time <= report.now);
            prop_assert_eq!(time, kept.unwrap_or(report.at));
            prop_assert!(record.is_stored(&stored));
            for key in stored.as_object().unwrap().keys() {
                let mut other = stored.clone();
                other[key] = json!("other");
                prop_assert!(!record.is_stored(&other), "{}", key);
            }
            let again = DeploymentReport { now: report.now + TimeDelta::hours(1), at: report.at + TimeDelta::hours(1), ..report };
            prop_assert_eq!(again.record("saas-x", "abc", &stored), record, "a repeated report changes nothing");
            old = stored;
        }
    }

    #[test]
    fn a_time_is_printed_as_it_is_read(micros in 0_i64..253_402_300_799_999_999) {
        let time = DateTime::<Utc>::from_timestamp_micros(micros).unwrap();
        prop_assert_eq!(parse_check_in(&format_check_in(time)), Ok(time));
    }

    /// The effective configuration alone decides: not the levels that set it, nor the order of the keys.
    #[test]
    fn the_hash_depends_on_the_effective_parameters(
        values in prop::collection::btree_map("[A-D]", "[a-c]{1,2}", 0..4),
        levels in prop::collection::vec(0_usize..4, 4),
        reversed in any::<bool>(),
    ) {
        let placed = |level: usize| {
            let here = values.iter().zip(&levels).filter(|(_, at)| **at == level);
            let mut lines: Vec<String> = here.map(|((name, value), _)| format!("{name}: {value}")).collect();
            if reversed {
                lines.reverse();
            }
            format!("{{{}}}", lines.join(", "))
        };
        let hash = hash_of([&placed(0), &placed(1), &placed(2), &placed(3)]);
        let all = values.iter().map(|(name, value)| (name.clone(), Parameter::Value(json!(value))));
        let config = DeploymentConfig {
            url: Some("https://github.com/shop/code".to_owned()),
            path: Some("/deploy.yml".to_owned()),
            parameters: all.collect(),
        };
        prop_assert_eq!(&hash, &config_digest(&config));
        for name in values.keys() {
            let mut other = config.clone();
            other.parameters.insert(name.clone(), Parameter::Value(json!("other")));
            prop_assert_ne!(&hash, &config_digest(&other));
        }
    }
}

/// The config hash of a target whose environment, saas file, resource template and target have these `parameters`.
fn hash_of(parameters: [&str; 4]) -> String {
    hash_with(parameters.map(|parameters| format!("parameters: {parameters}\n")))
}

/// The same with any lines at each level.
fn hash_with([environment, saas_file, template, target]: [String; 4]) -> String {
    let indented = |text: &str| text.lines().map(|line| format!("  {line}\n")).collect::<String>();
    let url = "https://github.com/shop/code";
    let mut published = Target::new("/namespace.yml", "main").publishes("a");
    for line in target.lines() {
        let (key, value) = line.split_once(": ").unwrap();
        published = published.with(key, value);
    }
    let saas = SaasFile::new("saas", "/app.yml");
    let saas = saas.template_with("code", url, &indented(&template)).target(&published);
    let mut files = Datafiles::around(&saas);
    files.0.get_mut("/saas.yml").unwrap().push_str(&saas_file);
    files.0.get_mut("/environment.yml").unwrap().push_str(&environment);
    let bundle = load(&files.0).unwrap();
    assert_eq!(bundle.problems, []);
    let inventory = build(&bundle, UidDigest::default());
    let target = inventory.targets.iter().next().unwrap();
    config_hash(&bundle, target).unwrap()
}

/// The documented formula, calculated by hand: `printf %s '{"parameters":…}' | sha256sum | cut -c1-16`.
#[test]
fn the_hash_is_the_documented_one() {
    let secret = json!({"path": "p", "field": "f"});
    let config = DeploymentConfig {
        url: Some("https://github.com/shop/code".to_owned()),
        path: Some("/deploy.yml".to_owned()),
        parameters: BTreeMap::from([
            ("B".to_owned(), Parameter::Secret(secret)),
            ("A".to_owned(), Parameter::Value(json!({"z": [true, null], "a": 1.5}))),
        ]),
    };
    let text = r#"{"parameters":{"A":{"value":"{\"a\":1.5,\"z\":[true,null]}"},"B":{"secret":{"field":"f","path":"p"}}},"path":"/deploy.yml","url":"https://github.com/shop/code"}"#;
    assert_eq!(config_digest(&config), sapm::domain::sha256_hex(text.as_bytes())[..16]);
}

#[test]
fn the_deployers_order_of_precedence_holds() {
    let levels = ["{A: 1}", "{A: 2}", "{A: 3}", "{A: 4}"];
    let alone = |value: &str| hash_of(["{}", "{}", "{}", value]);
    for last in 0..4 {
        let mut here = ["{}"; 4];
        here[..=last].copy_from_slice(&levels[..=last]);
        assert_eq!(hash_of(here), alone(levels[last]), "level {last}");
    }
    // A secret parameter comes after the values of its level, and before those of the next.
    let secret = "secretParameters: [{name: A, secret: {path: p, field: f}}]\n";
    let [none, value] = ["", "parameters: {A: 1}\n"].map(str::to_owned);
    let only = hash_with([secret.to_owned(), none.clone(), none.clone(), none.clone()]);
    assert_eq!(
        hash_with([format!("{secret}{value}"), none.clone(), none.clone(), none.clone()]),
        only
    );
    assert_eq!(hash_with([secret.to_owned(), value, none.clone(), none]), alone("{A: 1}"));
}

#[test]
fn layout_and_quotes_do_not_count() {
    let [none, same] = ["{}", "{A: \"1\", B: \"true\", C: {x: 1, y: [2]}}"];
    let hash = hash_of([none, none, none, same]);
    for other in [
        "{C: {y: [2], x: 1}, B: true, A: 1} # a comment",
        "{A: '1', B: yes, C: '{\"x\":1,\"y\":[2]}', D: null}",
        "'{\"B\": true, \"A\": 1, \"C\": {\"y\": [2], \"x\": 1}}'",
    ] {
        assert_eq!(hash_of([none, none, none, other]), hash, "{other}");
    }
    assert_ne!(hash_of([none, none, none, "{A: \"1\", B: \"true\"}"]), hash);
}
