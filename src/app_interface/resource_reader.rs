//! Reads apps, namespaces, clusters, environments and SLO documents.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fields::{Field, FieldError};
use super::people;
use super::resources::{App, CodeComponent};
use super::selectable::{self, Fields, fields_of};
use crate::domain::RepoUrl;
use jsonpath_ng::Shape;

/// A datafile that a namespace refers to, with the fields that selectors can query.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) selectable: Fields,
    /// Clusters only.
    pub(super) prometheus_url: Option<String>,
    /// Apps only: path of the parent app.
    pub(super) parent: Option<String>,
}

/// A namespace before its `$ref`s are resolved.
pub(super) struct RawNamespace {
    pub(super) name: String,
    pub(super) cluster: String,
    pub(super) app: String,
    pub(super) environment: String,
    /// Line and column of these four, by key.
    pub(super) positions: BTreeMap<&'static str, (u32, u32)>,
    pub(super) selectable: Fields,
}

/// A role (`/access/role-1.yml`): the datafiles that its users may change without further approval.
pub(super) struct Role {
    pub(super) name: String,
    /// Paths of datafiles, apps among them.
    pub(super) datafiles: Vec<String>,
}

/// An SLO document before its `$ref`s are resolved.
pub(super) struct RawSloDocument {
    pub(super) name: String,
    pub(super) namespaces: Vec<RawSloNamespace>,
    /// Line and column of the list of namespaces.
    pub(super) namespaces_at: (u32, u32),
    pub(super) slos: Vec<RawSlo>,
}

/// A namespace of an SLO document.
pub(super) struct RawSloNamespace {
    pub(super) path: String,
    /// Line and column where the document names it.
    pub(super) at: (u32, u32),
    /// The Prometheus URL that the document sets for it.
    pub(super) prometheus_url: Option<String>,
}

/// An SLO before its expression is rendered.
pub(super) struct RawSlo {
    pub(super) name: String,
    pub(super) target: f64,
    /// A Jinja template.
    pub(super) expression: String,
    /// The values for the template.
    pub(super) parameters: Map<String, Value>,
    /// An error at the expression's source location, without a message.
    pub(super) unrendered: FieldError,
}

/// An app, and what selectors see of it.
pub(super) fn app(path: &str, root: &Field<'_>) -> Result<(App, Named), FieldError> {
    let mut code_components = Vec::new();
    if let Some(list) = root.get("codeComponents") {
        for (index, item) in list.items()?.into_iter().enumerate() {
            let Some(url) = item.optional_url("url")? else { continue };
            code_components.push(CodeComponent {
                index,
                url: RepoUrl::new(url),
                blocked_versions: item.distinct_texts("blockedVersions")?,
                blocked_lines: find_lines(&item, "blockedVersions")?,
                hotfix_versions: item.distinct_texts("hotfixVersions")?,
            });
        }
    }
    let parent = root.get("parentApp").and_then(|parent| parent.as_reference().ok());
    let named = Named { parent, ..named(root, &selectable::APP)? };
    let (path, name) = (path.to_owned(), named.name.clone());
    let service_owners = people::service_owners(root);
    Ok((App { path, name, code_components, service_owners }, named))
}

/// The line of each text of a list.
fn find_lines(item: &Field<'_>, key: &str) -> Result<BTreeMap<String, u32>, FieldError> {
    let items = item.get(key).map(|list| list.items()).transpose()?.unwrap_or_default();
    items.iter().map(|item| Ok((item.text()?, item.node.position().line))).collect()
}

pub(super) fn cluster(root: &Field<'_>) -> Result<Named, FieldError> {
    let prometheus_url = root.optional_url("prometheusUrl")?.filter(|url| !url.is_empty());
    Ok(Named { prometheus_url, ..named(root, &selectable::CLUSTER)? })
}

pub(super) fn environment(root: &Field<'_>) -> Result<Named, FieldError> {
    named(root, &selectable::ENVIRONMENT)
}

/// The name, and the fields in `shape` for selectors.
fn named(root: &Field<'_>, shape: &Shape) -> Result<Named, FieldError> {
    Ok(Named {
        name: root.required_text("name")?,
        selectable: fields_of(root.node, shape),
        prometheus_url: None,
        parent: None,
    })
}

pub(super) fn namespace(root: &Field<'_>) -> Result<RawNamespace, FieldError> {
    root.require(&["name", "cluster", "app", "environment"])?;
    let reference =
        |key: &str| root.reference(key)?.ok_or_else(|| root.error(format!("{key} is missing")));
    let find_position = |key: &'static str| Some((key, position(&root.get(key)?)));
    Ok(RawNamespace {
        positions: ["name", "cluster", "app", "environment"]
            .into_iter()
            .filter_map(find_position)
            .collect(),
        name: root.required_text("name")?,
        cluster: reference("cluster")?,
        app: reference("app")?,
        environment: reference("environment")?,
        selectable: fields_of(root.node, &selectable::NAMESPACE),
    })
}

/// The datafiles that a role lists. Roles are not validated here: unreadable values count as absent.
pub(super) fn role(root: &Field<'_>) -> Option<Role> {
    let entries = readable_items(root, "self_service");
    let datafiles = entries.iter().flat_map(|entry| readable_items(entry, "datafiles"));
    Some(Role {
        name: root.required_text("name").ok()?,
        datafiles: datafiles.filter_map(|datafile| datafile.as_reference().ok()).collect(),
    })
}

/// Line and column, from 1.
fn position(field: &Field<'_>) -> (u32, u32) {
    let position = field.node.position();
    (position.line, position.column)
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

pub(super) fn readable_items<'a>(field: &Field<'a>, key: &str) -> Vec<Field<'a>> {
    field.get(key).and_then(|list| list.items().ok()).unwrap_or_default()
}

pub(super) fn slo_document(root: &Field<'_>) -> Result<RawSloDocument, FieldError> {
    let mut namespaces = Vec::new();
    if let Some(list) = root.get("namespaces") {
        for item in list.items()? {
            let path =
                item.reference("namespace")?.ok_or_else(|| item.error("namespace is missing"))?;
            let url = match item.get("prometheusAccess") {
                Some(access) => access.optional_url("url")?.filter(|url| !url.is_empty()),
                None => None,
            };
            let at = position(&item.get("namespace").unwrap_or(item));
            namespaces.push(RawSloNamespace { path, at, prometheus_url: url });
        }
    }
    let mut slos = Vec::new();
    if let Some(list) = root.get("slos") {
        for item in list.items()? {
            slos.push(read_slo(&item)?);
        }
    }
    let namespaces_at = root.get("namespaces").map(|list| position(&list)).unwrap_or_default();
    Ok(RawSloDocument { name: root.required_text("name")?, namespaces, namespaces_at, slos })
}

fn read_slo(item: &Field<'_>) -> Result<RawSlo, FieldError> {
    item.require(&["name", "SLOTarget", "expr"])?;
    let target = item.get("SLOTarget").ok_or_else(|| item.error("SLOTarget is missing"))?;
    let number = target.text()?.parse::<f64>().ok().filter(|number| number.is_finite());
    let expression = item.required_long_text("expr")?;
    let parameters = item.get("SLOParameters").map(|map| without_nulls(map.node.to_json()));
    Ok(RawSlo {
        name: item.required_text("name")?,
        target: number.ok_or_else(|| target.error("SLOTarget must be a number"))?,
        unrendered: item.get("expr").unwrap_or_else(|| item.clone()).error(""),
        expression,
        parameters: match parameters {
            Some(Value::Object(parameters)) => parameters,
            _ => Map::new(),
        },
    })
}
