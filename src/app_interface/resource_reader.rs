//! Reads apps, namespaces, clusters, environments and SLO documents.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fields::{Field, FieldError};
use super::resources::{App, CodeComponent, Slo};
use crate::domain::RepoUrl;
use crate::yaml::{Kind, NodeRef};

/// A datafile that a namespace refers to, with what selectors may ask of it.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) json: Map<String, Value>,
    /// Clusters only.
    pub(super) prometheus_url: Option<String>,
    /// Apps only: path of the parent app.
    pub(super) parent: Option<String>,
}

/// A namespace before its `$ref`s are followed.
pub(super) struct RawNamespace {
    pub(super) name: String,
    pub(super) cluster: String,
    pub(super) app: String,
    pub(super) environment: String,
    pub(super) json: Map<String, Value>,
}

/// An SLO document before its `$ref`s are followed.
pub(super) struct RawSloDocument {
    pub(super) name: String,
    /// Path of the namespace, and the Prometheus that the document names for it.
    pub(super) namespaces: Vec<(String, Option<String>)>,
    pub(super) slos: Vec<Slo>,
}

pub(super) fn app(path: &str, root: &Field<'_>) -> Result<App, FieldError> {
    let mut code_components = Vec::new();
    if let Some(list) = root.get("codeComponents") {
        for (index, item) in list.items()?.into_iter().enumerate() {
            let Some(url) = item.optional_text("url")? else { continue };
            code_components.push(CodeComponent {
                index,
                url: RepoUrl::new(url),
                blocked_versions: item.distinct_texts("blockedVersions")?,
                blocked_lines: lines(&item, "blockedVersions")?,
                hotfix_versions: item.distinct_texts("hotfixVersions")?,
            });
        }
    }
    Ok(App { path: path.to_owned(), name: root.required_text("name")?, code_components })
}

/// The line of each text of a list.
fn lines(item: &Field<'_>, key: &str) -> Result<BTreeMap<String, u32>, FieldError> {
    let items = item.get(key).map(|list| list.items()).transpose()?.unwrap_or_default();
    items.iter().map(|item| Ok((item.text()?, item.node.position().line))).collect()
}

pub(super) fn named(root: &Field<'_>) -> Result<Named, FieldError> {
    let parent = root.get("parentApp").and_then(|parent| parent.as_reference().ok());
    Ok(Named {
        name: root.required_text("name")?,
        json: selectable(root.node),
        prometheus_url: root.optional_text("prometheusUrl")?.filter(|url| !url.is_empty()),
        parent,
    })
}

pub(super) fn namespace(root: &Field<'_>) -> Result<RawNamespace, FieldError> {
    let reference =
        |key: &str| root.reference(key)?.ok_or_else(|| root.error(format!("{key} is missing")));
    Ok(RawNamespace {
        name: root.required_text("name")?,
        cluster: reference("cluster")?,
        app: reference("app")?,
        environment: reference("environment")?,
        json: selectable(root.node),
    })
}

/// What a selector may ask of a datafile: its single values, and the maps of
/// labels, parameters and spec. Lists (owners, integrations, …) would only cost memory.
fn selectable(root: NodeRef<'_>) -> Map<String, Value> {
    let mut json = Map::new();
    for (key, node) in root.entries() {
        let wanted = match node.kind() {
            Kind::Scalar => !node.is_null(),
            Kind::Mapping => matches!(key.as_ref(), "labels" | "parameters" | "spec"),
            Kind::Sequence => false,
        };
        if wanted {
            json.insert(key.to_string(), without_nulls(node.to_json()));
        }
    }
    json
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect(),
        ),
        other => other,
    }
}

pub(super) fn slo_document(root: &Field<'_>) -> Result<RawSloDocument, FieldError> {
    let mut namespaces = Vec::new();
    if let Some(list) = root.get("namespaces") {
        for item in list.items()? {
            let path =
                item.reference("namespace")?.ok_or_else(|| item.error("namespace is missing"))?;
            let url = match item.get("prometheusAccess") {
                Some(access) => access.optional_text("url")?.filter(|url| !url.is_empty()),
                None => None,
            };
            namespaces.push((path, url));
        }
    }
    let mut slos = Vec::new();
    if let Some(list) = root.get("slos") {
        for item in list.items()? {
            slos.push(slo(&item)?);
        }
    }
    Ok(RawSloDocument { name: root.required_text("name")?, namespaces, slos })
}

fn slo(item: &Field<'_>) -> Result<Slo, FieldError> {
    let target = item.get("SLOTarget").ok_or_else(|| item.error("SLOTarget is missing"))?;
    let number = target.text()?.parse::<f64>().ok().filter(|number| number.is_finite());
    let expression = item.required_text("expr")?;
    let mut parameters = BTreeMap::new();
    if let Some(map) = item.get("SLOParameters") {
        for (key, node) in map.node.entries() {
            if let Some(text) = node.text() {
                parameters.insert(key.to_string(), text.into_owned());
            }
        }
    }
    Ok(Slo {
        name: item.required_text("name")?,
        target: number.ok_or_else(|| target.error("SLOTarget must be a number"))?,
        expression: render(&expression, &parameters)
            .map_err(|message| item.error(format!("expr: {message}")))?,
    })
}

/// Replaces `{{name}}` (blanks allowed) by the parameter of that name.
fn render(expression: &str, parameters: &BTreeMap<String, String>) -> Result<String, String> {
    let mut rendered = String::with_capacity(expression.len());
    let mut rest = expression;
    while let Some(start) = rest.find("{{") {
        let Some(length) = rest[start..].find("}}") else {
            return Err("`{{` is never closed".to_owned());
        };
        let name = rest[start + 2..start + length].trim();
        let Some(value) = parameters.get(name) else {
            return Err(format!("SLOParameters has no `{name}`"));
        };
        rendered.push_str(&rest[..start]);
        rendered.push_str(value);
        rest = &rest[start + length + 2..];
    }
    rendered.push_str(rest);
    Ok(rendered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_rendered_with_and_without_blanks() {
        let parameters = BTreeMap::from([("window".to_owned(), "28d".to_owned())]);
        let rendered = render("a[{{window}}] / b[{{ window }}] > {x}", &parameters);
        assert_eq!(rendered.as_deref(), Ok("a[28d] / b[28d] > {x}"));
        assert!(render("a[{{widow}}]", &parameters).is_err());
        assert!(render("a[{{window", &parameters).is_err());
    }
}
