//! A target by what people call it.

use std::collections::BTreeSet;

use super::build::Inventory;
use super::target::Target;
use super::targets::TargetIx;
use crate::domain::{likeness, likest};

/// What a name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// This target: its index.
    One(TargetIx),
    /// Any of these, in inventory order.
    Several(Vec<TargetIx>),
    /// None; these are called alike, the likest first.
    Unknown(Vec<TargetIx>),
}

/// Is the target with this label meant?
type Way<'a> = &'a dyn Fn(&Target, &str) -> bool;

/// Finds a target among `candidates` (indexes): by its uid or the start of it (4 digits or more),
/// by its label `saas-file/resource-template[/name]/cluster/namespace`,
/// by whole parts of the label that stand side by side, by whole parts in their order, and at last
/// by any part of the text in any letter case. The first of these ways that finds something
/// decides.
pub fn find(inventory: &Inventory, candidates: &BTreeSet<TargetIx>, wanted: &str) -> Found {
    let wanted = wanted.trim().trim_matches('/');
    let lower = wanted.to_lowercase();
    let parts: Vec<&str> = wanted.split('/').collect();
    let is_uid = wanted.len() >= 4 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    let side_by_side = format!("/{wanted}/");
    let ways: [Way<'_>; 5] = [
        &|target, label| target.uid.as_str() == lower || label == wanted,
        &|target, _| is_uid && target.uid.as_str().starts_with(&lower),
        &|_, label| format!("/{label}/").contains(&side_by_side),
        &|_, label| has_parts(label, &parts),
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
    Found::Unknown(alike(inventory, candidates, wanted))
}

/// Are these whole parts of the label, in this order?
fn has_parts(label: &str, parts: &[&str]) -> bool {
    let mut rest = label.split('/');
    parts.iter().all(|part| rest.any(|other| other == *part))
}

fn alike(inventory: &Inventory, candidates: &BTreeSet<TargetIx>, wanted: &str) -> Vec<TargetIx> {
    likest(candidates.iter().map(|&index| {
        let label = inventory.targets[index].label();
        let parts = label.split('/').chain([label.as_str()]);
        (parts.map(|part| likeness(part, wanted)).fold(0.0, f32::max), index)
    }))
}
