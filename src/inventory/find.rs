//! Finds a target by the name that a user gives.

use std::collections::BTreeSet;

use super::build::Inventory;
use super::target::Target;
use super::targets::TargetIx;
use crate::domain::{likeness, likest};

/// What a name matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// This target (its index).
    One(TargetIx),
    /// Any of these, in inventory order.
    Several(Vec<TargetIx>),
    /// Nothing. These labels are similar, best first.
    Unknown(Vec<TargetIx>),
}

/// Does the name match the target with this label?
type Way<'a> = &'a dyn Fn(&Target, &str) -> bool;

/// Finds a target among `candidates` (indexes) in one of these ways, in this order:
///
/// 1. by its uid or the start of it (4 digits or more)
/// 2. by its label `saas-file/resource-template[/name]/cluster/namespace`
/// 3. by consecutive parts of the label
/// 4. by parts of the label in their order
/// 5. by any part of the label's text in any letter case
///
/// The first way that matches anything decides.
pub fn find(inventory: &Inventory, candidates: &BTreeSet<TargetIx>, wanted: &str) -> Found {
    find_in(inventory, candidates, wanted, false)
}

/// Like [`find`], but the name of an app stands for all its targets, unless it is a part of labels.
pub fn find_all(inventory: &Inventory, candidates: &BTreeSet<TargetIx>, wanted: &str) -> Found {
    find_in(inventory, candidates, wanted, true)
}

fn find_in(
    inventory: &Inventory,
    candidates: &BTreeSet<TargetIx>,
    wanted: &str,
    apps: bool,
) -> Found {
    let wanted = wanted.trim().trim_matches('/');
    let lower = wanted.to_lowercase();
    let parts: Vec<&str> = wanted.split('/').collect();
    let is_uid = wanted.len() >= 4 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    let side_by_side = format!("/{wanted}/");
    let ways: [Way<'_>; 6] = [
        &|target, label| target.uid.as_str() == lower || label == wanted,
        &|target, _| is_uid && target.uid.as_str().starts_with(&lower),
        &|_, label| format!("/{label}/").contains(&side_by_side),
        &|_, label| has_parts(label, &parts),
        &|target, _| apps && target.app.name.to_lowercase() == lower,
        &|_, label| label.to_lowercase().contains(&lower),
    ];
    for way in ways {
        let fits = |index: &TargetIx| {
            let target = &inventory.targets[*index];
            way(target, &target.label())
        };
        let found: Vec<TargetIx> = candidates.iter().copied().filter(fits).collect();
        match found.as_slice() {
            _ if wanted.is_empty() => break,
            [] => {}
            [one] => return Found::One(*one),
            _ => return Found::Several(found),
        }
    }
    Found::Unknown(find_similar(inventory, candidates, wanted))
}

/// Does the label have these whole parts, in this order?
fn has_parts(label: &str, parts: &[&str]) -> bool {
    let mut rest = label.split('/');
    parts.iter().all(|part| rest.any(|other| other == *part))
}

fn find_similar(
    inventory: &Inventory,
    candidates: &BTreeSet<TargetIx>,
    wanted: &str,
) -> Vec<TargetIx> {
    likest(candidates.iter().map(|&index| {
        let label = inventory.targets[index].label();
        let parts = label.split('/').chain([label.as_str()]);
        (parts.map(|part| likeness(part, wanted)).fold(0.0, f32::max), index)
    }))
}
