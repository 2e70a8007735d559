//! Namespace selectors: from JSONPath expressions to namespaces.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::jsonpath::Expression;
use crate::app_interface::{Bundle, Namespace, Selector};

/// The namespaces that a selector matches, by path.
///
/// # Errors
/// An expression that does not parse, or that selects something that is no
/// namespace: the message names the expression and the position.
pub(super) fn select(bundle: &Bundle, selector: &Selector) -> Result<Vec<Arc<Namespace>>, String> {
    let Some(document) = &bundle.selector_document else { return Ok(Vec::new()) };
    let mut selected = BTreeMap::new();
    for expression in &selector.include {
        for (identity, path) in evaluate(document, expression)? {
            // Two files of one namespace: the later path wins.
            let kept = selected.entry(identity).or_insert_with(|| path.clone());
            if *kept < path {
                *kept = path;
            }
        }
    }
    for expression in &selector.exclude {
        for (identity, _) in evaluate(document, expression)? {
            selected.remove(&identity);
        }
    }
    let mut namespaces: Vec<_> =
        selected.into_values().filter_map(|path| bundle.namespaces.get(&path).cloned()).collect();
    namespaces.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(namespaces)
}

type Identity = (String, String);

fn evaluate(document: &Value, expression: &str) -> Result<Vec<(Identity, String)>, String> {
    let parsed = Expression::parse(expression)
        .map_err(|error| format!("the selector `{expression}` is not understood: {error}"))?;
    let text = |value: &Value, pointer: &str| {
        value.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
    };
    parsed
        .select(document)
        .map_err(|error| format!("the selector `{expression}` cannot be evaluated: {error}"))?
        .into_iter()
        .map(|selected| {
            let value = selected.value();
            let identity = text(value, "/cluster/name").zip(text(value, "/name"));
            identity.zip(text(value, "/path")).ok_or_else(|| {
                format!("the selector `{expression}` selects something that is no namespace")
            })
        })
        .collect()
}
