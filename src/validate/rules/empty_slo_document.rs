//! Finds SLO documents that check nothing: the gate always passes.

use std::collections::BTreeSet;

use super::super::Repo;
use crate::domain::{Problem, ProblemCode};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    for (_, target) in repo.inventory.subscribers() {
        for document in target.slos.iter().flatten() {
            if !seen.insert(&document.path) {
                continue;
            }
            let missing = match (document.slos.is_empty(), document.namespaces.is_empty()) {
                (true, _) => "slos",
                (_, true) => "namespaces",
                _ => continue,
            };
            let message = format!(
                "SLO document {} has no {missing}: the SLO gate of {} checks nothing",
                document.name,
                target.label()
            );
            let problem = Problem::new(ProblemCode::EmptySloDocument, message);
            problems.push(problem.in_file(&document.path).at("name"));
        }
    }
}
