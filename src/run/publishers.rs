//! Finds the publishers whose deployments are reported.

use std::collections::BTreeSet;

use super::target_suggestions::{ambiguous, no_publisher};
use super::{ConfigRepo, RunError};
use crate::domain::UidDigest;
use crate::inventory::{Found, TargetIx, find};

/// The publishers with these names, as `explain` finds targets: each once, in the order of the names.
///
/// # Errors
/// When a name stands for none or for several.
pub fn find_publishers(
    repo: &ConfigRepo,
    digest: UidDigest,
    names: &[String],
) -> Result<Vec<TargetIx>, RunError> {
    let inventory = &repo.inventory;
    let all = inventory.targets.indexed();
    let publishers: BTreeSet<TargetIx> = all
        .filter(|(_, target)| !target.promotion.publish.is_empty())
        .map(|(index, _)| index)
        .collect();
    let mut found = Vec::new();
    for name in names {
        match find(inventory, &publishers, name) {
            Found::One(index) if found.contains(&index) => {}
            Found::One(index) => found.push(index),
            Found::Several(several) => return Err(ambiguous(inventory, name, &several)),
            Found::Unknown(alike) => {
                return Err(no_publisher(repo, digest, (name, &publishers), &alike));
            }
        }
    }
    Ok(found)
}
