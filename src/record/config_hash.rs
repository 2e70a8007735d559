//! The digest of a target's effective configuration.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::app_interface::{Bundle, DeploymentConfig, Parameter, deployment_config};
use crate::domain::sha256_hex;
use crate::inventory::Target;

/// Digits of a config hash, as many as the deployer's have.
const DIGITS: usize = 16;

/// The config hash of a target: see [`config_digest`].
///
/// # Errors
/// The datafile and the reason, if its parameters cannot be read.
pub fn config_hash(bundle: &Bundle, target: &Target) -> Result<String, String> {
    let declared = (&target.declared_at, target.node);
    deployment_config(bundle, &target.namespace, &target.used_at, declared)
        .map(|config| config_digest(&config))
}

/// The first 16 hex digits of the SHA-256 of this JSON, without blanks and with sorted keys:
///
/// ```json
/// {"parameters":{"A":{"value":"1"},"B":{"secret":{"field":"f","path":"p"}}},"path":"/t.yml","url":"https://…"}
/// ```
///
/// Values are compared as the texts that a template gets: `true` and `"true"` are the same, and lists and mappings are
/// their JSON. So neither the order of keys nor the layout, quotes or comments of a datafile count.
pub fn config_digest(config: &DeploymentConfig) -> String {
    let parameters = config.parameters.iter().map(|(name, parameter)| {
        let (kind, value) = match parameter {
            Parameter::Value(Value::String(text)) => ("value", json(text.as_str())),
            Parameter::Value(other) => ("value", json(canonical(other))),
            Parameter::Secret(place) => ("secret", canonical(place)),
        };
        (name.clone(), object([(kind.to_owned(), value)].into()))
    });
    let text = |text: &Option<String>| json(text.as_deref().unwrap_or_default());
    let all = object(BTreeMap::from([
        ("parameters".to_owned(), object(parameters.collect())),
        ("path".to_owned(), text(&config.path)),
        ("url".to_owned(), text(&config.url)),
    ]));
    sha256_hex(all.as_bytes())[..DIGITS].to_owned()
}

/// JSON without blanks and with sorted keys, whatever order a map has.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            object(members.iter().map(|(key, value)| (key.clone(), canonical(value))).collect())
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// An object of members that are JSON already.
fn object(members: BTreeMap<String, String>) -> String {
    let members = members.iter().map(|(key, value)| format!("{}:{value}", json(key.as_str())));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn json(text: impl Into<Value>) -> String {
    text.into().to_string()
}
