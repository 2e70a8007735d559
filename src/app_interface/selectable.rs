//! The fields that namespace selectors can query: those that the deployer fetches for every namespace.
//! Any other field does not exist for a selector.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonpath_ng::{Document, Shape};
use yaml11::{Kind, NodeRef};

use Shape::{Anything, List, Object, Scalar};

/// The document that selectors are evaluated on.
pub const SELECTOR_DOCUMENT: Shape = Object(&[("namespace", List(&NAMESPACE))]);

/// Fields of a namespace and of the datafiles it refers to.
pub(super) const NAMESPACE: Shape = Object(&[
    ("name", Scalar),
    ("labels", Anything),
    ("delete", Scalar),
    ("path", Scalar),
    ("skupperSite", Object(&[("delete", Scalar)])),
    ("environment", ENVIRONMENT),
    ("app", APP),
    ("cluster", CLUSTER),
]);

pub(super) const ENVIRONMENT: Shape = Object(&[
    ("name", Scalar),
    ("labels", Anything),
    ("parameters", Anything),
    ("secretParameters", SECRET_PARAMETERS),
]);

/// What environments, saas files, resource templates and targets have in common.
pub(super) const PARAMETERS: Shape =
    Object(&[("parameters", Anything), ("secretParameters", SECRET_PARAMETERS)]);

const SECRET_PARAMETERS: Shape = List(&Object(&[("name", Scalar), ("secret", SECRET)]));

pub(super) const APP: Shape = Object(&[
    ("name", Scalar),
    ("labels", Anything),
    ("parentApp", Object(&[("name", Scalar)])),
    ("selfServiceRoles", List(&Object(&[("name", Scalar)]))),
    ("serviceOwners", List(&Object(&[("name", Scalar), ("email", Scalar)]))),
    (
        "codeComponents",
        List(&Object(&[
            ("url", Scalar),
            ("blockedVersions", List(&Scalar)),
            ("hotfixVersions", List(&Scalar)),
        ])),
    ),
]);

pub(super) const CLUSTER: Shape = Object(&[
    ("name", Scalar),
    ("serverUrl", Scalar),
    ("internal", Scalar),
    ("insecureSkipTLSVerify", Scalar),
    ("labels", Anything),
    ("automationToken", SECRET),
    ("clusterAdminAutomationToken", SECRET),
    ("disable", Object(&[("integrations", List(&Scalar))])),
    ("spec", Object(&[("region", Scalar)])),
    ("externalConfiguration", Object(&[("labels", Anything)])),
]);

const SECRET: Shape =
    Object(&[("path", Scalar), ("field", Scalar), ("version", Scalar), ("format", Scalar)]);

/// Fields of an object; other objects may share them.
pub(super) type Fields = BTreeMap<String, Arc<Document>>;

/// The fields of a datafile that selectors can query.
pub(super) fn fields_of(root: NodeRef<'_>, shape: &Shape) -> Fields {
    match project_node(root, shape) {
        Some(Document::Object(fields)) => fields,
        _ => Fields::new(),
    }
}

/// The part of a node that has this shape. Null counts as absent, except inside a value of
/// any shape. An empty object stays.
fn project_node(node: NodeRef<'_>, shape: &Shape) -> Option<Document> {
    match (shape, node.kind()) {
        _ if node.is_null() => None,
        (Anything, _) | (Scalar, Kind::Scalar) => Some(Document::from(node.to_json())),
        (List(item), Kind::Sequence) => {
            Some(Document::List(node.items().filter_map(|node| project_node(node, item)).collect()))
        }
        (Object(fields), Kind::Mapping) => {
            let fields = fields.iter().filter_map(|(name, shape)| {
                Some(((*name).to_owned(), Arc::new(project_node(node.get(name)?, shape)?)))
            });
            Some(Document::Object(fields.collect()))
        }
        _ => None,
    }
}
