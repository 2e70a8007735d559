//! A target: a declaration in one namespace.

use std::sync::Arc;

use super::keys::EditSiteKey;
use crate::app_interface::{App, FieldLines, Namespace, Promotion, SloDocument, SourceLocation};
use crate::domain::{GitRef, RepoUrl, TargetUid};
use yaml11::NodeId;

/// A target. It publishes, and subscribes if `promotion.auto` is set.
#[derive(Debug, Clone)]
pub struct Target {
    /// Digest of its identity.
    pub uid: TargetUid,
    /// The saas file's app.
    pub app: Arc<App>,
    /// Name of the saas file.
    pub saas_file: String,
    /// Path of the saas file.
    pub file: String,
    /// Path of the datafile that configures where its deployments run.
    pub pipelines_provider: Option<String>,
    /// Name of the resource template.
    pub resource_template: String,
    /// Its own name.
    pub name: Option<String>,
    /// The namespace it is deployed to.
    pub namespace: Arc<Namespace>,
    /// The code repository, as written.
    pub repo_url: RepoUrl,
    /// The ref that is deployed, or why there is none.
    pub git_ref: Result<GitRef, String>,
    /// Its promotion block.
    pub promotion: Promotion,
    /// Its SLO documents, or why one of them cannot be used.
    pub slos: Vec<Result<Arc<SloDocument>, String>>,
    /// Where it is declared and edited.
    pub declared_at: SourceLocation,
    /// Where the saas file names it.
    pub used_at: SourceLocation,
    /// The mapping node of the declaration in `declared_at.file`.
    pub node: NodeId,
    /// Lines of its fields in `declared_at.file`.
    pub lines: FieldLines,
    /// The key of its declaration.
    pub key: EditSiteKey,
    /// Keys that its declaration may have had before.
    pub former_keys: Vec<EditSiteKey>,
    /// Configuration errors.
    pub broken: Vec<String>,
}

impl Target {
    /// Does `sapm` promote it?
    pub fn is_subscriber(&self) -> bool {
        self.promotion.auto
    }

    /// The ref that is deployed; empty where there is none.
    pub fn current_ref(&self) -> &str {
        self.git_ref.as_ref().map_or("", GitRef::as_str)
    }

    /// `saas-file/resource-template[/name]/cluster/namespace`, the name in messages.
    pub fn label(&self) -> String {
        let name = self.name.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
        format!(
            "{}/{}{name}/{}/{}",
            self.saas_file,
            self.resource_template,
            self.namespace.cluster.name,
            self.namespace.name
        )
    }
}
