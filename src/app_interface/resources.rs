//! Apps, namespaces, clusters and SLO documents: what saas files refer to.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Person, RepoUrl};

/// An app (`/app-sre/app-1.yml`).
#[derive(Debug, Clone, Default)]
pub struct App {
    /// Path of the datafile.
    pub path: String,
    /// Name.
    pub name: String,
    /// Its code repositories, with blocked versions and versions that may bypass SLOs.
    pub code_components: Vec<CodeComponent>,
    /// Its owners, by email address.
    pub service_owners: Vec<Person>,
}

/// A code repository of an app.
#[derive(Debug, Clone)]
pub struct CodeComponent {
    /// Its index in the app's `codeComponents`.
    pub index: usize,
    /// Address as written; normalise it before comparing.
    pub url: RepoUrl,
    /// Commits that must not be promoted.
    pub blocked_versions: Vec<String>,
    /// The line of each blocked version in the app's datafile, from 1.
    pub blocked_lines: BTreeMap<String, u32>,
    /// Commits that are promoted although an SLO is breached.
    pub hotfix_versions: Vec<String>,
}

/// A cluster (`/openshift/cluster-1.yml`).
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Name.
    pub name: String,
    /// URL of its Prometheus.
    pub prometheus_url: Option<String>,
}

/// A namespace (`/openshift/namespace-1.yml`) with the datafiles it refers to.
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
    /// Path of its environment's datafile.
    pub environment_path: String,
}

/// An SLO document (`/app-sre/slo-document-1.yml`).
#[derive(Debug, Clone)]
pub struct SloDocument {
    /// Path of the datafile.
    pub path: String,
    /// Name.
    pub name: String,
    /// The namespaces that it covers.
    pub namespaces: Vec<SloNamespace>,
    /// Its SLOs.
    pub slos: Vec<Slo>,
}

/// An entry of an SLO document's `namespaces`; several may name one namespace.
#[derive(Debug, Clone)]
pub struct SloNamespace {
    /// Name of the namespace.
    pub namespace: String,
    /// Name of its cluster.
    pub cluster: String,
    /// The Prometheus to query: the document's `prometheusAccess.url` for this
    /// namespace, else the cluster's `prometheusUrl`.
    pub prometheus_url: Option<String>,
    /// Keys of the SLO values in a snapshot for this entry, one per SLO.
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
