//! SLO documents: resolves `$ref`s, renders expressions and assigns a key to each query.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fields::FieldError;
use super::load::Loader;
use super::resource_reader::{RawSlo, RawSloDocument, RawSloNamespace};
use super::resources::{Slo, SloDocument, SloNamespace};
use super::template::Renderer;
use crate::domain::{Problem, ProblemCode, SloKeys};

/// Maximum queries per document (entries times SLOs).
const MAX_QUERIES: usize = 1_000;

/// The most that any target naming a document does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum User {
    Publisher,
    Subscriber,
}

impl Loader {
    /// Resolves the documents, and renders those that a target uses.
    pub(super) fn resolve_slo_documents(&mut self) {
        let users = self.users_of_slo_documents();
        let renderer = Renderer::new();
        let mut resolved = Vec::new();
        self.bundle.slo_document_paths = self.slo_documents.keys().cloned().collect();
        for (path, raw) in std::mem::take(&mut self.slo_documents) {
            let is_used = users.contains_key(&path);
            match self.resolve_slo_document(&renderer, &path, raw, is_used) {
                Ok(document) => resolved.extend(document),
                Err(problem) => {
                    let message = problem.message.clone();
                    self.bundle.slo_documents.insert(path.clone(), Err(message));
                    self.broken(&path, *problem);
                }
            }
        }
        // In path order, so that the same files always give the same keys. A document that no subscriber names is
        // never queried, so it must not take a key from others.
        resolved.sort_by_key(|document| users.get(&document.path) != Some(&User::Subscriber));
        let mut keys = SloKeys::default();
        for mut document in resolved {
            assign_keys(&mut document, &mut keys);
            self.bundle.slo_documents.insert(document.path.clone(), Ok(Arc::new(document)));
        }
    }

    /// The users of each document, by its path.
    fn users_of_slo_documents(&self) -> BTreeMap<String, User> {
        let templates = self.bundle.saas_files.iter().flat_map(|file| &file.resource_templates);
        let mut users = BTreeMap::new();
        for target in templates.flat_map(|template| &template.targets) {
            let Some(promotion) = target.promotion.as_ref().filter(|_| !target.removed) else {
                continue;
            };
            let user = if promotion.auto { User::Subscriber } else { User::Publisher };
            for path in &target.slos {
                let known = users.entry(path.clone()).or_insert(user);
                *known = user.max(*known);
            }
        }
        users
    }

    /// `None` for a document that no target uses: other programs may read it.
    fn resolve_slo_document(
        &self,
        renderer: &Renderer,
        path: &str,
        raw: RawSloDocument,
        is_used: bool,
    ) -> Result<Option<SloDocument>, Box<Problem>> {
        let namespaces = self.resolve_entries(path, &raw)?;
        if !is_used {
            return Ok(None);
        }
        check_size(path, &raw)?;
        let slos = render_all(renderer, raw.slos)
            .map_err(|error| error.into_problem(ProblemCode::InvalidSloExpression, path))?;
        Ok(Some(SloDocument { path: path.to_owned(), name: raw.name, namespaces, slos }))
    }

    fn resolve_entries(
        &self,
        path: &str,
        raw: &RawSloDocument,
    ) -> Result<Vec<SloNamespace>, Box<Problem>> {
        let resolve = |(index, entry): (usize, &RawSloNamespace)| {
            let Some(namespace) = self.bundle.namespaces.get(&entry.path) else {
                let at = format!("namespaces[{index}].namespace");
                let known = self.bundle.namespaces.keys();
                let problem = self.dangling(path, &at, &entry.path, known);
                return Err(Box::new(problem.at_line(entry.at.0, entry.at.1)));
            };
            Ok(SloNamespace {
                namespace: namespace.name.clone(),
                cluster: namespace.cluster.name.clone(),
                prometheus_url: entry
                    .prometheus_url
                    .clone()
                    .or_else(|| namespace.cluster.prometheus_url.clone()),
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
    let (line, column) = raw.namespaces_at;
    let problem = Problem::new(ProblemCode::BrokenDatafile, message).in_file(path);
    Err(Box::new(problem.at("namespaces").at_line(line, column)))
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
