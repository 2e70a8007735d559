//! The parameters that a target is deployed with, from all datafiles that set some.

use std::collections::BTreeMap;

use serde_json::Value;
use yaml11::{NodeId, NodePath, NodeRef};

use super::bundle::Bundle;
use super::resources::Namespace;
use super::saas::SourceLocation;
use super::selectable::{PARAMETERS, fields_of};
use jsonpath_ng::Document;

/// What a target is deployed from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeploymentConfig {
    /// The code repository, as written.
    pub url: Option<String>,
    /// Path of the template in it.
    pub path: Option<String>,
    /// The parameters by name.
    pub parameters: BTreeMap<String, Parameter>,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameter {
    /// A value, of any type.
    Value(Value),
    /// Where a secret is: `path`, `field`, `version` and `format`. Its value is never read.
    Secret(Value),
}

/// What a target is deployed from. Of several levels that set a parameter, the last one counts, in the deployer's order:
/// environment, saas file, resource template, target; at each level, secret parameters come after the others. A null
/// counts as absent.
///
/// `used_at` is where the saas file names the target, `declared_at` and `node` are where it is declared.
///
/// # Errors
/// The datafile and the reason, if `parameters` is neither a mapping nor the JSON text of one.
pub fn deployment_config(
    bundle: &Bundle,
    namespace: &Namespace,
    used_at: &SourceLocation,
    (declared_at, node): (&SourceLocation, NodeId),
) -> Result<DeploymentConfig, String> {
    let mut config = DeploymentConfig::default();
    if let Some(environment) = bundle.environments.get(&namespace.environment_path) {
        add(&mut config.parameters, environment)
            .map_err(|error| format!("{}: {error}", namespace.environment_path))?;
    }
    let mut level = |place: &str, node: Option<NodeRef<'_>>| {
        let Some(node) = node else { return Ok(()) };
        add(&mut config.parameters, &Document::Object(fields_of(node, &PARAMETERS)))
            .map_err(|error| format!("{place}: {error}"))
    };
    let saas_file = bundle.tree(&used_at.file);
    level(&used_at.file, saas_file.map(|tree| tree.root()))?;
    // `resourceTemplates[0]` of `resourceTemplates[0].targets[1]`.
    let template = NodePath::parse(&used_at.path).and_then(|path| path.parent()?.parent());
    let template = saas_file.zip(template).and_then(|(tree, path)| tree.at_path(&path));
    level(&format!("{} at {}", used_at.file, used_at.path), template)?;
    let target = bundle.tree(&declared_at.file).map(|tree| tree.node(node));
    level(&format!("{} at {}", declared_at.file, declared_at.path), target)?;
    let text = |key| Some(template?.get(key)?.text()?.into_owned());
    (config.url, config.path) = (text("url"), text("path"));
    Ok(config)
}

/// Adds the parameters of a level.
fn add(into: &mut BTreeMap<String, Parameter>, level: &Document) -> Result<(), String> {
    let values = match level.get("parameters").map(Document::to_value) {
        None => Value::Null,
        // Some datafiles have them as JSON.
        Some(Value::String(text)) => serde_json::from_str(&text)
            .map_err(|error| format!("parameters is a text that is not JSON: {error}"))?,
        Some(other) => other,
    };
    match values {
        Value::Null => {}
        Value::Object(values) => {
            let set = values.into_iter().filter(|(_, value)| !value.is_null());
            into.extend(set.map(|(name, value)| (name, Parameter::Value(value))));
        }
        _ => return Err("parameters must be a mapping, or its JSON text".to_owned()),
    }
    let secrets = level.get("secretParameters").and_then(Document::as_list).unwrap_or_default();
    into.extend(secrets.iter().filter_map(|secret| {
        let name = secret.get("name")?.as_str()?.to_owned();
        Some((name, Parameter::Secret(secret.get("secret")?.to_value())))
    }));
    Ok(())
}
