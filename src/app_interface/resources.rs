//! Apps, namespaces, clusters and SLO documents: what saas files refer to.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::RepoUrl;

/// An app (`/app-sre/app-1.yml`).
#[derive(Debug, Clone, Default)]
pub struct App {
    /// Path of the datafile.
    pub path: String,
    /// Name.
    pub name: String,
    /// Its code repositories with versions that are blocked or may bypass SLOs.
    pub code_components: Vec<CodeComponent>,
}

/// A code repository of an app.
#[derive(Debug, Clone)]
pub struct CodeComponent {
    /// Its index in the app's `codeComponents`.
    pub index: usize,
    /// Address as it is spelled; compare normalised.
    pub url: RepoUrl,
    /// Commits that must not be promoted.
    pub blocked_versions: Vec<String>,
    /// The line of the app's datafile that each of them stands in, from 1.
    pub blocked_lines: BTreeMap<String, u32>,
    /// Commits that pass a breached SLO.
    pub hotfix_versions: Vec<String>,
}

/// A cluster (`/openshift/cluster-1.yml`).
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Name.
    pub name: String,
    /// Where its Prometheus answers.
    pub prometheus_url: Option<String>,
}

/// A namespace (`/openshift/namespace-1.yml`) with what it refers to.
#[derive(Debug, Clone)]
pub struct Namespace {
    /// Path of the datafile.
    pub path: String,
    /// Name.
    pub name: String,
    /// Its cluster.
    pub cluster: Arc<Cluster>,
    /// Name of its app.
    pub app: String,
    /// Name of its environment.
    pub environment: String,
}

/// An SLO document (`/app-sre/slo-document-1.yml`).
#[derive(Debug, Clone)]
pub struct SloDocument {
    /// Path of the datafile.
    pub path: String,
    /// Name.
    pub name: String,
    /// The namespaces that it is about.
    pub namespaces: Vec<SloNamespace>,
    /// Its SLOs.
    pub slos: Vec<Slo>,
}

/// An entry of an SLO document's `namespaces`; several may be about one namespace.
#[derive(Debug, Clone)]
pub struct SloNamespace {
    /// Name of the namespace.
    pub namespace: String,
    /// Name of its cluster.
    pub cluster: String,
    /// The Prometheus to ask: the document's `prometheusAccess.url` for this
    /// namespace, else the cluster's `prometheusUrl`.
    pub prometheus_url: Option<String>,
    /// What the values of the document's SLOs go by in a snapshot for this entry, one for each SLO.
    pub keys: Vec<String>,
}

/// A service level objective.
#[derive(Debug, Clone)]
pub struct Slo {
    /// Name.
    pub name: String,
    /// A value below this one is a breach (`SLOTarget`).
    pub target: f64,
    /// The Prometheus expression, rendered with `SLOParameters`.
    pub expression: String,
}
