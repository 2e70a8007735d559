//! Finds saas files with the same name: they share the identities of targets, and so their deployment records.

use std::collections::BTreeMap;

use super::super::Repo;
use crate::domain::{Problem, ProblemCode};

pub(super) fn find(repo: &Repo<'_>, problems: &mut Vec<Problem>) {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for file in &repo.bundle.saas_files {
        let earlier = *first.entry(&file.name).or_insert(&file.path);
        if earlier == file.path {
            continue;
        }
        let message = format!("the saas file {earlier} has the same name, {}", file.name);
        problems.push(
            Problem::new(ProblemCode::DuplicateSaasFile, message)
                .in_file(&file.path)
                .at("name")
                .related("the other one", earlier, "name"),
        );
    }
}
