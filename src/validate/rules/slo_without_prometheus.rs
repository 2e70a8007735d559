//! Finds SLOs without a Prometheus to query: the gate blocks forever.

use std::collections::BTreeSet;

use super::super::Repo;
use crate::domain::{Problem, ProblemCode};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    for (_, target) in repo.inventory.subscribers() {
        for document in target.slos.iter().flatten() {
            if document.slos.is_empty() || !seen.insert(&document.path) {
                continue;
            }
            for (index, namespace) in document.namespaces.iter().enumerate() {
                if namespace.prometheus_url.is_some() {
                    continue;
                }
                let message = format!(
                    "SLO document {}: no Prometheus is known for namespace {} of cluster {}",
                    document.name, namespace.namespace, namespace.cluster
                );
                let place = &target.declared_at;
                problems.push(
                    Problem::new(ProblemCode::SloWithoutPrometheus, message)
                        .in_file(&document.path)
                        .at(format!("namespaces[{index}]"))
                        .related("it holds this target", &place.file, &place.path),
                );
            }
        }
    }
}
