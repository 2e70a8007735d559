//! SLO documents: `$ref`s followed, expressions rendered, a key for each query.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::fields::FieldError;
use super::load::Loader;
use super::resource_reader::{RawSlo, RawSloDocument};
use super::resources::{Slo, SloDocument, SloNamespace};
use super::template::Renderer;
use crate::domain::{Problem, SloKeys};

/// Queries of one document, entries times SLOs, at most.
const MAX_QUERIES: usize = 1_000;

impl Loader {
    /// Resolves the documents by path, so that the same files always give the same keys.
    pub(super) fn resolve_slo_documents(&mut self) {
        let used = self.used_slo_documents();
        let renderer = Renderer::new();
        let mut keys = SloKeys::default();
        for (path, raw) in std::mem::take(&mut self.slo_documents) {
            let document = self.resolve_entries(&path, &raw).and_then(|entries| {
                // One that no target uses may be meant for other readers.
                if !used.contains(&path) {
                    return Ok(None);
                }
                check_size(&path, &raw)?;
                let slos = render_all(&renderer, raw.slos);
                let slos =
                    slos.map_err(|error| error.into_problem("invalid_slo_expression", &path))?;
                let (path, name) = (path.clone(), raw.name);
                Ok(Some(SloDocument { path, name, namespaces: entries, slos }))
            });
            let document = match document {
                Ok(None) => continue,
                Ok(Some(mut document)) => {
                    assign_keys(&mut document, &mut keys);
                    Ok(Arc::new(document))
                }
                Err(problem) => {
                    let message = problem.message.clone();
                    self.broken(&path, *problem);
                    Err(message)
                }
            };
            self.bundle.slo_documents.insert(path, document);
        }
    }

    /// Paths of the documents that a publisher or a subscriber names.
    fn used_slo_documents(&self) -> BTreeSet<String> {
        let templates = self.bundle.saas_files.iter().flat_map(|file| &file.resource_templates);
        let targets = templates.flat_map(|template| &template.targets);
        let used = targets.filter(|target| !target.removed && target.promotion.is_some());
        used.flat_map(|target| target.slos.iter().cloned()).collect()
    }

    fn resolve_entries(
        &self,
        path: &str,
        raw: &RawSloDocument,
    ) -> Result<Vec<SloNamespace>, Box<Problem>> {
        let resolve = |(index, (namespace_path, url)): (usize, &(String, Option<String>))| {
            let Some(namespace) = self.bundle.namespaces.get(namespace_path) else {
                let at = format!("namespaces[{index}].namespace");
                return Err(Box::new(self.dangling(path, &at, namespace_path)));
            };
            Ok(SloNamespace {
                namespace: namespace.name.clone(),
                cluster: namespace.cluster.name.clone(),
                prometheus_url: url.clone().or_else(|| namespace.cluster.prometheus_url.clone()),
                keys: Vec::new(),
            })
        };
        raw.namespaces.iter().enumerate().map(resolve).collect()
    }
}

fn check_size(path: &str, raw: &RawSloDocument) -> Result<(), Box<Problem>> {
    let queries = raw.namespaces.len().saturating_mul(raw.slos.len());
    if queries <= MAX_QUERIES {
        return Ok(());
    }
    let message = format!(
        "it makes {queries} queries (namespaces times slos), more than {MAX_QUERIES}: split it"
    );
    Err(Box::new(Problem::error("broken_datafile", message).in_file(path).at("namespaces")))
}

fn render_all(renderer: &Renderer, slos: Vec<RawSlo>) -> Result<Vec<Slo>, FieldError> {
    let rendered = slos.into_iter().map(|slo| {
        let expression = renderer.render(&slo.expression, &slo.parameters).map_err(|reason| {
            let message = format!("the expression cannot be rendered: {reason}");
            FieldError { message, ..slo.unrendered }
        })?;
        Ok(Slo { name: slo.name, target: slo.target, expression })
    });
    rendered.collect()
}

fn assign_keys(document: &mut SloDocument, keys: &mut SloKeys) {
    for entry in &mut document.namespaces {
        let slos = document.slos.iter();
        let next_key =
            |slo: &Slo| keys.next_key(&document.name, &entry.cluster, &entry.namespace, &slo.name);
        entry.keys = slos.map(next_key).collect();
    }
}
